package mqttauthz

import (
	"context"
	"slices"
)

// Coverage tells, client by client, whether a new policy allows all that an old
// one does. Diff is about every client there could be; this is about the one
// that is there, with all its attributes. It is not safe for concurrent use.
type Coverage struct {
	old, new covering
	opt      DiffOptions
}

// covering is one of the two policies.
type covering struct {
	*Policy
	byAtom map[atom][]int
	parsed map[int]*parsed
}

// NewCoverage compares two policies. A nil policy denies everything.
func NewCoverage(old, new *Policy, opt DiffOptions) *Coverage {
	if opt.MaxStates <= 0 {
		opt.MaxStates = defaultStates
	}
	return &Coverage{old: newCovering(old), new: newCovering(new), opt: opt}
}

func newCovering(p *Policy) covering {
	if p == nil {
		p = new(Policy)
	}
	c := covering{Policy: p, byAtom: make(map[atom][]int), parsed: make(map[int]*parsed)}
	for i := range p.sources {
		for _, a := range p.atomsOf(int(p.sources[i].rule)) {
			c.byAtom[a] = append(c.byAtom[a], i)
		}
	}
	return c
}

// Of reports whether the new policy allows who all that the old one does: to
// connect with the client ID that it has, and to publish, subscribe, read and
// write whatever it could. It is false, too, when a bound was reached, when a
// value of who is longer than 128 bytes, which some patterns do not take, and
// when ctx has ended: true is a proof.
func (c *Coverage) Of(ctx context.Context, who Principal) bool {
	_, _, lost := c.loss(ctx, who)
	return !lost
}

// loss returns something that who loses. The text is "" when there may be none.
func (c *Coverage) loss(ctx context.Context, who Principal) (op Operation, text string, lost bool) {
	switch {
	case c.new.all:
		return 0, "", false
	case c.old.all:
		return 0, "", true
	case c.old.Grants(who).Connect().Allowed() && !c.new.Grants(who).Connect().Allowed():
		return OpConnect, who.ClientID, true
	case hasLongValue(who):
		return 0, "", true
	}
	held := c.new.held(who)
	for _, i := range c.old.held(who) {
		if c.old.sources[i].op == OpConnect || c.has(held, i) {
			continue
		}
		if text, lost = c.uncovered(ctx, who, i, held); lost {
			return c.old.sources[i].op, text, true
		}
	}
	return 0, "", false
}

func hasLongValue(who Principal) bool {
	if len(who.ClientID) > maxInnerValue || len(who.Username) > maxInnerValue {
		return true
	}
	for _, v := range who.Attributes {
		if len(v) > maxInnerValue {
			return true
		}
	}
	return false
}

// held returns the patterns of all rules about who.
func (c *covering) held(who Principal) []int {
	var patterns []int
	for _, a := range c.principals.appendAtoms(nil, who) {
		patterns = append(patterns, c.byAtom[a]...)
	}
	slices.Sort(patterns)
	return slices.Compact(patterns)
}

func (c *covering) pattern(i int) *parsed {
	if c.parsed[i] == nil {
		r := c.parse(i)
		c.parsed[i] = &r
	}
	return c.parsed[i]
}

// has reports whether the old pattern i is, as it is written, among those of the
// new policy that the client holds.
func (c *Coverage) has(held []int, i int) bool {
	s := c.old.sources[i]
	return slices.ContainsFunc(held, func(j int) bool {
		other := c.new.sources[j]
		return other.op == s.op && other.form == s.form && c.new.patterns[j] == c.old.patterns[i]
	})
}

// uncovered looks for something that the old pattern i allows who and that none
// of the new patterns does.
func (c *Coverage) uncovered(ctx context.Context, who Principal, i int, held []int) (text string, found bool) {
	q := &question{
		c: &comparison{from: c.old.Policy, to: c.new.Policy, opt: c.opt},
		i: i, op: c.old.sources[i].op, parsed: *c.old.pattern(i),
	}
	for _, j := range held {
		if r := c.new.pattern(j); c.new.sources[j].op == q.op && !q.parsed.apart(r) {
			q.others = append(q.others, r)
		}
	}
	word, found, err := q.search(c.old.assign(who, q.op), c.new.assign(who, q.op)).find(ctx)
	if err != nil {
		return "", true
	}
	return spell(word), found
}

// assign gives the tokens of p the values of who.
func (p *Policy) assign(who Principal, op Operation) assignment {
	vs := p.appendValues(nil, who)
	return func(s slot) tokenValue {
		if v := vs.find(s, op.use()); v != nil {
			return tokenValue{text: v.text, how: knownValue}
		}
		return tokenValue{}
	}
}
