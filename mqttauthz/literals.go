package mqttauthz

import "hash/maphash"

// literals holds the literal edges of a trie: node and level to child. It is a
// hash table with linear probing, never more than half full. One look-up costs
// one hash of the level and one comparison, where a map of pairs would cost
// twice that: this is most of a decision.
type literals struct {
	seed  maphash.Seed
	slots []literalEdge // a power of two of them
	count int
}

// literalEdge is free when child is 0.
type literalEdge struct {
	level string
	node  uint32
	child uint32
}

func newLiterals() literals {
	return literals{seed: maphash.MakeSeed(), slots: make([]literalEdge, 16)}
}

// place returns the slot of the edge, or the free slot where it belongs.
func (l *literals) place(node uint32, level string) *literalEdge {
	// The seed is secret, so nobody can choose levels that collide; the factor
	// spreads one level over many nodes.
	hash := maphash.String(l.seed, level) ^ uint64(node)*0x9E3779B97F4A7C15
	mask := uint64(len(l.slots) - 1)
	for i := (hash ^ hash>>32) & mask; ; i = (i + 1) & mask {
		e := &l.slots[i]
		if e.child == 0 || e.node == node && e.level == level {
			return e
		}
	}
}

// add sets the child of an edge that is not there yet.
func (l *literals) add(node uint32, level string, child uint32) {
	if l.count++; 2*l.count > len(l.slots) {
		l.grow()
	}
	*l.place(node, level) = literalEdge{level, node, child}
}

func (l *literals) grow() {
	old := l.slots
	l.slots = make([]literalEdge, 2*len(old))
	for _, e := range old {
		if e.child != 0 {
			*l.place(e.node, e.level) = e
		}
	}
}
