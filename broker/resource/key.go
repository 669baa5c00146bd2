package resource

import "strconv"

// DefaultNamespace is the namespace of an object that names none (LINK-1).
const DefaultNamespace = "default"

// GroupAzEdge is the API group of version v1alpha4.
const GroupAzEdge = "az-edge.com"

// Key names one object among those of its kind.
type Key struct {
	// Group is [GroupAzEdge] for an object of that group, and "" for all others.
	// Kinds of one name in two groups are different kinds, in a cluster and here:
	// their objects neither collide nor refer to each other (LINK-6).
	Group     string
	Namespace string
	Name      string
}

// String returns "namespace/name", with the group and a slash before it if
// there is one.
func (k Key) String() string {
	if k.Group != "" {
		return k.Group + "/" + k.Namespace + "/" + k.Name
	}
	return k.Namespace + "/" + k.Name
}

// Sibling returns the key of what an object refers to by name, if that is of one
// group with it.
func (k Key) Sibling(name string) Key {
	k.Name = name
	return k
}

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
