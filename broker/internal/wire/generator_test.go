package wire_test

import (
	"math/rand/v2"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// generator makes random packets of one version. Its texts are short, empty,
// or so long that lengths take more than one byte.
type generator struct {
	*rand.Rand
	v mqttauth.Version
}

func (g generator) yes() bool { return g.IntN(2) == 0 }

func (g generator) text() string {
	const letters = "a/+#$é€😀\x07"
	n := [...]int{0, 1, 5, 5, 130}[g.IntN(5)]
	var b []rune
	for range n {
		b = append(b, []rune(letters)[g.IntN(len([]rune(letters)))])
	}
	return string(b)
}

func (g generator) data() []byte {
	if g.yes() {
		return nil
	}
	return []byte(g.text() + "\xFF")[:g.IntN(2)*2]
}

func (g generator) user(t testing.TB) wire.UserProperties {
	var u wire.UserProperties
	for range g.IntN(4) * g.IntN(2) {
		if err := u.Add(g.text(), g.text()); err != nil {
			t.Fatal(err)
		}
	}
	return u
}

func (g generator) id() uint16 { return uint16(1 + g.IntN(65535)) }

func optional[T any](g generator, v T) wire.Opt[T] {
	if g.yes() {
		return wire.Opt[T]{}
	}
	return wire.Some(v)
}

func (g generator) code(codes ...mqttauth.ReasonCode) mqttauth.ReasonCode {
	return codes[g.IntN(len(codes))]
}

func (g generator) packet(t testing.TB, typ wire.Type) packet {
	full := g.v == v5
	switch typ {
	case wire.CONNECT:
		return connect{g.connect(t)}
	case wire.CONNACK:
		return g.connack(t)
	case wire.PUBLISH:
		return g.publish(t)
	case wire.SUBSCRIBE:
		p := &wire.Subscribe{PacketID: g.id()}
		for range 1 + g.IntN(3) {
			p.Filters = append(p.Filters, g.subscription())
		}
		if full {
			p.SubscriptionID, p.UserProperties = uint32(g.IntN(1<<28)), g.user(t)
		}
		return p
	case wire.SUBACK:
		p := &wire.Suback{PacketID: g.id(), Codes: []mqttauth.ReasonCode{g.code(0, 1, 2, 0x80)}}
		if full {
			p.ReasonString, p.UserProperties = g.text(), g.user(t)
			p.Codes = append(p.Codes, g.code(0x87, 0x8F, 0x97, 0xA2))
		}
		return p
	case wire.UNSUBSCRIBE:
		p := &wire.Unsubscribe{PacketID: g.id(), Filters: []string{g.text(), g.text()}[g.IntN(2):]}
		if full {
			p.UserProperties = g.user(t)
		}
		return p
	case wire.UNSUBACK:
		p := &wire.Unsuback{PacketID: g.id()}
		if full {
			p.ReasonString, p.UserProperties = g.text(), g.user(t)
			p.Codes = []mqttauth.ReasonCode{0x11, g.code(0, 0x87)}
		}
		return p
	case wire.DISCONNECT:
		p := new(wire.Disconnect)
		if full {
			p.Code, p.SessionExpiry = g.code(0, 4, 0x82, 0x98), optional(g, g.Uint32())
			p.ReasonString, p.ServerReference, p.UserProperties = g.text(), g.text(), g.user(t)
		}
		return p
	case wire.AUTH:
		return &wire.Auth{Code: g.code(0, 0x18, 0x19), AuthMethod: "m" + g.text(), AuthData: g.data(), ReasonString: g.text(), UserProperties: g.user(t)}
	case wire.PINGREQ:
		return new(wire.Pingreq)
	case wire.PINGRESP:
		return new(wire.Pingresp)
	default:
		p := &wire.Ack{Type: typ, PacketID: g.id()}
		if full {
			p.ReasonString, p.UserProperties = g.text(), g.user(t)
		}
		if full && (typ == wire.PUBREL || typ == wire.PUBCOMP) {
			p.Code = g.code(0, 0x92)
		} else if full {
			p.Code = g.code(0, 0x10, 0x87, 0x97)
		}
		return p
	}
}

func (g generator) subscription() wire.Subscription {
	s := wire.Subscription{Filter: g.text(), QoS: byte(g.IntN(3))}
	if g.v == v5 {
		s.NoLocal, s.RetainAsPublished, s.RetainHandling = g.yes(), g.yes(), byte(g.IntN(3))
	}
	return s
}

func (g generator) publish(t testing.TB) *wire.Publish {
	p := &wire.Publish{QoS: byte(g.IntN(3)), Retain: g.yes(), Topic: "t" + g.text(), Payload: append([]byte{}, g.data()...)}
	if p.QoS > 0 {
		p.Dup, p.PacketID = g.yes(), g.id()
	}
	if g.v == v311 {
		return p
	}
	p.PayloadFormat, p.MessageExpiry = optional(g, byte(g.IntN(2))), optional(g, g.Uint32())
	p.ResponseTopic, p.CorrelationData, p.ContentType = g.text(), g.data(), optional(g, g.text())
	p.UserProperties = g.user(t)
	for range g.IntN(3) {
		p.SubscriptionIDs = append(p.SubscriptionIDs, 1+g.Uint32N(1<<g.IntN(28)))
	}
	if g.yes() {
		p.TopicAlias, p.Topic = g.id(), g.text()
	}
	return p
}

func (g generator) connect(t testing.TB) *wire.Connect {
	p := &wire.Connect{Version: g.v, CleanStart: g.yes(), KeepAlive: uint16(g.Uint32()), ClientID: g.text(), Username: optional(g, g.text()), ReceiveMaximum: 65535}
	if p.Username.Set || g.v == v5 {
		p.Password = g.data()
	}
	if g.yes() {
		p.Will = &wire.Will{QoS: byte(g.IntN(3)), Retain: g.yes(), Topic: g.text(), Payload: append([]byte{}, g.data()...)}
	}
	if g.v == v311 {
		return p
	}
	p.SessionExpiry, p.ReceiveMaximum, p.MaximumPacketSize = g.Uint32(), g.id(), g.Uint32()
	p.TopicAliasMaximum, p.RequestResponseInfo, p.RequestProblemInfo = g.id(), g.yes(), optional(g, g.yes())
	p.UserProperties = g.user(t)
	if g.yes() {
		p.AuthMethod, p.AuthData = "m"+g.text(), g.data()
	}
	if w := p.Will; w != nil {
		w.Delay, w.PayloadFormat, w.MessageExpiry = g.Uint32(), optional(g, byte(g.IntN(2))), optional(g, g.Uint32())
		w.ContentType, w.ResponseTopic, w.CorrelationData = optional(g, g.text()), g.text(), g.data()
		w.UserProperties = g.user(t)
	}
	return p
}

func (g generator) connack(t testing.TB) *wire.Connack {
	p := &wire.Connack{Code: g.code(0, 0x84, 0x85, 0x86, 0x87, 0x88), ReceiveMaximum: 65535}
	p.SessionPresent = p.Code == 0 && g.yes()
	if g.v == v311 {
		return p
	}
	p.SessionExpiry, p.ReceiveMaximum, p.MaximumQoS = optional(g, g.Uint32()), g.id(), optional(g, byte(g.IntN(2)))
	p.RetainAvailable, p.MaximumPacketSize, p.AssignedClientID = optional(g, g.yes()), g.Uint32(), g.text()
	p.TopicAliasMaximum, p.ReasonString = g.id(), g.text()
	p.WildcardSubscriptionAvailable, p.SubscriptionIDsAvailable = optional(g, g.yes()), optional(g, g.yes())
	p.SharedSubscriptionAvailable, p.ServerKeepAlive = optional(g, g.yes()), optional(g, g.id())
	p.ResponseInformation, p.ServerReference, p.AuthMethod = g.text(), g.text(), g.text()
	p.AuthData, p.UserProperties = g.data(), g.user(t)
	return p
}
