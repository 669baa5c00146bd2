package main

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// version is the protocol level in CONNECT.
type version byte

const (
	v311 version = 4
	v5   version = 5
)

// Packet types.
const (
	typeConnect    = 1
	typeConnack    = 2
	typePublish    = 3
	typePuback     = 4
	typePubrec     = 5
	typePubrel     = 6
	typePubcomp    = 7
	typeSubscribe  = 8
	typeSuback     = 9
	typePingreq    = 12
	typePingresp   = 13
	typeDisconnect = 14
)

// packet is one packet as it was received. Its body lies in the read buffer.
type packet struct {
	kind byte
	qos  byte // of a PUBLISH
	body []byte
}

var errMalformed = errors.New("malformed packet")

// parse reads the packet that b begins with, and returns its size: 0 when b
// does not hold all of it.
func parse(b []byte) (p packet, size int, err error) {
	if len(b) < 2 {
		return p, 0, nil
	}
	n, shift := 0, 0
	for i := 1; i < len(b); i++ {
		n |= int(b[i]&0x7F) << shift
		if b[i] < 0x80 {
			if i+1+n > len(b) {
				return p, 0, nil
			}
			return packet{b[0] >> 4, b[0] >> 1 & 3, b[i+1 : i+1+n]}, i + 1 + n, nil
		}
		if shift += 7; shift > 21 {
			return p, 0, errMalformed
		}
	}
	return p, 0, nil
}

// id returns the packet identifier of a PUBLISH of QoS 1 or 2, or of an
// acknowledgement.
func (p packet) id() (uint16, error) {
	at := 0
	if p.kind == typePublish {
		if len(p.body) < 2 {
			return 0, errMalformed
		}
		at = 2 + int(binary.BigEndian.Uint16(p.body))
	}
	if len(p.body) < at+2 {
		return 0, errMalformed
	}
	return binary.BigEndian.Uint16(p.body[at:]), nil
}

// code returns the reason code of a CONNACK, the last one of a SUBACK, or that
// of an acknowledgement, which leaves out success.
func (p packet) code() (byte, error) {
	switch {
	case p.kind == typeConnack && len(p.body) >= 2:
		return p.body[1], nil
	case p.kind == typeSuback && len(p.body) >= 3:
		return p.body[len(p.body)-1], nil
	case p.kind >= typePuback && p.kind <= typePubcomp && len(p.body) == 2:
		return 0, nil
	case p.kind >= typePuback && p.kind <= typePubcomp && len(p.body) > 2:
		return p.body[2], nil
	default:
		return 0, fmt.Errorf("%w: no reason code in type %d of %d bytes", errMalformed, p.kind, len(p.body))
	}
}

// appendHeader appends a fixed header.
func appendHeader(dst []byte, first byte, n int) []byte {
	dst = append(dst, first)
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}

func appendString(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

// properties returns the empty property block of a version.
func (v version) properties() []byte {
	if v == v5 {
		return []byte{0}
	}
	return nil
}

// keepAlive is what clients announce, in seconds; no measurement takes as long.
const keepAlive = 600

// appendConnect appends a CONNECT with a clean session.
func appendConnect(dst []byte, v version, id string) []byte {
	const cleanStart = 2
	dst = appendHeader(dst, typeConnect<<4, 12+len(v.properties())+len(id))
	dst = appendString(dst, "MQTT")
	dst = append(dst, byte(v), cleanStart)
	dst = binary.BigEndian.AppendUint16(dst, keepAlive)
	dst = append(dst, v.properties()...)
	return appendString(dst, id)
}

func appendSubscribe(dst []byte, v version, id uint16, filter string, qos byte) []byte {
	dst = appendHeader(dst, typeSubscribe<<4|2, 2+len(v.properties())+2+len(filter)+1)
	dst = binary.BigEndian.AppendUint16(dst, id)
	dst = append(dst, v.properties()...)
	dst = appendString(dst, filter)
	return append(dst, qos)
}

// appendPublish appends a PUBLISH; id counts with QoS 1 and 2 only.
func appendPublish(dst []byte, v version, qos byte, id uint16, topic string, payload []byte) []byte {
	n := 2 + len(topic) + len(v.properties()) + len(payload)
	if qos > 0 {
		n += 2
	}
	dst = appendHeader(dst, typePublish<<4|qos<<1, n)
	dst = appendString(dst, topic)
	if qos > 0 {
		dst = binary.BigEndian.AppendUint16(dst, id)
	}
	dst = append(dst, v.properties()...)
	return append(dst, payload...)
}

// appendAck appends a PUBACK, PUBREC, PUBREL or PUBCOMP.
func appendAck(dst []byte, kind byte, id uint16) []byte {
	first := kind << 4
	if kind == typePubrel {
		first |= 2
	}
	return append(dst, first, 2, byte(id>>8), byte(id))
}
