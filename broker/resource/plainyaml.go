package resource

import (
	"bytes"
	"strings"
)

// plainYAML reads the part of YAML that lists of rules are written in, about
// eight times as fast as the YAML library and with a tenth of its memory: block
// mappings and lists, one-line strings in quotes or not, lists of such strings
// in brackets, comments. It knows no errors. Where a document has anything else
// in it, or anything that could be read in two ways, it is left to the library;
// what is read here, the library would read the same (FuzzPlainYAML).
type plainYAML struct {
	text  string
	next  int   // offset of the line after the current one
	line  int32 // of the current line, from 1
	depth int
	free  []node // allocated together, for the nodes to come

	// The current line without indentation, which begins at column indent+1. At
	// the end of the document indent is -1.
	indent int
	rest   string
}

// isPlainCandidate reports whether a document is worth a try. Only policies grow
// large, and they hold no secrets: the tree shares the text of the document.
func isPlainCandidate(document []byte) bool {
	return bytes.Contains(document, []byte("\nkind: "+kindAuthorization+"\n"))
}

// parsePlainYAML reads one document, after the given number of lines of its
// file. It may begin with a marker. It reports false for whatever is not plain.
func parsePlainYAML(document []byte, line int) (*node, bool) {
	for _, b := range document {
		if b != '\n' && (b < ' ' || b > '~') {
			return nil, false // columns count characters, and tabs are subtle
		}
	}
	p := &plainYAML{text: string(document), line: int32(line)}
	if after, ok := strings.CutPrefix(p.text, "---\n"); ok {
		p.next = len(p.text) - len(after)
		p.line++
	}
	p.advance()
	if p.indent != 0 || p.isEntry() {
		return nil, false
	}
	n, ok := p.mapping(0)
	return n, ok && p.indent < 0
}

// advance goes to the next line that is neither empty nor a comment.
func (p *plainYAML) advance() {
	for p.next < len(p.text) {
		line := p.text[p.next:]
		if end := strings.IndexByte(line, '\n'); end >= 0 {
			line = line[:end]
		}
		p.next += len(line) + 1
		p.line++
		p.rest = strings.TrimLeft(line, " ")
		p.indent = len(line) - len(p.rest)
		if p.rest != "" && p.rest[0] != '#' {
			return
		}
	}
	p.indent, p.rest = -1, ""
}

// skip moves n bytes into the current line, and over the spaces behind them: the
// line then looks as if it began there.
func (p *plainYAML) skip(n int) {
	after := strings.TrimLeft(p.rest[n:], " ")
	p.indent += len(p.rest) - len(after)
	p.rest = after
}

// node returns a new node at the beginning of the current line.
func (p *plainYAML) node(k kind) *node {
	if len(p.free) == 0 {
		p.free = make([]node, 256)
	}
	n := &p.free[0]
	p.free = p.free[1:]
	n.kind, n.pos = k, p.at()
	return n
}

func (p *plainYAML) at() place { return place{p.line, int32(p.indent + 1)} }

// isEntry reports whether the current line begins an entry of a list.
func (p *plainYAML) isEntry() bool { return p.rest == "-" || strings.HasPrefix(p.rest, "- ") }

// isEnd reports whether nothing but a comment is left of a line. Whoever calls it
// has seen a space before.
func isEnd(rest string) bool { return rest == "" || rest[0] == '#' }

// mapping reads a mapping whose keys begin at the given indentation.
func (p *plainYAML) mapping(indent int) (*node, bool) {
	n := p.node(mappingNode)
	p.depth++
	defer func() { p.depth-- }()
	for p.indent == indent && !p.isEntry() {
		key, ok := plainKey(p.rest)
		if !ok || p.depth > maxDepth/2 {
			return nil, false
		}
		pos := p.at()
		p.skip(len(key) + 1)
		value, ok := p.value(indent, true)
		if !ok {
			return nil, false
		}
		n.pairs = append(n.pairs, pair{key: key, pos: pos, value: value})
	}
	return n, p.indent <= indent
}

// sequence reads a list whose dashes stand at the given indentation.
func (p *plainYAML) sequence(indent int) (*node, bool) {
	n := p.node(sequenceNode)
	p.depth++
	defer func() { p.depth-- }()
	for p.indent == indent && p.isEntry() {
		if p.depth > maxDepth/2 {
			return nil, false
		}
		p.skip(1)
		value, ok := p.entry(indent)
		if !ok {
			return nil, false
		}
		n.elements = append(n.elements, value)
	}
	return n, p.indent <= indent
}

