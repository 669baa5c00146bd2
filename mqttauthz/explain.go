package mqttauthz

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mqttwarden/mqttwarden/internal/peertext"
	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// Explanation is the whole story of one request (AUTHZ-15). All text of the
// client in it is escaped and cut as OPS-1 says, so that it may be shown.
type Explanation struct {
	Operation Operation `json:"operation"`
	Text      string    `json:"text"`
	Principal Principal `json:"principal"`

	// Decision is what Grants answers to the request; Allowed and Reason are
	// the same for JSON.
	Decision Decision `json:"-"`
	Allowed  bool     `json:"allowed"`
	Reason   string   `json:"reason"`

	Tokens []TokenTrial `json:"tokens,omitempty"` // of the patterns tried
	Rules  []RuleTrial  `json:"rules,omitempty"`  // those about this principal
	Others int          `json:"others"`           // number of rules that are not

	// Advice says, for a denied request, what would have to change.
	Advice []string `json:"advice,omitempty"`
}

// TokenTrial is a token with the principal's value for it.
type TokenTrial struct {
	Token   string `json:"token"` // as it is written, but escaped
	Value   string `json:"value"`
	Problem string `json:"problem,omitempty"` // why the value cannot be used
}

// RuleTrial is a rule that is about the principal.
type RuleTrial struct {
	Rule     int            `json:"rule"`
	Because  []string       `json:"because"`            // what is true for the principal
	Patterns []PatternTrial `json:"patterns,omitempty"` // those for the operation
}

// PatternTrial is a pattern that was compared with the request.
type PatternTrial struct {
	Place

	Matches bool   `json:"matches"`
	Because string `json:"because"`
}

// Explain decides a request and says why. The text of OpConnect is ignored: a
// client connects with its own client ID. Explain compares every pattern of the
// rules about this principal, so it is for operators, not for every packet.
func (p *Policy) Explain(who Principal, op Operation, text string) Explanation {
	if op == OpConnect {
		text = who.ClientID
	}
	d := p.Grants(who).ask(op, text)
	e := Explanation{
		Operation: op, Text: peertext.Clean(text), Principal: shown(who),
		Decision: d, Allowed: d.Allowed(), Reason: d.String(),
	}
	word, nobody := canonical(op, text)
	if nobody != "" {
		e.Advice = []string{"no policy can allow this: " + nobody}
		return e
	}
	if p == nil || p.all {
		return e
	}
	t := trial{policy: p, who: who, op: op, word: word, values: p.appendValues(nil, who)}
	t.spelled = op == OpSubscribe && !strings.HasSuffix(text, word)
	e.Rules = t.rules()
	e.Others = max(0, len(p.atomStarts)-1) - len(e.Rules)
	e.Tokens = t.tokens()
	if !e.Allowed {
		e.Advice = t.advice(text)
	}
	return e
}

// shown returns who as it may be shown.
func shown(who Principal) Principal {
	clean := Principal{ClientID: peertext.Clean(who.ClientID), Username: peertext.Clean(who.Username)}
	if who.Attributes != nil {
		clean.Attributes = make(map[string]string, len(who.Attributes))
	}
	for name, value := range who.Attributes {
		clean.Attributes[peertext.Clean(name)] = peertext.Clean(value)
	}
	return clean
}

// trial goes through the patterns for one request.
type trial struct {
	policy *Policy
	who    Principal
	op     Operation
	word   string
	values values

	spelled bool  // the first wildcard of word stands for a #
	tried   []int // patterns
}

// rules tries the patterns of the rules that apply.
func (t *trial) rules() []RuleTrial {
	p := t.policy
	applies := p.applying(t.who)
	patterns := make(map[int][]PatternTrial)
	for i := range p.sources {
		rule := int(p.sources[i].rule)
		if p.sources[i].op != t.op || len(applies[rule]) == 0 {
			continue
		}
		t.tried = append(t.tried, i)
		r := p.parse(i)
		m := PatternTrial{Place: p.place(i)}
		m.Matches, m.Because = t.compare(&r)
		patterns[rule] = append(patterns[rule], m)
	}
	var rules []RuleTrial
	for _, rule := range slices.Sorted(maps.Keys(applies)) {
		r := RuleTrial{Rule: rule, Patterns: patterns[rule]}
		for _, a := range applies[rule] {
			r.Because = append(r.Because, describe(p.principals.predicates[a].principal(), quote))
		}
		rules = append(rules, r)
	}
	return rules
}

