package message_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// full returns a PUBLISH with everything set.
func full(t testing.TB) *wire.Publish {
	t.Helper()
	p := &wire.Publish{
		Dup: true, QoS: 1, Retain: true, Topic: "a/b", PacketID: 7, Payload: []byte("payload"),
		PayloadFormat: wire.Some[byte](1), MessageExpiry: wire.Some[uint32](100), TopicAlias: 3,
		ResponseTopic: "reply", CorrelationData: []byte{0, 1}, SubscriptionIDs: []uint32{9},
		ContentType: wire.Some("text"),
	}
	for _, name := range []string{"k", "k", "j"} {
		if err := p.UserProperties.Add(name, "v"+name); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// decode reads the one packet in b.
func decode(t testing.TB, b []byte, v mqttauth.Version) wire.Publish {
	t.Helper()
	f, err := wire.NewReader(strings.NewReader(string(b))).Next(len(b))
	if err != nil {
		t.Fatal(err)
	}
	var p wire.Publish
	if err := p.Decode(f.Clone(), v); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestWithTopic: all but the topic is the same, in both versions, and the
// original is as it was.
func TestWithTopic(t *testing.T) {
	m := message.New(full(t), mqttauth.MQTT5, "me", start)
	n := m.WithTopic("another/topic")
	d := wire.Delivery{QoS: 1, PacketID: 1}
	for _, v := range []mqttauth.Version{mqttauth.MQTT311, mqttauth.MQTT5} {
		want := decode(t, m.Append(nil, v, d, start), v)
		if want.Topic != "a/b" {
			t.Errorf("%v: the original is on topic %q", v, want.Topic)
		}
		want.Topic = "another/topic"
		if diff := cmp.Diff(want, decode(t, n.Append(nil, v, d, start), v)); diff != "" {
			t.Errorf("%v: -want +got\n%s", v, diff)
		}
	}
	if n.Topic() != "another/topic" || n.Publisher() != "me" || !n.Arrived().Equal(start) {
		t.Errorf("topic %q, publisher %v, arrived %v", n.Topic(), n.Publisher(), n.Arrived())
	}
	if grown := n.Size() - m.Size(); grown != 2*len("nother/topic")-2*len("/b") {
		t.Errorf("Size grew by %d", grown)
	}
}

// TestAppend: what belongs to the publisher's connection is left out, what
// belongs to the delivery put in, and the rest forwarded unchanged.
func TestAppend(t *testing.T) {
	plain := func(p *wire.Publish) *wire.Publish {
		return &wire.Publish{Topic: p.Topic, Payload: p.Payload}
	}
	tests := []struct {
		name     string
		version  mqttauth.Version
		delivery wire.Delivery
		waited   time.Duration
		want     func(*wire.Publish) *wire.Publish
	}{
		{
			"v5 QoS 0", mqttauth.MQTT5,
			wire.Delivery{},
			0,
			func(p *wire.Publish) *wire.Publish {
				p.Dup, p.QoS, p.Retain, p.PacketID, p.TopicAlias, p.SubscriptionIDs = false, 0, false, 0, 0, nil
				return p
			},
		},
		{
			"v5 QoS 1", mqttauth.MQTT5,
			wire.Delivery{QoS: 1, Dup: true, PacketID: 500, SubscriptionIDs: []uint32{1, 300}, TopicAlias: 8},
			2500 * time.Millisecond,
			func(p *wire.Publish) *wire.Publish {
				p.Retain, p.PacketID, p.TopicAlias, p.SubscriptionIDs = false, 500, 8, []uint32{1, 300}
				p.MessageExpiry.Value = 98
				return p
			},
		},
		{
			"v5 alias known, clock set back", mqttauth.MQTT5,
			wire.Delivery{Retain: true, TopicAlias: 8, OmitTopic: true},
			-time.Hour,
			func(p *wire.Publish) *wire.Publish {
				p.Dup, p.QoS, p.PacketID, p.TopicAlias, p.SubscriptionIDs, p.Topic = false, 0, 0, 8, nil, ""
				return p
			},
		},
		{
			"v5 sent again after its lifetime", mqttauth.MQTT5,
			wire.Delivery{QoS: 1, Dup: true, PacketID: 2},
			time.Hour,
			func(p *wire.Publish) *wire.Publish {
				p.Retain, p.PacketID, p.TopicAlias, p.SubscriptionIDs = false, 2, 0, nil
				p.MessageExpiry.Value = 0
				return p
			},
		},
		{
			"v3 QoS 0", mqttauth.MQTT311, wire.Delivery{}, 0, plain,
		},
		{
			"v3 QoS 2", mqttauth.MQTT311,
			wire.Delivery{QoS: 2, PacketID: 1, Retain: true, SubscriptionIDs: []uint32{1}},
			0,
			func(p *wire.Publish) *wire.Publish {
				q := plain(p)
				q.QoS, q.PacketID, q.Retain = 2, 1, true
				return q
			},
		},
	}
	for _, tt := range tests {
		for _, from := range []mqttauth.Version{mqttauth.MQTT311, mqttauth.MQTT5} {
			t.Run(tt.name+" from "+from.String(), func(t *testing.T) {
				m := message.New(full(t), from, nil, start)
				now := start.Add(tt.waited)
				b := m.Append([]byte("x"), tt.version, tt.delivery, now)
				if got := m.PacketSize(tt.version, tt.delivery, now); got != len(b)-1 {
					t.Errorf("PacketSize = %d for %d bytes", got, len(b)-1)
				}
				got := decode(t, b[1:], tt.version)
				if diff := cmp.Diff(tt.want(full(t)), &got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestOwnsMemory: the buffer that a packet was read into is used again.
func TestOwnsMemory(t *testing.T) {
	for _, v := range []mqttauth.Version{mqttauth.MQTT311, mqttauth.MQTT5} {
		t.Run(v.String(), func(t *testing.T) {
			buf := full(t).Append(nil, v)
			f, err := wire.NewReader(strings.NewReader(string(buf))).Next(len(buf))
			if err != nil {
				t.Fatal(err)
			}
			var p wire.Publish
			if err := p.Decode(f, v); err != nil {
				t.Fatal(err)
			}
			m := message.New(&p, v, "me", start)
			before := m.Append(nil, mqttauth.MQTT5, wire.Delivery{}, start)
			for i := range f.Body {
				f.Body[i] = 'X'
			}
			want := full(t)
			if m.Topic() != want.Topic || string(m.Payload()) != string(want.Payload) || m.QoS() != 1 || !m.Retain() {
				t.Errorf("topic %q, payload %q, QoS %d, retain %v", m.Topic(), m.Payload(), m.QoS(), m.Retain())
			}
			if diff := cmp.Diff(before, m.Append(nil, mqttauth.MQTT5, wire.Delivery{}, start)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if m.Publisher() != "me" || !m.Arrived().Equal(start) {
				t.Errorf("publisher %v, arrived %v", m.Publisher(), m.Arrived())
			}
		})
	}
}

// TestPacket returns the publisher's own view, for services.
func TestPacket(t *testing.T) {
	m := message.New(full(t), mqttauth.MQTT5, nil, start)
	want := full(t)
	want.Dup, want.PacketID, want.TopicAlias, want.SubscriptionIDs = false, 0, 0, nil
	got := m.Packet()
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEmptyIsNotAbsent keeps properties that are present and empty.
func TestEmptyIsNotAbsent(t *testing.T) {
	p := &wire.Publish{Topic: "t", CorrelationData: []byte{}, ContentType: wire.Some("")}
	m := message.New(p, mqttauth.MQTT5, nil, start)
	got := decode(t, m.Append(nil, mqttauth.MQTT5, wire.Delivery{}, start), mqttauth.MQTT5)
	if got.CorrelationData == nil || !got.ContentType.Set {
		t.Errorf("correlation data %v, content type %+v", got.CorrelationData, got.ContentType)
	}
	if q := m.Packet(); q.CorrelationData == nil || !q.ContentType.Set {
		t.Errorf("Packet: correlation data %v, content type %+v", q.CorrelationData, q.ContentType)
	}
}

// TestUnsendable: without a topic there is no packet, and the payload is kept.
func TestUnsendable(t *testing.T) {
	m := message.New(&wire.Publish{Payload: []byte("p")}, mqttauth.MQTT5, nil, start)
	for _, v := range []mqttauth.Version{0, mqttauth.MQTT311, mqttauth.MQTT5} {
		if b := m.Append(nil, v, wire.Delivery{}, start); len(b) != 0 {
			t.Errorf("%v: %x", v, b)
		}
	}
	if string(m.Payload()) != "p" {
		t.Errorf("payload %q", m.Payload())
	}
}

func TestExpired(t *testing.T) {
	tests := []struct {
		lifetime wire.Opt[uint32]
		waited   time.Duration
		want     bool
	}{
		{wire.Opt[uint32]{}, 1000 * time.Hour, false},
		{wire.Some[uint32](10), 10 * time.Second, false},
		{wire.Some[uint32](10), 10*time.Second + 1, true},
		{wire.Some[uint32](0), 0, false}, // on the spot it can still be delivered
		{wire.Some[uint32](0), 1, true},
		{wire.Some[uint32](1<<32 - 1), 1 << 62, true},
		{wire.Some[uint32](1<<32 - 1), 100 * 365 * 24 * time.Hour, false},
		{wire.Some[uint32](10), -time.Hour, false},
	}
	for _, tt := range tests {
		m := message.New(&wire.Publish{Topic: "t", MessageExpiry: tt.lifetime}, mqttauth.MQTT5, nil, start)
		if got := m.Expired(start.Add(tt.waited)); got != tt.want {
			t.Errorf("lifetime %+v after %v: Expired = %v", tt.lifetime, tt.waited, got)
		}
	}
}

// TestConcurrent lets several subscribers of both versions be the first.
func TestConcurrent(t *testing.T) {
	m := message.New(full(t), mqttauth.MQTT311, nil, start)
	want := m.PacketSize(mqttauth.MQTT311, wire.Delivery{}, start)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			p := m.Append(nil, mqttauth.MQTT5, wire.Delivery{}, start)
			q := m.Append(nil, mqttauth.MQTT311, wire.Delivery{}, start)
			if len(q) != want || len(p) <= want {
				t.Errorf("%d and %d bytes", len(p), len(q))
			}
		})
	}
	wg.Wait()
}

// TestAllocations: nothing per subscriber.
func TestAllocations(t *testing.T) {
	m := message.New(full(t), mqttauth.MQTT5, nil, start)
	buf := make([]byte, 0, 1000)
	d := wire.Delivery{QoS: 1, PacketID: 9, SubscriptionIDs: []uint32{5}}
	for _, v := range []mqttauth.Version{mqttauth.MQTT311, mqttauth.MQTT5} {
		m.Append(buf, v, d, start)
		if a := testing.AllocsPerRun(100, func() { m.Append(buf, v, d, start) }); a != 0 {
			t.Errorf("%v: %v allocations", v, a)
		}
	}
	p := &wire.Publish{Topic: "a/b/c", Payload: make([]byte, 64)}
	if a := testing.AllocsPerRun(100, func() { message.New(p, mqttauth.MQTT5, nil, start) }); a > 2 {
		t.Errorf("New: %v allocations, want at most 2", a)
	}
}

func BenchmarkNew(b *testing.B) {
	p := &wire.Publish{Topic: "site/7/temperature", Payload: make([]byte, 64)}
	b.ReportAllocs()
	for b.Loop() {
		message.New(p, mqttauth.MQTT5, nil, start)
	}
}

func BenchmarkAppend(b *testing.B) {
	p := &wire.Publish{Topic: "site/7/temperature", Payload: make([]byte, 64)}
	m := message.New(p, mqttauth.MQTT5, nil, start)
	buf := make([]byte, 0, 200)
	b.ReportAllocs()
	for b.Loop() {
		m.Append(buf, mqttauth.MQTT5, wire.Delivery{QoS: 1, PacketID: 9}, start)
	}
}
