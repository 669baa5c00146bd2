package mqttauthz

import "strings"

// A trie holds all topic patterns of one operation. A level of a pattern is an
// edge; patterns share nodes, and clients share the trie, for an edge that is a
// token is compared with the client's value during the walk.
type trie struct {
	nodes    []node        // nodes[0] is the root; children come after parents
	few      []literalEdge // literal edges of nodes that have few
	literals literals      // literal edges of the others
	some     []uint32      // children of the root whose glob takesSome
}

// node has 0 where it has no such child or leaf: the root is nobody's child and
// leaf 0 stays unused.
type node struct {
	plus uint32    // child for +
	hash uint32    // leaf of patterns that go on with # and end
	end  uint32    // leaf of patterns that end here
	few  uint32    // where its literal edges begin in trie.few
	kids uint32    // number of its literal edges; few, or they are in trie.literals
	more *branches // rarer edges, nil for most nodes
}

type branches struct {
	tokens []tokenEdge
	globs  globSet
}

type tokenEdge struct {
	slot slot
	node uint32
}

// maxFewLiterals is the number of literal edges up to which comparing each is
// cheaper than one hash.
const maxFewLiterals = 3

// frame is a place yet to be visited: a node, and the offset of the level that
// comes next, beyond the end of the text when all levels are read.
type frame struct{ node, pos uint32 }

// walk finds an entry that opens s for g: s is a checked topic name, or a
// checked filter that is no share. A filter is read as a name in which only +
// and stars take a +, and only # takes a #; that is coverage (AUTHZ-7), because
// a pattern and a filter are both products of independent levels, so one
// includes the other exactly when each of its levels does.
//
// The number of visits is bounded by Compile. The stack is on the goroutine's
// own unless more than 32 edges match at once on one path.
func (p *Policy) walk(t *trie, g *Grants, s string) *entry {
	if len(t.nodes) == 0 {
		return nil
	}
	var buf [32]frame
	stack := buf[:0]
	// A first level that begins with $ is matched by a written $ only.
	dollar := s[0] == '$'
	at := frame{}
	for {
		n := &t.nodes[at.node]
		if n.hash != 0 && !dollar {
			if e := p.open(n.hash, g); e != nil {
				return e
			}
		}
		if int(at.pos) <= len(s) {
			stack = t.step(stack, n, at, s, dollar, g.values)
		} else if n.end != 0 {
			if e := p.open(n.end, g); e != nil {
				return e
			}
		}
		if len(stack) == 0 {
			return nil
		}
		at = stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		dollar = false
	}
}

// step pushes the places that the level of s at at leads to from n.
func (t *trie) step(stack []frame, n *node, at frame, s string, dollar bool, v values) []frame {
	part := s[at.pos:]
	if i := strings.IndexByte(part, '/'); i >= 0 {
		part = part[:i]
	}
	next := at.pos + uint32(len(part)) + 1
	switch part {
	case "#":
		return stack // includes its parent, which nothing below here matches
	case "+":
		if len(s) == 1 {
			for _, c := range t.some {
				stack = append(stack, frame{c, next})
			}
		}
		if n.plus != 0 {
			stack = append(stack, frame{n.plus, next})
		}
		return stack
	}
	if n.plus != 0 && !dollar {
		stack = append(stack, frame{n.plus, next})
	}
	if n.more != nil {
		stack = n.more.step(stack, part, next, dollar, v)
	}
	if n.kids > maxFewLiterals {
		if c := t.literals.place(at.node, part).child; c != 0 {
			stack = append(stack, frame{c, next})
		}
		return stack
	}
	for i := n.few; i < n.few+n.kids; i++ {
		if e := &t.few[i]; e.level == part {
			return append(stack, frame{e.child, next})
		}
	}
	return stack
}

// step pushes the nodes behind tokens and globs that take part.
func (b *branches) step(stack []frame, part string, next uint32, dollar bool, v values) []frame {
	for i := 0; ; i++ {
		group, ok := b.globs.group(part, i)
		if !ok {
			break
		}
		for _, c := range group {
			if dollar && c.glob.prefix() == "" {
				continue
			}
			if c.glob.match(part, v, inTopics) {
				stack = append(stack, frame{c.target, next})
			}
		}
	}
	if dollar {
		return stack
	}
	for _, e := range b.tokens {
		if val := v.find(e.slot, inTopics); val != nil && val.text == part {
			stack = append(stack, frame{e.node, next})
		}
	}
	return stack
}
