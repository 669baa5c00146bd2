package resource

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// field is one value of a document and the way to it. Its methods read the
// value as one type, and report what does not fit; then, and on nil, they
// return the zero value. So a reader of a kind is a plain list of its fields.
type field struct {
	decoder *decoder
	node    *node
	parent  *field
	key     string // name in a mapping, "" for an entry of a list
	index   int    // of an entry of a list
	at      place  // of the key, or of the value in a list
}

// path returns the way from the root, such as "spec.ports[0].port".
func (f *field) path() string {
	if f.parent == nil {
		return ""
	}
	if f.parent.node.kind == sequenceNode {
		return f.parent.path() + joinIndex(f.index)
	}
	parent := f.parent.path()
	return parent + joinKey(parent == "", f.key)
}

func joinIndex(i int) string { return "[" + strconv.Itoa(i) + "]" }

// joinKey writes a key as part of a path, in quotes where it would be
// misread.
func joinKey(first bool, key string) string {
	switch {
	case key == "" || strings.ContainsFunc(key, needsQuotes):
		return "[" + quote(key) + "]"
	case first:
		return key
	default:
		return "." + key
	}
}

func needsQuotes(r rune) bool {
	return r <= ' ' || r == '[' || r == ']' || r == '"' || r == '\\' || !strconv.IsPrint(r)
}

// quote returns text in quotes, cut to a length that fits a message.
func quote(text string) string {
	const most = 64
	runes := []rune(text)
	if len(runes) <= most {
		return strconv.Quote(text)
	}
	return strconv.Quote(string(runes[:most]) + "…")
}

// errorf reports that something is wrong with the value.
func (f *field) errorf(format string, args ...any) {
	if f == nil {
		return
	}
	at := f.node.pos
	if f.node.kind == nullNode {
		at = f.at // an absent value has no place of its own
	}
	f.decoder.report(at, f.path(), fmt.Sprintf(format, args...))
}

// position returns the place of the value.
func (f *field) position() Position { return f.node.pos.in(f.decoder.file) }

// origin remembers the place of the value in the set.
func (f *field) origin() origin { return origin{node: f.node, path: f.path()} }

// child returns a value below f.
func (f *field) child(p pair) *field {
	return &field{decoder: f.decoder, node: p.value, parent: f, key: p.key, at: p.pos}
}

// text reads a string.
func (f *field) text() string {
	if f == nil {
		return ""
	}
	if f.node.kind != stringNode {
		f.errorf("want a string, found %s", f.found())
		return ""
	}
	return f.node.text
}

// found names what stands where a string is wanted, and says how to write it
// as one. The text of a secret is not repeated.
func (f *field) found() string {
	n := f.node
	switch {
	case n.kind == mappingNode || n.kind == sequenceNode:
		return n.kind.String()
	case n.kind == nullNode && n.text == "":
		return "null; give it a value or remove it"
	case f.decoder.secret:
		return n.kind.String() + "; put the value in quotes"
	case f.parent != nil && f.parent.node.kind == mappingNode:
		return n.kind.String() + "; write " + f.key + ": " + quote(n.text)
	default:
		return n.kind.String() + "; write " + quote(n.text)
	}
}

// nonEmpty reads a string that must not be empty.
func (f *field) nonEmpty() string {
	s := f.text()
	if f != nil && f.node.kind == stringNode && s == "" {
		f.errorf("must not be empty")
	}
	return s
}

// reference reads the name of another object.
func (f *field) reference(valid func(string) string) string {
	s := f.nonEmpty()
	if s == "" {
		return ""
	}
	if problem := valid(s); problem != "" {
		f.errorf("%s is not a name: %s", quote(s), problem)
		return ""
	}
	return s
}

// oneOf reads one of some words in any letter case, and returns it as listed.
func (f *field) oneOf(words ...string) string {
	if f == nil {
		return ""
	}
	if f.node.kind != stringNode {
		f.errorf("want %s, found %s", alternatives(words), f.node.kind)
		return ""
	}
	for _, w := range words {
		if strings.EqualFold(w, f.node.text) {
			return w
		}
	}
	f.errorf("unknown value %s; want %s", quote(f.node.text), alternatives(words))
	return ""
}

// number reads an integer of limited range, written in decimal.
func (f *field) number(least, most int) int { return int(f.number64(int64(least), int64(most))) }

// number64 is number for what an int of 32 bits does not hold.
func (f *field) number64(least, most int64) int64 {
	if f == nil {
		return 0
	}
	if f.node.kind != numberNode {
		f.errorf("want a number, found %s", f.foundNoNumber())
		return 0
	}
	i, ok := decimal(f.node.text, least, most)
	if !ok {
		f.errorf("want a number from %d to %d in plain decimal, found %s", least, most, f.node.text)
	}
	return i
}

// decimal reads an integer as strconv writes it. It is 0 if it is not ok.
func decimal(s string, least, most int64) (i int64, ok bool) {
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil || i < least || i > most || s != strconv.FormatInt(i, 10) {
		return 0, false
	}
	return i, true
}

func (f *field) foundNoNumber() string {
	if f.node.kind == stringNode {
		if _, err := strconv.Atoi(f.node.text); err == nil {
			return "a string; remove the quotes"
		}
	}
	return f.node.kind.String()
}

// boolean reads true or false.
func (f *field) boolean() bool {
	if f == nil {
		return false
	}
	if f.node.kind != boolNode {
		f.errorf("want true or false, found %s", f.node.kind)
		return false
	}
	if f.node.text != "true" && f.node.text != "false" {
		f.errorf("want true or false, found %s", quote(f.node.text))
		return false
	}
	return f.node.text == "true"
}

// integerText reads an integer that a string holds.
func (f *field) integerText(least, most int) int {
	s := f.nonEmpty()
	if s == "" {
		return 0
	}
	i, ok := decimal(s, int64(least), int64(most))
	if !ok {
		f.errorf("want an integer from %d to %d, found %s", least, most, quote(s))
	}
	return int(i)
}

// duration reads a positive duration such as "720h".
func (f *field) duration() time.Duration {
	s := f.nonEmpty()
	if s == "" {
		return 0
	}
	v, err := time.ParseDuration(s)
	if err != nil || v <= 0 {
		f.errorf("%s is not a duration; write it in hours, minutes and seconds, such as \"720h\" or \"1h30m\"", quote(s))
		return 0
	}
	return v
}

// list reads a list.
func (f *field) list() []*field {
	if !f.isList() {
		return nil
	}
	out := make([]*field, len(f.node.elements))
	for i := range out {
		out[i] = f.entry(i)
	}
	return out
}

// texts reads a list of strings that are not empty. It returns nil for an
// empty list.
func (f *field) texts() []string {
	if !f.isList() || len(f.node.elements) == 0 {
		return nil
	}
	out := make([]string, len(f.node.elements))
	for i, n := range f.node.elements {
		out[i] = n.text
		if n.kind != stringNode || n.text == "" {
			out[i] = f.entry(i).nonEmpty()
		}
	}
	return out
}

func (f *field) isList() bool {
	if f == nil {
		return false
	}
	if f.node.kind != sequenceNode {
		f.errorf("want a list, found %s", f.node.kind)
		return false
	}
	return true
}

// entry returns an entry of a list.
func (f *field) entry(i int) *field {
	n := f.node.elements[i]
	return &field{decoder: f.decoder, node: n, parent: f, index: i, at: n.pos}
}
