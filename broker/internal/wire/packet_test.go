package wire_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

const (
	v311 = mqttauth.MQTT311
	v5   = mqttauth.MQTT5
)

// packet is what all packet types but Connect are.
type packet interface {
	Decode(wire.Frame, mqttauth.Version) error
	Append([]byte, mqttauth.Version) []byte
}

// connect makes a packet of Connect, which carries its version itself.
type connect struct{ *wire.Connect }

func (c connect) Decode(f wire.Frame, _ mqttauth.Version) error { return c.Connect.Decode(f) }

func (c connect) Append(dst []byte, _ mqttauth.Version) []byte { return c.Connect.Append(dst) }

// newPacket returns an empty packet of type t, nil for type 0.
func newPacket(t wire.Type) packet {
	switch t {
	case wire.CONNECT:
		return connect{new(wire.Connect)}
	case wire.CONNACK:
		return new(wire.Connack)
	case wire.PUBLISH:
		return new(wire.Publish)
	case wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBCOMP:
		return new(wire.Ack)
	case wire.SUBSCRIBE:
		return new(wire.Subscribe)
	case wire.SUBACK:
		return new(wire.Suback)
	case wire.UNSUBSCRIBE:
		return new(wire.Unsubscribe)
	case wire.UNSUBACK:
		return new(wire.Unsuback)
	case wire.PINGREQ:
		return new(wire.Pingreq)
	case wire.PINGRESP:
		return new(wire.Pingresp)
	case wire.DISCONNECT:
		return new(wire.Disconnect)
	case wire.AUTH:
		return new(wire.Auth)
	default:
		return nil
	}
}

// frame reads b, which is exactly one packet.
func frame(t testing.TB, b []byte) wire.Frame {
	t.Helper()
	r := wire.NewReader(bytes.NewReader(b))
	f, err := r.Next(1 << 20)
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	if r.Buffered() != 0 {
		t.Fatalf("Next left %d bytes of % X", r.Buffered(), b)
	}
	return f
}

// unhex reads hexadecimal digits in any grouping.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatalf("%v in %q", err, s)
	}
	return b
}

// user makes User Properties of names and values in turn.
func user(t testing.TB, pairs ...string) wire.UserProperties {
	t.Helper()
	var u wire.UserProperties
	for i := 0; i < len(pairs); i += 2 {
		if err := u.Add(pairs[i], pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return u
}
