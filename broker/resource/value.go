package resource

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"io"
)

const redacted = "[redacted]"

// Value is a secret value. It prints as "[redacted]" with every verb of fmt,
// in slog, JSON and other text encodings. Only Bytes and Reveal show it. The
// zero value is an empty secret.
//
// The bytes stand behind a closure, so that no printer that walks unexported
// fields reaches them.
type Value struct{ bytes func() []byte }

// NewValue returns a Value that holds a copy of b.
func NewValue(b []byte) Value {
	b = bytes.Clone(b)
	return Value{bytes: func() []byte { return b }}
}

// Bytes returns a copy of the value in the clear.
func (v Value) Bytes() []byte {
	if v.bytes == nil {
		return nil
	}
	return bytes.Clone(v.bytes())
}

// Reveal returns the value in the clear.
func (v Value) Reveal() string {
	if v.bytes == nil {
		return ""
	}
	return string(v.bytes())
}

// Equal reports whether both hold the same bytes, in time that depends on
// their lengths only.
func (v Value) Equal(w Value) bool {
	return subtle.ConstantTimeCompare(v.Bytes(), w.Bytes()) == 1
}

// String returns "[redacted]".
func (v Value) String() string { return redacted }

// GoString returns "[redacted]".
func (v Value) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]".
func (v Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }
