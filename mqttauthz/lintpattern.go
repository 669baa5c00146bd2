package mqttauthz

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// pattern judges pattern i by itself.
func (l *linter) pattern(i int, r *parsed) {
	if l.policy.sources[i].op.isTopic() {
		l.topic(i, r)
	} else if r.hasTopicWildcard() {
		l.about("topic-wildcard", i, "", "+ and # are ordinary characters here; write * for any text")
	}
	if slices.Contains(r.tokens(), usernameSlot) {
		src := l.policy.sources[i]
		l.username(int(src.rule), src.field(), l.usernameMethods())
	}
	if l.neverMatches(r, i) {
		l.about("never-matches", i, "", "no request can match this pattern")
		return
	}
	for _, part := range r.parts() {
		l.tokenBeside(i, r, part)
	}
}

// hasTopicWildcard reports whether a + or # is written in a glob.
func (r *parsed) hasTopicWildcard() bool {
	return r.form == globForm && slices.ContainsFunc(r.parts(), func(part []element) bool {
		return slices.ContainsFunc(part, func(e element) bool { return e.kind == literal && strings.ContainsAny(e.text, "+#") })
	})
}

// topic judges a topic pattern.
func (l *linter) topic(i int, r *parsed) {
	for j := range r.levels {
		level := &r.levels[j]
		switch {
		case level.kind == plusLevel && level.text != "+":
			l.about("star", i, "", starMessage(j, r.levels))
		case level.kind == globLevel && strings.Contains(level.text, "**"):
			l.about("star", i, "", "** is the same as *: it stays within one level; write # for all levels below")
		case level.kind == globLevel:
			l.about("not-portable", i, "", fmt.Sprintf("level %d, %s, is a glob or a token beside other text: "+
				"most brokers know only + and # and tokens that fill a level", j+1, quote(level.text)))
		}
	}
	if l.policy.sources[i].op != OpPublish {
		return
	}
	a := r.automaton(func(slot) tokenValue { return tokenValue{how: anyValue} })
	for _, old := range obsoleteRequests {
		if match(a, old) && !match(a, topic.StateStoreRequest) {
			l.about("obsolete-request-topic", i, quote(old), "this topic of the state store is obsolete; write "+topic.StateStoreRequest)
		}
	}
}

func starMessage(j int, levels []level) string {
	if j == len(levels)-1 {
		return fmt.Sprintf("%s is exactly one level, as + is; write + if that is meant, # for everything below", levels[j].text)
	}
	return fmt.Sprintf("%s is exactly one level, as + is; write +", levels[j].text)
}

// neverMatches reports whether no request of any client of the rule matches.
func (l *linter) neverMatches(r *parsed, i int) bool {
	rule := int(l.policy.sources[i].rule)
	return !slices.ContainsFunc(l.policy.atomsOf(rule), func(a atom) bool { return l.canMatch(r, i, a) }) &&
		len(l.policy.atomsOf(rule)) > 0
}

// canMatch reports whether some request of a client for which a holds matches.
func (l *linter) canMatch(r *parsed, i int, a atom) bool {
	c := &comparison{from: l.policy, to: new(Policy), opt: DiffOptions{MaxStates: defaultStates}}
	q := &question{c: c, i: i, atom: a, op: r.op, parsed: *r, base: l.policy.principals.predicates[a].principal()}
	q.free = q.freeTokens()
	if r.op == OpConnect && q.base.ClientID != "" {
		_, ok, known := bind(r, q.base.ClientID, l.policy.pinned(a))
		return ok || !known
	}
	word, ok := q.automaton(r, q.unknown(l.policy, anyValue)).example()
	if text := spell(word); ok && !strings.HasPrefix(text, "$share") && (r.op != OpPublish || !topic.ReservedForPublish(text)) {
		return true
	}
	_, found, err := q.search(q.unknown(l.policy, anyValue), q.known(c.to, nil)).find(context.Background())
	return found || err != nil
}

// tokenBeside judges tokens that stand beside a wildcard or another token:
// where a value ends is not certain there (AUTHZ-6).
func (l *linter) tokenBeside(i int, r *parsed, part []element) {
	for j := 1; j < len(part); j++ {
		left, right := &part[j-1], &part[j]
		if left.kind != token && right.kind != token || left.kind == literal || right.kind == literal {
			continue
		}
		message := "a token stands beside a wildcard: one value can be taken for another"
		if left.kind == right.kind {
			message = "two tokens stand side by side: where one value ends is not certain"
		}
		l.about("token-beside", i, l.confusion(r, left, right), message+"; put a character between them that no value has")
		return
	}
}

// confusion returns values that two different clients have and a request that
// matches for both.
func (l *linter) confusion(r *parsed, left, right *element) string {
	with := func(first, second string) (assignment, string) {
		assign := func(s slot) tokenValue {
			text := "v"
			switch {
			case left.kind == token && s == left.slot:
				text = first
			case right.kind == token && s == right.slot:
				text = second
			}
			return tokenValue{text: text, how: knownValue}
		}
		var said []string
		if left.kind == token {
			said = append(said, l.policy.shownToken(left.slot)+" = "+quote(first))
		}
		if right.kind == token && (left.kind != token || left.slot != right.slot) {
			said = append(said, l.policy.shownToken(right.slot)+" = "+quote(second))
		}
		return assign, strings.Join(said, ", ")
	}
	a, sayA := with("x", "xx")
	b, sayB := with("xx", "x")
	word, found, err := intersects(r.automaton(a), r.automaton(b), r.op.words())
	if err != nil || !found {
		return ""
	}
	return fmt.Sprintf("%s matches for clients with %s and with %s", quote(spell(word)), sayA, sayB)
}
