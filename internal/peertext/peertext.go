// Package peertext makes text of a peer fit to be shown to an operator.
package peertext

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxBytes is the length at which Clean cuts what it returns (OPS-1).
const MaxBytes = 256

// Clean returns s with everything escaped that a terminal or a reader could be
// fooled by: control and format characters, bidirectional ones among them, line
// separators, and bytes that are not UTF-8. What is longer than MaxBytes is cut
// and ends in "…" (OPS-1). A backslash is doubled, so that what Clean wrote
// cannot be mistaken for what the peer did.
func Clean(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		piece := s[:size]
		s = s[size:]
		switch {
		case r == utf8.RuneError && size == 1:
			piece = fmt.Sprintf(`\x%02x`, piece[0])
		case r == '\\':
			piece = `\\`
		case !shown(r):
			piece = fmt.Sprintf(`\u{%x}`, r)
		}
		if b.Len()+len(piece) > MaxBytes-len("…") {
			b.WriteString("…")
			break
		}
		b.WriteString(piece)
	}
	return b.String()
}

// plain reports whether Clean has nothing to do.
func plain(s string) bool {
	if len(s) > MaxBytes {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	return true
}

func shown(r rune) bool {
	return unicode.IsGraphic(r) && (r == ' ' || !unicode.IsSpace(r))
}
