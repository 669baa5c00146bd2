package strictjson

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of a document that says nothing else.
const (
	DefaultBytes = 64 << 10
	DefaultDepth = 16
)

// Limits bound a document. Zero or less: the defaults.
type Limits struct {
	Bytes int // length of the document
	Depth int // of arrays and objects within each other; {} alone is 1 deep
}

// Error says what is wrong with a document, and where.
type Error struct {
	Offset  int // in bytes
	Problem string
}

func (e *Error) Error() string {
	return "strictjson: at byte " + strconv.Itoa(e.Offset) + ": " + e.Problem
}

// Parse reads one JSON document (RFC 8259). White space may surround it, and
// nothing else. The Value refers to data. The error is an *Error.
func Parse(data []byte, l Limits) (Value, error) {
	if l.Bytes <= 0 {
		l.Bytes = DefaultBytes
	}
	if l.Depth <= 0 {
		l.Depth = DefaultDepth
	}
	l.Bytes = min(l.Bytes, math.MaxInt32-1)
	if len(data) > l.Bytes {
		return Value{}, &Error{Offset: l.Bytes, Problem: "the document is longer than " + strconv.Itoa(l.Bytes) + " bytes"}
	}
	p := parser{document: document{data: data, nodes: make([]node, 0, 16)}}
	if err := p.value(l.Depth); err != nil {
		return Value{}, err
	}
	if p.space(); p.pos < len(data) {
		return Value{}, p.wrong("something behind the document")
	}
	doc := p.document
	return Value{doc: &doc}, nil
}

type parser struct {
	document
	pos int
}

func (p *parser) wrong(problem string) error { return &Error{Offset: p.pos, Problem: problem} }

