package resource

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
)

// tomlTree reads a TOML file into a tree of nodes. Like the other front ends
// it converts nothing. What is there twice becomes two pairs with one key,
// which the readers report with both places.
//
// The parser of the library only finds expressions. Which of them define the
// same table (TOML 1.0, "Keys" and "Table") is decided here, because the
// decoder of the library stops at the first error.
type tomlTree struct {
	decoder *decoder
	cursor  tomlCursor
	base    int // offset of the parser's data in the file
	root    *tomlTable
	current *tomlTable // to which assignments belong
	cut     bool       // a syntax error hid a part of the file
}

// tomlTable is a table while it is read. It finds the newest value of a key.
type tomlTable struct {
	node   *node
	origin tomlOrigin
	values map[string]*tomlTable
}

// tomlOrigin says how a value came to be, and so what may be added to it.
type tomlOrigin uint8

const (
	tomlClosed  tomlOrigin = iota // any value, inline tables included: nothing
	tomlHeader                    // [a]: what stands below it, and tables inside
	tomlImplied                   // the a of [a.b]: a header [a] may follow
	tomlDotted                    // the a of a.b = 1: more of a in the same table
)

// tomlKey is one part of a dotted key.
type tomlKey struct {
	text string
	at   place
}

// parseTOML returns the tree of a file. After a syntax error it goes on at the
// next line that begins with "[", so that one bad line does not hide the
// errors of the others; then cut is true, and what is missing may stand in the
// part that was not read.
func (d *decoder) parseTOML(data []byte) (root *field, cut bool) {
	data, problem := checkText(d.file, data, maxMarks)
	if problem == nil {
		problem = checkTOMLSize(d.file, data)
	}
	if problem != nil {
		d.errors = append(d.errors, problem)
		return nil, true
	}
	top := newTOMLTable(place{1, 1}, tomlHeader)
	t := tomlTree{decoder: d, cursor: newTOMLCursor(data), root: top, current: top}
	for range maxSyntaxErrors {
		bad, ok := t.read(data[t.base:])
		if ok {
			break
		}
		t.cut = true
		next, found := nextTOMLHeader(data, t.base+bad)
		if !found {
			break
		}
		t.base = next
	}
	return &field{decoder: d, node: top.node, at: top.node.pos}, t.cut
}

// checkTOMLSize bounds the memory of the parser: each of its nodes begins with
// one of these characters.
func checkTOMLSize(file string, data []byte) *Error {
	marks := 0
	for _, mark := range "=.,[{" {
		marks += bytes.Count(data, []byte{byte(mark)})
	}
	if marks > maxMarks {
		return &Error{Position: Position{file, 1, 1}, Detail: fmt.Sprintf("file has more than %d values; split it", maxMarks)}
	}
	return nil
}

// nextTOMLHeader returns the offset of the first line after the given offset
// that begins like a table.
func nextTOMLHeader(data []byte, after int) (offset int, found bool) {
	for {
		i := bytes.IndexByte(data[after:], '\n')
		if i < 0 {
			return 0, false
		}
		after += i + 1
		if bytes.HasPrefix(bytes.TrimLeft(data[after:], " \t"), []byte("[")) {
			return after, true
		}
	}
}

// read reads expressions up to the end, or up to a syntax error, whose offset
// it returns.
func (t *tomlTree) read(data []byte) (bad int, ok bool) {
	var p unstable.Parser
	p.Reset(data)
	for p.NextExpression() {
		e := p.Expression()
		keys, ok := t.keys(e.Key())
		if !ok {
			continue
		}
		switch e.Kind {
		case unstable.KeyValue:
			t.assign(t.current, keys, e.Value(), 1)
		case unstable.ArrayTable:
			t.decoder.report(keys[0].at, "", "lists of tables are not allowed here; write one pair of brackets")
			t.header(keys)
		default:
			t.header(keys)
		}
	}
	err := p.Error()
	if err == nil {
		return 0, true
	}
	offset, detail := tomlSyntax(err, data)
	t.decoder.report(t.cursor.place(t.base+offset), "", detail)
	return offset, false
}

// tomlSyntax returns place and text of a syntax error. The text never repeats
// a character of the file, which may be one of a secret.
func tomlSyntax(err error, data []byte) (offset int, detail string) {
	message := "syntax error"
	var syntax *unstable.ParserError
	if errors.As(err, &syntax) {
		message, _, _ = strings.Cut(syntax.Message, " U+")
		message = strings.TrimSuffix(strings.TrimSuffix(message, " but got"), ":")
		offset = min(max(cap(data)-cap(syntax.Highlight), 0), len(data))
		if strings.HasSuffix(syntax.Message, "at start of value") || strings.HasPrefix(message, "expected keyword") {
			message = "a string must be in quotes"
		}
	}
	return offset, "cannot read TOML: " + message
}

