package mqttauthz

import (
	"errors"
	"strings"
	"unicode/utf8"

	gobwas "github.com/gobwas/glob"
)

// A glob is a compiled pattern over a whole text: a state store key, a client
// ID or one level of a topic. It is split at its stars; every segment but the
// last must be followed by anything, every segment but the first may be
// preceded by anything.
//
// The text is read as a sequence of units: code points, and single bytes that
// are not part of one. ? and classes take one unit, a star takes any number of
// units, literals and token values take theirs. So no part of a glob ever
// matches half a code point.
//
// Token values are compared in place. They are never put into a pattern, so
// nothing in them can act as one.
type glob struct {
	segments [][]element
	inner    []*shiftAnd // for the segments between stars that need one, else empty
}

// element is one step of a segment.
type element struct {
	kind elementKind
	slot slot
	text string // of literals and sets
	lo   rune   // of ranges
	hi   rune
	not  bool // set or range is negated
}

type elementKind uint8

const (
	literal elementKind = iota
	token
	anyUnit
	set
	span
	star // in the output of the parser only
)

// Limits of one pattern. They bound the work of a single match; an operator's
// pattern is far below them.
const (
	// maxPattern is the length of a topic, client ID or key pattern in bytes.
	maxPattern = 4096
	// maxInner is the number of units that a segment between two stars may take
	// when it is more than a literal.
	maxInner = 16
	// maxInnerListed is the length in bytes of the lists in its classes.
	maxInnerListed = 64
	// maxInnerToken is the number of elements in a segment between two stars
	// that has a token beside something else.
	maxInnerToken = 3
	// maxInnerValue is the length in bytes above which the token's value matches
	// nothing there, since the value is compared at every unit.
	maxInnerValue = 128
)

var (
	errPatternLong = errors.New("is longer than 4096 bytes")
	errPatternUTF8 = errors.New("is not valid UTF-8; write such a key with keyType Binary")
	errEscape      = errors.New(`ends in a lone backslash; write \\ for a backslash`)
	errClassOpen   = errors.New(`has a [ without its ]; write \[ for a bracket`)
	errClassEmpty  = errors.New(`has an empty class []`)
	errClassCaret  = errors.New("has a class that begins with ^; write [!a] to negate")
	errClassDash   = errors.New(`has a class that mixes a range with other characters; ` +
		`write one range [a-z], or a list [abc] in which a dash is \-`)
	errClassEscape = errors.New(`has a class that begins with \-; write [-a] for a class with a dash`)

	errRange = errors.New("has a range whose ends are in the wrong order or escaped")
	errInner = errors.New("has too much between two stars: more than 16 characters of which some are ? or " +
		"classes, or more than three parts of which one is a token")
)

// newGlob joins elements, which may contain stars, to a glob.
func newGlob(elements []element) (*glob, error) {
	g := &glob{segments: make([][]element, 0, 2)}
	start, stars := 0, 0
	for i := range elements {
		if elements[i].kind != star {
			continue
		}
		if stars == 0 || i > start { // ** is *
			g.segments = append(g.segments, elements[start:i:i])
		}
		start = i + 1
		stars++
	}
	g.segments = append(g.segments, elements[start:])
	return g, g.prepare()
}

// prepare makes the searches for segments between stars.
func (g *glob) prepare() error {
	for i := 1; i < len(g.segments)-1; i++ {
		segment := g.segments[i]
		if isWord(segment) {
			continue
		}
		if hasToken(segment) {
			if len(segment) > maxInnerToken {
				return errInner
			}
			continue
		}
		search := newShiftAnd(segment)
		if search == nil {
			return errInner
		}
		if g.inner == nil {
			g.inner = make([]*shiftAnd, len(g.segments))
		}
		g.inner[i] = search
	}
	return nil
}

// isWord reports whether a segment is one literal or token.
func isWord(segment []element) bool { return len(segment) == 1 && segment[0].kind <= token }

func hasToken(segment []element) bool {
	for _, e := range segment {
		if e.kind == token {
			return true
		}
	}
	return false
}

// isStar reports whether g matches every text.
func (g *glob) isStar() bool {
	for _, s := range g.segments {
		if len(s) > 0 {
			return false
		}
	}
	return len(g.segments) > 1
}

// linear reports whether a match may have to read the whole text, not only its
// ends.
func (g *glob) linear() bool {
	last := g.segments[len(g.segments)-1]
	return len(g.segments) > 2 || len(g.segments) == 2 && countsUnits(last)
}