func (p *parser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek returns the next byte that is not white space, 0 at the end.
func (p *parser) peek() byte {
	if p.space(); p.pos < len(p.data) {
		return p.data[p.pos]
	}
	return 0
}

// open appends a node that begins here; shut ends it here.
func (p *parser) open(k Kind) int {
	p.nodes = append(p.nodes, node{start: int32(p.pos), kind: k})
	return len(p.nodes) - 1
}

func (p *parser) shut(i int) {
	p.nodes[i].end, p.nodes[i].next = int32(p.pos), int32(len(p.nodes))
}

// value reads one value, at most depth deep.
func (p *parser) value(depth int) error {
	switch c := p.peek(); {
	case c == '{' || c == '[':
		if depth == 0 {
			return p.wrong("too deep")
		}
		if c == '{' {
			return p.object(depth - 1)
		}
		return p.array(depth - 1)
	case c == '"':
		return p.text()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	case c == 't':
		return p.literal("true", Bool)
	case c == 'f':
		return p.literal("false", Bool)
	case c == 'n':
		return p.literal("null", Null)
	case p.pos == len(p.data):
		return p.wrong("the document ends where a value is wanted")
	default:
		return p.wrong("not a value")
	}
}

func (p *parser) literal(word string, k Kind) error {
	if !bytes.HasPrefix(p.data[p.pos:], []byte(word)) {
		return p.wrong("not a value")
	}
	i := p.open(k)
	p.pos += len(word)
	p.shut(i)
	return nil
}

func (p *parser) array(depth int) error {
	i := p.open(Array)
	p.pos++
	for p.peek() != ']' {
		if err := p.separator(i, "an array"); err != nil {
			return err
		}
		if err := p.value(depth); err != nil {
			return err
		}
		p.nodes[i].count++
	}
	p.pos++
	p.shut(i)
	return nil
}

func (p *parser) object(depth int) error {
	i := p.open(Object)
	p.pos++
	for p.peek() != '}' {
		if err := p.separator(i, "an object"); err != nil {
			return err
		}
		if p.peek() != '"' {
			return p.wrong("not a key")
		}
		if err := p.text(); err != nil {
			return err
		}
		if p.peek() != ':' {
			return p.wrong("no colon behind a key")
		}
		p.pos++
		if err := p.value(depth); err != nil {
			return err
		}
		p.nodes[i].count++
	}
	p.pos++
	p.shut(i)
	return p.distinct(p.nodes[i], i)
}

// separator reads the comma in front of every element or member but the first.
func (p *parser) separator(i int, where string) error {
	if p.pos == len(p.data) {
		return p.wrong("the document ends inside " + where)
	}
	if p.nodes[i].count == 0 {
		return nil
	}
	if p.data[p.pos] != ',' {
		return p.wrong("neither a comma nor the end of " + where)
	}
	p.pos++
	return nil
}

// fewMembers is up to how many keys are compared each with each.
const fewMembers = 8

// distinct looks for a key that the object n, at index i, has twice.
func (p *parser) distinct(n node, i int) error {
	duplicate := func(key int32) error {
		return &Error{Offset: int(p.nodes[key].start), Problem: "a key that the object has already"}
	}
	if n.count <= fewMembers {
		for a := int32(i + 1); a < n.next; a = p.nodes[a+1].next {
			for b := int32(i + 1); b < a; b = p.nodes[b+1].next {
				if p.same(p.nodes[a], p.nodes[b]) {
					return duplicate(a)
				}
			}
		}
		return nil
	}
	seen := make(map[string]bool, n.count)
	for a := int32(i + 1); a < n.next; a = p.nodes[a+1].next {
		key := string(p.appendText(nil, p.nodes[a]))
		if seen[key] {
			return duplicate(a)
		}
		seen[key] = true
	}
	return nil
}

func (p *parser) same(a, b node) bool {
	if !a.escaped && !b.escaped {
		return bytes.Equal(p.inner(a), p.inner(b))
	}
	return bytes.Equal(p.appendText(nil, a), p.appendText(nil, b))
}

// number reads a number as RFC 8259 section 6 writes it.
func (p *parser) number() error {
	i := p.open(Number)
	if p.data[p.pos] == '-' {
		p.pos++
	}
	whole := p.pos
	if p.digits() == 0 || p.data[whole] == '0' && p.pos > whole+1 {
		p.pos = whole
		return p.wrong("not a number")
	}
	if p.accept(".") && p.digits() == 0 {
		return p.wrong("no digits behind the decimal point")
	}
	if p.accept("eE") {
		p.accept("+-")
		if p.digits() == 0 {
			return p.wrong("no digits in the exponent")
		}
	}
	p.shut(i)
	return nil
}

func (p *parser) digits() (n int) {
	for p.pos < len(p.data) && '0' <= p.data[p.pos] && p.data[p.pos] <= '9' {
		p.pos++
		n++
	}
	return n
}

func (p *parser) accept(any string) bool {
	if p.pos == len(p.data) || bytes.IndexByte([]byte(any), p.data[p.pos]) < 0 {
		return false
	}
	p.pos++
	return true
}

// text reads a string.
func (p *parser) text() error {
	i := p.open(String)
	p.pos++
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == '"':
			p.pos++
			p.shut(i)
			return nil
		case c == '\\':
			p.nodes[i].escaped = true
			if err := p.escape(); err != nil {
				return err
			}
		case c < ' ':
			return p.wrong("a control character in a string; want an escape")
		case c < utf8.RuneSelf:
			p.pos++
		default:
			r, size := utf8.DecodeRune(p.data[p.pos:])
			if r == utf8.RuneError && size == 1 {
				return p.wrong("invalid UTF-8")
			}
			p.pos += size
		}
	}
	return p.wrong("the document ends inside a string")
}

// escape reads one escape, or the two that make a surrogate pair.
func (p *parser) escape() error {
	rest := p.data[p.pos+1:]
	if len(rest) > 0 && unescaped(rest[0]) != 0 {
		p.pos += 2
		return nil
	}
	if len(rest) == 0 || rest[0] != 'u' {
		return p.wrong("unknown escape")
	}
	r, ok := hex4(rest[1:])
	if !ok {
		return p.wrong(`\u without four hexadecimal digits`)
	}
	if !utf16.IsSurrogate(r) {
		p.pos += 6
		return nil
	}
	pair := rest[5:]
	if len(pair) >= 2 && pair[0] == '\\' && pair[1] == 'u' {
		if low, ok := hex4(pair[2:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
			p.pos += 12
			return nil
		}
	}
	return p.wrong("half of a surrogate pair")
}
