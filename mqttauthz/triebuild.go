package mqttauthz

import "slices"

// trieBuilder adds patterns to a trie. What only building needs is forgotten
// with it.
type trieBuilder struct {
	op     Operation
	trie   trie
	globs  map[globEdge]uint32
	parent []parentEdge // of each node
	leaves *leafBuilder
}

type globEdge struct {
	node uint32
	text string
}

// parentEdge says how a node is reached. Of all literal edges of a node a
// topic's level takes at most one; of all others it may take each.
type parentEdge struct {
	node uint32
	kind levelKind
}

func newTrieBuilder(op Operation, leaves *leafBuilder) *trieBuilder {
	return &trieBuilder{
		op:     op,
		trie:   trie{nodes: make([]node, 1), literals: newLiterals()},
		globs:  make(map[globEdge]uint32),
		parent: make([]parentEdge, 1),
		leaves: leaves,
	}
}

// insert returns the leaf of the pattern.
func (b *trieBuilder) insert(pattern []level) uint32 {
	at := uint32(0)
	for i := range pattern {
		if pattern[i].kind == hashLevel {
			return b.leaves.get(&b.trie.nodes[at].hash)
		}
		at = b.child(at, &pattern[i])
	}
	return b.leaves.get(&b.trie.nodes[at].end)
}

func (b *trieBuilder) child(at uint32, l *level) uint32 {
	switch l.kind {
	case plusLevel:
		if b.trie.nodes[at].plus == 0 {
			c := b.newNode(at, l.kind)
			b.trie.nodes[at].plus = c
		}
		return b.trie.nodes[at].plus
	case tokenLevel:
		return b.tokenChild(at, l)
	case globLevel:
		return b.globChild(at, l)
	default: // hashLevel is no edge, see insert
		return b.literalChild(at, l)
	}
}

func (b *trieBuilder) literalChild(at uint32, l *level) uint32 {
	c := b.trie.literals.place(at, l.text).child
	if c == 0 {
		c = b.newNode(at, literalLevel)
		b.trie.literals.add(at, l.text, c)
		b.trie.nodes[at].kids++
	}
	return c
}

func (b *trieBuilder) tokenChild(at uint32, l *level) uint32 {
	more := b.branches(at)
	for _, e := range more.tokens {
		if e.slot == l.slot {
			return e.node
		}
	}
	c := b.newNode(at, l.kind)
	more.tokens = append(more.tokens, tokenEdge{l.slot, c})
	return c
}

func (b *trieBuilder) globChild(at uint32, l *level) uint32 {
	key := globEdge{at, l.text}
	c, ok := b.globs[key]
	if ok {
		return c
	}
	c = b.newNode(at, l.kind)
	b.globs[key] = c
	b.branches(at).globs.add(l.glob, c)
	if at == 0 && l.glob.takesSome() {
		b.trie.some = append(b.trie.some, c)
	}
	return c
}

func (b *trieBuilder) branches(at uint32) *branches {
	n := &b.trie.nodes[at]
	if n.more == nil {
		n.more = new(branches)
	}
	return n.more
}

func (b *trieBuilder) newNode(parent uint32, kind levelKind) uint32 {
	b.trie.nodes = append(b.trie.nodes, node{})
	b.parent = append(b.parent, parentEdge{parent, kind})
	return uint32(len(b.trie.nodes) - 1)
}

// finish returns the trie and a bound on the steps of one walk.
func (b *trieBuilder) finish() (trie, int) {
	b.trie.nodes = slices.Clone(b.trie.nodes) // without spare capacity
	b.splitLiterals()
	return b.trie, b.worst()
}

// splitLiterals moves the literal edges of nodes that have few out of the hash
// table.
func (b *trieBuilder) splitLiterals() {
	count := uint32(0)
	for i := range b.trie.nodes {
		if n := &b.trie.nodes[i]; n.kids <= maxFewLiterals {
			n.few = count
			count += n.kids
		}
	}
	b.trie.few = make([]literalEdge, count)
	filled := make([]uint32, len(b.trie.nodes)) // edges of each node so far
	all := b.trie.literals.slots
	b.trie.literals = newLiterals()
	for _, e := range all {
		if e.child == 0 {
			continue
		}
		n := &b.trie.nodes[e.node]
		if n.kids > maxFewLiterals {
			b.trie.literals.add(e.node, e.level, e.child)
			continue
		}
		b.trie.few[n.few+filled[e.node]] = e
		filled[e.node]++
	}
}

// worst bounds the steps of a walk, children before parents: a node, the most
// expensive of its literal children, and all others that one level can take.
func (b *trieBuilder) worst() int {
	cost := make([]int, len(b.trie.nodes))
	literals := make([]int, len(b.trie.nodes))
	for i := len(cost) - 1; i >= 0; i-- {
		cost[i] = capped(cost[i] + literals[i] + 1)
		if more := b.trie.nodes[i].more; more != nil {
			globs := more.globs.worst(func(c uint32) int { return cost[c] })
			cost[i] = capped(cost[i] + globs + len(more.tokens))
		}
		if i == 0 {
			break
		}
		up := b.parent[i]
		switch up.kind {
		case literalLevel:
			literals[up.node] = max(literals[up.node], cost[i])
		case globLevel: // counted by the parent, by chains
		default:
			cost[up.node] = capped(cost[up.node] + cost[i])
		}
	}
	return cost[0]
}
