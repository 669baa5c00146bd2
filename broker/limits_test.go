package broker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// What is over a limit is answered as the protocol has it; MQTT 3.1.1 can often
// only close (E13, E14).
func TestLimits(t *testing.T) {
	publishing := func(m wire.Publish) func(*testing.T, *port, mqttauth.Version) any {
		return func(_ *testing.T, b *port, v mqttauth.Version) any {
			p := b.connect(v, "p")
			p.retain("kept", "x")
			m.PacketID = 7
			p.send(&m)
			return p.next()
		}
	}
	subscribing := func(filters ...string) func(*testing.T, *port, mqttauth.Version) any {
		return func(_ *testing.T, b *port, v mqttauth.Version) any {
			p := b.connect(v, "p")
			s := wire.Subscribe{PacketID: 7}
			for _, f := range filters {
				s.Filters = append(s.Filters, wire.Subscription{Filter: f})
			}
			p.send(&s)
			return p.next()
		}
	}
	connecting := func(options ...option) func(*testing.T, *port, mqttauth.Version) any {
		return func(t *testing.T, b *port, v mqttauth.Version) any {
			b.connect(v, "first").quiet()
			p := b.peer()
			p.sendConnect(connectPacket(v, "second", options...))
			ack, ok := p.next().(*wire.Connack)
			if !ok {
				return closed{}
			}
			return ack.Code
		}
	}
	deep := strings.Repeat("/", 10)
	long := strings.Repeat("x", 101)
	bye := func(c mqttauth.ReasonCode) any { return &wire.Disconnect{Code: c} }
	ack := func(t wire.Type, c mqttauth.ReasonCode) any { return &wire.Ack{Type: t, PacketID: 7, Code: c} }
	codes := func(c ...mqttauth.ReasonCode) any { return &wire.Suback{PacketID: 7, Codes: c} }
	tests := []struct {
		name     string
		limits   broker.Limits
		try      func(*testing.T, *port, mqttauth.Version) any
		v5, v311 any
	}{
		{"packet size", broker.Limits{PacketSize: 100}, publishing(wire.Publish{Topic: "t", Payload: []byte(long)}), bye(0x95), closed{}},
		{"CONNECT size", broker.Limits{ConnectPacketSize: 80}, connecting(as(long)), closed{}, closed{}},
		{"levels of a topic", broker.Limits{TopicLevels: 10}, publishing(wire.Publish{QoS: 1, Topic: deep}), bye(0x90), closed{}},
		{"levels of a will", broker.Limits{TopicLevels: 10}, connecting(will(wire.Will{Topic: deep})), mqttauth.ReasonCode(0x90), mqttauth.ReasonCode(0x87)},
		{"levels of a filter", broker.Limits{TopicLevels: 10}, subscribing("a", deep), codes(0, 0x8F), codes(0, 0x80)},
		{"length of a topic", broker.Limits{TopicLength: 100}, publishing(wire.Publish{QoS: 1, Topic: long}), bye(0x90), closed{}},
		{"length of a will topic", broker.Limits{TopicLength: 100}, connecting(will(wire.Will{Topic: long})), mqttauth.ReasonCode(0x90), mqttauth.ReasonCode(0x87)},
		{"length of a filter", broker.Limits{TopicLength: 100}, subscribing("a", long), codes(0, 0x8F), codes(0, 0x80)},
		{"topic aliases", broker.Limits{TopicAliasMaximum: 3}, publishing(wire.Publish{Topic: "t", TopicAlias: 4}), bye(0x94), nil},
		{"subscriptions", broker.Limits{Subscriptions: 2}, subscribing("a", "b", "c"), codes(0, 0, 0x97), codes(0, 0, 0x80)},
		{"retained messages", broker.Limits{RetainedMessages: 1}, publishing(wire.Publish{QoS: 1, Retain: true, Topic: "t", Payload: []byte("x")}), ack(wire.PUBACK, 0x97), ack(wire.PUBACK, 0)},
		{"retained messages, QoS 2", broker.Limits{RetainedMessages: 1}, publishing(wire.Publish{QoS: 2, Retain: true, Topic: "t", Payload: []byte("x")}), ack(wire.PUBREC, 0x97), ack(wire.PUBREC, 0)},
		{"retained message that replaces", broker.Limits{RetainedMessages: 1}, publishing(wire.Publish{QoS: 1, Retain: true, Topic: "kept", Payload: []byte("y")}), ack(wire.PUBACK, 0), ack(wire.PUBACK, 0)},
		{"retained bytes", broker.Limits{RetainedBytes: 1000}, publishing(wire.Publish{QoS: 1, Retain: true, Topic: "t", Payload: make([]byte, 1000)}), ack(wire.PUBACK, 0x97), ack(wire.PUBACK, 0)},
		{"bytes held until PUBREL", broker.Limits{QueueBytes: 1000}, publishing(wire.Publish{QoS: 2, Topic: "t", Payload: make([]byte, 1000)}), ack(wire.PUBREC, 0x97), closed{}},
		{"connections", broker.Limits{Connections: 1}, connecting(), mqttauth.ReasonCode(0x89), mqttauth.ReasonCode(0x88)},
		{"connections of a source", broker.Limits{ConnectionsPerSource: 1}, connecting(), mqttauth.ReasonCode(0x97), mqttauth.ReasonCode(0x88)},
		{"CONNECT rate", broker.Limits{ConnectRate: 1}, connecting(), mqttauth.ReasonCode(0x9F), mqttauth.ReasonCode(0x88)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			versions(t, func(t *testing.T, v mqttauth.Version) {
				want := test.v5
				if v == v311 {
					want = test.v311
				}
				if want == nil { // the version has no such thing
					return
				}
				b := newServer(t, test.limits).listen(open())
				if diff := cmp.Diff(want, test.try(t, b, v)); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What a client must know to stay within the limits is in CONNACK.
func TestLimitsAnnounced(t *testing.T) {
	s := newServer(t, broker.Limits{
		PacketSize: 1000, ReceiveMaximum: 5, TopicAliasMaximum: 3, SessionExpiry: time.Minute, KeepAlive: 100 * time.Second,
	})
	b := s.listen(open())
	ask := func(c *wire.Connect) { c.SessionExpiry, c.KeepAlive = 3600, 101 }
	want := wire.Connack{
		MaximumPacketSize: 1000, ReceiveMaximum: 5, TopicAliasMaximum: 3,
		SessionExpiry: wire.Some[uint32](60), ServerKeepAlive: wire.Some[uint16](100),
	}
	if diff := cmp.Diff(want, b.connect(v5, "a", ask).ok); diff != "" {
		t.Errorf("CONNACK (-want +got):\n%s", diff)
	}
	modest := b.connect(v5, "b", func(c *wire.Connect) { c.KeepAlive = 99 })
	if modest.ok.ServerKeepAlive.Set {
		t.Errorf("a keep alive of 99 becomes %d", modest.ok.ServerKeepAlive.Value)
	}
	b.connect(v311, "c", func(c *wire.Connect) { c.KeepAlive = 101 })
}

// The keep alive that the server sets is the one that counts [MQTT-3.2.2-21].
func TestServerKeepAlive(t *testing.T) {
	t.Parallel()
	b := newServer(t, broker.Limits{KeepAlive: time.Second}).listen(open())
	p := b.connect(v5, "p") // asks for none
	if got := p.ok.ServerKeepAlive; got != wire.Some[uint16](1) {
		t.Errorf("server keep alive %+v", got)
	}
	p.dismissed(wire.KeepAliveTimeout)
}

// Response information goes to who asks for it [MQTT-3.1.2-28].
func TestResponseInformation(t *testing.T) {
	s := &server{t: t, logs: new(logs), Server: broker.NewServer(broker.Options{
		ResponseInformation: func(id string) string { return "replies/" + id },
	})}
	t.Cleanup(func() { _ = s.Shutdown(t.Context()) })
	b := s.listen(open())
	asking := func(c *wire.Connect) { c.RequestResponseInfo = true }
	if got := b.connect(v5, "a", asking).ok.ResponseInformation; got != "replies/a" {
		t.Errorf("response information %q", got)
	}
	if got := b.connect(v5, "b").ok.ResponseInformation; got != "" {
		t.Errorf("unasked response information %q", got)
	}
}

// More than the limit is never on its way to a client, whatever it would take.
func TestInflightLimit(t *testing.T) {
	b := newServer(t, broker.Limits{Inflight: 2}).listen(open())
	s, p := b.connect(v5, "s"), b.connect(v5, "p")
	s.subscribe(1, "t")
	for range 5 {
		p.publish(1, "t", "x")
	}
	first, second := receive[wire.Publish](s), receive[wire.Publish](s)
	s.quiet()
	s.acknowledge(first)
	third := receive[wire.Publish](s)
	s.quiet()
	s.acknowledge(second)
	s.acknowledge(third)
	s.message("t", "x")
	s.message("t", "x")
	s.quiet()
}

// A retained message that finds no room is not kept. When its publisher cannot
// be told, nothing is: the one before it is not the last one any more.
func TestE13RetainedBounds(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := newServer(t, broker.Limits{RetainedMessages: 2, RetainedBytes: 4000}).listen(open())
		p := b.connect(v, "p")
		p.retain("t/1", "one")
		p.retain("t/2", "two")
		p.publishes(wire.Publish{QoS: 1, Retain: true, Topic: "t/3", Payload: []byte("three")}, wire.QuotaExceeded)
		p.retain("t/1", "one again")
		p.publishes(wire.Publish{QoS: 1, Retain: true, Topic: "t/2", Payload: make([]byte, 4000)}, wire.QuotaExceeded)
		p.publishes(wire.Publish{QoS: 1, Retain: true, Topic: "t/4"}, 0) // removes nothing
		s := b.connect(v, "s")
		s.subscribe(0, "t/1", "t/2", "t/3")
		s.message("t/1", "one again")
		if v == v5 {
			s.message("t/2", "two")
		}
		s.quiet()
	})
}

// The places of clients that are gone are free again.
func TestConnectionLimitsAreGivenBack(t *testing.T) {
	s := newServer(t, broker.Limits{Connections: 1, ConnectionsPerSource: 1})
	b := s.listen(open())
	for range 5 {
		b.connect(v5, "a").leave()
		eventually(t, "a free place", func() bool {
			p := b.peer()
			p.sendConnect(connectPacket(v5, "b"))
			ack, ok := p.next().(*wire.Connack)
			if ok && ack.Code == 0 {
				p.leave()
				return true
			}
			return false
		})
		eventually(t, "the end of all", func() bool { return s.Stats().Connections == 0 })
	}
}

// A message lives no longer than the limit, whoever published it: the will, too.
func TestMessageExpiryLimit(t *testing.T) {
	b := authenticated(t, broker.Limits{MessageExpiry: 60 * time.Second}, users)
	s := b.connect(v5, "s", as("s"))
	s.subscribe(0, "#")
	expiry := func(topic string) uint32 {
		t.Helper()
		m := s.message(topic, "x")
		if !m.MessageExpiry.Set {
			t.Errorf("%s has no message expiry", topic)
		}
		return m.MessageExpiry.Value
	}
	between := func(got, low, high uint32) {
		t.Helper()
		if got < low || got > high {
			t.Errorf("message expiry %d, want %d to %d", got, low, high)
		}
	}
	p := b.connect(v5, "p", as("p"), will(wire.Will{Topic: "will", Payload: []byte("x")}))
	old := b.connect(v311, "old", as("old"))
	old.publish(1, "old", "x")
	between(expiry("old"), 50, 60)
	p.publish(2, "none", "x")
	between(expiry("none"), 50, 60)
	p.publishes(wire.Publish{QoS: 1, Topic: "longer", Payload: []byte("x"), MessageExpiry: wire.Some[uint32](3600)}, 0)
	between(expiry("longer"), 50, 60)
	p.publishes(wire.Publish{QoS: 1, Topic: "shorter", Payload: []byte("x"), MessageExpiry: wire.Some[uint32](30)}, 0)
	between(expiry("shorter"), 20, 30)
	p.cut()
	between(expiry("will"), 50, 60)
}
