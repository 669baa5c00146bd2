package wire_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

func TestDecodeAllocs(t *testing.T) {
	pub := message(t)
	pub.QoS, pub.PacketID, pub.MessageExpiry, pub.TopicAlias = 1, 1, wire.Some[uint32](9), 3
	pub5, pub311 := frame(t, pub.Append(nil, v5)), frame(t, pub.Append(nil, v311))
	ack := frame(t, (&wire.Ack{Type: wire.PUBACK, PacketID: 1, Code: mqttauth.NotAuthorized}).Append(nil, v5))
	ping := frame(t, (&wire.Pingreq{}).Append(nil, v5))
	var p wire.Publish
	var a wire.Ack
	for name, decode := range map[string]func() error{
		"Publish 5.0":   func() error { return p.Decode(pub5, v5) },
		"Publish 3.1.1": func() error { return p.Decode(pub311, v311) },
		"Ack":           func() error { return a.Decode(ack, v5) },
		"Pingreq":       func() error { return new(wire.Pingreq).Decode(ping, v5) },
		"User Properties": func() error {
			for range p.UserProperties.All() {
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := decode(); err != nil {
				t.Fatal(err)
			}
			if n := testing.AllocsPerRun(100, func() { _ = decode() }); n != 0 {
				t.Errorf("%v allocations, want none", n)
			}
		})
	}
}

// TestAppendAllocs: no packet type allocates when the slice has room.
func TestAppendAllocs(t *testing.T) {
	buf := make([]byte, 0, 64<<10)
	for typ := wire.CONNECT; typ <= wire.AUTH; typ++ {
		t.Run(typ.String(), func(t *testing.T) {
			g := generator{rand.New(rand.NewPCG(5, uint64(typ))), v5}
			p := g.packet(t, typ)
			if n := testing.AllocsPerRun(100, func() { buf = p.Append(buf[:0], v5) }); n != 0 || len(buf) == 0 {
				t.Errorf("%v allocations for %d bytes, want none", n, len(buf))
			}
		})
	}
	e := message(t).Encode(v5)
	d := wire.Delivery{QoS: 1, PacketID: 7, MessageExpiry: wire.Some[uint32](5), SubscriptionIDs: []uint32{1}}
	if n := testing.AllocsPerRun(100, func() { buf = e.Append(buf[:0], d) }); n != 0 || len(buf) == 0 {
		t.Errorf("Encoded: %v allocations for %d bytes, want none", n, len(buf))
	}
}

func TestReaderAllocs(t *testing.T) {
	r := wire.NewReader(&loop{data: bytes.Repeat(publishOf(t, 100), 10)})
	n := testing.AllocsPerRun(1000, func() {
		if _, err := r.Next(1000); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a frame, want none", n)
	}
}

// loop yields data again and again, at most once in a Read.
type loop struct {
	data []byte
	next int
}

func (l *loop) Read(b []byte) (int, error) {
	n := copy(b, l.data[l.next:])
	l.next = (l.next + n) % len(l.data)
	return n, nil
}

// TestMemoryBound: the packets that unfold to the most memory stay within a
// fixed factor of their size.
func TestMemoryBound(t *testing.T) {
	const size, factor = 256 << 10, 24
	repeat := func(f wire.Frame, head, part []byte) wire.Frame {
		f.Body = append(head, bytes.Repeat(part, (size-len(head))/len(part))...)
		return f
	}
	for _, tt := range []struct {
		name    string
		f       wire.Frame
		version mqttauth.Version
	}{
		{"SUBSCRIBE with filters of one byte", repeat(wire.Frame{Type: wire.SUBSCRIBE, Flags: 2}, unhex(t, "0001"), unhex(t, "0001 61 00")), v311},
		{"SUBSCRIBE with empty filters", repeat(wire.Frame{Type: wire.SUBSCRIBE, Flags: 2}, unhex(t, "0001 00"), unhex(t, "0000 00")), v5},
		{"UNSUBSCRIBE with filters of two bytes", repeat(wire.Frame{Type: wire.UNSUBSCRIBE, Flags: 2}, unhex(t, "0001"), unhex(t, "0002 6161")), v311},
		{"UNSUBSCRIBE with empty filters", repeat(wire.Frame{Type: wire.UNSUBSCRIBE, Flags: 2}, unhex(t, "0001 00"), unhex(t, "0000")), v5},
		{"SUBACK", repeat(wire.Frame{Type: wire.SUBACK}, unhex(t, "0001"), unhex(t, "00")), v311},
		{"CONNECT with a large will", repeat(wire.Frame{Type: wire.CONNECT}, unhex(t, "00044D515454 04 06 0000 0000 0000 FFFF"), []byte{0}), v311},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPacket(tt.f.Type)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := p.Decode(tt.f, tt.version)
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > factor*size {
				t.Errorf("%d bytes allocated (%v)", n, err)
			}
			runtime.KeepAlive(p)
		})
	}
}

// TestReaderTrustsNoClaim: a header that claims 200 MB costs nothing (E14).
func TestReaderTrustsNoClaim(t *testing.T) {
	stream := append([]byte{0x30}, varint(200<<20)...)
	stream = append(stream, make([]byte, 10)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := wire.NewReader(bytes.NewReader(stream)).Next(256 << 20)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; err != io.ErrUnexpectedEOF || n > 64<<10 {
		t.Errorf("%v after %d bytes allocated", err, n)
	}
}
