package wire_test

import (
	"bytes"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// TestRoundTrip: what Append writes, Decode reads back, for random packets of
// every type.
func TestRoundTrip(t *testing.T) {
	for _, v := range []mqttauth.Version{v311, v5} {
		for typ := wire.CONNECT; typ <= wire.AUTH; typ++ {
			if typ == wire.AUTH && v == v311 {
				continue
			}
			t.Run(fmt.Sprintf("%v %v", v, typ), func(t *testing.T) {
				g := generator{rand.New(rand.NewPCG(uint64(typ), uint64(v))), v}
				for range 500 {
					want := g.packet(t, typ)
					b := want.Append([]byte("before"), v)
					got := newPacket(typ)
					if err := got.Decode(frame(t, b[len("before"):]), v); err != nil {
						t.Fatalf("Decode: %v\n% X", err, b)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("-want +got\n%s", diff)
					}
				}
			})
		}
	}
}

// FuzzDecode: no input panics; what is accepted can be written and read again
// as the same packet; a PUBLISH has the User Properties that a naive reader
// finds.
func FuzzDecode(f *testing.F) {
	for _, v := range []mqttauth.Version{v311, v5} {
		g := generator{rand.New(rand.NewPCG(7, uint64(v))), v}
		for typ := wire.CONNECT; typ <= wire.AUTH; typ++ {
			for range 3 {
				if b := g.packet(f, typ).Append(nil, v); len(b) > 0 {
					got := frame(f, b)
					f.Add(b[0], got.Body, v == v5)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, first byte, body []byte, five bool) {
		v := v311
		if five {
			v = v5
		}
		in := wire.Frame{Type: wire.Type(first >> 4), Flags: first & 15, Body: body}
		p := newPacket(in.Type)
		if p == nil || p.Decode(in, v) != nil {
			return
		}
		if c, ok := p.(connect); ok {
			v = c.Version
		}
		b := p.Append(nil, v)
		if len(b) == 0 {
			t.Fatal("accepted, but cannot be written")
		}
		again := newPacket(in.Type)
		if err := again.Decode(frame(t, b), v); err != nil {
			t.Fatalf("written, but not accepted: %v", err)
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Fatalf("-first +again\n%s", diff)
		}
		if pub, ok := p.(*wire.Publish); ok {
			checkPublish(t, pub, in, v)
		}
	})
}

func checkPublish(t *testing.T, p *wire.Publish, in wire.Frame, v mqttauth.Version) {
	t.Helper()
	if v == v5 {
		if diff := cmp.Diff(naiveUser(in), pairs(p.UserProperties.All())); diff != "" {
			t.Fatalf("User Properties (-naive +got)\n%s", diff)
		}
	}
	if p.Topic == "" {
		return
	}
	d := wire.Delivery{
		QoS: p.QoS, Dup: p.Dup, Retain: p.Retain, PacketID: p.PacketID,
		MessageExpiry: p.MessageExpiry, TopicAlias: p.TopicAlias, SubscriptionIDs: p.SubscriptionIDs,
	}
	got := p.Encode(v).Append(nil, d)
	if want := p.Append(nil, v); !bytes.Equal(got, want) {
		t.Fatalf("Encode makes\n% X, Append\n% X", got, want)
	}
}

func pairs(all iter.Seq2[string, string]) []string {
	list := []string{}
	for name, value := range all {
		list = append(list, name, value)
	}
	return list
}

// naiveUser walks the properties of a valid PUBLISH by a table of their sizes.
func naiveUser(f wire.Frame) []string {
	list, b := []string{}, f.Body
	text := func() string {
		n := int(b[0])*256 + int(b[1])
		s := string(b[2 : 2+n])
		b = b[2+n:]
		return s
	}
	length := func() (n int) {
		for factor := 1; ; factor *= 128 {
			c := b[0]
			b = b[1:]
			if n += int(c&127) * factor; c < 128 {
				return n
			}
		}
	}
	text()
	if f.Flags&6 != 0 {
		b = b[2:]
	}
	n := length()
	for b = b[:n]; len(b) > 0; {
		id := b[0]
		b = b[1:]
		switch id {
		case 0x01:
			b = b[1:]
		case 0x02:
			b = b[4:]
		case 0x23:
			b = b[2:]
		case 0x0B:
			length()
		case 0x26:
			list = append(list, text(), text())
		default:
			text()
		}
	}
	return list
}
