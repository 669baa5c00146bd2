package mqttauthz

import (
	"fmt"
	"slices"
	"strings"
)

// Right is one pattern that a principal ends up with.
type Right struct {
	Place

	Operation Operation `json:"operation"`

	// Filled is the pattern with the principal's values in the place of tokens.
	// Characters of a value that would mean something in a pattern are escaped
	// by a backslash. It is "" when Void says something.
	Filled string `json:"filled"`

	// Void says why the pattern matches nothing for this principal.
	Void string `json:"void,omitempty"`
}

// String returns the right in one line.
func (r Right) String() string {
	if r.Void != "" {
		return fmt.Sprintf("%v nothing: %s, by %v", r.Operation, r.Void, r.Place)
	}
	if r.Rule < 0 {
		return fmt.Sprintf("%v everything, by %v", r.Operation, r.Place)
	}
	if r.Pattern == "" {
		return fmt.Sprintf("%v with any client ID, by %v", r.Operation, r.Place)
	}
	return fmt.Sprintf("%v %s, by %v", r.Operation, quote(r.Filled), r.Place)
}

// WhatCan returns all patterns that who ends up with, in the order of the
// rules. For a policy that allows everything it is one Right without a pattern
// for each operation.
func (p *Policy) WhatCan(who Principal) []Right {
	if p == nil {
		return nil
	}
	if p.all {
		var rights []Right
		for op := OpConnect; op <= OpWrite; op++ {
			rights = append(rights, Right{Place: Place{Rule: -1}, Operation: op})
		}
		return rights
	}
	applies := p.applying(who)
	vs := p.appendValues(nil, who)
	var rights []Right
	for i := range p.sources {
		if len(applies[int(p.sources[i].rule)]) == 0 {
			continue
		}
		r := p.parse(i)
		right := Right{Place: p.place(i), Operation: r.op}
		if missing := p.missing(&r, who, vs); missing != "" {
			right.Void = missing
		} else {
			right.Filled = r.filled(vs, p.patterns[i])
		}
		rights = append(rights, right)
	}
	return rights
}

// applying returns the atoms that are true for who, by rule.
func (p *Policy) applying(who Principal) map[int][]atom {
	holds := make(map[atom]bool)
	for _, a := range p.principals.appendAtoms(nil, who) {
		holds[a] = true
	}
	rules := make(map[int][]atom)
	if len(holds) == 0 {
		return rules
	}
	for rule := range len(p.atomStarts) - 1 {
		for _, a := range p.atomsOf(rule) {
			if holds[a] {
				rules[rule] = append(rules[rule], a)
			}
		}
	}
	return rules
}

// missing says which token of r has no value that may stand there.
func (p *Policy) missing(r *parsed, who Principal, vs values) string {
	for _, s := range r.tokens() {
		if vs.find(s, r.op.use()) == nil {
			return p.shownToken(s) + " " + p.problem(s, who, r.op.use())
		}
	}
	return ""
}

// problem says why a token has no value that may be used as u, "" if it has.
func (p *Policy) problem(s slot, who Principal, u uses) string {
	text := p.tokenText(s, who)
	if s == usernameSlot && text == "" {
		return "has no value: there is no verified username"
	}
	if _, ok := who.Attributes[p.attributeName(s)]; s >= firstAttributeSlot && !ok {
		return "has no value: the client lacks the attribute"
	}
	switch v := newValue(s, text); {
	case v.uses&u != 0:
		return ""
	case text == "":
		return "is empty"
	case v.uses == 0:
		return "has a slash or null character, which is never filled in"
	}
	return "has a wildcard or is not UTF-8, which is never filled in topics"
}

// filled returns the pattern, written as text, with values for its tokens.
func (r *parsed) filled(vs values, text string) string {
	if len(r.tokens()) == 0 {
		return text
	}
	var b strings.Builder
	for i, part := range r.parts() {
		if i > 0 {
			b.WriteByte('/')
		}
		if r.form == topicForm && r.levels[i].kind == hashLevel {
			b.WriteByte('#')
			continue
		}
		if r.form == topicForm && r.levels[i].kind == plusLevel {
			b.WriteByte('+')
			continue
		}
		isGlob := r.form == globForm || slices.ContainsFunc(part, func(e element) bool {
			return e.kind > token || strings.ContainsAny(e.stands(vs, r.op.use()), "*?[")
		})
		for j := range part {
			part[j].fill(&b, vs, r.op.use(), isGlob)
		}
	}
	return b.String()
}

// fill writes the element as it stands in a pattern.
func (e *element) fill(b *strings.Builder, vs values, u uses, isGlob bool) {
	switch e.kind {
	case star:
		b.WriteByte('*')
		return
	case anyUnit:
		b.WriteByte('?')
		return
	case set, span:
		b.WriteString(e.class())
		return
	default: // text
	}
	for _, c := range []byte(e.stands(vs, u)) {
		if strings.IndexByte("*?[", c) >= 0 || isGlob && c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
}

// stands returns the text of a literal or token.
func (e *element) stands(vs values, u uses) string {
	if e.kind != token {
		return e.text
	}
	return vs.find(e.slot, u).text
}

// class returns a set or range as it is written.
func (e *element) class() string {
	not := ""
	if e.not {
		not = "!"
	}
	if e.kind == span {
		return "[" + not + string(e.lo) + "-" + string(e.hi) + "]"
	}
	var b strings.Builder
	for _, r := range e.text {
		if strings.ContainsRune(`\]-!^`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return "[" + not + b.String() + "]"
}
