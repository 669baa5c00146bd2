package mqttauthz

import "unicode/utf8"

// shiftAnd finds a segment that is no single word between two stars, where it
// may begin at every unit: bit n of the state says that the first n+1 steps of
// the segment take the units just read (the algorithm of Baeza-Yates and
// Gonnet). So the time does not depend on the segment.
type shiftAnd struct {
	steps  []element             // one unit each
	ascii  [utf8.RuneSelf]uint32 // which steps take a character
	accept uint32                // the bit of the last step
}

// newShiftAnd returns nil when the segment takes too many units, or its classes
// list too many characters.
func newShiftAnd(segment []element) *shiftAnd {
	s := new(shiftAnd)
	listed := 0
	for _, e := range segment {
		if e.kind != literal {
			s.steps = append(s.steps, e)
			listed += len(e.text)
			continue
		}
		for _, r := range e.text {
			s.steps = append(s.steps, element{kind: span, lo: r, hi: r})
		}
	}
	if len(s.steps) > maxInner || listed > maxInnerListed {
		return nil
	}
	for c := range s.ascii {
		s.ascii[c] = s.mask(string(rune(c)))
	}
	s.accept = 1 << (len(s.steps) - 1)
	return s
}

// mask returns the steps that take the unit.
func (s *shiftAnd) mask(unit string) uint32 {
	var mask uint32
	for i := range s.steps {
		if s.steps[i].takes(unit) {
			mask |= 1 << i
		}
	}
	return mask
}

// find returns the end of the first place in text, from pos on, where the
// segment matches.
func (s *shiftAnd) find(text string, pos int) (end int, ok bool) {
	var state, mask uint32
	last := ""
	for pos < len(text) {
		size := 1
		if c := text[pos]; c < utf8.RuneSelf {
			mask, last = s.ascii[c], ""
		} else {
			size = unit(text[pos:])
			if u := text[pos : pos+size]; u != last {
				mask, last = s.mask(u), u
			}
		}
		state = (state<<1 | 1) & mask
		pos += size
		if state&s.accept != 0 {
			return pos, true
		}
	}
	return 0, false
}
