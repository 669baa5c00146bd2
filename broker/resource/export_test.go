package resource

import (
	"fmt"
	"strings"
)

// PlainYAML and FullYAML describe the tree that one document is read into, by
// the reader of plain documents and by the YAML library.
func PlainYAML(document []byte) (string, bool) {
	n, ok := parsePlainYAML(document, 7)
	if !ok {
		return "", false
	}
	return describe(n), true
}

func FullYAML(document []byte) (string, error) {
	d := decoder{file: "f.yaml"}
	roots := d.parseFullYAML(document, 7)
	if len(d.errors) > 0 {
		return "", d.errors
	}
	var b strings.Builder
	for _, n := range roots {
		b.WriteString(describe(n))
	}
	return b.String(), nil
}

func describe(n *node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:%d %v %q", n.pos.line, n.pos.column, n.kind, n.text)
	for _, p := range n.pairs {
		fmt.Fprintf(&b, "\n%d:%d %q = {%s}", p.pos.line, p.pos.column, p.key, describe(p.value))
	}
	for _, e := range n.elements {
		fmt.Fprintf(&b, "\n- {%s}", describe(e))
	}
	return b.String()
}
