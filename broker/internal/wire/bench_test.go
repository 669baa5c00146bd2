package wire_test

import (
	"bytes"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
)

// plain is a message as sensors send it: 128 bytes, no properties.
func plain() *wire.Publish {
	return &wire.Publish{Topic: "factory/line1/cell7/temperature", Payload: make([]byte, 128), QoS: 1, PacketID: 9}
}

func BenchmarkPublishDecode(b *testing.B) {
	rich := message(b)
	rich.QoS, rich.PacketID = 1, 9
	for _, bb := range []struct {
		name string
		f    wire.Frame
	}{
		{"plain", frame(b, plain().Append(nil, v5))},
		{"all properties", frame(b, rich.Append(nil, v5))},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			var p wire.Publish
			for b.Loop() {
				if err := p.Decode(bb.f, v5); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAckDecode(b *testing.B) {
	f := frame(b, (&wire.Ack{Type: wire.PUBACK, PacketID: 9}).Append(nil, v5))
	b.ReportAllocs()
	var a wire.Ack
	for b.Loop() {
		if err := a.Decode(f, v5); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAckAppend(b *testing.B) {
	a := wire.Ack{Type: wire.PUBACK, PacketID: 9}
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = a.Append(buf[:0], v5)
	}
}

// BenchmarkFanOut compares one subscriber's share of a message that is encoded
// once with encoding it for each.
func BenchmarkFanOut(b *testing.B) {
	p := plain()
	buf := make([]byte, 0, 1024)
	b.Run("Encoded", func(b *testing.B) {
		e := p.Encode(v5)
		b.ReportAllocs()
		for b.Loop() {
			buf = e.Append(buf[:0], wire.Delivery{QoS: 1, PacketID: 9})
		}
	})
	b.Run("Encoded head only", func(b *testing.B) {
		e := p.Encode(v5)
		b.ReportAllocs()
		for b.Loop() {
			buf, _ = e.Split(buf[:0], wire.Delivery{QoS: 1, PacketID: 9})
		}
	})
	b.Run("Publish", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = p.Append(buf[:0], v5)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	p := plain()
	b.ReportAllocs()
	for b.Loop() {
		p.Encode(v5)
	}
}

func BenchmarkReader(b *testing.B) {
	one := plain().Append(nil, v5)
	r := wire.NewReader(&loop{data: bytes.Repeat(one, 1000)})
	b.SetBytes(int64(len(one)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Next(1024); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkConnectDecode(b *testing.B) {
	c := wire.Connect{Version: v5, ClientID: "client-1", KeepAlive: 60, SessionExpiry: 3600, AuthMethod: "K8S-SAT", AuthData: make([]byte, 1000)}
	f := frame(b, c.Append(nil))
	b.ReportAllocs()
	var p wire.Connect
	for b.Loop() {
		if err := p.Decode(f); err != nil {
			b.Fatal(err)
		}
	}
}
