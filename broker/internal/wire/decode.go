package wire

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// decoder reads the fields of one packet in order. The first failure is kept
// and leaves nothing to read, so that all later reads yield zero values, loops
// end, and only finish has to be asked.
type decoder struct {
	b   []byte // the body, or its part up to the end of the open property block
	i   int    // offset of the next byte
	pkt Type
	err *Error

	// share lets decoded strings and bytes point into the body. Without it
	// each is a copy, so that what outlives the packet keeps nothing else of
	// it alive.
	share bool

	props block
}

// open starts decoding f. It checks what all packets have in common: type,
// version, and fixed header flags [MQTT-2.1.3-1].
func (d *decoder) open(f Frame, want Type, v mqttauth.Version) {
	d.b, d.pkt = f.Body, want
	switch {
	case f.Type != want:
		d.fail(mqttauth.ProtocolError, "is a "+f.Type.String())
	case v != mqttauth.MQTT311 && v != mqttauth.MQTT5:
		d.fail(mqttauth.ProtocolError, "has no form in MQTT "+v.String())
	case want != PUBLISH && f.Flags != want.flags():
		d.fail(MalformedPacket, "wrong fixed header flags")
	case f.padded && v == mqttauth.MQTT5:
		d.fail(MalformedPacket, "remaining length takes more bytes than it needs [MQTT-1.5.5-1]")
	}
}

func (d *decoder) fail(code mqttauth.ReasonCode, what string) {
	if d.err == nil {
		d.err = &Error{Code: code, Detail: d.pkt.String() + ": " + what}
	}
	d.b, d.i, d.props.outer = nil, 0, nil
}

// failField is fail for a field that starts at offset at of the body.
func (d *decoder) failField(code mqttauth.ReasonCode, at int, field, what string) {
	if d.err == nil {
		d.fail(code, field+" at body offset "+strconv.Itoa(at)+" "+what)
	}
}

// finish returns the first failure. Bytes left over are one, too.
func (d *decoder) finish() error {
	if d.i != len(d.b) {
		d.failField(MalformedPacket, d.i, "data", "is more than the packet has fields")
	}
	if d.err != nil {
		return d.err
	}
	return nil
}

func (d *decoder) more() bool { return d.i < len(d.b) }

// has reports whether n bytes are left and fails otherwise.
func (d *decoder) has(n int, field string) bool {
	if len(d.b)-d.i >= n {
		return true
	}
	d.failField(MalformedPacket, d.i, field, "is cut short")
	return false
}

func (d *decoder) byte(field string) byte {
	if !d.has(1, field) {
		return 0
	}
	d.i++
	return d.b[d.i-1]
}

func (d *decoder) uint16(field string) uint16 {
	if !d.has(2, field) {
		return 0
	}
	d.i += 2
	return binary.BigEndian.Uint16(d.b[d.i-2:])
}

func (d *decoder) uint32(field string) uint32 {
	if !d.has(4, field) {
		return 0
	}
	d.i += 4
	return binary.BigEndian.Uint32(d.b[d.i-4:])
}

// varint reads a variable byte integer (section 1.5.5): at most four bytes,
// and no more of them than needed [MQTT-1.5.5-1].
func (d *decoder) varint(field string) uint32 {
	at := d.i
	var n uint32
	for shift := 0; shift < 28; shift += 7 {
		c := d.byte(field)
		n |= uint32(c&0x7F) << shift
		if c >= 0x80 {
			continue
		}
		if c == 0 && shift > 0 {
			d.failField(MalformedPacket, at, field, "takes more bytes than it needs [MQTT-1.5.5-1]")
		}
		return n
	}
	d.failField(MalformedPacket, at, field, "is a variable byte integer of more than 4 bytes")
	return 0
}

// bool reads a byte that may be 0 or 1 only.
func (d *decoder) bool(field string) bool { return d.max(1, field) == 1 }

// max reads a byte that may not be above limit.
func (d *decoder) max(limit byte, field string) byte {
	at := d.i
	c := d.byte(field)
	if c > limit {
		d.failField(mqttauth.ProtocolError, at, field, "is above "+strconv.Itoa(int(limit)))
		return 0
	}
	return c
}

// positive16 and positive32 read a number that may not be 0.

func (d *decoder) positive16(code mqttauth.ReasonCode, field string) uint16 {
	at := d.i
	n := d.uint16(field)
	if n == 0 {
		d.failField(code, at, field, "is 0")
	}
	return n
}

func (d *decoder) positive32(field string) uint32 {
	at := d.i
	n := d.uint32(field)
	if n == 0 {
		d.failField(mqttauth.ProtocolError, at, field, "is 0")
	}
	return n
}

// packetID reads a Packet Identifier, which is never 0 [MQTT-2.2.1-3].
func (d *decoder) packetID() uint16 {
	return d.positive16(mqttauth.ProtocolError, "Packet Identifier")
}

// field reads two bytes of length and that many bytes. The result points into
// the body and is not nil unless reading failed.
func (d *decoder) field(name string) []byte {
	at := d.i
	n := int(d.uint16(name))
	if len(d.b)-d.i < n {
		d.failField(MalformedPacket, at, name, "is longer than what is left")
	}
	if d.err != nil {
		return nil
	}
	d.i += n
	return d.b[d.i-n : d.i : d.i]
}

// text is field for UTF-8: no surrogates, no overlong forms [MQTT-1.5.4-1], no
// U+0000 [MQTT-1.5.4-2]. Control characters are allowed.
func (d *decoder) text(name string) []byte {
	at := d.i
	b := d.field(name)
	if !utf8.Valid(b) {
		d.failField(MalformedPacket, at, name, "is not UTF-8 [MQTT-1.5.4-1]")
		return nil
	}
	if bytes.IndexByte(b, 0) >= 0 {
		d.failField(MalformedPacket, at, name, "has a null character [MQTT-1.5.4-2]")
		return nil
	}
	return b
}

func (d *decoder) string(name string) string {
	b := d.text(name)
	if d.share {
		return unsafe.String(unsafe.SliceData(b), len(b))
	}
	return string(b)
}

// filled is string for what may not be empty when it is present.
func (d *decoder) filled(code mqttauth.ReasonCode, name string) string {
	at := d.i
	s := d.string(name)
	if s == "" {
		d.failField(code, at, name, "is empty")
	}
	return s
}

// binary returns nil only if reading failed: absent is not empty.
func (d *decoder) binary(name string) []byte {
	b := d.field(name)
	if d.share || b == nil {
		return b
	}
	return append([]byte{}, b...)
}

// code reads a reason code that packets of this type may carry.
func (d *decoder) code() mqttauth.ReasonCode {
	at := d.i
	c := mqttauth.ReasonCode(d.byte("Reason Code"))
	if !allows(d.pkt, c) {
		d.failField(mqttauth.ProtocolError, at, "Reason Code", "is not one of this packet type")
	}
	return c
}
