package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
	"math"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// UserProperties are the User Properties of one packet in their order, kept
// and forwarded byte for byte [MQTT-3.3.2-18]. The zero value is empty.
type UserProperties struct {
	raw []byte // valid, in wire form: identifier, name, value; again and again
}

// All yields name and value of each property in order. Names may repeat. The
// strings live as long as u: those of a decoded Publish as long as its frame.
func (u UserProperties) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for b := u.raw; len(b) > 0; {
			name, rest := cutText(b[1:])
			value, rest := cutText(rest)
			if !yield(name, value) {
				return
			}
			b = rest
		}
	}
}

func cutText(b []byte) (string, []byte) {
	n := 2 + int(binary.BigEndian.Uint16(b))
	return unsafe.String(unsafe.SliceData(b[2:]), n-2), b[n:]
}

// Size returns the number of bytes that the properties take in a packet.
func (u UserProperties) Size() int { return len(u.raw) }

// Equal reports whether u and v have the same properties in the same order.
func (u UserProperties) Equal(v UserProperties) bool { return bytes.Equal(u.raw, v.raw) }

// Clone returns a copy that shares no memory with u.
func (u UserProperties) Clone() UserProperties { return UserProperties{bytes.Clone(u.raw)} }

// Add appends a property. It fails, and changes nothing, when name or value
// cannot be put on the wire: over 65,535 bytes, not UTF-8, or with a null
// character. A copy of u made before is not changed.
func (u *UserProperties) Add(name, value string) error {
	if !isText(name) || !isText(value) {
		return errors.New("wire: user property: name and value must be UTF-8 without null, at most 65,535 bytes")
	}
	raw := append(u.raw[:len(u.raw):len(u.raw)], propUser)
	raw = append(binary.BigEndian.AppendUint16(raw, uint16(len(name))), name...)
	raw = append(binary.BigEndian.AppendUint16(raw, uint16(len(value))), value...)
	u.raw = raw
	return nil
}

func isText(s string) bool {
	return len(s) <= math.MaxUint16 && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}
