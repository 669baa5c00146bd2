package routing

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// node is one level of a trie. Readers follow its atomic pointers without a
// lock; everything else belongs to the writer, who holds the lock of the trie.
type node[V any] struct {
	parent   *node[V]
	level    string
	hash     uint32 // of level; never 0 but in a root and in a gravestone
	children atomic.Pointer[slots[V]]
	value    V
}

// tree is a trie whose edges are literal levels.
type tree[V any] struct {
	seed maphash.Seed // random, so that clients cannot aim at one bucket
	root node[V]
	// gravestone fills the slots of removed children. Its hash matches none.
	gravestone *node[V]
}

func newTree[V any]() tree[V] {
	return tree[V]{seed: maphash.MakeSeed(), gravestone: new(node[V])}
}

// hash returns the hash of one level, never 0.
func (t *tree[V]) hash(level string) uint32 {
	return uint32(maphash.String(t.seed, level)) | 1<<31
}

// find returns the node of a topic name, or nil.
func (t *tree[V]) find(name string) *node[V] {
	n, more := &t.root, true
	for more && n != nil {
		var level string
		level, name, more = topic.Next(name)
		n = n.child(level, t.hash(level))
	}
	return n
}

// child returns the child for a level, or nil. Any goroutine may call it.
func (n *node[V]) child(level string, hash uint32) *node[V] {
	s := n.children.Load()
	if s == nil {
		return nil
	}
	for i := hash; ; i++ {
		c := s.slot[i&s.mask].Load()
		if c == nil || c.hash == hash && c.level == level {
			return c
		}
	}
}

// childless reports whether n has no children. Only the writer may call it.
func (n *node[V]) childless() bool {
	s := n.children.Load()
	return s == nil || s.live == 0
}

// slots is an open addressing hash table of children. A slot goes from nil to a
// child, from there to the gravestone and back to another child, but never back
// to nil, so a concurrent search always passes every child that stays. When too
// few slots are nil, a new table is published; readers finish in the old one.
type slots[V any] struct {
	mask uint32
	live uint32 // children; the writer's
	used uint32 // children and gravestones; the writer's
	slot []atomic.Pointer[node[V]]
}

// minSlots is the size of the smallest table; most nodes have one child.
const minSlots = 2

func newSlots[V any](size uint32) *slots[V] {
	return &slots[V]{mask: size - 1, slot: make([]atomic.Pointer[node[V]], size)}
}

// add returns the child for a level, which it makes if it is missing.
func (t *tree[V]) add(n *node[V], level string) *node[V] {
	hash := t.hash(level)
	if c := n.child(level, hash); c != nil {
		return c
	}
	// The level is part of a larger string that must not be kept alive.
	c := &node[V]{parent: n, level: strings.Clone(level), hash: hash}
	t.room(n).put(c, t.gravestone)
	return c
}

// room returns the table of n with room for one more child.
func (t *tree[V]) room(n *node[V]) *slots[V] {
	s := n.children.Load()
	if s == nil {
		s = newSlots[V](minSlots)
		n.children.Store(s)
		return s
	}
	size := s.mask + 1
	if (s.used+1)*4 <= size*3 {
		return s
	}
	if s.live*2 >= size {
		size *= 2
	}
	return t.rebuild(n, s, size)
}

// rebuild publishes a table of the given size without gravestones.
func (t *tree[V]) rebuild(n *node[V], old *slots[V], size uint32) *slots[V] {
	s := newSlots[V](size)
	for i := range old.slot {
		if c := old.slot[i].Load(); c != nil && c != t.gravestone {
			s.put(c, t.gravestone)
		}
	}
	n.children.Store(s)
	return s
}

// put stores a child that is not in the table in the first slot that is free.
func (s *slots[V]) put(c, gravestone *node[V]) {
	for i := c.hash; ; i++ {
		slot := &s.slot[i&s.mask]
		old := slot.Load()
		if old != nil && old != gravestone {
			continue
		}
		if old == nil {
			s.used++
		}
		s.live++
		slot.Store(c)
		return
	}
}

// remove takes a childless literal child away from its parent, and with the
// last child the whole table.
func (t *tree[V]) remove(c *node[V]) {
	n := c.parent
	s := n.children.Load()
	for i := c.hash; ; i++ {
		if slot := &s.slot[i&s.mask]; slot.Load() == c {
			slot.Store(t.gravestone)
			break
		}
	}
	s.live--
	if s.live == 0 {
		n.children.Store(nil)
		return
	}
	if size := s.mask + 1; size > minSlots && s.live*8 <= size {
		t.rebuild(n, s, size/2)
	}
}
