package x509attr

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSubjectBytes bounds the text of a rule's subject. The attributes of a name
// have at most 64 to 256 characters each (RFC 5280, appendix A.1).
const maxSubjectBytes = 4096

// SyntaxError says where and why the text of a rule's field is not what it has
// to be.
type SyntaxError struct {
	Offset int // in bytes from the start of the field
	Reason string
}

// Error returns "offset N: reason".
func (e *SyntaxError) Error() string { return fmt.Sprintf("offset %d: %s", e.Offset, e.Reason) }

// parseSubject parses a distinguished name and returns the keys of its RDNs in
// the printed order. Errors are of type *SyntaxError.
func parseSubject(text string) (rdns []string, err error) {
	p := &parser{text: text}
	if err := p.checkText(); err != nil {
		return nil, err
	}
	for {
		rdn, err := p.rdn()
		if err != nil {
			return nil, err
		}
		rdns = append(rdns, rdn)
		if p.pos == len(text) {
			return rdns, nil
		}
		p.pos++ // the comma
	}
}

// parser reads text from pos on. Its methods leave pos where they stopped.
type parser struct {
	text string
	pos  int
}

func fail(offset int, format string, args ...any) error {
	return &SyntaxError{Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

// checkText refuses what no place in a distinguished name can have. Text
// direction controls would let a rule look like another one.
func (p *parser) checkText() error {
	if strings.TrimLeft(p.text, " ") == "" {
		return fail(0, "empty; write a distinguished name, such as CN=a,O=b")
	}
	if len(p.text) > maxSubjectBytes {
		return fail(maxSubjectBytes, "longer than %d bytes", maxSubjectBytes)
	}
	for i, r := range p.text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(p.text[i:], "\uFFFD"):
			return fail(i, "not UTF-8; write a byte as a backslash and two hex digits")
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return fail(i, "%U is invisible; write it as %s, or leave it out", r, escapeBytes(string(r)))
		}
	}
	if p.text[0] == '/' {
		return fail(0, "the form with slashes is ambiguous; write CN=a,O=b")
	}
	return nil
}

// rdn reads attributes joined by "+", up to a comma or the end.
func (p *parser) rdn() (key string, err error) {
	start := p.pos
	var attributes []string
	for {
		attribute, err := p.attribute()
		if err != nil {
			return "", err
		}
		attributes = append(attributes, attribute)
		if p.pos == len(p.text) || p.text[p.pos] == ',' {
			break
		}
		p.pos++ // the plus sign
	}
	if len(attributes) > maxAttributes {
		return "", fail(start, "more than %d attributes joined by plus signs", maxAttributes)
	}
	slices.Sort(attributes)
	count := []byte{byte(len(attributes))}
	return string(count) + strings.Join(attributes, ""), nil
}

// attribute reads type, "=" and value, up to a comma, a plus sign or the end.
func (p *parser) attribute() (key string, err error) {
	oid, err := p.attributeType()
	if err != nil {
		return "", err
	}
	p.skipSpaces()
	start := p.pos
	value, err := p.value()
	if err != nil {
		return "", err
	}
	p.skipSpaces()
	if p.pos < len(p.text) && p.text[p.pos] != ',' && p.text[p.pos] != '+' {
		return "", fail(p.pos, "unexpected %q after the value; write a comma or a plus sign", p.next())
	}
	b, ok := appendAttribute(nil, oid, value, math.MaxInt)
	if !ok && value.tag() == tagUTF8String {
		return "", fail(start, "the escapes in the value do not make UTF-8")
	}
	if !ok {
		return "", fail(start, "characters of a string of type %d that are not certain, so that no subject equals it", value.tag())
	}
	return string(b), nil
}

// attributeType reads a keyword or a dotted OID and the "=" behind it.
func (p *parser) attributeType() (oid []byte, err error) {
	p.skipSpaces()
	start := p.pos
	for p.pos < len(p.text) && isTypeByte(p.text[p.pos]) {
		p.pos++
	}
	name := p.text[start:p.pos]
	p.skipSpaces()
	if name == "" || p.pos == len(p.text) || p.text[p.pos] != '=' {
		return nil, fail(p.pos, "no attribute type and equals sign here, as in CN=; write a comma within a value as \\,")
	}
	p.pos++
	oid, reason := parseType(name)
	if reason != "" {
		return nil, fail(start, "%s", reason)
	}
	return oid, nil
}

func isTypeByte(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' || c == '.' }

// value reads a value in one of its three forms.
func (p *parser) value() (element, error) {
	if p.pos < len(p.text) && p.text[p.pos] == '#' {
		return p.hexValue()
	}
	read := p.plain
	if p.pos < len(p.text) && p.text[p.pos] == '"' {
		read = p.quoted
	}
	text, err := read()
	return textElement(text), err
}

// plain reads a value that is not quoted. Spaces at its end count only if they
// are escaped.
func (p *parser) plain() (text []byte, err error) {
	kept := 0
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; c {
		case ',', '+':
			return text[:kept], nil
		case '"', ';', '<', '>':
			return nil, fail(p.pos, "unescaped %q in a value; write \\%c", c, c)
		case '\\':
			b, err := p.escape()
			if err != nil {
				return nil, err
			}
			text = append(text, b)
			kept = len(text)
		default:
			text = append(text, c)
			p.pos++
			if c != ' ' {
				kept = len(text)
			}
		}
	}
	return text[:kept], nil
}

// quoted reads a value from quotation mark to quotation mark.
func (p *parser) quoted() (text []byte, err error) {
	start := p.pos
	p.pos++
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; c {
		case '"':
			p.pos++
			return text, nil
		case '\\':
			b, err := p.escape()
			if err != nil {
				return nil, err
			}
			text = append(text, b)
		default:
			text = append(text, c)
			p.pos++
		}
	}
	return nil, fail(start, "no quotation mark ends the value; write one within it as \\\"")
}

// escape reads a backslash and what it escapes: a special character, or two hex
// digits for one byte (RFC 4514, section 3, pair).
func (p *parser) escape() (byte, error) {
	rest := p.text[p.pos+1:]
	if rest != "" && strings.IndexByte(`,+"\<>;#= `, rest[0]) >= 0 {
		p.pos += 2
		return rest[0], nil
	}
	if len(rest) >= 2 {
		if b, err := hex.DecodeString(rest[:2]); err == nil {
			p.pos += 3
			return b[0], nil
		}
	}
	return 0, fail(p.pos, "a backslash escapes a special character or is followed by two hex digits; write a backslash as \\\\")
}

// hexValue reads "#" and the hex digits of exactly one DER element.
func (p *parser) hexValue() (element, error) {
	start := p.pos
	p.pos++
	for p.pos < len(p.text) && isTypeByte(p.text[p.pos]) {
		p.pos++
	}
	der, err := hex.DecodeString(p.text[start+1 : p.pos])
	if err != nil {
		return element{}, fail(start, "not pairs of hex digits; write a value that starts with # as \\#")
	}
	e, rest, ok := readElement(der)
	if !ok || len(rest) > 0 {
		return element{}, fail(start, "the hex digits are not one DER element; write a value that starts with # as \\#")
	}
	return e, nil
}

func (p *parser) skipSpaces() {
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
}

// next returns the character at pos.
func (p *parser) next() rune {
	r, _ := utf8.DecodeRuneInString(p.text[p.pos:])
	return r
}

// escapeBytes writes every byte of s as a backslash and two hex digits.
func escapeBytes(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, `\%02X`, s[i])
	}
	return b.String()
}
