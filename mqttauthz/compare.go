package mqttauthz

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// pattern compares pattern i of from, for the least principal of a.
func (c *comparison) pattern(ctx context.Context, i int, a atom) error {
	q := &question{c: c, i: i, atom: a, op: c.from.sources[i].op, parsed: c.from.parse(i)}
	q.base = c.from.principals.predicates[a].principal()
	q.free = q.freeTokens()
	decided, reason, err := q.decide(ctx)
	if err != nil {
		return err
	}
	if !decided {
		c.undecided = append(c.undecided, Undecided{
			Place: c.from.place(i), Operation: q.op, Principal: q.base, Reason: reason,
		})
	}
	return nil
}

// question is whether from allows, by one pattern and for the least principal
// of one atom, what to denies.
type question struct {
	c      *comparison
	i      int
	atom   atom
	op     Operation
	parsed parsed
	base   Principal
	free   []string // tokens of the pattern whose values the atom does not say

	others []*parsed // patterns of to for the least principal
	named  []string  // of OpConnect: client IDs that have the right by name
}

// freeTokens returns the tokens of the pattern that base has no value for.
func (q *question) freeTokens() []string {
	var free []string
	fixed := q.c.from.pinned(q.atom)
	for _, s := range q.parsed.tokens() {
		// A client that connects has the client ID it asks for.
		if _, ok := fixed[s]; !ok && (s != clientIDSlot || q.op != OpConnect) {
			free = append(free, q.c.from.tokenName(s))
		}
	}
	return free
}

// decide finds a witness, or proves that there is none; else it says why not.
func (q *question) decide(ctx context.Context) (decided bool, reason string, err error) {
	if q.op == OpConnect && q.base.ClientID != "" {
		return q.decideOneID()
	}
	// Most of what is new is denied at the first try.
	for _, value := range []string{"x", "xx", "-"} {
		if q.tryExample(q.freshValues(value)) {
			return true, "", nil
		}
		if len(q.free) == 0 {
			break
		}
	}
	if !q.gather() {
		return false, reasonNames, nil
	}
	if len(q.free) == 0 {
		return q.exact(ctx, q.known(q.c.from, nil), q.known(q.c.to, nil))
	}
	return q.tokens(ctx)
}

// freshValues gives every free token a value made of word that no principal of
// either policy names.
func (q *question) freshValues(word string) map[string]string {
	fresh := make(map[string]string)
	for n, token := range q.free {
		fresh[token] = fmt.Sprintf("%s%d", word, n+1)
		if word == "-" {
			fresh[token] = strings.Repeat("-", n+1)
		}
	}
	return fresh
}

// with returns base with values for tokens.
func (q *question) with(values map[string]string) Principal {
	who := q.base
	who.Attributes = maps.Clone(q.base.Attributes)
	for token, value := range values {
		switch token {
		case tokenClientID:
			who.ClientID = value
		case tokenUsername:
			who.Username = value
		default:
			if who.Attributes == nil {
				who.Attributes = make(map[string]string)
			}
			name := strings.TrimSuffix(strings.TrimPrefix(token, tokenAttributes), "}")
			who.Attributes[name] = value
		}
	}
	if who.ClientID == "" {
		who.ClientID = q.c.clientID
	}
	return who
}

// witness reports a request, if it is one.
func (q *question) witness(who Principal, text string) bool {
	if q.op == OpConnect {
		who.ClientID = text
	}
	if who.ClientID == "" || !q.c.from.Grants(who).ask(q.op, text).Allowed() || q.c.to.Grants(who).ask(q.op, text).Allowed() {
		return false
	}
	q.c.changes = append(q.c.changes, Change{
		Place: q.c.from.place(q.i), Operation: q.op, Principal: who, Text: text,
	})
	return true
}

// known assigns what base and values say to the tokens of p.
func (q *question) known(p *Policy, values map[string]string) assignment {
	fixed := q.c.from.pinned(q.atom)
	texts := make(map[string]string, len(fixed))
	for s, text := range fixed {
		texts[q.c.from.tokenName(s)] = text
	}
	for name, value := range q.base.Attributes {
		texts[tokenAttributes+name+"}"] = value
	}
	maps.Copy(texts, values)
	return func(s slot) tokenValue {
		text, ok := texts[p.tokenName(s)]
		if v := newValue(s, text); !ok || v.uses&q.op.use() == 0 {
			return tokenValue{}
		}
		return tokenValue{text: text, how: knownValue}
	}
}

