package resource

// ParseObject reads one object as the API server of a cluster returns it, in
// JSON. It is held to the same rules as a document in a file. Nobody has seen
// the text, so positions have no line: their File is name, such as
// "BrokerListener default/edge". Errors are as those of [Load].
func ParseObject(name string, data []byte) (*Set, error) {
	d := decoder{file: name, set: &Set{}}
	text, problem := checkText(name, data, maxMarks)
	if problem != nil {
		problem.Position = Position{File: name}
		return nil, Errors{problem}
	}
	roots := d.parseJSON(text)
	for _, e := range d.errors {
		e.Position = Position{File: name}
	}
	for _, root := range roots {
		root.forgetPlace()
		d.document(&field{decoder: &d, node: root})
	}
	return d.set.finish(d.errors)
}

// forgetPlace removes the places of a tree.
func (n *node) forgetPlace() {
	n.pos = place{}
	for _, e := range n.elements {
		e.forgetPlace()
	}
	for i := range n.pairs {
		n.pairs[i].pos = place{}
		n.pairs[i].value.forgetPlace()
	}
}
