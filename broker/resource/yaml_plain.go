package resource

import (
	"bytes"
	"slices"
	"strings"
)

// A policy of ten thousand rules is a table: each of its lines says by itself
// what it is. The library takes several times as long for such a text as all
// that comes after it, so it is read here, line by line.
//
// This is no second reader of YAML. It takes a text only if every line is one of
//
//	# a comment, or nothing
//	---
//	indentation, any number of "- ", perhaps "key:", perhaps a value
//
// where a value is a text in quotes without escapes, a list of such and of plain
// words in brackets, or a plain text that nothing could take for something else;
// and if no value goes on in a further line, and none is missing. Whatever is in
// doubt, and every error, is for the library to read, from the beginning. What is
// taken gives the tree that the library gives, with all places.

const (
	minPlainFile  = 256 << 10 // bytes from which on this is worth it
	maxPlainDepth = 32        // of block collections
	maxPlainKey   = 128       // bytes, far below what the library takes for a key
)

// plainYAML is the state behind a line.
type plainYAML struct {
	nodes nodes
	roots []*node
	root  *node       // of the document
	open  []openBlock // the collections that may go on, from outside in
	slot  **node      // where a value is still missing
	line  int32
}

// openBlock is a block sequence or mapping.
type openBlock struct {
	node   *node
	indent int // of each of its entries
}

// parsePlainYAML reports false if the text is one for the library.
func parsePlainYAML(data []byte) (roots []*node, ok bool) {
	var p plainYAML
	p.slot = &p.root
	for len(data) > 0 {
		var text []byte
		text, data, _ = bytes.Cut(data, []byte("\n"))
		p.line++
		if !p.read(text) || len(p.open) > maxPlainDepth {
			return nil, false
		}
	}
	if !p.endDocument() {
		return nil, false
	}
	return p.roots, true
}

// endDocument makes ready for the next one. Empty documents are left out.
func (p *plainYAML) endDocument() bool {
	switch {
	case p.slot == nil:
		p.roots = append(p.roots, p.root)
	case p.slot != &p.root:
		return false
	}
	p.root, p.open, p.slot = nil, p.open[:0], &p.root
	return true
}

// read reads a line.
func (p *plainYAML) read(text []byte) bool {
	if !isPrintableASCII(text) {
		return false
	}
	text = bytes.TrimRight(text, " ")
	rest := bytes.TrimLeft(text, " ")
	switch {
	case len(rest) == 0 || rest[0] == '#':
		return true
	case string(text) == "---":
		return p.endDocument()
	}
	indent := len(text) - len(rest)
	entry := isEntry(rest)
	if !p.resume(indent, entry) {
		return false
	}
	for isEntry(rest) {
		p.addEntry(indent)
		rest = bytes.TrimLeft(rest[2:], " ")
		indent = len(text) - len(rest)
	}
	key := keyLength(rest)
	if key == 0 {
		// Without an entry, it may go on from the line above.
		return entry && p.addValue(indent, rest)
	}
	if !p.addKey(indent, string(rest[:key])) {
		return false
	}
	rest = bytes.TrimLeft(rest[key+1:], " ")
	return len(rest) == 0 || p.addValue(len(text)-len(rest), rest)
}

func isPrintableASCII(text []byte) bool {
	for _, b := range text {
		if b < ' ' || b >= 0x7f {
			return false
		}
	}
	return true
}

func isEntry(text []byte) bool { return len(text) > 2 && text[0] == '-' && text[1] == ' ' }

// resume closes what cannot go on in a line, and reports whether something can:
// a collection with entries there, or the value that is missing.
func (p *plainYAML) resume(indent int, entry bool) bool {
	switch {
	case p.slot == &p.root:
		return true
	case p.slot != nil:
		// The entries of a list may be as far left as its key.
		key := p.open[len(p.open)-1]
		return indent > key.indent || indent == key.indent && entry
	}
	for i, b := range slices.Backward(p.open) {
		if indent == b.indent && entry == (b.node.kind == sequenceNode) {
			p.open = p.open[:i+1]
			return true
		}
	}
	return false
}

// addEntry begins an entry, whose value is missing yet.
func (p *plainYAML) addEntry(indent int) {
	n := p.block(sequenceNode, indent)
	n.elements = append(n.elements, nil)
	p.slot = &n.elements[len(n.elements)-1]
}

