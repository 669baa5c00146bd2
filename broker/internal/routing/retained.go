package routing

import (
	"iter"
	"sync"
	"sync/atomic"

	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// Retained holds one message M per topic name. M is meant to be a pointer. Make
// one with NewRetained. All methods are safe for concurrent use; Match waits
// for none of them. It sets no bounds: the caller asks Len and keeps account of
// bytes by what Set and the two deletes return.
type Retained[M comparable] struct {
	mu    sync.Mutex // serialises writers; readers do without
	tree  tree[atomic.Pointer[held[M]]]
	count atomic.Int64
}

type held[M comparable] struct {
	topic   string
	message M
}

// NewRetained returns an empty store.
func NewRetained[M comparable]() *Retained[M] {
	return &Retained[M]{tree: newTree[atomic.Pointer[held[M]]]()}
}

// Len returns the number of topics that have a message.
func (r *Retained[M]) Len() int { return int(r.count.Load()) }

// Get returns the message of a topic.
func (r *Retained[M]) Get(name string) (m M, ok bool) {
	n := r.tree.find(name)
	if n == nil {
		return m, false
	}
	h := n.value.Load()
	if h == nil {
		return m, false
	}
	return h.message, true
}

// Set stores m as the message of a topic and returns the one it replaced. It
// keeps name, which must not share memory with a buffer that is used again.
func (r *Retained[M]) Set(name string, m M) (old M, replaced bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := &r.tree.root
	var level string
	for rest, more := name, true; more; {
		level, rest, more = topic.Next(rest)
		n = r.tree.add(n, level)
	}
	h := n.value.Swap(&held[M]{name, m})
	if h == nil {
		r.count.Add(1)
		return old, false
	}
	return h.message, true
}

// Delete removes the message of a topic and returns it.
func (r *Retained[M]) Delete(name string) (old M, deleted bool) {
	return r.remove(name, func(M) bool { return true })
}

// CompareAndDelete removes the message of a topic if it still is m, as for one
// that was found to have expired and may have been replaced meanwhile.
func (r *Retained[M]) CompareAndDelete(name string, m M) (deleted bool) {
	_, deleted = r.remove(name, func(old M) bool { return old == m })
	return deleted
}

func (r *Retained[M]) remove(name string, wanted func(M) bool) (old M, deleted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.tree.find(name)
	if n == nil {
		return old, false
	}
	h := n.value.Load()
	if h == nil || !wanted(h.message) {
		return old, false
	}
	n.value.Store(nil)
	r.count.Add(-1)
	for n.parent != nil && n.childless() && n.value.Load() == nil {
		r.tree.remove(n)
		n = n.parent
	}
	return h.message, true
}

// Match yields topic and message of everything that matches filter, a checked
// filter without share prefix, in no particular order. A wildcard in the first
// level does not match topics that begin with $. What is set or deleted during
// the iteration may or may not be seen; all else is yielded exactly once. The
// loop body holds no lock and may call any method.
func (r *Retained[M]) Match(filter string) iter.Seq2[string, M] {
	return func(yield func(string, M) bool) {
		if filter == "" {
			return
		}
		w := walk[M]{tree: &r.tree, yield: yield}
		w.from(&r.tree.root, filter, true)
		for len(w.todo) > 0 && !w.stopped {
			w.step()
		}
	}
}

// All yields topic and message of everything, also what begins with $. It is
// otherwise like Match.
func (r *Retained[M]) All() iter.Seq2[string, M] {
	return func(yield func(string, M) bool) {
		w := walk[M]{tree: &r.tree, yield: yield}
		w.push(&r.tree.root, "#", true)
		for i := range w.todo {
			w.todo[i].top = false
		}
		for len(w.todo) > 0 && !w.stopped {
			w.step()
		}
	}
}

// walk is one iteration over the tree: a stack of child tables that are not
// finished, at most one per level.
type walk[M comparable] struct {
	tree    *tree[atomic.Pointer[held[M]]]
	yield   func(string, M) bool
	todo    []siblings[M]
	stopped bool
}

// siblings are the children of one node of which slot and later are still to be
// visited.
type siblings[M comparable] struct {
	slots *slots[atomic.Pointer[held[M]]]
	slot  int
	top   bool   // the first level, where $ is special
	rest  string // of the filter, below these children
	more  bool   // there is a rest
}

// from visits what matches below n, where rest of the filter is left if more is
// true; n itself matches when nothing is left.
func (w *walk[M]) from(n *node[atomic.Pointer[held[M]]], rest string, more bool) {
	var level string
	for n != nil && more {
		if rest == "#" {
			break // a/# matches a
		}
		level, rest, more = topic.Next(rest)
		if level == "+" {
			w.push(n, rest, more)
			return
		}
		n = n.child(level, w.tree.hash(level))
	}
	if n == nil {
		return
	}
	if h := n.value.Load(); h != nil && !w.yield(h.topic, h.message) {
		w.stopped = true
		return
	}
	if more {
		w.push(n, rest, more)
	}
}

// push remembers to continue at all children of n with rest.
func (w *walk[M]) push(n *node[atomic.Pointer[held[M]]], rest string, more bool) {
	if s := n.children.Load(); s != nil {
		w.todo = append(w.todo, siblings[M]{slots: s, top: n.parent == nil, rest: rest, more: more})
	}
}

// step visits the next of the siblings on top of the stack.
func (w *walk[M]) step() {
	s := &w.todo[len(w.todo)-1]
	if s.slot == len(s.slots.slot) {
		w.todo = w.todo[:len(w.todo)-1]
		return
	}
	c := s.slots.slot[s.slot].Load()
	s.slot++
	if c == nil || c == w.tree.gravestone || s.top && c.level != "" && c.level[0] == '$' {
		return
	}
	w.from(c, s.rest, s.more)
}
