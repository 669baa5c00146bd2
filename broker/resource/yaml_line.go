package resource

import (
	"bytes"
	"math"
)

// yamlLine reports whether a line is one behind which nothing is open, whatever
// stands above: blank, a comment, the marker "---", or
//
//	indentation, any number of "- ", perhaps a key and its colon, perhaps a value
//
// Entry says that it has a "- ". A line that is blank or a comment is as if it
// were indented by more than all others, since it never ends a sequence.
func yamlLine(text []byte) (indent int, entry, ok bool) {
	for _, b := range text {
		if b < ' ' || b >= 0x7f {
			return 0, false, false
		}
	}
	text = bytes.TrimRight(text, " ")
	value := bytes.TrimLeft(text, " ")
	if len(value) == 0 || value[0] == '#' {
		return math.MaxInt32 - 1, false, true
	}
	indent = len(text) - len(value)
	if indent == 0 && string(value) == "---" {
		return 0, false, true
	}
	for len(value) > 2 && value[0] == '-' && value[1] == ' ' {
		value, entry = bytes.TrimLeft(value[2:], " "), true
	}
	if key := wordLength(value); key > 0 && key < len(value) && value[key] == ':' {
		switch rest := value[key+1:]; {
		case len(rest) == 0:
			return indent, entry, true
		case rest[0] == ' ':
			value = bytes.TrimLeft(rest, " ")
		}
	}
	return indent, entry, isClosedValue(value)
}

// wordLength returns how many bytes of a text begin it as a plain word that is no
// indicator of YAML: in a bracket too, and at the start of a line.
func wordLength(text []byte) int {
	for i, b := range text {
		switch {
		case isLetterOrDigit(b), b == '_', b == '/', b == '$', b == '+':
		case i > 0 && (b == '.' || b == '-'):
		default:
			return i
		}
	}
	return len(text)
}

func isLetterOrDigit(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}

// isClosedValue reports whether a value ends where the line does, and has
// nothing behind which a further token could begin. A plain text may hold
// brackets and quotes, for none of them is the first of a token.
func isClosedValue(value []byte) bool {
	if bytes.Contains(value, []byte(": ")) || bytes.Contains(value, []byte(" #")) || value[len(value)-1] == ':' {
		return false
	}
	if value[0] == '[' {
		return string(value) == "[]" || isClosedList(value[1:])
	}
	if n := quotedLength(value); n > 0 {
		return n == len(value)
	}
	return wordLength(value) > 0
}

// isClosedList reports whether a text is the items of a flow sequence and the
// bracket that ends it.
func isClosedList(text []byte) bool {
	for {
		n := quotedLength(text)
		if n == 0 {
			n = wordLength(text)
		}
		switch text = text[n:]; {
		case n == 0 || len(text) == 0:
			return false
		case text[0] == ']':
			return len(text) == 1
		case text[0] != ',':
			return false
		}
		text = bytes.TrimLeft(text[1:], " ")
	}
}

// quotedLength returns the length of the quoted text that a text begins with. It
// is 0 if there is none, or one with an escape or a quote in it.
func quotedLength(text []byte) int {
	if len(text) == 0 || text[0] != '"' && text[0] != '\'' {
		return 0
	}
	end := bytes.IndexAny(text[1:], `"'\`) + 1
	if end == 0 || text[end] != text[0] {
		return 0
	}
	return end + 1
}
