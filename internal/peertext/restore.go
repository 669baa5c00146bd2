package peertext

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrCut says that Clean cut a text, so that nobody knows the rest.
var ErrCut = errors.New("the text was too long and is cut")

// Restore returns the text of which Clean made s. The error is ErrCut when s
// looks cut, and another when s is nothing that Clean writes. A text that was
// not cut, and nearly as long as Clean allows, and ends in "…" itself, also
// counts as cut.
func Restore(s string) (string, error) {
	const least = MaxBytes - len(`\u{10ffff}`) - len("…") // what precedes a cut
	if strings.HasSuffix(s, "…") && len(s) > least {
		return "", ErrCut
	}
	var b strings.Builder
	for {
		before, rest, escaped := strings.Cut(s, `\`)
		b.WriteString(before)
		if !escaped {
			return b.String(), nil
		}
		piece, n := unescape(rest)
		if n == 0 {
			return "", errors.New(`a backslash that begins no escape; a single one is written \\`)
		}
		b.WriteString(piece)
		s = rest[n:]
	}
}

// unescape reads what stands behind a backslash and returns its length, 0 if it
// is no escape.
func unescape(s string) (piece string, length int) {
	switch {
	case strings.HasPrefix(s, `\`):
		return `\`, 1
	case strings.HasPrefix(s, "x") && len(s) >= 3:
		c, err := strconv.ParseUint(s[1:3], 16, 8)
		if err != nil || c < utf8.RuneSelf {
			return "", 0
		}
		return string([]byte{byte(c)}), 3
	case strings.HasPrefix(s, "u{"):
		hex, _, ok := strings.Cut(s[2:], "}")
		r, err := strconv.ParseUint(hex, 16, 32)
		if !ok || err != nil || !utf8.ValidRune(rune(r)) {
			return "", 0
		}
		return string(rune(r)), len("u{}") + len(hex)
	}
	return "", 0
}
