package routing

import (
	"sync"
	"sync/atomic"

	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// Table holds subscriptions: which subscriber S wants which filter, how. S is
// meant to be a pointer. Make one with NewTable. All methods are safe for
// concurrent use; Match never waits for any of them.
type Table[S comparable] struct {
	mu    sync.Mutex // serialises writers; readers do without
	tree  tree[branch[S]]
	count atomic.Int64
}

// branch is what a node of a Table holds besides its literal children.
type branch[S comparable] struct {
	subscribers list[S]
	shares      atomic.Pointer[shares[S]]
	plus        atomic.Pointer[node[branch[S]]] // the child of a + level
	multi       atomic.Pointer[node[branch[S]]] // the child of a final #
}

// NewTable returns an empty table.
func NewTable[S comparable]() *Table[S] {
	return &Table[S]{tree: newTree[branch[S]]()}
}

// Len returns the number of subscriptions, shared ones included.
func (t *Table[S]) Len() int { return int(t.count.Load()) }

// Subscribe adds the subscription of s to f, which ParseFilter returned. It
// reports whether s had one already, whose options are then replaced. Once it
// returned, every Match that begins finds it.
func (t *Table[S]) Subscribe(f topic.Filter, s S, o Options) (existed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.add(f.Filter)
	if f.Share == "" {
		existed = n.value.subscribers.put(s, o.pack())
	} else {
		existed = n.value.share(f.Share).members.put(s, o.pack())
	}
	if !existed {
		t.count.Add(1)
	}
	return existed
}

// Unsubscribe removes the subscription of s to f and reports whether there was
// one.
func (t *Table[S]) Unsubscribe(f topic.Filter, s S) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.find(f.Filter)
	if n == nil {
		return false
	}
	removed := false
	if f.Share == "" {
		removed = n.value.subscribers.remove(s)
	} else {
		removed = n.value.leave(f.Share, s)
	}
	if removed {
		t.count.Add(-1)
		t.prune(n)
	}
	return removed
}

// add returns the node of a filter and makes what is missing on the way.
func (t *Table[S]) add(filter string) *node[branch[S]] {
	n := &t.tree.root
	var level string
	for rest, more := filter, true; more; {
		level, rest, more = topic.Next(rest)
		edge := n.value.wildcard(level, more)
		if edge == nil {
			n = t.tree.add(n, level)
			continue
		}
		if edge.Load() == nil {
			edge.Store(&node[branch[S]]{parent: n})
		}
		n = edge.Load()
	}
	return n
}

// find returns the node of a filter, or nil.
func (t *Table[S]) find(filter string) *node[branch[S]] {
	n := &t.tree.root
	var level string
	for rest, more := filter, true; more && n != nil; {
		level, rest, more = topic.Next(rest)
		if edge := n.value.wildcard(level, more); edge != nil {
			n = edge.Load()
			continue
		}
		n = n.child(level, t.tree.hash(level))
	}
	return n
}

// prune removes n and its ancestors as far as they are empty.
func (t *Table[S]) prune(n *node[branch[S]]) {
	for n.parent != nil && n.childless() && n.value.empty() {
		switch p := &n.parent.value; n {
		case p.plus.Load():
			p.plus.Store(nil)
		case p.multi.Load():
			p.multi.Store(nil)
		default:
			t.tree.remove(n)
		}
		n = n.parent
	}
}

// wildcard returns the edge for a level that is a wildcard, else nil.
func (b *branch[S]) wildcard(level string, more bool) *atomic.Pointer[node[branch[S]]] {
	switch {
	case level == "+":
		return &b.plus
	case level == "#" && !more:
		return &b.multi
	default:
		return nil
	}
}

// empty reports whether b holds no subscription and no wildcard child.
func (b *branch[S]) empty() bool {
	return b.subscribers.empty() && b.shares.Load() == nil && b.plus.Load() == nil && b.multi.Load() == nil
}
