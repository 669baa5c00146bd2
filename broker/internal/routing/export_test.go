package routing

// Nodes counts the nodes of a table below its root.
func Nodes[S comparable](t *Table[S]) int {
	n := 0
	todo := []*node[branch[S]]{&t.tree.root}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], children(&t.tree, at)...)
		if c := at.value.plus.Load(); c != nil {
			todo = append(todo, c)
		}
		if c := at.value.multi.Load(); c != nil {
			todo = append(todo, c)
		}
		n++
	}
	return n - 1
}

// RetainedNodes counts the nodes of a store below its root.
func RetainedNodes[M comparable](r *Retained[M]) int {
	n := 0
	todo := children(&r.tree, &r.tree.root)
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], children(&r.tree, at)...)
		n++
	}
	return n
}

func children[V any](t *tree[V], n *node[V]) (all []*node[V]) {
	s := n.children.Load()
	if s == nil {
		return nil
	}
	for i := range s.slot {
		if c := s.slot[i].Load(); c != nil && c != t.gravestone {
			all = append(all, c)
		}
	}
	return all
}
