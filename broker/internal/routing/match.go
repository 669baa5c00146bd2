package routing

import (
	"iter"

	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// Matches is the result of Table.Match and its scratch space, to be used again
// and again by one goroutine at a time. The zero value is ready. It refers to
// subscribers until it is used again or cleared.
type Matches[S comparable] struct {
	runs      [][]entry[S]
	groups    []Group[S]
	now, next []*node[branch[S]] // the nodes of one level
}

// Clear forgets the last result, so that an idle publisher keeps no subscriber
// in memory, and gives back scratch space that has become large.
func (m *Matches[S]) Clear() {
	m.runs = forget(m.runs)
	m.groups = forget(m.groups)
	m.now = forget(m.now)
	m.next = forget(m.next)
}

// forget empties a slice; it keeps the array when that is small.
func forget[E any](s []E) []E {
	const keep = 64
	if cap(s) > keep {
		return nil
	}
	clear(s[:cap(s)])
	return s[:0]
}

// Subscribers yields each subscriber with a matching filter that is not shared.
// One with several such filters comes several times, not in a row.
func (m *Matches[S]) Subscribers() iter.Seq2[S, Options] {
	return func(yield func(S, Options) bool) {
		for _, run := range m.runs {
			for i := range run {
				e := &run[i]
				bits := e.bits.Load()
				if bits&bitLive != 0 && !yield(e.who, unpack(bits)) {
					return
				}
			}
		}
	}
}

// Overlapping reports whether more than one filter that is not shared matched,
// so that a subscriber may come more than once.
func (m *Matches[S]) Overlapping() bool { return len(m.runs) > 1 }

// Groups returns the shared subscriptions that match, one per group and filter.
// The slice is valid until m is used again.
func (m *Matches[S]) Groups() []Group[S] { return m.groups }

// Match puts into m what matches the topic name, which is a checked one. A
// wildcard in the first level does not match a name that begins with $ (MQTT
// 5.0 section 4.7.2), in shared subscriptions as well (engine rule E16).
//
// The work is proportional to the levels of name times the nodes of the table
// that match a part of it. Match takes no lock.
func (t *Table[S]) Match(name string, m *Matches[S]) {
	m.runs, m.groups = m.runs[:0], m.groups[:0]
	if name == "" {
		return
	}
	now, next := append(m.now[:0], &t.tree.root), m.next
	wild := name[0] != '$'
	var level string
	for more := true; more && len(now) > 0; wild = true {
		level, name, more = topic.Next(name)
		hash := t.tree.hash(level)
		next = next[:0]
		for _, n := range now {
			if c := n.child(level, hash); c != nil {
				next = append(next, c)
			}
			if !wild {
				continue
			}
			if c := n.value.plus.Load(); c != nil {
				next = append(next, c)
			}
			m.hit(n.value.multi.Load())
		}
		now, next = next, now
	}
	for _, n := range now {
		m.hit(n)
		m.hit(n.value.multi.Load()) // a/# matches a
	}
	m.now, m.next = now, next
}

// hit adds the subscriptions of a node that matches; nil has none.
func (m *Matches[S]) hit(n *node[branch[S]]) {
	if n == nil {
		return
	}
	if run := n.value.subscribers.snapshot(); run != nil {
		m.runs = append(m.runs, run)
	}
	sh := n.value.shares.Load()
	if sh == nil {
		return
	}
	groups := sh.groups.snapshot()
	for i := range groups {
		if groups[i].bits.Load()&bitLive == 0 {
			continue
		}
		g := groups[i].who
		m.groups = append(m.groups, Group[S]{g.members.snapshot(), &g.turn})
	}
}