// unknown assigns how to the free tokens, and what base says to the others.
func (q *question) unknown(p *Policy, how valueKind) assignment {
	known := q.known(p, nil)
	return func(s slot) tokenValue {
		if i := slices.Index(q.free, p.tokenName(s)); i >= 0 {
			return tokenValue{how: how, ident: i}
		}
		return known(s)
	}
}

// gather finds the patterns of to for the least principal. It returns false if
// there are too many client IDs to be told apart.
func (q *question) gather() bool {
	c := q.c
	for _, a := range c.to.principals.appendAtoms(nil, q.base) {
		for _, i := range c.byAtom[a] {
			if c.to.sources[i].op != q.op {
				continue
			}
			if c.parsed[i] == nil {
				r := c.to.parse(i)
				c.parsed[i] = &r
			}
			if q.parsed.apart(c.parsed[i]) {
				continue
			}
			q.others = append(q.others, c.parsed[i])
		}
	}
	if q.op != OpConnect {
		return true
	}
	for id := range c.to.principals.clientIDs {
		if _, ok, known := bind(&q.parsed, id, map[slot]string{clientIDSlot: id}); known && !ok {
			continue
		}
		who := q.base
		who.ClientID = id
		if c.to.Grants(who).Connect().Allowed() {
			q.named = append(q.named, id)
		}
	}
	slices.Sort(q.named)
	return len(q.named) <= maxNamed
}

// maxNamed is the greatest number of client IDs that are told apart one by one
// in a comparison.
const maxNamed = 1000

// decideOneID decides for a principal that is one client ID, which is all that
// it can connect with: by trying all values of the tokens.
func (q *question) decideOneID() (decided bool, reason string, err error) {
	id, from := q.base.ClientID, q.c.from
	known := bindAll(&q.parsed, id, from.pinned(q.atom), func(bound map[slot]string) bool {
		values := make(map[string]string)
		for s, text := range bound {
			values[from.tokenName(s)] = text
		}
		decided = q.witness(q.with(values), id)
		return decided
	})
	return known || decided, reasonWitness, nil
}

// automaton builds the automaton of r, a pattern of either policy.
func (q *question) automaton(r *parsed, assign assignment) *automaton {
	if q.op != OpConnect || !slices.Contains(r.tokens(), clientIDSlot) {
		return r.automaton(assign)
	}
	// The client ID is the whole text: nothing but stars fits beside it.
	a, ids := new(automaton), 0
	for _, e := range r.glob.elements() {
		a.never = a.never || e.kind != star && e.kind != token || e.kind == token && e.slot != clientIDSlot
		if e.kind == token {
			ids++
		}
	}
	a.never = a.never || ids != 1
	a.steps = []autoStep{{kind: valueInKey}, {kind: valueInKey, loop: true}}
	return a
}

// reserved are the topics of the broker: no policy allows them (AUTHZ-16).
var reserved = struct{ store, request string }{
	strings.TrimSuffix(topic.StateStoreRequest, "/command/invoke"), topic.StateStoreRequest,
}

// search sets up the comparison of the pattern with all of to's.
func (q *question) search(from, to assignment) *wordSearch {
	s := &wordSearch{
		words: q.op.words(), limit: q.c.opt.MaxStates,
		want: []*automaton{q.automaton(&q.parsed, from)},
	}
	below := func(root string) *automaton {
		a := &automaton{topics: true, dollar: true, tail: true}
		a.literal(root)
		return a
	}
	switch q.op {
	case OpPublish:
		s.avoid = []*automaton{below(reserved.store), below("$share"), below("$SYS"), below("clients/" + reserved.store)}
		s.except = topicAutomaton([]level{{kind: literalLevel, text: reserved.request}}, to)
	case OpSubscribe:
		s.avoid = []*automaton{below("$share")} // no filter proper
	default:
	}
	for _, r := range q.others {
		s.avoid = append(s.avoid, q.automaton(r, to))
	}
	for _, id := range q.named {
		s.avoid = append(s.avoid, textAutomaton(id))
	}
	return s
}

