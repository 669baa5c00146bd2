package resource

import (
	"fmt"
	"slices"
	"strings"
)

// object reads a mapping with known fields. It remembers which it was asked
// for, so that done can report the others.
type object struct {
	*field
	known  []string
	broken bool // not a mapping at all, which has been reported
}

// object reads a mapping with known fields. On nil it returns one without any
// field that reports nothing.
func (f *field) object() *object {
	if f == nil {
		return &object{broken: true}
	}
	if !f.isMapping() {
		return &object{field: f, broken: true}
	}
	f.reportDuplicates()
	return &object{field: f, known: make([]string, 0, 8)}
}

// entries reads a mapping whose keys are free, in document order and without
// duplicates.
func (f *field) entries() []*field {
	if f == nil || !f.isMapping() {
		return nil
	}
	f.reportDuplicates()
	out := make([]*field, len(f.node.pairs))
	for i, p := range f.node.pairs {
		out[i] = f.child(p)
	}
	return out
}

// textMap reads a mapping of strings. It returns nil for an empty mapping.
func (f *field) textMap() map[string]string {
	if f == nil || !f.isMapping() {
		return nil
	}
	f.reportDuplicates()
	var out map[string]string
	for _, p := range f.node.pairs {
		if out == nil {
			out = make(map[string]string, len(f.node.pairs))
		}
		if p.value.kind == stringNode {
			out[p.key] = p.value.text
			continue
		}
		f.child(p).text()
	}
	return out
}

func (f *field) isMapping() bool {
	if f.node.kind == mappingNode {
		return true
	}
	hint := ""
	if f.node.kind == stringNode && !f.decoder.secret {
		hint = assignmentHint(f.node.text)
	}
	f.errorf("want a mapping, found %s%s", f.node.kind, hint)
	return false
}

// reportDuplicates reports each key that is there twice.
func (f *field) reportDuplicates() {
	pairs := f.node.pairs
	if len(pairs) < 2 {
		return
	}
	const few = 16
	if len(pairs) <= few {
		for i, p := range pairs {
			first := slices.IndexFunc(pairs[:i], func(q pair) bool { return q.key == p.key })
			if first >= 0 {
				f.reportDuplicate(pairs[first], p)
			}
		}
		return
	}
	seen := make(map[string]pair, len(pairs))
	for _, p := range pairs {
		if first, ok := seen[p.key]; ok {
			f.reportDuplicate(first, p)
			continue
		}
		seen[p.key] = p
	}
}

func (f *field) reportDuplicate(first, second pair) {
	child := f.child(second)
	f.decoder.report(second.pos, child.path(), fmt.Sprintf("duplicate key; the first is at line %d, column %d", first.pos.line, first.pos.column))
}

// optional returns the value of a field, or nil if there is none.
func (o *object) optional(key string) *field {
	if o.broken {
		return nil
	}
	o.known = append(o.known, key)
	for _, p := range o.node.pairs {
		if p.key == key {
			return o.child(p)
		}
	}
	return nil
}

// required returns the value of a field; if there is none, it reports that and
// returns nil.
func (o *object) required(key string) *field {
	f := o.optional(key)
	if f == nil && !o.broken {
		missing := o.child(pair{key: key, value: o.node})
		o.decoder.report(o.node.pos, missing.path(), "missing; this field is required")
	}
	return f
}

// ignored accepts fields whose values do not matter.
func (o *object) ignored(keys ...string) {
	o.known = append(o.known, keys...)
}

// misplaced reports a field that belongs elsewhere, with the advice where.
func (o *object) misplaced(key, advice string) {
	if o.broken {
		return
	}
	for _, p := range o.node.pairs {
		if p.key == key {
			o.decoder.report(p.pos, o.child(p).path(), advice)
			o.known = append(o.known, key)
		}
	}
}

// done reports every field that nobody asked for.
func (o *object) done() {
	if o.broken {
		return
	}
	for _, p := range o.node.pairs {
		if slices.Contains(o.known, p.key) {
			continue
		}
		detail := "unknown field"
		if near := nearest(p.key, o.known); near != "" {
			detail += "; did you mean " + near + "?"
		} else if len(o.known) > 0 {
			detail += "; known here: " + strings.Join(o.known, ", ")
		}
		o.decoder.report(p.pos, o.child(p).path(), detail)
	}
}
