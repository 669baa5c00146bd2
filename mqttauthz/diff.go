package mqttauthz

import (
	"context"
	"encoding/binary"
	"fmt"
)

// DiffOptions bounds the work of Diff. The zero value is good for policies
// of some ten thousand rules.
type DiffOptions struct {
	// MaxStates is the greatest number of states in the comparison of one
	// pattern with all that could cover it. 0 means 50,000.
	MaxStates int
}

// Report says how two policies differ. Each list is in the order of the rules.
type Report struct {
	Allowed []Change `json:"allowed,omitempty"` // new allows what old denies
	Denied  []Change `json:"denied,omitempty"`  // new denies what old allows

	// Undecided are patterns for which a bound was reached, or whose tokens
	// stand beside wildcards in ways that no proof and no witness was found
	// for. Without any, the two lists are everything.
	Undecided []Undecided `json:"undecided,omitempty"`
}

// Same reports whether the two policies decide every request alike, for sure.
func (r Report) Same() bool { return len(r.Allowed)+len(r.Denied)+len(r.Undecided) == 0 }

// Change is a pattern some of whose requests are decided differently by the
// two policies, with one such request.
type Change struct {
	Place // in the policy that allows the request

	Operation Operation `json:"operation"`
	Principal Principal `json:"principal"` // who asks
	Text      string    `json:"text"`      // for what
}

// String returns the change in one line.
func (c Change) String() string {
	return fmt.Sprintf("%s %v %s, by %v", describe(c.Principal, quote), c.Operation, quote(c.Text), c.Place)
}

// Undecided is a pattern, for one principal of its rule, about which Diff does
// not know whether the other policy allows all of it.
type Undecided struct {
	Place

	Operation Operation `json:"operation"`
	Principal Principal `json:"principal"` // the least one the rule is about
	New       bool      `json:"new"`       // the pattern is one of the new policy
	Reason    string    `json:"reason"`
}

// Diff compares two policies: everything newly allowed and newly denied, for
// every client there could be, each with a witness. It needs no list of clients
// or topics. A nil policy denies everything.
//
// Policies only allow. So a request that new allows by some rule and old denies
// exists if and only if it exists for the least client that one principal of
// that rule is about: whatever else a client has can only make old allow more.
// For that client, the words of the rule's pattern are compared with the union
// of old's patterns; for subscriptions, with each of them (AUTHZ-7). Clients
// and client IDs are those that MQTT allows, attributes and usernames any.
//
// The error is that of ctx.
func Diff(ctx context.Context, old, new *Policy, opt DiffOptions) (Report, error) {
	if opt.MaxStates <= 0 {
		opt.MaxStates = defaultStates
	}
	var r Report
	added := &comparison{from: new, to: old, opt: opt}
	if err := added.run(ctx); err != nil {
		return Report{}, err
	}
	removed := &comparison{from: old, to: new, opt: opt}
	if err := removed.run(ctx); err != nil {
		return Report{}, err
	}
	r.Allowed, r.Denied = added.changes, removed.changes
	for i := range added.undecided {
		added.undecided[i].New = true
	}
	r.Undecided = append(added.undecided, removed.undecided...)
	return r, nil
}

// comparison looks for what one policy allows and the other denies.
type comparison struct {
	from, to *Policy
	opt      DiffOptions

	holds     map[string]bool // triples of to: who, operation and pattern
	seen      map[string]bool // triples of from
	byAtom    map[atom][]int  // patterns of to
	parsed    map[int]*parsed // patterns of to that were needed
	clientID  string          // that neither policy names
	changes   []Change
	undecided []Undecided
}

func (c *comparison) run(ctx context.Context) error {
	if c.from == nil {
		c.from = new(Policy)
	}
	if c.to == nil {
		c.to = new(Policy)
	}
	if c.to.all {
		return nil // nothing is left to be allowed
	}
	c.clientID = fresh("client", c.named)
	if c.from.all {
		c.everything()
		return nil
	}
	c.index()
	for i := range c.from.sources {
		for _, a := range c.from.atomsOf(int(c.from.sources[i].rule)) {
			if err := ctx.Err(); err != nil {
				return err
			}
			key := c.from.triple(i, a)
			if c.holds[key] || c.seen[key] {
				continue
			}
			c.seen[key] = true
			if err := c.pattern(ctx, i, a); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *comparison) named(id string) bool {
	_, inFrom := c.from.principals.clientIDs[id]
	_, inTo := c.to.principals.clientIDs[id]
	return inFrom || inTo
}

// everything reports that from allows everybody everything, and to does not: a
// client that to says nothing about may do nothing there.
func (c *comparison) everything() {
	for op := OpConnect; op <= OpWrite; op++ {
		text := "x"
		if op == OpConnect {
			text = c.clientID
		}
		c.changes = append(c.changes, Change{
			Place: Place{Rule: -1}, Operation: op, Principal: Principal{ClientID: c.clientID}, Text: text,
		})
	}
}

// index lists what to allows.
func (c *comparison) index() {
	c.holds, c.seen = make(map[string]bool), make(map[string]bool)
	c.byAtom, c.parsed = make(map[atom][]int), make(map[int]*parsed)
	for i := range c.to.sources {
		for _, a := range c.to.atomsOf(int(c.to.sources[i].rule)) {
			c.holds[c.to.triple(i, a)] = true
			c.byAtom[a] = append(c.byAtom[a], i)
		}
	}
}

// triple identifies who may do what, as it is written, in any policy.
func (p *Policy) triple(i int, a atom) string {
	pred := &p.principals.predicates[a]
	key := []byte{byte(p.sources[i].op), byte(p.sources[i].form)}
	put := func(s string) {
		key = binary.AppendUvarint(key, uint64(len(s)))
		key = append(key, s...)
	}
	put(p.patterns[i])
	put(pred.clientID)
	put(pred.username)
	for _, q := range pred.pairs {
		put(q.name)
		put(q.value)
	}
	return string(key)
}
