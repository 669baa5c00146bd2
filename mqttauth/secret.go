package mqttauth

import (
	"fmt"
	"io"
	"slices"
)

const redacted = "[redacted]"

// Secret holds a password or a token. The zero value is an absent secret,
// which is not the same as an empty one.
//
// A Secret prints as "[redacted]" with every verb of fmt, in slog, as JSON and
// as text. As an unexported field of another value, where fmt asks no methods,
// it prints as an address. It cannot be compared with ==. It is immutable and
// safe for concurrent use.
type Secret struct {
	reveal func() []byte // a closure, since reflection prints no captured variable
}

// NewSecret returns a secret that holds a copy of b. It is set, even if b is
// nil.
func NewSecret(b []byte) Secret {
	b = slices.Clone(b)
	return Secret{reveal: func() []byte { return b }}
}

// IsSet reports whether there is a secret at all.
func (s Secret) IsSet() bool { return s.reveal != nil }

// Reveal returns the secret's bytes, nil if it is not set. They must not be
// modified or kept.
func (s Secret) Reveal() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]"; JSON and slog use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
