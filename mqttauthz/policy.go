package mqttauthz

import (
	"cmp"
	"slices"
	"unsafe"

	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// Policy is a compiled set of rules. It is immutable and safe for concurrent
// use. The zero Policy and the nil Policy deny everything.
type Policy struct {
	all bool

	principals principals
	attributes slots // of tokens
	publish    trie
	subscribe  trie
	connect    subjects
	read       subjects
	write      subjects
	entries    []entry // of all leaves, see leafBuilder.finish
	starts     []uint32
	patterns   []string

	// What only Explain and the queries need.
	sources    []source // of each pattern
	ruleAtoms  []atom   // of rule n: ruleAtoms[atomStarts[n]:atomStarts[n+1]]
	atomStarts []uint32
}

// AllowAll returns a policy that allows everybody everything but publishing to
// the topics of the broker itself (AUTHZ-16). It is what a port without an
// authorizationRef means (LINK-3); no list of rules can say it.
func AllowAll() *Policy { return &Policy{all: true} }

// Grants is what one principal may do under one policy: the policy bound to the
// predicates that are true for the principal and to the values of the tokens.
// It costs some hundred bytes and keeps the strings of the principal, not its
// map. It is immutable and safe for concurrent use. The zero Grants and the nil
// Grants deny everything.
type Grants struct {
	policy   *Policy
	clientID string
	atoms    []atom
	values   values
}

// roomyGrants has room for what most principals need, so that Grants is one
// allocation.
type roomyGrants struct {
	Grants
	atomRoom  [8]atom
	valueRoom [4]value
}

// Grants binds p to who. A nil Policy gives Grants that deny.
func (p *Policy) Grants(who Principal) *Grants {
	if p == nil || p.all {
		return &Grants{policy: p, clientID: who.ClientID}
	}
	g := &roomyGrants{Grants: Grants{policy: p, clientID: who.ClientID}}
	g.atoms = p.principals.appendAtoms(g.atomRoom[:0], who)
	g.values = p.appendValues(g.valueRoom[:0], who)
	return &g.Grants
}

// appendValues appends the values of who for the tokens of p, without those
// that fit nowhere.
func (p *Policy) appendValues(vs values, who Principal) values {
	if v := newValue(clientIDSlot, who.ClientID); v.uses != 0 {
		vs = append(vs, v)
	}
	if v := newValue(usernameSlot, who.Username); v.uses != 0 {
		vs = append(vs, v)
	}
	if len(p.attributes) == 0 {
		return vs
	}
	for name, text := range who.Attributes {
		s, ok := p.attributes[name]
		if !ok {
			continue
		}
		if v := newValue(s, text); v.uses != 0 {
			vs = append(vs, v)
		}
	}
	slices.SortFunc(vs, func(a, b value) int { return cmp.Compare(a.slot, b.slot) })
	return vs
}

// denies reports whether g can allow nothing, so that it must not be asked.
func (g *Grants) denies() bool { return g == nil || g.policy == nil }

// Connect decides whether the principal may connect with its client ID
// (AUTHZ-4).
func (g *Grants) Connect() Decision {
	if g.denies() {
		return Decision{}
	}
	if g.policy.all {
		return Decision{outcome: allowedByAll}
	}
	return g.policy.decide(g.policy.lookup(&g.policy.connect, g, g.clientID))
}

// Publish decides whether the principal may publish to the topic: the effective
// one, after resolving an alias (AUTHZ-9). What is not a topic name is denied,
// and so is a topic of the broker itself, whatever the policy (AUTHZ-16).
// Publish does not retain name.
func (g *Grants) Publish(name string) Decision {
	if g.denies() {
		return Decision{}
	}
	if topic.CheckName(name) != nil {
		return Decision{outcome: deniedMalformed}
	}
	if topic.ReservedForPublish(name) {
		return Decision{outcome: deniedReserved}
	}
	if g.policy.all {
		return Decision{outcome: allowedByAll}
	}
	return g.policy.decide(g.policy.walk(&g.policy.publish, g, name))
}

// Subscribe decides whether the principal may subscribe to the filter, as it
// stands in the packet: one pattern of the policy must match every topic that
// the filter matches (AUTHZ-7). A shared subscription is decided on its filter
// proper; a malformed filter is denied (AUTHZ-8). Subscribe does not retain
// filter.
func (g *Grants) Subscribe(filter string) Decision {
	if g.denies() {
		return Decision{}
	}
	f, err := topic.ParseFilter(filter)
	if err != nil {
		return Decision{outcome: deniedMalformed}
	}
	if g.policy.all {
		return Decision{outcome: allowedByAll}
	}
	return g.policy.decide(g.policy.walk(&g.policy.subscribe, g, spelledOut(f.Filter)))
}

// ReadKey decides whether the principal may get a key of the state store or be
// notified of it (STORE-2). The right to publish requests is another (STORE-4).
func (g *Grants) ReadKey(key []byte) Decision {
	if g.denies() {
		return Decision{}
	}
	return g.key(&g.policy.read, key)
}

// WriteKey decides whether the principal may set or delete a key of the state
// store (STORE-2).
func (g *Grants) WriteKey(key []byte) Decision {
	if g.denies() {
		return Decision{}
	}
	return g.key(&g.policy.write, key)
}

// CanReadKey is ReadKey for who needs no reason.
func (g *Grants) CanReadKey(key []byte) bool { return g.ReadKey(key).Allowed() }

// CanWriteKey is WriteKey for who needs no reason.
func (g *Grants) CanWriteKey(key []byte) bool { return g.WriteKey(key).Allowed() }

func (g *Grants) key(s *subjects, key []byte) Decision {
	if g.policy.all {
		return Decision{outcome: allowedByAll}
	}
	// A copy would be an allocation for each request. Nothing keeps the string,
	// and the caller does not change key during the call.
	return g.policy.decide(g.policy.lookup(s, g, unsafe.String(unsafe.SliceData(key), len(key))))
}

// decide makes the decision of what a search found.
func (p *Policy) decide(e *entry) Decision {
	if e == nil {
		return Decision{}
	}
	return Decision{outcome: allowedByRule, rule: e.rule, pattern: p.patterns[e.pattern]}
}
