package resource

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// parseYAML reads a stream of YAML documents. Empty documents are left out.
// After a syntax error it goes on at the next line that begins with "---", so
// that one bad document does not hide the errors of the others.
func (d *decoder) parseYAML(data []byte) []*node {
	if len(data) >= minPlainFile {
		if roots, ok := parsePlainYAML(data); ok {
			return roots
		}
	}
	line := 0
	var roots []*node
	for range maxSyntaxErrors {
		more, bad := d.parseYAMLStream(data, line)
		roots = append(roots, more...)
		if bad == 0 {
			return roots
		}
		skipped, rest, ok := nextDocument(data, bad-line)
		if !ok {
			return roots
		}
		data, line = rest, line+skipped
	}
	return roots
}

// parseYAMLStream reads documents up to the end, or up to the first syntax
// error, whose line it returns; 0 means there was none. The data begins after
// the given number of lines of the file.
func (d *decoder) parseYAMLStream(data []byte, line int) (roots []*node, bad int) {
	loader, err := yaml.NewLoader(bytes.NewReader(data),
		yaml.WithUniqueKeys(false), // found by the reader, with the place of both
		yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil {
		d.report(place{1, 1}, "", "cannot read YAML: "+err.Error())
		return nil, 0
	}
	for {
		var document yaml.Node
		err := loader.Load(&document)
		if errors.Is(err, io.EOF) {
			return roots, 0
		}
		if err != nil {
			return roots, d.yamlError(err, data, line)
		}
		t := yamlTree{decoder: d, line: line}
		for _, content := range document.Content {
			if n := t.convert(content); n.kind != nullNode {
				roots = append(roots, n)
			}
		}
	}
}

// nextDocument cuts data at the first document marker from the given line on
// (from 1), but for the one that data begins with: an open bracket is noticed at
// the marker behind it. It returns how many lines lie before.
func nextDocument(data []byte, after int) (skipped int, rest []byte, ok bool) {
	for len(data) > 0 {
		if skipped >= max(after-1, 1) && isMarker(data) {
			return skipped, data, true
		}
		_, next, found := bytes.Cut(data, []byte("\n"))
		if !found {
			break
		}
		data, skipped = next, skipped+1
	}
	return 0, nil, false
}

func isMarker(line []byte) bool {
	after, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(after) == 0 || bytes.IndexByte([]byte(" \t\r\n"), after[0]) >= 0)
}

// yamlError reports a syntax error and returns its line in the file.
func (d *decoder) yamlError(err error, data []byte, line int) int {
	last := bytes.Count(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) + 1
	at, detail := placeOf(data, len(bytes.TrimRight(data, " \t\r\n"))), "cannot read YAML"
	at.line += int32(line)
	var syntax *yaml.LoadError
	if errors.As(err, &syntax) {
		detail = yamlDetail(syntax)
		for _, m := range []yaml.Mark{syntax.Mark, syntax.ContextMark} {
			if m.Line >= 1 && m.Line <= last { // an end too early is noticed behind the last line
				at = place{int32(line + m.Line), int32(max(m.Column, 1))}
				break
			}
		}
		detail += adviceNear(data, int(at.line)-line)
	}
	d.report(at, "", detail)
	if strings.Contains(detail, " = ") {
		d.reportAssignments(data, int(at.line)-line, line)
	}
	return int(at.line)
}

// reportAssignments reports the lines of a document that are written as in
// TOML, after the given one (from 1), where the first was noticed. A text over
// several lines may rightly hold such lines, so a document with one is left out.
func (d *decoder) reportAssignments(data []byte, after, skipped int) {
	lines := bytes.Split(data, []byte("\n"))
	end := after
	for end < len(lines) && !isMarker(lines[end]) {
		end++
	}
	for _, l := range lines[:end] {
		if l = bytes.TrimRight(l, " \r"); bytes.HasSuffix(l, []byte("|")) || bytes.HasSuffix(l, []byte(">")) {
			return
		}
	}
	for i := after; i < end; i++ {
		text := string(lines[i])
		if hint := assignmentHint(text); hint != "" {
			indent := len(text) - len(strings.TrimLeft(text, " "))
			d.report(place{int32(i + 1 + skipped), int32(indent + 1)}, "", "cannot read YAML"+hint)
		}
	}
}

// yamlDetail returns the message of the YAML library, unless it quotes the
// document: that could be a password that begins with "*" or "!".
func yamlDetail(e *yaml.LoadError) string {
	switch {
	case strings.Contains(e.Message, "expected ':'"):
		return "cannot read YAML: a key without a colon behind it"
	case strings.Contains(e.Message, "anchor"):
		return "an unquoted value that begins with * is a YAML alias, which is not allowed here; put the value in quotes"
	case strings.ContainsAny(e.Message, "`'\""):
		return "an unquoted value that begins with ! is a YAML tag, which is not allowed here; put the value in quotes"
	case e.ContextMsg != "" && e.ContextMark.Line > 0:
		return "cannot read YAML: " + e.ContextMsg + ": " + e.Message
	default:
		return "cannot read YAML: " + e.Message
	}
}

// assignment is a line in the notation of TOML, as the documents print it once
// by mistake. Only the key is repeated in a message, and a value that is plainly
// the subject of a certificate.
var assignment = regexp.MustCompile(`^\s*(?:- )?([A-Za-z][A-Za-z0-9_-]{0,40}) = (.*)`)