// tokens returns the tokens of the patterns tried.
func (t *trial) tokens() []TokenTrial {
	var all []slot
	for _, i := range t.tried {
		if !strings.Contains(t.policy.patterns[i], "{") {
			continue
		}
		r := t.policy.parse(i)
		for _, s := range r.tokens() {
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	slices.Sort(all)
	var tokens []TokenTrial
	for _, s := range all {
		tokens = append(tokens, TokenTrial{
			Token: t.policy.shownToken(s), Value: peertext.Clean(t.policy.tokenText(s, t.who)),
			Problem: t.policy.problem(s, t.who, t.op.use()),
		})
	}
	return tokens
}

// tokenText returns the principal's text for a token, "" if there is none.
func (p *Policy) tokenText(s slot, who Principal) string {
	switch s {
	case clientIDSlot:
		return who.ClientID
	case usernameSlot:
		return who.Username
	default:
		return who.Attributes[p.attributeName(s)]
	}
}

// compare compares a pattern with the request.
func (t *trial) compare(r *parsed) (matches bool, because string) {
	if missing := t.policy.missing(r, t.who, t.values); missing != "" {
		return false, missing
	}
	switch r.form {
	case anyForm:
		return true, "any client ID may connect"
	case textForm, binaryForm:
		if r.text != t.word {
			return false, "another text"
		}
		return true, "the same text"
	case globForm:
		if r.glob == nil || !r.glob.match(t.word, t.values, inKeys) {
			return false, "does not match the text"
		}
		return true, "matches the text"
	default:
		return t.compareTopic(r)
	}
}

func (t *trial) compareTopic(r *parsed) (matches bool, because string) {
	fits := "matches the topic"
	if t.op == OpSubscribe {
		fits = "matches every topic of the filter"
	}
	if strings.HasPrefix(t.word, "$") && !r.writesDollar() {
		return false, "a topic that begins with $ is matched only by a written $"
	}
	if t.word == "+" && isLone(r.levels) && r.levels[0].kind == globLevel && r.levels[0].glob.takesSome() {
		return true, fits
	}
	rest, more := t.word, true
	for i := range r.levels {
		l := &r.levels[i]
		if l.kind == hashLevel {
			return true, fits
		}
		if !more {
			return false, fmt.Sprintf("ends before level %d, where the pattern has %s", i+1, quote(l.text))
		}
		var part string
		part, rest, more = topic.Next(rest)
		if why := t.compareLevel(l, part); why != "" {
			return false, fmt.Sprintf("level %d: %s", i+1, why)
		}
	}
	if more {
		return false, fmt.Sprintf("goes on behind level %d, where the pattern ends", len(r.levels))
	}
	return true, fits
}

// compareLevel says why l does not take part, "" if it does.
func (t *trial) compareLevel(l *level, part string) string {
	if part == "#" || part == "+" && l.kind != plusLevel {
		if t.spelled {
			part = "#"
		}
		return fmt.Sprintf("the %s of the filter matches more than %s", part, quote(l.text))
	}
	switch l.kind {
	case plusLevel:
		return ""
	case literalLevel:
		if part == l.text {
			return ""
		}
		return fmt.Sprintf("%s is not %s", quote(part), quote(l.text))
	case tokenLevel:
		if v := t.values.find(l.slot, inTopics); v == nil || v.text != part {
			return fmt.Sprintf("%s is not the client's own value of %s", quote(part), t.policy.shownToken(l.slot))
		}
		return ""
	default:
		if l.glob == nil || !l.glob.match(part, t.values, inTopics) {
			return fmt.Sprintf("%s does not match %s", quote(part), quote(l.text))
		}
		return ""
	}
}
