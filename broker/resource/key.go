package resource

import "strconv"

// DefaultNamespace is the namespace of an object that names none (LINK-1).
const DefaultNamespace = "default"

// Key names one object among those of its kind.
type Key struct {
	Namespace string
	Name      string
}

// String returns "namespace/name".
func (k Key) String() string { return k.Namespace + "/" + k.Name }

// Position is a place in a file. Lines and columns count from 1; a column
// counts characters, not bytes. Line 0 means the file as a whole.
type Position struct {
	File   string
	Line   int
	Column int
}

// String returns "file:line:column", or only the file if there is no line.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
}
