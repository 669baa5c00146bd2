package resource

import (
	"fmt"
	"strings"
)

// ReadYAML reads a text as a whole and returns its trees, with all places, and
// what is wrong with it.
func ReadYAML(text []byte) (tree string, errs Errors) {
	var d decoder
	roots, _ := d.parseYAMLStream(text, 0, maxDepth)
	return dump(roots), d.errors
}

// ReadYAMLPieces reads a text in pieces of at least size bytes. It reports false
// if it did not.
func ReadYAMLPieces(text []byte, size int) (tree string, ok bool) {
	roots, ok := parseYAMLPieces(text, size)
	if !ok {
		return "", false
	}
	return dump(roots), true
}

// ClosedLine reports whether a line may stand in front of a cut.
func ClosedLine(line string) bool {
	_, _, ok := yamlLine([]byte(line))
	return ok
}

func dump(roots []*node) string {
	var b strings.Builder
	for _, n := range roots {
		n.dump(&b, "", "-")
	}
	return b.String()
}

func (n *node) dump(b *strings.Builder, indent, name string) {
	fmt.Fprintf(b, "%s%s %s at %d:%d %q\n", indent, name, n.kind, n.pos.line, n.pos.column, n.text)
	indent += " "
	for _, p := range n.pairs {
		p.value.dump(b, indent, fmt.Sprintf("%q at %d:%d", p.key, p.pos.line, p.pos.column))
	}
	for _, e := range n.elements {
		e.dump(b, indent, "-")
	}
}
