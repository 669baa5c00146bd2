package wire

import (
	"bytes"
	"strconv"
)

// Type is the MQTT Control Packet type (MQTT 5.0 section 2.1.2). The zero value
// is forbidden on the wire.
type Type byte

const (
	CONNECT     Type = 1
	CONNACK     Type = 2
	PUBLISH     Type = 3
	PUBACK      Type = 4
	PUBREC      Type = 5
	PUBREL      Type = 6
	PUBCOMP     Type = 7
	SUBSCRIBE   Type = 8
	SUBACK      Type = 9
	UNSUBSCRIBE Type = 10
	UNSUBACK    Type = 11
	PINGREQ     Type = 12
	PINGRESP    Type = 13
	DISCONNECT  Type = 14
	AUTH        Type = 15 // MQTT 5.0 only
)

// String returns the name of the specification, "CONNECT" for example.
func (t Type) String() string {
	switch t {
	case CONNECT:
		return "CONNECT"
	case CONNACK:
		return "CONNACK"
	case PUBLISH:
		return "PUBLISH"
	case PUBACK:
		return "PUBACK"
	case PUBREC:
		return "PUBREC"
	case PUBREL:
		return "PUBREL"
	case PUBCOMP:
		return "PUBCOMP"
	case SUBSCRIBE:
		return "SUBSCRIBE"
	case SUBACK:
		return "SUBACK"
	case UNSUBSCRIBE:
		return "UNSUBSCRIBE"
	case UNSUBACK:
		return "UNSUBACK"
	case PINGREQ:
		return "PINGREQ"
	case PINGRESP:
		return "PINGRESP"
	case DISCONNECT:
		return "DISCONNECT"
	case AUTH:
		return "AUTH"
	default:
		return "packet type " + strconv.Itoa(int(t))
	}
}

// flags returns the fixed header flags that every packet of the type must
// have; PUBLISH, whose flags vary, decides by itself [MQTT-2.1.3-1].
func (t Type) flags() byte {
	switch t {
	case PUBREL, SUBSCRIBE, UNSUBSCRIBE:
		return 0b0010
	default:
		return 0
	}
}

// Frame is one control packet as it came off the wire: its fixed header, taken
// apart, and all that follows.
type Frame struct {
	Type  Type
	Flags byte // the low four bits of the first byte
	Body  []byte

	// padded: the remaining length was written with more bytes than it needs.
	// MQTT 5.0 forbids that, 3.1.1 does not, and the Reader does not know the
	// version.
	padded bool
}

// Clone returns a frame with a Body of its own. What is decoded from it stays
// valid after the next call of Reader.Next.
func (f Frame) Clone() Frame {
	f.Body = bytes.Clone(f.Body)
	return f
}