// exact decides for given values of all tokens.
func (q *question) exact(ctx context.Context, from, to assignment) (decided bool, reason string, err error) {
	word, found, err := q.search(from, to).find(ctx)
	if errors.Is(err, errTooMany) {
		return false, reasonStates, nil
	}
	if err != nil || !found {
		return err == nil, "", err
	}
	// The witness needs a client ID, which must not give it more. One with a
	// slash fits no token.
	text := spell(word)
	if q.witness(q.with(nil), text) || q.base.ClientID == "" && q.witness(q.with(map[string]string{tokenClientID: q.c.clientID + "/1"}), text) {
		return true, "", nil
	}
	return false, reasonWitness, nil
}

const (
	reasonStates  = "the comparison needs more states than the limit"
	reasonNames   = "the other policy names too many client IDs that match"
	reasonWitness = "tokens beside wildcards: no proof and no witness was found"
)

// tokens decides for a pattern with free tokens: by a proof for all values, or
// by values for which there is a witness.
func (q *question) tokens(ctx context.Context) (decided bool, reason string, err error) {
	reason = reasonWitness
	// One value that takes part as a whole, of which nothing is known.
	_, found, err := q.search(q.unknown(q.c.from, someValue), q.unknown(q.c.to, everyValue)).find(ctx)
	if err == nil && !found {
		return true, "", nil
	}
	if errors.Is(err, errTooMany) {
		reason = reasonStates
	} else if err != nil {
		return false, "", err
	}
	// More words than any value gives, against patterns without these tokens.
	word, found, err := q.search(q.unknown(q.c.from, anyValue), q.unknown(q.c.to, noValue)).find(ctx)
	if err == nil && !found {
		return true, "", nil
	}
	if errors.Is(err, errTooMany) {
		reason = reasonStates
	} else if err != nil {
		return false, "", err
	}
	if found && q.tryWord(ctx, spell(word)) {
		return true, "", nil
	}
	for _, value := range q.candidates() {
		if q.tryValues(ctx, q.freshValues(value)) {
			return true, "", nil
		}
	}
	return false, reason, ctx.Err()
}

// maxCandidates is the number of values that are tried without knowing that one
// of them makes a difference.
const maxCandidates = 64

// candidates returns values that the patterns may tell apart: each begins with
// a symbol that one of them knows.
func (q *question) candidates() []string {
	values := []string{"a", "aa", "-", "---", strings.Repeat("z", maxInnerValue+1)}
	s := q.search(q.unknown(q.c.from, anyValue), q.unknown(q.c.to, anyValue))
	for _, c := range s.letters() {
		if len(values) == maxCandidates {
			break
		}
		values = append(values, spell([]symbol{c}))
	}
	return values
}

// tryWord looks for a witness with the values that match word.
func (q *question) tryWord(ctx context.Context, word string) bool {
	fixed := q.c.from.pinned(q.atom)
	if q.op == OpConnect {
		fixed[clientIDSlot] = word
	}
	bound, ok, _ := bind(&q.parsed, word, fixed)
	if !ok {
		return false
	}
	values := make(map[string]string)
	for s, text := range bound {
		if name := q.c.from.tokenName(s); slices.Contains(q.free, name) {
			values[name] = text
		}
	}
	return q.witness(q.with(values), word) || q.tryValues(ctx, values)
}

// tryValues looks for a witness with these values.
func (q *question) tryValues(ctx context.Context, values map[string]string) bool {
	s := q.search(q.known(q.c.from, values), q.known(q.c.to, values))
	word, found, err := s.find(ctx)
	return err == nil && found && q.witness(q.with(values), spell(word))
}

// tryExample looks for a witness with these values in one word of the pattern.
func (q *question) tryExample(values map[string]string) bool {
	word, ok := q.automaton(&q.parsed, q.known(q.c.from, values)).example()
	return ok && q.witness(q.with(values), spell(word))
}
