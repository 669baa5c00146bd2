package resource

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// parseJSON reads one JSON value, or nothing from a file of white space.
func (d *decoder) parseJSON(data []byte) []*node {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	t := jsonTree{data: data, line: 1, column: 1, tokens: json.NewDecoder(bytes.NewReader(data))}
	t.tokens.UseNumber()
	n, err := t.value(0)
	if err == nil && n.kind == stringNode && bytes.HasPrefix(bytes.TrimLeft(data[t.tokens.InputOffset():], " \t\r\n"), []byte(":")) {
		d.report(n.pos, "", "cannot read JSON: a field without braces around it; write { before it and } behind its value")
		return nil
	}
	if err == nil {
		_, err = t.next()
		if errors.Is(err, io.EOF) {
			return []*node{n}
		}
		if err == nil {
			err = errors.New("text after the end of the JSON value; one file holds one value, use kind List for several objects")
		}
	}
	d.jsonError(&t, err)
	return nil
}

// jsonError reports where reading stopped.
func (d *decoder) jsonError(t *jsonTree, err error) {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		d.report(placeOf(t.data, len(bytes.TrimSpace(t.data))), "", "cannot read JSON: the text ends too early")
	case errors.As(err, &syntax):
		at := t.skip(int(t.tokens.InputOffset()))
		d.report(placeOf(t.data, max(at, int(syntax.Offset)-1)), "", "cannot read JSON: "+t.syntaxDetail(at, syntax))
	default:
		d.report(placeOf(t.data, t.start), "", "cannot read JSON: "+err.Error())
	}
}

// syntaxDetail says what to do about the most frequent mistakes.
func (t *jsonTree) syntaxDetail(at int, e *json.SyntaxError) string {
	before := bytes.TrimRight(t.data[:at], " \t\r\n")
	if at < len(t.data) && t.data[at] == '/' {
		return "JSON has no comments; remove this one"
	}
	closes := at < len(t.data) && (t.data[at] == ']' || t.data[at] == '}')
	if closes && bytes.HasSuffix(before, []byte(",")) {
		return "trailing comma; remove the comma before " + string(t.data[at])
	}
	return e.Error()
}

// jsonTree builds nodes from tokens. Places are counted along the way, so that
// a file is walked once.
type jsonTree struct {
	data   []byte
	tokens *json.Decoder
	nodes  nodes
	start  int // offset of the last token

	// counted up to offset
	offset       int
	line, column int32
}

// next returns the next token and leaves its offset in t.start.
func (t *jsonTree) next() (json.Token, error) {
	t.start = t.skip(int(t.tokens.InputOffset()))
	return t.tokens.Token()
}

// skip returns the offset of the next token at or after offset: commas and
// colons are not tokens.
func (t *jsonTree) skip(offset int) int {
	for offset < len(t.data) && strings.IndexByte(" \t\r\n,:", t.data[offset]) >= 0 {
		offset++
	}
	return offset
}

// here returns the place of the last token.
func (t *jsonTree) here() place {
	for t.offset < t.start {
		b := t.data[t.offset]
		switch {
		case b == '\n':
			t.line, t.column = t.line+1, 1
		case utf8.RuneStart(b):
			t.column++
		}
		t.offset++
	}
	return place{t.line, t.column}
}

func (t *jsonTree) value(depth int) (*node, error) {
	token, err := t.next()
	if err != nil {
		return nil, err
	}
	n := t.nodes.at(t.here())
	switch v := token.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return nil, errors.New("lists and mappings are nested too deeply")
		}
		if v == '[' {
			return n, t.sequence(n, depth+1)
		}
		return n, t.mapping(n, depth+1)
	case string:
		n.kind, n.text = stringNode, v
		return n, t.checkString(v)
	case json.Number:
		n.kind, n.text = numberNode, v.String()
	case bool:
		n.kind, n.text = boolNode, "false"
		if v {
			n.text = "true"
		}
	default:
		n.text = "null"
	}
	return n, nil
}

func (t *jsonTree) sequence(n *node, depth int) error {
	n.kind = sequenceNode
	for t.tokens.More() {
		element, err := t.value(depth)
		if err != nil {
			return err
		}
		n.elements = append(n.elements, element)
	}
	_, err := t.next()
	return err
}

func (t *jsonTree) mapping(n *node, depth int) error {
	n.kind = mappingNode
	for t.tokens.More() {
		token, err := t.next()
		if err != nil {
			return err
		}
		key, ok := token.(string)
		if !ok {
			return errors.New("a key must be a string")
		}
		if err := t.checkString(key); err != nil {
			return err
		}
		at := t.here()
		value, err := t.value(depth)
		if err != nil {
			return err
		}
		n.pairs = append(n.pairs, pair{key: key, pos: at, value: value})
	}
	_, err := t.next()
	return err
}

// checkString refuses half of a surrogate pair, which encoding/json silently
// turns into U+FFFD.
func (t *jsonTree) checkString(s string) error {
	if !strings.ContainsRune(s, utf8.RuneError) {
		return nil
	}
	raw := bytes.ToLower(t.data[t.start:t.tokens.InputOffset()])
	if bytes.Contains(raw, []byte(`\ud`)) {
		return errors.New(`a string has half of a surrogate pair (\uD800 to \uDFFF)`)
	}
	return nil
}