// entry reads what stands behind a dash.
func (p *plainYAML) entry(indent int) (*node, bool) {
	if p.isEntry() {
		return nil, false
	}
	if _, ok := plainKey(p.rest); ok {
		return p.mapping(p.indent)
	}
	return p.value(indent, false)
}

// value reads what stands behind a key or dash: a scalar up to the end of the
// line, or a block below it. Below a key, a list may stand as far left as the key.
func (p *plainYAML) value(indent int, inMapping bool) (*node, bool) {
	if !isEnd(p.rest) {
		n, ok := p.scalar()
		if !ok {
			return nil, false
		}
		p.advance()
		return n, p.indent <= indent // else the value goes on in the next line
	}
	p.advance()
	switch {
	case p.isEntry() && (p.indent > indent || inMapping && p.indent == indent):
		return p.sequence(p.indent)
	case p.indent > indent:
		return p.mapping(p.indent)
	default:
		return nil, false
	}
}

// scalar reads the rest of a line.
func (p *plainYAML) scalar() (*node, bool) {
	n := p.node(stringNode)
	switch p.rest[0] {
	case '"', '\'':
		text, after, ok := plainQuoted(p.rest)
		n.text = text
		return n, ok && (after == "" || after[0] == ' ' && isEnd(strings.TrimLeft(after, " ")))
	case '[':
		return p.brackets(n)
	}
	text, _, _ := strings.Cut(p.rest, " #")
	n.text = strings.TrimRight(text, " ")
	if isPlainNumber(n.text) {
		n.kind = numberNode
		return n, true
	}
	colon := strings.Contains(n.text, ": ") || strings.HasSuffix(n.text, ":")
	return n, isPlainString(n.text) && !colon
}

// brackets reads a list of strings in one line.
func (p *plainYAML) brackets(n *node) (*node, bool) {
	n.kind = sequenceNode
	p.skip(1)
	for more := false; p.rest != ""; more = true {
		if p.rest[0] == ']' && !more {
			break
		}
		entry, after, ok := p.bracketEntry()
		if !ok {
			return nil, false
		}
		n.elements = append(n.elements, entry)
		p.skip(len(p.rest) - len(after))
		if p.rest == "" || p.rest[0] != ',' {
			break
		}
		p.skip(1)
	}
	after, ok := strings.CutPrefix(p.rest, "]")
	return n, ok && (after == "" || after[0] == ' ' && isEnd(strings.TrimLeft(after, " ")))
}

func (p *plainYAML) bracketEntry() (entry *node, after string, ok bool) {
	entry = p.node(stringNode)
	if p.rest[0] == '"' || p.rest[0] == '\'' {
		entry.text, after, ok = plainQuoted(p.rest)
		return entry, after, ok
	}
	end := strings.IndexAny(p.rest, ",] ")
	if end < 0 {
		return nil, "", false
	}
	entry.text = p.rest[:end]
	return entry, p.rest[end:], isPlainString(entry.text) && !strings.ContainsAny(entry.text, "[{}:#")
}

// plainQuoted cuts a string in quotes that has nothing to decode in it.
func plainQuoted(rest string) (text, after string, ok bool) {
	quote := rest[:1]
	text, after, ok = strings.Cut(rest[1:], quote)
	return text, after, ok && !strings.HasPrefix(after, quote) && !strings.Contains(text, `\`)
}

// plainKey returns the key with which a line begins.
func plainKey(rest string) (string, bool) {
	end := 0
	for end < len(rest) && (isLower(rest[end]) || 'A' <= rest[end] && rest[end] <= 'Z' || rest[end] == '-' || rest[end] == '_') {
		end++
	}
	if end == len(rest) || rest[end] != ':' || end > 256 || end+1 < len(rest) && rest[end+1] != ' ' {
		return "", false
	}
	return rest[:end], isPlainString(rest[:end])
}

// isPlainString reports whether text without quotes is surely a string: it begins
// with a letter or slash and is none of the words that mean something else to one
// version of YAML or another.
func isPlainString(text string) bool {
	if text == "" {
		return false
	}
	if b := text[0] | 0x20; (b < 'a' || b > 'z') && text[0] != '/' {
		return false
	}
	if len(text) > len("false") {
		return true
	}
	switch strings.ToLower(text) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return false
	default:
		return true
	}
}

// isPlainNumber reports whether text is surely a number.
func isPlainNumber(text string) bool {
	if text == "" || len(text) > 9 || text[0] == '0' && len(text) > 1 {
		return false
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}
