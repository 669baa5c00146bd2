package mqttauthz

import (
	"maps"
	"strings"
)

// binder finds values of the tokens for which a pattern matches a text. Values
// that are bound already stay.
type binder struct {
	use   uses
	bound map[slot]string
	steps int // left; a search for values can be exponential
	found func() bool
}

// bindSteps bounds the search for one pattern: some milliseconds.
const bindSteps = 200_000

// bind returns values of the tokens of r, fixed ones among them, with which it
// matches text: a name, a spelled-out filter or a key. Known is false when it
// gave up before it had tried all.
func bind(r *parsed, text string, fixed map[slot]string) (bound map[slot]string, ok, known bool) {
	known = bindAll(r, text, fixed, func(values map[slot]string) bool {
		bound, ok = maps.Clone(values), true
		return true
	})
	return bound, ok, ok || known
}

// bindAll calls found with all such values, one after the other, until it
// returns true. It returns false when it gave up before it had tried all.
func bindAll(r *parsed, text string, fixed map[slot]string, found func(map[slot]string) bool) (known bool) {
	b := &binder{use: r.op.use(), bound: maps.Clone(fixed), steps: bindSteps}
	if b.bound == nil {
		b.bound = make(map[slot]string)
	}
	b.found = func() bool { return found(b.bound) }
	if r.form == topicForm {
		b.topic(r, text)
	} else {
		b.whole(r, text)
	}
	return b.steps > 0
}

func (b *binder) whole(r *parsed, text string) bool {
	switch r.form {
	case anyForm:
		return b.found()
	case textForm, binaryForm:
		return r.text == text && b.found()
	default: // a glob
	}
	parts := r.parts()
	return len(parts) == 1 && b.elements(parts[0], text, b.found)
}

func (b *binder) topic(r *parsed, text string) bool {
	if strings.HasPrefix(text, "$") && !r.writesDollar() {
		return false
	}
	if text == "+" && isLone(r.levels) && r.levels[0].kind == globLevel {
		return r.levels[0].glob.takesSome() && b.found()
	}
	return b.level(r.levels, r.parts(), text, true)
}

// writesDollar reports whether r matches topics that begin with $.
func (r *parsed) writesDollar() bool {
	if len(r.levels) == 0 {
		return false
	}
	first := &r.levels[0]
	return first.kind == literalLevel && strings.HasPrefix(first.text, "$") ||
		first.kind == globLevel && strings.HasPrefix(first.glob.prefix(), "$")
}

// level matches the levels of text that are left; more says that there is one.
func (b *binder) level(levels []level, parts [][]element, text string, more bool) bool {
	if len(levels) == 0 {
		return !more && b.found()
	}
	if levels[0].kind == hashLevel {
		return b.found()
	}
	if !more {
		return false
	}
	part, rest, more := strings.Cut(text, "/")
	switch {
	case part == "#", part == "+" && levels[0].kind != plusLevel:
		return false
	case levels[0].kind == plusLevel:
		return b.level(levels[1:], parts[1:], rest, more)
	}
	return b.elements(parts[0], part, func() bool { return b.level(levels[1:], parts[1:], rest, more) })
}

// elements matches the whole of text, and then what then says.
func (b *binder) elements(es []element, text string, then func() bool) bool {
	b.steps--
	if b.steps <= 0 {
		return false
	}
	if len(es) == 0 {
		return text == "" && then()
	}
	switch e := es[0]; e.kind {
	case literal:
		rest, ok := strings.CutPrefix(text, e.text)
		return ok && b.elements(es[1:], rest, then)
	case token:
		return b.token(es, text, then)
	case star:
		for {
			if b.elements(es[1:], text, then) {
				return true
			}
			size := unit(text)
			if size == 0 || b.steps <= 0 {
				return false
			}
			text = text[size:]
		}
	default:
		size := unit(text)
		return size > 0 && e.takes(text[:size]) && b.elements(es[1:], text[size:], then)
	}
}

// token binds the token es begins with to the beginning of text.
func (b *binder) token(es []element, text string, then func() bool) bool {
	s := es[0].slot
	if value, ok := b.bound[s]; ok {
		rest, has := strings.CutPrefix(text, value)
		return has && newValue(s, value).uses&b.use != 0 && isUnits(text, len(value)) && b.elements(es[1:], rest, then)
	}
	for end := unit(text); ; end += unit(text[end:]) {
		if newValue(s, text[:end]).uses&b.use != 0 {
			b.bound[s] = text[:end]
			if b.elements(es[1:], text[end:], then) {
				return true
			}
			delete(b.bound, s)
		}
		if end == len(text) || b.steps <= 0 {
			return false
		}
	}
}
