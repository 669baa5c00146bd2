package strictjson

import (
	"iter"
	"strconv"
)

// Kind is what a value is. The zero value is no value at all.
type Kind byte

const (
	Invalid Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String returns the kind as error messages name it.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "boolean"
	case Number:
		return "number"
	case String:
		return "string"
	case Array:
		return "array"
	case Object:
		return "object"
	default:
		return "nothing"
	}
}

// Value is one value of a document. It refers to the bytes that were parsed,
// which must not be modified while it is in use. The zero Value is of the kind
// Invalid, and every question about it is an error. A Value is safe for
// concurrent use.
type Value struct {
	doc *document
	at  int32 // index into doc.nodes
}

// document is the parsed text: its values in the order of the text, keys
// included.
type document struct {
	data  []byte
	nodes []node
}

type node struct {
	start, end int32 // of the literal, quotes and brackets included
	next       int32 // index of the node behind this one and all that is in it
	count      int32 // elements or members
	kind       Kind
	escaped    bool // a string that holds a backslash
}

func (v Value) node() node {
	if v.doc == nil {
		return node{}
	}
	return v.doc.nodes[v.at]
}

// Kind says what v is.
func (v Value) Kind() Kind { return v.node().kind }

// Offset is where v begins in the document, in bytes.
func (v Value) Offset() int { return int(v.node().start) }

// AppendRaw appends the text of v to dst, as it stands in the document.
func (v Value) AppendRaw(dst []byte) []byte {
	if v.doc == nil {
		return dst
	}
	n := v.node()
	return append(dst, v.doc.data[n.start:n.end]...)
}

func (v Value) want(k Kind) (node, error) {
	n := v.node()
	if n.kind != k {
		return node{}, &Error{Offset: int(n.start), Problem: n.kind.String() + " where a value of kind " + k.String() + " is wanted"}
	}
	return n, nil
}

// Text returns what a string says.
func (v Value) Text() (string, error) {
	n, err := v.want(String)
	if err != nil {
		return "", err
	}
	if !n.escaped {
		return string(v.doc.inner(n)), nil
	}
	return string(v.doc.appendText(nil, n)), nil
}

// AppendText appends what a string says to dst. With it a secret need not
// become a Go string.
func (v Value) AppendText(dst []byte) ([]byte, error) {
	n, err := v.want(String)
	if err != nil {
		return dst, err
	}
	return v.doc.appendText(dst, n), nil
}

// Number returns a number as it is written.
func (v Value) Number() (string, error) {
	n, err := v.want(Number)
	if err != nil {
		return "", err
	}
	return string(v.doc.data[n.start:n.end]), nil
}

// Int64 returns a number that is written as an integer, without fraction and
// exponent, and fits.
func (v Value) Int64() (int64, error) {
	text, err := v.Number()
	if err != nil {
		return 0, err
	}
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &Error{Offset: v.Offset(), Problem: "number where an integer of 64 bits is wanted"}
	}
	return i, nil
}

// Bool returns true or false.
func (v Value) Bool() (bool, error) {
	n, err := v.want(Bool)
	if err != nil {
		return false, err
	}
	return v.doc.data[n.start] == 't', nil
}

// Array returns the elements of an array.
func (v Value) Array() ([]Value, error) {
	n, err := v.want(Array)
	if err != nil {
		return nil, err
	}
	elements := make([]Value, 0, n.count)
	for i := v.at + 1; i < n.next; i = v.doc.nodes[i].next {
		elements = append(elements, Value{v.doc, i})
	}
	return elements, nil
}

// Object returns the members of an object.
func (v Value) Object() (Members, error) {
	n, err := v.want(Object)
	if err != nil {
		return Members{}, err
	}
	return Members{doc: v.doc, first: v.at + 1, end: n.next, count: n.count}, nil
}

// Members are the members of one object. Their keys are distinct. The zero
// value has none.
type Members struct {
	doc        *document
	first, end int32
	count      int32
}

// Len is the number of members.
func (m Members) Len() int { return int(m.count) }

// Get returns the member of that name. It compares exactly.
func (m Members) Get(name string) (Value, bool) {
	for i := m.first; i < m.end; i = m.doc.nodes[i+1].next {
		if m.doc.says(m.doc.nodes[i], name) {
			return Value{m.doc, i + 1}, true
		}
	}
	return Value{}, false
}

// All yields the members in the order of the document.
func (m Members) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for i := m.first; i < m.end; i = m.doc.nodes[i+1].next {
			key, _ := Value{m.doc, i}.Text() // every key is a string
			if !yield(key, Value{m.doc, i + 1}) {
				return
			}
		}
	}
}