// addKey adds a key, whose value is missing yet.
func (p *plainYAML) addKey(indent int, key string) bool {
	if kind, ok := plainKind(key); !ok || kind != stringNode {
		return false
	}
	n := p.block(mappingNode, indent)
	n.pairs = append(n.pairs, pair{key: key, pos: p.at(indent)})
	p.slot = &n.pairs[len(n.pairs)-1].value
	return true
}

// block returns the collection that goes on, or begins one where a value is
// missing.
func (p *plainYAML) block(kind kind, indent int) *node {
	if p.slot == nil {
		return p.open[len(p.open)-1].node
	}
	n := p.fill(indent)
	n.kind = kind
	p.open = append(p.open, openBlock{n, indent})
	return n
}

// addValue adds the value that is missing.
func (p *plainYAML) addValue(indent int, text []byte) bool {
	n := p.fill(indent)
	if text[0] == '[' {
		return p.readList(n, indent, text)
	}
	if length := n.readQuoted(text); length > 0 {
		return length == len(text)
	}
	if wordLength(text) == 0 || bytes.Contains(text, []byte(": ")) || bytes.Contains(text, []byte(" #")) || text[len(text)-1] == ':' {
		return false
	}
	return n.readPlain(text)
}

// fill returns a new node, put where a value is missing.
func (p *plainYAML) fill(indent int) *node {
	n := p.nodes.at(p.at(indent))
	*p.slot, p.slot = n, nil
	return n
}

// readList reads a list in brackets.
func (p *plainYAML) readList(list *node, indent int, text []byte) bool {
	list.kind = sequenceNode
	if string(text) == "[]" {
		return true
	}
	for at := 1; ; {
		n := p.nodes.at(p.at(indent + at))
		list.elements = append(list.elements, n)
		length := n.readQuoted(text[at:])
		if length == 0 {
			length = wordLength(text[at:])
			if !n.readPlain(text[at : at+length]) {
				return false
			}
		}
		switch rest := text[at+length:]; {
		case string(rest) == "]":
			return true
		case len(rest) == 0 || rest[0] != ',':
			return false
		default:
			at = len(text) - len(bytes.TrimLeft(rest[1:], " "))
		}
	}
}

func (p *plainYAML) at(indent int) place { return place{p.line, int32(indent + 1)} }

// keyLength returns the length of the key that a text begins with, or 0.
func keyLength(text []byte) int {
	n := wordLength(text)
	if n > maxPlainKey || n == len(text) || text[n] != ':' || n+1 < len(text) && text[n+1] != ' ' {
		return 0
	}
	return n
}

// wordLength returns how many bytes of a text begin it as a plain word that is no
// indicator of YAML: in a bracket too, and at the start of a line.
func wordLength(text []byte) int {
	for i, b := range text {
		switch {
		case isLetterOrDigit(b), b == '_', b == '/', b == '$', b == '+':
		case i > 0 && (b == '.' || b == '-'):
		default:
			return i
		}
	}
	return len(text)
}

func isLetterOrDigit(b byte) bool { return isLower(b) || 'A' <= b && b <= 'Z' }

// readQuoted reads the quoted text that a text begins with, and returns its
// length. It is 0 if there is none, or one with an escape or a quote in it.
func (n *node) readQuoted(text []byte) (length int) {
	if len(text) == 0 || text[0] != '"' && text[0] != '\'' {
		return 0
	}
	end := bytes.IndexAny(text[1:], `"'\`) + 1
	if end == 0 || text[end] != text[0] {
		return 0
	}
	n.kind, n.text = stringNode, string(text[1:end])
	return end + 1
}

// readPlain reads a plain text, unless there is a doubt about what it is.
func (n *node) readPlain(text []byte) (ok bool) {
	n.text = string(text)
	n.kind, ok = plainKind(n.text)
	return ok
}

func plainKind(text string) (k kind, ok bool) {
	const sure = 18 // digits of a number
	switch {
	case text == "", text[0] == '0', len(text) <= 5 && isWordOfYAML(text):
		return 0, false
	case '1' <= text[0] && text[0] <= '9':
		return numberNode, len(text) <= sure && strings.Trim(text, "0123456789") == ""
	case text[0] == '+':
		return stringNode, text == "+" || text[1] == '/'
	default:
		return stringNode, true
	}
}

// isWordOfYAML reports whether some reader of YAML takes a word for a boolean or
// for null.
func isWordOfYAML(text string) bool {
	return slices.ContainsFunc([]string{"true", "false", "yes", "no", "on", "off", "y", "n", "null"}, func(word string) bool {
		return strings.EqualFold(text, word)
	})
}