// countsUnits reports whether the byte length of what the segment matches is
// not known beforehand.
func countsUnits(segment []element) bool {
	for _, e := range segment {
		if e.kind > token {
			return true
		}
	}
	return false
}

// globParser reads the glob syntax of STORE-3.
type globParser struct {
	text     string
	pos      int
	attrs    slots
	elements []element
	lit      []byte // the literal being collected
}

// parseGlob reads text: * ? [a-z] [abc] [!…] tokens, and \ before a character
// that is meant literally. On error it returns the offset.
func parseGlob(text string, attrs slots) ([]element, int, error) {
	if len(text) > maxPattern {
		return nil, maxPattern, errPatternLong
	}
	if !utf8.ValidString(text) {
		return nil, -1, errPatternUTF8
	}
	p := &globParser{text: text, attrs: attrs}
	constant := 0 // start of the part since the last token
	for p.pos < len(text) {
		if text[p.pos] != '{' {
			if err := p.step(); err != nil {
				return nil, p.pos, err
			}
			continue
		}
		if err := accepted(text[constant:p.pos]); err != nil {
			return nil, constant, err
		}
		s, n, err := cutToken(text[p.pos:], attrs)
		if err != nil {
			return nil, p.pos, err
		}
		p.add(element{kind: token, slot: s})
		p.pos += n
		constant = p.pos
	}
	p.flush()
	return p.elements, constant, accepted(text[constant:])
}

// accepted asks gobwas/glob, whose dialect this is, whether it takes a part of
// a pattern as well; of stars and question marks it takes all. This package
// reads fewer patterns than that library, since it refuses what is easily
// misread there, and never more.
func accepted(part string) error {
	if !strings.ContainsAny(part, `[\`) {
		return nil
	}
	_, err := gobwas.Compile(part)
	return err
}

// step reads one element that is not a token.
func (p *globParser) step() error {
	switch c := p.text[p.pos]; c {
	case '*':
		p.add(element{kind: star})
	case '?':
		p.add(element{kind: anyUnit})
	case '[':
		return p.class()
	case '}':
		return errBrace
	case '\\':
		if p.pos+1 == len(p.text) {
			return errEscape
		}
		p.pos++
		if c := p.text[p.pos]; c == '{' || c == '}' {
			return errBrace
		}
		p.lit = append(p.lit, p.text[p.pos])
	default:
		p.lit = append(p.lit, c)
	}
	p.pos++
	return nil
}

func (p *globParser) add(e element) {
	p.flush()
	p.elements = append(p.elements, e)
}

func (p *globParser) flush() {
	if len(p.lit) > 0 {
		p.elements = append(p.elements, element{kind: literal, text: string(p.lit)})
		p.lit = p.lit[:0]
	}
}

// class reads [abc], [a-c] and their negations with !. What gobwas/glob takes
// but reads unlike other dialects is refused.
func (p *globParser) class() error {
	open := p.pos
	members, escaped, end, err := p.members(open + 1)
	if err != nil {
		return err
	}
	e := element{kind: set}
	if len(members) > 0 && members[0] == '^' && !escaped[0] {
		return errClassCaret
	}
	if len(members) > 0 && members[0] == '!' && !escaped[0] {
		e.not = true
		members, escaped = members[1:], escaped[1:]
	}
	if len(members) == 0 {
		return errClassEmpty
	}
	if members[0] == '-' && escaped[0] { // to gobwas/glob, a range that begins at the backslash
		return errClassEscape
	}
	dash := -1
	for i, r := range members {
		if r == '-' && !escaped[i] && i > 0 {
			dash = i
		}
	}
	if dash < 0 {
		e.text = string(members)
		p.add(e)
		p.pos = end
		return nil
	}
	if len(members) != 3 || dash != 1 {
		return errClassDash
	}
	if members[0] > members[2] || escaped[0] || escaped[2] {
		return errRange
	}
	e.kind, e.lo, e.hi = span, members[0], members[2]
	p.add(e)
	p.pos = end
	return nil
}

// members returns the characters of the class that begins at i, which of them
// were escaped, and the offset behind its bracket.
func (p *globParser) members(i int) (members []rune, escaped []bool, end int, err error) {
	for i < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[i:])
		if r == ']' {
			return members, escaped, i + 1, nil
		}
		escape := r == '\\'
		if escape {
			i += size
			r, size = utf8.DecodeRuneInString(p.text[i:])
		}
		if r == '{' || r == '}' {
			p.pos = i
			return nil, nil, 0, errBrace
		}
		members = append(members, r)
		escaped = append(escaped, escape)
		i += size
	}
	return nil, nil, 0, errClassOpen
}