// keys returns the parts of a key.
func (t *tomlTree) keys(parts unstable.Iterator) ([]tomlKey, bool) {
	var keys []tomlKey
	for parts.Next() {
		n := parts.Node()
		keys = append(keys, tomlKey{string(n.Data), t.cursor.place(t.base + int(n.Raw.Offset))})
	}
	if len(keys) > maxDepth {
		t.decoder.report(keys[0].at, "", fmt.Sprintf("key of more than %d parts", maxDepth))
		return nil, false
	}
	for i, k := range keys {
		if strings.Contains(k.text, hashMark) {
			t.decoder.report(k.at, "", `a password hash where a name belongs; write password = "…" in the table of the user`)
			keys[i].text = redacted
		}
	}
	return keys, len(keys) > 0
}

// header makes the table of a header the current one.
func (t *tomlTree) header(keys []tomlKey) {
	table, last := t.root, len(keys)-1
	for _, k := range keys[:last] {
		next := table.values[k.text]
		if next == nil || next.origin == tomlClosed {
			next = table.add(k, newTOMLTable(k.at, tomlImplied))
		}
		table = next
	}
	next := table.values[keys[last].text]
	if next == nil || next.origin != tomlImplied {
		next = table.add(keys[last], newTOMLTable(keys[last].at, tomlHeader))
	}
	next.origin = tomlHeader
	t.current = next
}

// assign adds a value to a table.
func (t *tomlTree) assign(table *tomlTable, keys []tomlKey, value *unstable.Node, depth int) {
	last := len(keys) - 1
	for _, k := range keys[:last] {
		next := table.values[k.text]
		if next == nil || next.origin != tomlDotted {
			next = table.add(k, newTOMLTable(k.at, tomlDotted))
		}
		table = next
	}
	n := t.convert(value, keys[last].at, depth+last)
	table.add(keys[last], &tomlTable{node: n})
}

// convert returns the node of a value. Lists have no place of their own in the
// library; theirs is that of the key.
func (t *tomlTree) convert(value *unstable.Node, at place, depth int) *node {
	if value.Raw.Length > 0 {
		at = t.cursor.place(t.base + int(value.Raw.Offset))
	}
	if depth > maxDepth {
		t.decoder.report(at, "", fmt.Sprintf("nested more than %d levels deep", maxDepth))
		return &node{pos: at}
	}
	switch value.Kind {
	case unstable.InlineTable:
		table := newTOMLTable(at, tomlClosed)
		for pairs := value.Children(); pairs.Next(); {
			if keys, ok := t.keys(pairs.Node().Key()); ok {
				t.assign(table, keys, pairs.Node().Value(), depth+1)
			}
		}
		return table.node
	case unstable.Array:
		return &node{kind: sequenceNode, pos: at} // no list is wanted anywhere
	case unstable.String:
		return &node{kind: stringNode, pos: at, text: string(value.Data)}
	case unstable.Bool:
		return &node{kind: boolNode, pos: at, text: string(value.Data)}
	default: // numbers and dates
		return &node{kind: numberNode, pos: at, text: string(value.Data)}
	}
}

func newTOMLTable(at place, origin tomlOrigin) *tomlTable {
	return &tomlTable{node: &node{kind: mappingNode, pos: at}, origin: origin}
}

// add adds a value to a table, also if its key is there already.
func (t *tomlTable) add(k tomlKey, value *tomlTable) *tomlTable {
	if t.values == nil {
		t.values = map[string]*tomlTable{}
	}
	t.values[k.text] = value
	t.node.pairs = append(t.node.pairs, pair{key: k.text, pos: k.at, value: value.node})
	return value
}

// tomlCursor converts offsets to places. Offsets that ascend cost one pass
// over the file together.
type tomlCursor struct {
	data   []byte
	offset int
	at     place
}

func newTOMLCursor(data []byte) tomlCursor { return tomlCursor{data: data, at: place{1, 1}} }

func (c *tomlCursor) place(offset int) place {
	offset = min(offset, len(c.data))
	if offset < c.offset {
		*c = newTOMLCursor(c.data)
	}
	passed := c.data[c.offset:offset]
	if i := bytes.LastIndexByte(passed, '\n'); i >= 0 {
		c.at.line += int32(bytes.Count(passed, []byte("\n")))
		c.at.column, passed = 1, passed[i+1:]
	}
	c.at.column += int32(utf8.RuneCount(passed))
	c.offset = offset
	return c.at
}
