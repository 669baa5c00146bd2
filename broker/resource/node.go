package resource

import (
	"strconv"
	"strings"
)

// node is one value of a document, whatever notation it was written in. The
// front ends (yaml.go, json.go) build it. Nothing is converted: a scalar keeps
// the text that was written and says what it is.
type node struct {
	kind     kind
	pos      place
	text     string  // of a scalar
	pairs    []pair  // of a mapping, in document order, duplicates included
	elements []*node // of a sequence
}

// nodes makes nodes, many at a time: a long list of rules has some hundred
// thousand of them.
type nodes struct{ free []node }

func (s *nodes) at(pos place) *node {
	if len(s.free) == 0 {
		s.free = make([]node, 64)
	}
	n := &s.free[0]
	s.free = s.free[1:]
	n.pos = pos
	return n
}

// pair is one entry of a mapping.
type pair struct {
	key   string
	pos   place // of the key
	value *node
}

// place is a line and a column, both from 1. Smaller than a Position, because
// a document of ten thousand rules has some hundred thousand of them.
type place struct{ line, column int32 }

func (p place) in(file string) Position {
	return Position{File: file, Line: int(p.line), Column: int(p.column)}
}

type kind uint8

const (
	nullNode kind = iota
	stringNode
	numberNode
	boolNode
	mappingNode
	sequenceNode
)

// String returns the kind as error messages name it.
func (k kind) String() string {
	switch k {
	case stringNode:
		return "a string"
	case numberNode:
		return "a number"
	case boolNode:
		return "a boolean"
	case mappingNode:
		return "a mapping"
	case sequenceNode:
		return "a list"
	default:
		return "null"
	}
}

// at returns element i of a sequence, or nil. It is safe on nil.
func (n *node) at(i int) *node {
	if n == nil || i < 0 || i >= len(n.elements) {
		return nil
	}
	return n.elements[i]
}

// value returns the value of a key of a mapping, or nil.
func (n *node) value(key string) *node {
	for _, p := range n.pairs {
		if p.key == key {
			return p.value
		}
	}
	return nil
}

// origin remembers where a value of the set was written, so that later checks
// can name file, line, column and field. The zero value remembers nothing.
type origin struct {
	node  *node
	path  string      // such as "spec.ports[0]"
	names [][2]string // field paths of version v1, and what they are in the document
}

// locate walks down a field path such as "brokerResources[1].topics[0]" and
// returns the place of the deepest node on it.
func (o origin) locate(field string, fallback Position) Position {
	n := o.node
	if n == nil {
		return fallback
	}
	field = o.name(field)
	for field != "" {
		next, rest := n.descend(field)
		if next == nil {
			break
		}
		n, field = next, rest
	}
	return n.pos.in(fallback.File)
}

// name returns what a field of version v1 is called in the document. The first
// of its names that begins the path is replaced.
func (o origin) name(field string) string {
	for _, n := range o.names {
		rest, ok := strings.CutPrefix(field, n[0])
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return n[1] + rest
		}
	}
	return field
}

// field returns the path of a field below the origin.
func (o origin) field(name string) string {
	name = o.name(name)
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

// descend takes the first element off a field path. Keys may hold dots, so the
// longest key of the mapping that begins the path is taken.
func (n *node) descend(field string) (next *node, rest string) {
	if strings.HasPrefix(field, "[") {
		index, rest, ok := strings.Cut(field[1:], "]")
		i, err := strconv.Atoi(index)
		if !ok || err != nil {
			return nil, ""
		}
		return n.at(i), strings.TrimPrefix(rest, ".")
	}
	longest := -1
	for _, p := range n.pairs {
		after, ok := strings.CutPrefix(field, p.key)
		if !ok || len(p.key) <= longest || (after != "" && after[0] != '.' && after[0] != '[') {
			continue
		}
		longest, next, rest = len(p.key), p.value, strings.TrimPrefix(after, ".")
	}
	return next, rest
}