var distinguishedName = regexp.MustCompile(`^"(?:[A-Z]{1,2} = [A-Za-z0-9 .-]{1,64}(?:, )?){1,8}"$`)

// adviceNear says what to write instead, if the line of a syntax error (from
// 1) shows a frequent mistake. An assignment is looked for just above too,
// since YAML notices it one line late.
func adviceNear(data []byte, line int) string {
	lines := bytes.SplitN(data, []byte("\n"), line+1)
	last := min(line, len(lines)) - 1
	for i := last; i >= max(last-2, 0); i-- {
		if hint := assignmentHint(string(lines[i])); hint != "" {
			return hint
		}
	}
	text := bytes.TrimLeft(lines[last], " ")
	switch {
	case bytes.HasPrefix(text, []byte("\t")):
		return "; indent with spaces, not with tabs"
	case bytes.HasPrefix(text, []byte("- ")):
		return "; indent all entries of a list alike"
	default:
		return ""
	}
}

func assignmentHint(text string) string {
	m := assignment.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	if dn := strings.Trim(m[2], " \r"); m[1] == "subject" && distinguishedName.MatchString(dn) {
		return `; write ` + m[1] + `: ` + dn
	}
	return `; write "` + m[1] + `: …" instead of "` + m[1] + ` = …"`
}

// yamlTree converts the tree of the library. It refuses everything by which a
// YAML document can say other things than it shows.
type yamlTree struct {
	decoder *decoder
	nodes   nodes
	line    int    // lines of the file before the data
	path    []step // to the value being converted
}

// step is one element of a path: a key, or an index below a list.
type step struct {
	key   string
	index int // -1 for a key
}

func (t *yamlTree) convert(y *yaml.Node) *node {
	n := t.nodes.at(place{int32(max(y.Line, 1) + t.line), int32(max(y.Column, 1))})
	if y.Anchor != "" && y.Kind != yaml.AliasNode {
		t.refuse(n, "YAML anchors are not allowed; repeat the value, or put it in quotes if it begins with &")
	}
	switch y.Kind {
	case yaml.MappingNode:
		t.convertMapping(n, y)
	case yaml.SequenceNode:
		t.convertSequence(n, y)
	case yaml.ScalarNode:
		t.convertScalar(n, y)
	case yaml.AliasNode:
		n.kind = stringNode // so that it is reported once
		t.refuse(n, "YAML aliases are not allowed; repeat the value, or put it in quotes if it begins with *")
	default:
		t.refuse(n, "unknown YAML construct")
	}
	return n
}

func (t *yamlTree) convertMapping(n *node, y *yaml.Node) {
	n.kind = mappingNode
	if y.Tag != "!!map" || y.Style&yaml.TaggedStyle != 0 {
		t.refuseTag(n)
	}
	n.pairs = make([]pair, 0, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := t.convert(y.Content[i])
		if y.Content[i].Tag == "!!merge" {
			t.refuse(key, "YAML merge keys are not allowed; repeat the fields")
		}
		if key.kind != stringNode {
			t.refuse(key, "a key must be a string, found "+key.kind.String()+"; put it in quotes")
		}
		t.path = append(t.path, step{key.text, -1})
		value := t.convert(y.Content[i+1])
		t.path = t.path[:len(t.path)-1]
		n.pairs = append(n.pairs, pair{key: key.text, pos: key.pos, value: value})
	}
}

func (t *yamlTree) convertSequence(n *node, y *yaml.Node) {
	n.kind = sequenceNode
	if y.Tag != "!!seq" || y.Style&yaml.TaggedStyle != 0 {
		t.refuseTag(n)
	}
	n.elements = make([]*node, 0, len(y.Content))
	for i, c := range y.Content {
		t.path = append(t.path, step{"", i})
		n.elements = append(n.elements, t.convert(c))
		t.path = t.path[:len(t.path)-1]
	}
}

func (t *yamlTree) convertScalar(n *node, y *yaml.Node) {
	n.text = y.Value
	if y.Style&yaml.TaggedStyle != 0 {
		n.kind = stringNode
		t.refuseTag(n)
		return
	}
	switch y.Tag {
	case "!!str":
		n.kind = stringNode
		if y.Style == 0 && isYesNo(y.Value) {
			n.kind = boolNode
		}
	case "!!timestamp", "!!merge": // plain text that YAML 1.2 knows as strings
		n.kind = stringNode
	case "!!int", "!!float":
		n.kind = numberNode
	case "!!bool":
		n.kind = boolNode
	case "!!null":
		n.kind = nullNode
	default:
		n.kind = stringNode
		t.refuseTag(n)
	}
}

// isYesNo reports whether an unquoted word is a boolean of YAML 1.1: kubectl
// reads it so, this YAML library as a string.
func isYesNo(s string) bool {
	switch s {
	case "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF":
		return true
	default:
		return false
	}
}

func (t *yamlTree) refuseTag(n *node) {
	t.refuse(n, "YAML tags are not allowed; remove the tag, or put the value in quotes if it begins with !")
}

func (t *yamlTree) refuse(n *node, detail string) {
	path := ""
	for _, s := range t.path {
		if s.index >= 0 {
			path += joinIndex(s.index)
			continue
		}
		path += joinKey(path == "", s.key)
	}
	t.decoder.report(n.pos, path, detail)
}
