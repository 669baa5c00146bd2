package mqttauthz

import (
	"strings"
	"unicode/utf8"
)

// match reports whether g matches the whole of text, with the principal's
// values for its tokens. Its time is linear in text; it does not allocate.
func (g *glob) match(text string, v values, u uses) bool {
	first := g.segments[0]
	pos, ok := matchAt(first, text, 0, v, u)
	if !ok || len(g.segments) == 1 {
		return ok && pos == len(text)
	}
	// The leftmost place is the best one for a segment between stars: what it
	// leaves to the rest includes what any later place leaves.
	for i := 1; i < len(g.segments)-1; i++ {
		if g.inner != nil && g.inner[i] != nil {
			pos, ok = g.inner[i].find(text, pos)
		} else {
			pos, ok = find(g.segments[i], text, pos, v, u)
		}
		if !ok {
			return false
		}
	}
	return matchEnd(g.segments[len(g.segments)-1], text, pos, v, u)
}

// matchAt matches segment at pos, the start of a unit, and returns where it
// ends.
func matchAt(segment []element, text string, pos int, v values, u uses) (end int, ok bool) {
	for i := range segment {
		e := &segment[i]
		switch e.kind {
		case literal:
			if !strings.HasPrefix(text[pos:], e.text) {
				return 0, false
			}
			pos += len(e.text)
		case token:
			val := v.find(e.slot, u)
			if val == nil || !strings.HasPrefix(text[pos:], val.text) {
				return 0, false
			}
			if val.ragged && !isUnits(text[pos:], len(val.text)) {
				return 0, false
			}
			pos += len(val.text)
		default:
			size := unit(text[pos:])
			if size == 0 || !e.takes(text[pos:pos+size]) {
				return 0, false
			}
			pos += size
		}
	}
	return pos, true
}

// find matches segment at the first place from pos on where it does.
func find(segment []element, text string, pos int, v values, u uses) (end int, ok bool) {
	if len(segment) == 1 {
		if word, plain := wordOf(&segment[0], v, u); plain {
			i := strings.Index(text[pos:], word)
			return pos + i + len(word), i >= 0 && word != ""
		}
	}
	var room [maxInnerToken]element
	resolved := room[:0] // so that values are not looked up at every unit
	words := true
	for _, e := range segment {
		if e.kind == token {
			val := v.find(e.slot, u)
			if val == nil || len(val.text) > maxInnerValue {
				return 0, false
			}
			if !val.ragged {
				e = element{kind: literal, text: val.text}
			}
		}
		words = words && e.kind == literal
		resolved = append(resolved, e)
	}
	if words {
		return findWords(resolved, text, pos)
	}
	for {
		if end, ok = matchAt(resolved, text, pos, v, u); ok {
			return end, true
		}
		size := unit(text[pos:])
		if size == 0 {
			return 0, false
		}
		pos += size
	}
}

// findWords is find for literals only. They are looked for from the last one
// back: what makes them one word is not copied together. Valid UTF-8 cannot
// match from within a unit.
func findWords(words []element, text string, pos int) (end int, ok bool) {
	last := len(words) - 1
	for _, w := range words[:last] {
		pos += len(w.text)
	}
	for pos <= len(text) {
		i := strings.Index(text[pos:], words[last].text)
		if i < 0 {
			return 0, false
		}
		pos += i
		if endsWith(text[:pos], words[:last]) {
			return pos + len(words[last].text), true
		}
		pos++
	}
	return 0, false
}

// endsWith reports whether text ends with these words.
func endsWith(text string, words []element) bool {
	for i := len(words) - 1; i >= 0; i-- {
		rest, ok := strings.CutSuffix(text, words[i].text)
		if !ok {
			return false
		}
		text = rest
	}
	return true
}

// wordOf returns the text that e stands for, "" when it can match nothing.
// Plain is false when e is no word or its place must respect units.
func wordOf(e *element, v values, u uses) (word string, plain bool) {
	if e.kind == literal {
		return e.text, true
	}
	if e.kind != token {
		return "", false
	}
	val := v.find(e.slot, u)
	if val == nil {
		return "", true
	}
	return val.text, !val.ragged
}

// matchEnd matches segment at the end of text, not before pos.
func matchEnd(segment []element, text string, pos int, v values, u uses) bool {
	if start, ok := startByBytes(segment, len(text), v, u); ok {
		if start < pos {
			return false
		}
		_, ok = matchAt(segment, text, start, v, u)
		return ok
	}
	skip := utf8.RuneCountInString(text[pos:]) - units(segment, v, u)
	if skip < 0 {
		return false
	}
	for range skip {
		pos += unit(text[pos:])
	}
	end, ok := matchAt(segment, text, pos, v, u)
	return ok && end == len(text)
}

// startByBytes returns where segment must start to end at end. It can tell
// when the segment consists of literals and values that are valid UTF-8; those
// cannot match from within a unit.
func startByBytes(segment []element, end int, v values, u uses) (start int, ok bool) {
	for i := range segment {
		word, plain := wordOf(&segment[i], v, u)
		if !plain {
			return 0, false
		}
		end -= len(word)
	}
	return end, true
}

// units returns how many units segment takes.
func units(segment []element, v values, u uses) int {
	n := 0
	for i := range segment {
		e := &segment[i]
		switch e.kind {
		case literal:
			n += utf8.RuneCountInString(e.text)
		case token:
			if val := v.find(e.slot, u); val != nil {
				n += utf8.RuneCountInString(val.text)
			}
		default:
			n++
		}
	}
	return n
}

// takes reports whether the class or ? e takes the unit. A byte that is no part
// of a code point is in no class, also not in one that lists U+FFFD.
func (e *element) takes(unit string) bool {
	if e.kind == anyUnit {
		return true
	}
	r, size := utf8.DecodeRuneInString(unit)
	if r == utf8.RuneError && size == 1 {
		return e.not
	}
	if e.kind == span {
		return (e.lo <= r && r <= e.hi) != e.not
	}
	return strings.ContainsRune(e.text, r) != e.not
}

// unit returns the length of the first unit of text, 0 when text is empty.
func unit(text string) int {
	if text == "" {
		return 0
	}
	if text[0] < utf8.RuneSelf {
		return 1
	}
	_, size := utf8.DecodeRuneInString(text)
	return size
}

// isUnits reports whether the first n bytes of text are whole units.
func isUnits(text string, n int) bool {
	pos := 0
	for pos < n {
		pos += unit(text[pos:])
	}
	return pos == n
}
