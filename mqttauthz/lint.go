package mqttauthz

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// Verifier says what one authentication method of the chain in front of a
// policy establishes about a client.
type Verifier struct {
	Name     string // as messages should call the method
	Username bool   // it verifies usernames (AUTHZ-3)
	ClientID bool   // it accepts a client ID only from the identity it belongs to
}

// LintOptions says what Lint knows beside the rules.
type LintOptions struct {
	// Methods is the chain of authentication methods. Empty: it is not known,
	// so that nothing is said about usernames, and client IDs count as chosen by
	// the client.
	Methods []Verifier
}

// Finding is something in the rules that is legal and probably not meant.
type Finding struct {
	// Code names the kind of finding; it stays the same over versions:
	//
	//	error                  the rules do not compile
	//	no-rules               everything is denied (S-02)
	//	no-connect             nobody can connect
	//	empty-principals       the rule is about nobody (AUTHZ-2)
	//	username-unverified    no method verifies usernames (AUTHZ-3)
	//	username-ambiguous     several methods do (AUTHZ-3)
	//	client-id-principal    anybody may claim the client ID
	//	client-id-sandbox      anybody may claim the client ID in the token
	//	never-matches          no request matches the pattern
	//	shadowed               another pattern allows the same to the same clients
	//	token-beside           a token next to a wildcard or token (AUTHZ-6)
	//	not-portable           other brokers would not take the pattern (AUTHZ-5)
	//	star                   * where + or # was probably meant
	//	topic-wildcard         + or # where it is an ordinary character
	//	obsolete-request-topic the state store has another topic (STORE-1)
	Code string `json:"code"`

	Rule    int    `json:"rule"`  // -1: the whole policy
	Field   string `json:"field"` // within the rule, such as "brokerResources[1].topics[0]"
	Message string `json:"message"`

	// Witness is an example of what the message says, "" if there is none.
	Witness string `json:"witness,omitempty"`
}

// String returns the finding in one line.
func (f Finding) String() string {
	where := "policy"
	if f.Rule >= 0 {
		where = fmt.Sprintf("rules[%d].%s", f.Rule, f.Field)
	}
	if f.Witness == "" {
		return fmt.Sprintf("%s: %s (%s)", where, f.Message, f.Code)
	}
	return fmt.Sprintf("%s: %s; for example %s (%s)", where, f.Message, f.Witness, f.Code)
}

// Lint returns what is questionable about rules, in their order. None of it is
// an error but for the code "error": a rule that Lint finds fault with does
// exactly what it says. Lint compares patterns of equal principals with one
// another; where a rule has hundreds of them, only with the nearest ones.
func Lint(rules []Rule, opt LintOptions) []Finding {
	l := &linter{rules: rules, opt: opt, said: make(map[[2]string]bool)}
	p, err := Compile(rules)
	if err != nil {
		l.compileErrors(err)
		return l.findings
	}
	l.policy, l.parsed = p, make([]*parsed, len(p.sources))
	l.wholePolicy()
	l.principals()
	for i := range p.sources {
		l.pattern(i, l.parse(i))
	}
	l.shadowed()
	l.sandboxes()
	slices.SortStableFunc(l.findings, func(a, b Finding) int { return cmp.Compare(a.Rule, b.Rule) })
	return l.findings
}

// linter collects findings.
type linter struct {
	rules    []Rule
	opt      LintOptions
	policy   *Policy
	parsed   []*parsed // patterns of policy, as needed
	findings []Finding
	said     map[[2]string]bool // code and place
}

// say adds a finding, once for its code and place.
func (l *linter) say(code string, rule int, field, witness, message string) {
	key := [2]string{code, fmt.Sprintf("%d.%s", rule, field)}
	if l.said[key] {
		return
	}
	l.said[key] = true
	l.findings = append(l.findings, Finding{code, rule, field, message, witness})
}

// about is say for pattern i.
func (l *linter) about(code string, i int, witness, message string) {
	src := l.policy.sources[i]
	l.say(code, int(src.rule), src.field(), witness, message)
}

// parse returns pattern i.
func (l *linter) parse(i int) *parsed {
	if l.parsed[i] == nil {
		r := l.policy.parse(i)
		l.parsed[i] = &r
	}
	return l.parsed[i]
}

// compileErrors reports what Compile says.
func (l *linter) compileErrors(err error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		l.say("error", -1, "", "", err.Error())
		return
	}
	for _, e := range joined.Unwrap() {
		var re *RuleError
		if errors.As(e, &re) {
			l.findings = append(l.findings, Finding{Code: "error", Rule: re.Rule, Field: re.Field, Message: re.Err.Error()})
		}
	}
}

func (l *linter) wholePolicy() {
	if len(l.rules) == 0 {
		l.say("no-rules", -1, "", "", "there are no rules: everything is denied")
		return
	}
	connects := func(s source) bool { return s.op == OpConnect && len(l.policy.atomsOf(int(s.rule))) > 0 }
	if !slices.ContainsFunc(l.policy.sources, connects) {
		l.say("no-connect", -1, "", "", "no rule has the method Connect: no client can connect")
	}
}

