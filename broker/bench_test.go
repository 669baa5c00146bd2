package broker_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// messages is how many messages one operation of the benchmarks sends in one
// write.
const messages = 64

// benchmarkFanOut measures a batch of QoS 0 messages from one publisher to all
// subscribers, from write to read. Times and allocations are those of a whole
// batch.
func benchmarkFanOut(b *testing.B, subscribers int) {
	port := newServer(b, broker.Limits{SessionsPerIdentity: subscribers + 1}).listen(open())
	message := wire.Publish{Topic: "bench/topic", Payload: make([]byte, 100)}
	var batch []byte
	for range messages {
		batch = message.Append(batch, v5)
	}
	peers := make([]*peer, subscribers)
	for i := range peers {
		peers[i] = port.connect(v5, fmt.Sprint("s", i))
		peers[i].subscribe(0, "bench/+")
	}
	p := port.connect(v5, "p")
	received := make([]byte, len(batch))
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.nc.Write(batch); err != nil {
			b.Fatal(err)
		}
		for _, s := range peers {
			if _, err := io.ReadFull(s.nc, received); err != nil {
				b.Fatal(err)
			}
		}
	}
	if !bytes.Equal(received, batch) {
		b.Fatal("what was received is not what was sent")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/messages/float64(subscribers), "ns/delivery")
}

func BenchmarkPublish1to1(b *testing.B)   { benchmarkFanOut(b, 1) }
func BenchmarkPublish1to100(b *testing.B) { benchmarkFanOut(b, 100) }

// BenchmarkPublishDecide measures reading, deciding on and routing a message
// that nobody subscribes to, under policies of different sizes.
func BenchmarkPublishDecide(b *testing.B) {
	for _, rules := range []int{1, 1000} {
		b.Run(fmt.Sprint("rules ", rules), func(b *testing.B) {
			var all []mqttauthz.Rule
			for i := range rules {
				all = append(all, allow(fmt.Sprint("u", i), pub(fmt.Sprintf("site/%d/{principal.username}/+", i)), sub("site/#")))
			}
			port := newServer(b, broker.Limits{}).listen(access(b, all...))
			p := port.connect(v5, "p", as("u0"))
			var batch []byte
			for range messages {
				batch = (&wire.Publish{Topic: "site/0/u0/temperature", Payload: make([]byte, 100)}).Append(batch, v5)
			}
			batch = (&wire.Pingreq{}).Append(batch, v5)
			b.ReportAllocs()
			var answer [2]byte
			for b.Loop() {
				if _, err := p.nc.Write(batch); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(p.nc, answer[:]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/messages, "ns/message")
		})
	}
}

// BenchmarkConnect measures a client that comes and goes, with a DISCONNECT or
// without: TCP connection, CONNECT, CONNACK, and the server's end of the
// connection. The client, in the same process, allocates its net.Conn.
func BenchmarkConnect(b *testing.B) {
	connect := connectPacket(v5, "c").Append(nil)
	for _, goodbye := range []bool{true, false} {
		b.Run(fmt.Sprint("DISCONNECT ", goodbye), func(b *testing.B) {
			port := newServer(b, broker.Limits{}).listen(open())
			b.ReportAllocs()
			for b.Loop() {
				comeAndGo(b, port, connect, goodbye)
			}
		})
	}
}

func comeAndGo(b *testing.B, port *port, connect []byte, goodbye bool) {
	nc, err := port.dial()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := nc.Write(connect); err != nil {
		b.Fatal(err)
	}
	var connack [64]byte
	if n, err := nc.Read(connack[:]); err != nil || n < 4 || connack[3] != 0 {
		b.Fatalf("% x, %v", connack[:n], err)
	}
	if goodbye {
		_, err = nc.Write([]byte{0xE0, 0})
	} else {
		err = nc.(*net.TCPConn).CloseWrite()
	}
	if err != nil {
		b.Fatal(err)
	}
	if n, _ := nc.Read(connack[:]); n > 0 { // until the server has closed
		b.Fatalf("% x behind CONNACK", connack[:n])
	}
	_ = nc.Close()
}
