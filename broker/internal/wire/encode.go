package wire

import (
	"encoding/binary"
	"math"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// maxLength is the largest variable byte integer, and so the largest remaining
// length.
const maxLength = 268_435_455

// encoder appends one packet. What cannot be put on the wire sets bad, and
// then nothing is appended: a stream never gets a broken packet.
type encoder struct {
	b     []byte
	start int // of the packet in b
	bad   bool
}

// begin starts a packet. One byte is left for the remaining length.
func begin(dst []byte, t Type, v mqttauth.Version) encoder {
	return encoder{
		b:     append(dst, byte(t)<<4|t.flags(), 0),
		start: len(dst),
		bad:   v != mqttauth.MQTT311 && v != mqttauth.MQTT5,
	}
}

// end returns dst of begin with the whole packet behind it, or, when the
// packet is bad, as it was.
func (e *encoder) end() []byte { return e.endWith(nil) }

// endWith is end for a packet that ends with payload. Room for the remaining
// length is made before the payload is copied.
func (e *encoder) endWith(payload []byte) []byte {
	e.closeWith(e.start+1, len(payload))
	if e.bad {
		return e.b[:e.start]
	}
	return append(e.b, payload...)
}

// open leaves one byte for a length and returns its offset, for close.
func (e *encoder) open() int {
	e.b = append(e.b, 0)
	return len(e.b) - 1
}

// close writes the number of bytes behind offset at to offset at. It moves
// them when that takes more than the one byte left for it.
func (e *encoder) close(at int) { e.closeWith(at, 0) }

// closeWith is close when extra bytes that count are going to follow.
func (e *encoder) closeWith(at, extra int) {
	written := len(e.b) - at - 1
	n := written + extra
	if n > maxLength {
		e.bad = true
		return
	}
	size := varintLen(n)
	for range size - 1 {
		e.b = append(e.b, 0)
	}
	copy(e.b[at+size:], e.b[at+1:at+1+written])
	appendVarint(e.b[:at], n)
}

func varintLen(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14:
		return 2
	case n < 1<<21:
		return 3
	default:
		return 4
	}
}

// appendVarint appends n, which is at most maxLength.
func appendVarint(dst []byte, n int) []byte {
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}

func (e *encoder) byte(c byte)     { e.b = append(e.b, c) }
func (e *encoder) uint16(n uint16) { e.b = binary.BigEndian.AppendUint16(e.b, n) }

func (e *encoder) string(s string) {
	e.bad = e.bad || len(s) > math.MaxUint16
	if !e.bad {
		e.uint16(uint16(len(s)))
		e.b = append(e.b, s...)
	}
}

func (e *encoder) binary(s []byte) {
	e.bad = e.bad || len(s) > math.MaxUint16
	if !e.bad {
		e.uint16(uint16(len(s)))
		e.b = append(e.b, s...)
	}
}

func (e *encoder) packetID(id uint16) {
	e.bad = e.bad || id == 0
	e.uint16(id)
}

func (e *encoder) code(t Type, c mqttauth.ReasonCode) {
	e.bad = e.bad || !allows(t, c)
	e.byte(byte(c))
}

// The rest write one property each, unless it is absent.

func (e *encoder) propByte(id byte, o Opt[byte]) {
	if o.Set {
		e.bad = e.bad || o.Value > 1 // true of every property of one byte
		e.b = append(e.b, id, o.Value)
	}
}

func (e *encoder) propBool(id byte, o Opt[bool]) {
	if o.Set {
		e.b = append(e.b, id, flag(o.Value, 1))
	}
}

func (e *encoder) propUint16(id byte, o Opt[uint16]) {
	if o.Set {
		e.byte(id)
		e.uint16(o.Value)
	}
}

func (e *encoder) propUint32(id byte, o Opt[uint32]) {
	if o.Set {
		e.byte(id)
		e.b = binary.BigEndian.AppendUint32(e.b, o.Value)
	}
}

func (e *encoder) propString(id byte, o Opt[string]) {
	if o.Set {
		e.byte(id)
		e.string(o.Value)
	}
}

// propText is propString for what is absent when empty.
func (e *encoder) propText(id byte, s string) { e.propString(id, Opt[string]{s, s != ""}) }

func (e *encoder) propBinary(id byte, b []byte) {
	if b != nil {
		e.byte(id)
		e.binary(b)
	}
}

func (e *encoder) propUser(u UserProperties) { e.b = append(e.b, u.raw...) }

// receiveMaximum writes nothing for the value that absence means.
func (e *encoder) receiveMaximum(n uint16) {
	e.propUint16(propReceiveMaximum, Opt[uint16]{n, n != 0 && n != math.MaxUint16})
}

// nonzero makes a property of a number that is absent when 0.
func nonzero[T uint16 | uint32](n T) Opt[T] { return Opt[T]{n, n != 0} }

// flag returns bit if set, else 0.
func flag(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}
