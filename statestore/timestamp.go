package statestore

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Timestamp is a point of a hybrid logical clock: the version of a key, the time
// of a request, or a fencing token. The zero Timestamp is none: it has no node
// and is before all others.
type Timestamp struct {
	Wall    int64  // milliseconds since 1970, UTC
	Counter uint32 // at most 99,999 (STORE-8)
	Node    string // 1 to 256 bytes without ":" and control characters (STORE-8)
}

const (
	maxCounter = 99_999
	maxNode    = 256 // bytes
)

// ParseTimestamp reads "wallClock:counter:nodeId". Both numbers are decimal
// digits, with or without leading zeros. The error is ErrMalformedTime. The
// result shares the memory of s.
func ParseTimestamp(s string) (Timestamp, error) {
	wallText, rest, _ := strings.Cut(s, ":")
	counterText, node, _ := strings.Cut(rest, ":")
	wall, ok := parseDecimal(wallText)
	if !ok {
		return Timestamp{}, ErrMalformedTime
	}
	counter, ok := parseDecimal(counterText)
	if !ok || counter > maxCounter || !validNode(node) {
		return Timestamp{}, ErrMalformedTime
	}
	return Timestamp{Wall: wall, Counter: uint32(counter), Node: node}, nil
}

func validNode(node string) bool {
	if node == "" || len(node) > maxNode {
		return false
	}
	for i := range len(node) {
		switch c := node[i]; {
		case c >= utf8.RuneSelf:
			return utf8.ValidString(node) && strings.IndexFunc(node, notOfNode) < 0
		case c < ' ', c == ':', c == 0x7f:
			return false
		}
	}
	return true
}

func notOfNode(r rune) bool { return r == ':' || unicode.IsControl(r) }

// IsZero reports whether t is none.
func (t Timestamp) IsZero() bool { return t.Node == "" }

// Compare returns -1, 0 or 1: by wall clock, then counter, then node, byte by
// byte.
func (t Timestamp) Compare(u Timestamp) int {
	if c := cmp.Compare(t.Wall, u.Wall); c != 0 {
		return c
	}
	if c := cmp.Compare(t.Counter, u.Counter); c != 0 {
		return c
	}
	return strings.Compare(t.Node, u.Node)
}

// String returns the text form: 15 digits, 5 digits, node.
func (t Timestamp) String() string {
	return string(t.Append(make([]byte, 0, 64)))
}

// Append appends the text form to b. A time before 1970 is 1970.
func (t Timestamp) Append(b []byte) []byte {
	b = appendPadded(b, t.Wall, 15)
	b = appendPadded(append(b, ':'), int64(t.Counter), 5)
	return append(append(b, ':'), t.Node...)
}

// appendPadded appends n, at least width digits long.
func appendPadded(b []byte, n int64, width int) []byte {
	var digits [20]byte
	at := len(digits)
	left := uint64(max(n, 0))
	for ; left >= 100; left /= 100 {
		at -= 2
		copy(digits[at:], pairs[left%100*2:][:2])
	}
	for ; left > 0 || at > len(digits)-width; left /= 10 {
		at--
		digits[at] = byte('0' + left%10)
	}
	return append(b, digits[at:]...)
}

// pairs are the numbers from 00 to 99.
const pairs = "0001020304050607080910111213141516171819" +
	"2021222324252627282930313233343536373839" +
	"4041424344454647484950515253545556575859" +
	"6061626364656667686970717273747576777879" +
	"8081828384858687888990919293949596979899"
