package wire_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

func message(t testing.TB) *wire.Publish {
	return &wire.Publish{
		Topic: "a/b", Payload: []byte("payload"), PayloadFormat: wire.Some[byte](1), ContentType: wire.Some(""),
		ResponseTopic: "r", CorrelationData: []byte{}, UserProperties: user(t, "k", "v", "k", "w"),
	}
}

// TestEncoded: each delivery of one Encoded is the packet that a Publish with
// the same fields would be.
func TestEncoded(t *testing.T) {
	for _, tt := range []struct {
		name string
		d    wire.Delivery
	}{
		{"QoS 0", wire.Delivery{}},
		{"QoS 0 retained", wire.Delivery{Retain: true}},
		{"QoS 1", wire.Delivery{QoS: 1, PacketID: 1}},
		{"QoS 2 again", wire.Delivery{QoS: 2, PacketID: 65535, Dup: true}},
		{"expiry", wire.Delivery{QoS: 1, PacketID: 5, MessageExpiry: wire.Some[uint32](7)}},
		{"no time left is not absent", wire.Delivery{MessageExpiry: wire.Some[uint32](0)}},
		{"identifiers of 1 to 4 bytes", wire.Delivery{SubscriptionIDs: []uint32{1, 127, 128, 16383, 16384, 2097152, 268435455}}},
		{"properties of more than 127 bytes", wire.Delivery{SubscriptionIDs: bytesToIDs(make([]byte, 100))}},
		{"first use of an alias", wire.Delivery{TopicAlias: 3}},
		{"alias only", wire.Delivery{QoS: 1, PacketID: 9, TopicAlias: 3, OmitTopic: true}},
	} {
		for _, v := range []mqttauth.Version{v311, v5} {
			t.Run(fmt.Sprintf("%s %v", tt.name, v), func(t *testing.T) {
				want := message(t)
				e := want.Encode(v)
				want.QoS, want.Dup, want.Retain, want.PacketID = tt.d.QoS, tt.d.Dup, tt.d.Retain, tt.d.PacketID
				want.MessageExpiry, want.SubscriptionIDs, want.TopicAlias = tt.d.MessageExpiry, tt.d.SubscriptionIDs, tt.d.TopicAlias
				if v == v5 && tt.d.OmitTopic {
					want.Topic = ""
				}
				b := e.Append(nil, tt.d)
				if direct := want.Append(nil, v); !bytes.Equal(b, direct) {
					t.Errorf("Encoded % X\nPublish % X", b, direct)
				}
				if e.Size(tt.d) != len(b) {
					t.Errorf("Size is %d, the packet has %d bytes", e.Size(tt.d), len(b))
				}
				var got wire.Publish
				if err := got.Decode(frame(t, b), v); err != nil {
					t.Fatal(err)
				}
				if v == v311 {
					want = &wire.Publish{QoS: want.QoS, Dup: want.Dup, Retain: want.Retain, PacketID: want.PacketID, Topic: want.Topic, Payload: want.Payload}
				}
				if diff := cmp.Diff(want, &got); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			})
		}
	}
}

// TestEncodedWithTopic: the same message on another topic is what would have been
// encoded for that topic, and shares all but the topic.
func TestEncodedWithTopic(t *testing.T) {
	p := message(t)
	p.Payload = make([]byte, 1<<20)
	for _, v := range []mqttauth.Version{v311, v5} {
		e := p.Encode(v)
		other := *p
		other.Topic = "another/topic"
		d := wire.Delivery{QoS: 1, PacketID: 1}
		got := e.WithTopic(other.Topic)
		if want := other.Encode(v); !bytes.Equal(got.Append(nil, d), want.Append(nil, d)) || got.Size(d) != want.Size(d) {
			t.Errorf("%v: another packet than that of a message on this topic", v)
		}
		_, tail := e.Split(nil, d)
		if _, shared := got.Split(nil, d); &shared[0] != &tail[0] {
			t.Errorf("%v: the tail is a copy", v)
		}
	}
}

func bytesToIDs(b []byte) []uint32 {
	ids := make([]uint32, len(b))
	for i := range ids {
		ids[i] = uint32(b[i]) + 1
	}
	return ids
}

// A delivery that cannot be written leaves the slice as it is, and has no tail
// either: half a packet would break the stream.
func TestEncodedRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		e    *wire.Encoded
		d    wire.Delivery
	}{
		{"zero value", new(wire.Encoded), wire.Delivery{}},
		{"no version", message(t).Encode(0), wire.Delivery{}},
		{"no topic", (&wire.Publish{TopicAlias: 1}).Encode(v5), wire.Delivery{}},
		{"topic too long", (&wire.Publish{Topic: string(make([]byte, 65536))}).Encode(v5), wire.Delivery{}},
		{"another topic, of nothing", new(wire.Encoded).WithTopic("t"), wire.Delivery{}},
		{"another topic, empty", message(t).Encode(v5).WithTopic(""), wire.Delivery{}},
		{"another topic, too long", message(t).Encode(v5).WithTopic(string(make([]byte, 65536))), wire.Delivery{}},
		{"QoS 3", message(t).Encode(v5), wire.Delivery{QoS: 3, PacketID: 1}},
		{"QoS 1 without identifier", message(t).Encode(v5), wire.Delivery{QoS: 1}},
		{"DUP with QoS 0", message(t).Encode(v5), wire.Delivery{Dup: true}},
		{"no topic, no alias", message(t).Encode(v5), wire.Delivery{OmitTopic: true}},
		{"Subscription Identifier 0", message(t).Encode(v5), wire.Delivery{SubscriptionIDs: []uint32{0}}},
		{"Subscription Identifier too large", message(t).Encode(v5), wire.Delivery{SubscriptionIDs: []uint32{1 << 28}}},
		{"too large", (&wire.Publish{Topic: "t", Payload: make([]byte, 1<<28-3)}).Encode(v311), wire.Delivery{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := []byte("before")
			head, tail := tt.e.Split(before, tt.d)
			if string(head) != "before" || tail != nil || tt.e.Size(tt.d) != 0 {
				t.Errorf("Split: head % X, tail of %d bytes, size %d", head, len(tail), tt.e.Size(tt.d))
			}
			if b := tt.e.Append(before, tt.d); string(b) != "before" {
				t.Errorf("Append: % X", b)
			}
		})
	}
}

// TestEncodedOwnsMemory: the publisher's frame may be reused at once, and
// deliveries run at the same time.
func TestEncodedOwnsMemory(t *testing.T) {
	in := message(t)
	in.QoS, in.PacketID = 1, 1
	f := frame(t, in.Append(nil, v5))
	var p wire.Publish
	if err := p.Decode(f, v5); err != nil {
		t.Fatal(err)
	}
	e := p.Encode(v5)
	if n := e.Len(); n < len("a/b")+len("payload") || n > len(f.Body) {
		t.Errorf("Len is %d for a packet of %d bytes", n, len(f.Body))
	}
	want := e.Append(nil, wire.Delivery{QoS: 1, PacketID: 1})
	clear(f.Body)
	var group sync.WaitGroup
	for id := range uint16(8) {
		group.Go(func() {
			got := e.Append(nil, wire.Delivery{QoS: 1, PacketID: id + 1})
			got[8] -= byte(id) // the packet identifier: behind header, length and topic
			if !bytes.Equal(got, want) {
				t.Errorf("% X\nwant % X", got, want)
			}
		})
	}
	group.Wait()
}
