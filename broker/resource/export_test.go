package resource

import (
	"fmt"
	"strings"
)

// ReadYAML reads a text as a whole and returns its trees, with all places, and
// what is wrong with it.
func ReadYAML(text []byte) (tree string, errs Errors) {
	var d decoder
	roots, _ := d.parseYAMLStream(text, 0)
	return dump(roots), d.errors
}

// LoadYAML is ReadYAML for who does not want to see the trees.
func LoadYAML(text []byte) {
	var d decoder
	d.parseYAMLStream(text, 0)
}

// ReadPlainYAML reads a text without the library. It reports false if it is one
// for the library.
func ReadPlainYAML(text []byte) (tree string, ok bool) {
	roots, ok := parsePlainYAML(text)
	if !ok {
		return "", false
	}
	return dump(roots), true
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