// principals looks at whom the rules are about.
func (l *linter) principals() {
	users := l.usernameMethods()
	for i := range l.rules {
		who := &l.rules[i].Principals
		if len(who.ClientIDs)+len(who.Usernames)+len(who.Attributes) == 0 {
			l.say("empty-principals", i, "principals", "", "the rule is about nobody; name clientIds, usernames or attributes")
		}
		for j := range who.Usernames {
			l.username(i, fmt.Sprintf("principals.usernames[%d]", j), users)
		}
		for j, id := range who.ClientIDs {
			l.clientID(i, fmt.Sprintf("principals.clientIds[%d]", j), id)
		}
	}
}

// usernameMethods returns the names of the methods that verify usernames.
func (l *linter) usernameMethods() []string {
	var names []string
	for _, m := range l.opt.Methods {
		if m.Username {
			names = append(names, m.Name)
		}
	}
	return names
}

// username judges a place that needs the verified username.
func (l *linter) username(rule int, field string, methods []string) {
	if len(l.opt.Methods) == 0 {
		return
	}
	switch len(methods) {
	case 0:
		l.say("username-unverified", rule, field, "", "no authentication method of the chain verifies usernames, so it matches nobody")
	case 1:
	default:
		l.say("username-ambiguous", rule, field, "", "several authentication methods verify usernames ("+
			strings.Join(methods, ", ")+"), which may mean different clients by the same name")
	}
}

// clientIDsVerified reports whether every method binds client IDs.
func (l *linter) clientIDsVerified() bool {
	return len(l.opt.Methods) > 0 && !slices.ContainsFunc(l.opt.Methods, func(m Verifier) bool { return !m.ClientID })
}

// clientID judges a client ID that is a principal: who may connect with it?
func (l *linter) clientID(rule int, field, id string) {
	if l.clientIDsVerified() {
		return
	}
	if who, ok := l.claimant(id); ok {
		l.say("client-id-principal", rule, field, who,
			"nothing binds the client ID "+quote(id)+" to an identity: whoever is let in may connect with it")
	}
}

// claimant returns who may connect with a client ID that nothing binds to them.
func (l *linter) claimant(id string) (who string, ok bool) {
	p := l.policy
	vs := p.appendValues(nil, Principal{ClientID: id})
	leaves := []uint32{p.connect.any, p.connect.exact[id]}
	for i := 0; ; i++ {
		group, ok := p.connect.globs.group(id, i)
		if !ok {
			break
		}
		for _, c := range group {
			if c.glob.match(id, vs, inKeys) {
				leaves = append(leaves, c.target)
			}
		}
	}
	for _, leaf := range leaves {
		for _, e := range p.entries[p.starts[leaf]:p.starts[leaf+1]] {
			other := p.principals.predicates[e.atom].clientID
			if other != "" && other != id || l.binds(int(e.pattern)) {
				continue
			}
			who := p.least(e.atom, map[slot]string{clientIDSlot: id})
			return Holder{p.place(int(e.pattern)), who}.String(), true
		}
	}
	return "", false
}

// binds reports whether pattern i of Connect ties the client ID to who the
// client is: by a verified name or attribute in the client ID, or by naming the
// client IDs of a rule that is not itself about client IDs.
func (l *linter) binds(i int) bool {
	r := l.parse(i)
	if slices.ContainsFunc(r.tokens(), func(s slot) bool { return s != clientIDSlot }) {
		return true
	}
	return r.form == globForm && !slices.ContainsFunc(r.glob.elements(), func(e element) bool { return e.kind != literal }) &&
		len(l.rules[l.policy.sources[i].rule].Principals.ClientIDs) == 0
}

// sandboxes looks at tokens that take the client ID.
func (l *linter) sandboxes() {
	if l.clientIDsVerified() {
		return
	}
	open := slices.IndexFunc(l.policy.sources, func(s source) bool { return s.op == OpConnect })
	for ; open >= 0 && open < len(l.policy.sources); open++ {
		src := l.policy.sources[open]
		if src.op == OpConnect && !l.binds(open) && len(l.policy.atomsOf(int(src.rule))) > 0 {
			break
		}
	}
	if open < 0 || open == len(l.policy.sources) {
		return
	}
	for i := range l.policy.sources {
		if l.policy.sources[i].op != OpConnect && strings.Contains(l.policy.patterns[i], tokenClientID) && l.policy.sources[i].form <= globForm {
			l.about("client-id-sandbox", i, l.policy.place(open).String()+" lets clients choose theirs",
				tokenClientID+" keeps clients apart only if nothing lets one connect with the client ID of another")
		}
	}
}

// obsoleteRequests are topics of the state store that documents once named.
var obsoleteRequests = []string{
	strings.Replace(topic.StateStoreRequest, "/v1/", "/", 1),
	"$services/statestore/_any_/command/invoke/request",
}
