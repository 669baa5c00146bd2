package topic

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxBytes is the greatest length of a topic name or filter, share prefix
// included: MQTT strings carry their length in two bytes (MQTT 5.0 section
// 1.5.4).
const MaxBytes = 65535

// What can be wrong with a name or filter. They arrive wrapped in an *Error.
var (
	ErrEmpty    = errors.New("is empty; at least one character is needed")
	ErrTooLong  = fmt.Errorf("is longer than %d bytes", MaxBytes)
	ErrUTF8     = errors.New("is not valid UTF-8")
	ErrNUL      = errors.New("contains the null character U+0000")
	ErrWildcard = errors.New("contains a wildcard (+ or #) where only a name is allowed")
	ErrPlus     = errors.New("has a + that does not fill its level; write a/+/b, not a+/b")
	ErrHash     = errors.New("has a # that is not alone in the last level; write a/#")
	ErrShare    = errors.New("is a malformed shared subscription; write $share/GROUP/FILTER")
)

// Error says what is wrong with a name or filter and where.
type Error struct {
	What   string // "topic name", "topic filter" or "share group"
	Offset int    // byte offset in the checked string
	Err    error  // one of the Err values of this package
}

// Error returns the whole message; it does not repeat the text of the peer.
func (e *Error) Error() string {
	return fmt.Sprintf("topic: %s %v (byte %d)", e.What, e.Err, e.Offset)
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// CheckName returns nil when name is a topic name that may stand in a PUBLISH:
// not empty, at most MaxBytes of valid UTF-8, without U+0000, + and # (MQTT 5.0
// sections 4.7.1 and 4.7.3). The error is an *Error.
func CheckName(name string) error {
	if err := checkText("topic name", name); err != nil {
		return err
	}
	if i := strings.IndexByte(name, '+'); i >= 0 {
		return &Error{"topic name", i, ErrWildcard}
	}
	if i := strings.IndexByte(name, '#'); i >= 0 {
		return &Error{"topic name", i, ErrWildcard}
	}
	return nil
}

// CheckFilter returns nil when filter is a topic filter: text as for CheckName,
// in which + fills a whole level and # is alone in the last one (MQTT 5.0
// section 4.7.1). It knows nothing about shared subscriptions: ParseFilter is
// for what a client wrote. The error is an *Error.
func CheckFilter(filter string) error {
	if err := checkText("topic filter", filter); err != nil {
		return err
	}
	return checkWildcards("topic filter", filter)
}

// checkText checks what names and filters have in common.
func checkText(what, s string) error {
	if s == "" {
		return &Error{what, 0, ErrEmpty}
	}
	if len(s) > MaxBytes {
		return &Error{what, MaxBytes, ErrTooLong}
	}
	if i := strings.IndexByte(s, 0); i >= 0 {
		return &Error{what, i, ErrNUL}
	}
	if !utf8.ValidString(s) {
		return &Error{what, invalidAt(s), ErrUTF8}
	}
	return nil
}

// invalidAt returns the offset of the first byte that is not UTF-8.
func invalidAt(s string) int {
	for i, r := range s {
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
			return i
		}
	}
	return len(s)
}

// checkWildcards checks the places of + and # in s.
func checkWildcards(what, s string) error {
	for i := range len(s) {
		if s[i] != '+' && s[i] != '#' {
			continue
		}
		first := i == 0 || s[i-1] == '/'
		last := i == len(s)-1
		if s[i] == '#' && !(first && last) {
			return &Error{what, i, ErrHash}
		}
		if s[i] == '+' && !(first && (last || s[i+1] == '/')) {
			return &Error{what, i, ErrPlus}
		}
	}
	return nil
}
