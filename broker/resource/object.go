package resource

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqttwarden/mqttwarden/internal/nearest"
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
		// Of nothing at all, what should be there is reported as well.
		return &object{field: f, broken: f.node.kind != nullNode}
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
	return o.requiredWith(key, "")
}

// requiredWith is as required, with advice for whoever left the field out.
func (o *object) requiredWith(key, advice string) *field {
	f := o.optional(key)
	if f == nil && !o.broken {
		missing := o.child(pair{key: key, value: o.node})
		o.decoder.report(o.place(), missing.path(), "missing; this field is required"+advice)
	}
	return f
}

// place returns where the object stands.
func (o *object) place() place {
	if o.node.kind == nullNode {
		return o.at // an absent value has no place of its own
	}
	return o.node.pos
}

// has reports whether the document has a field.
func (o *object) has(key string) bool { return !o.broken && o.node.value(key) != nil }

// name returns which of its names a field has here. The older names are those
// of version v1beta1, where both are read; elsewhere they are refused, with the
// newer one as advice.
func (o *object) name(key string, older ...string) string {
	name := key
	for _, old := range older {
		switch {
		case !o.has(old):
		case !o.decoder.olderNames:
			o.misplaced(old, "the name of an older version; write "+key)
		case o.has(name) && name != old:
			o.misplaced(old, "another name of "+name+", which is also here; remove one of them")
		default:
			name = old
		}
	}
	return name
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
		if near := nearest.Word(p.key, o.known); near != "" {
			detail += "; did you mean " + near + "?"
		} else if len(o.known) > 0 {
			detail += "; known here: " + strings.Join(o.known, ", ")
		}
		o.decoder.report(p.pos, o.child(p).path(), detail)
	}
}
