package routing

import (
	"iter"
	"sync/atomic"
)

// shares are the shared subscriptions of one filter.
type shares[S comparable] struct {
	groups list[*group[S]]
	byName map[string]*group[S] // the writer's
}

// group is one $share/NAME/FILTER.
type group[S comparable] struct {
	members list[S]
	turn    atomic.Uint32 // index at which the next message begins to look
}

// share returns the group of a name and makes it if it is missing.
func (b *branch[S]) share(name string) *group[S] {
	sh := b.shares.Load()
	if sh == nil {
		sh = &shares[S]{byName: make(map[string]*group[S])}
		b.shares.Store(sh)
	}
	g := sh.byName[name]
	if g == nil {
		g = new(group[S])
		sh.byName[name] = g
		sh.groups.put(g, 0)
	}
	return g
}

// leave removes s from a group, and the group with its last member.
func (b *branch[S]) leave(name string, s S) bool {
	sh := b.shares.Load()
	if sh == nil {
		return false
	}
	g := sh.byName[name]
	if g == nil || !g.members.remove(s) {
		return false
	}
	if !g.members.empty() {
		return true
	}
	delete(sh.byName, name)
	sh.groups.remove(g)
	if len(sh.byName) == 0 {
		b.shares.Store(nil)
	}
	return true
}

// Group is one shared subscription that matched: of its members exactly one
// gets the message (MQTT 5.0 section 4.8.2). It is valid until its Matches is
// used again.
type Group[S comparable] struct {
	members []entry[S]
	turn    *atomic.Uint32
}

// Pick returns the member that gets the message: round robin among those for
// which online returns true; if there is none, among all, so that the message
// waits in a session instead of being lost (engine rule E7). It returns false
// when all members left meanwhile.
func (g Group[S]) Pick(online func(S) bool) (S, Options, bool) {
	offline := -1
	var o Options
	for i, bits := range g.inTurn() {
		if online(g.members[i].who) {
			return g.take(i, bits)
		}
		if offline < 0 {
			offline, o = i, unpack(bits)
		}
	}
	if offline < 0 {
		var none S
		return none, Options{}, false
	}
	s, _, ok := g.take(offline, 0)
	return s, o, ok
}

// take returns member i and gives the next message to the one after it.
func (g Group[S]) take(i int, bits uint64) (S, Options, bool) {
	g.turn.Store(uint32(i + 1))
	return g.members[i].who, unpack(bits), true
}

// inTurn yields index and data of each live member once, beginning with the one
// whose turn it is.
func (g Group[S]) inTurn() iter.Seq2[int, uint64] {
	return func(yield func(int, uint64) bool) {
		n := len(g.members)
		if n == 0 {
			return
		}
		i := int(g.turn.Load() % uint32(n))
		for range n {
			if bits := g.members[i].bits.Load(); bits&bitLive != 0 && !yield(i, bits) {
				return
			}
			if i++; i == n {
				i = 0
			}
		}
	}
}
