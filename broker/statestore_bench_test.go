package broker_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/statestore"
)

// drain reads packets until n messages have come, and acknowledges them in one
// write.
func (p *peer) drain(n int, acks []byte) ([]byte, error) {
	acks = acks[:0]
	for n > 0 {
		f, err := p.r.Next(1 << 20)
		if err != nil {
			return acks, err
		}
		if f.Type != wire.PUBLISH {
			continue
		}
		at := 2 + int(binary.BigEndian.Uint16(f.Body)) // behind the topic
		acks = append(acks, byte(wire.PUBACK)<<4, 2, f.Body[at], f.Body[at+1])
		n--
	}
	_, err := p.nc.Write(acks)
	return acks, err
}

// BenchmarkStoreGet measures GET of 100 bytes through the broker: 50 clients send
// requests in batches, read the replies and acknowledge them. Target: 25,000 a
// second on 2 cores, clients included.
func BenchmarkStoreGet(b *testing.B) {
	const clients, each = 50, 64
	port := storeServer(b).listen(open())
	peers := make([]*peer, clients)
	for i := range peers {
		peers[i] = port.client(fmt.Sprint("c", i))
	}
	peers[0].answered(ok, "SET", "key", strings.Repeat("v", 100))
	var next atomic.Int64
	b.SetParallelism(clients)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		i := int(next.Add(1)) - 1
		if i >= clients { // there are more goroutines than clients
			return
		}
		p := peers[i]
		var batch, acks []byte
		for range each {
			batch = p.request("GET", "key").Append(batch, v5)
		}
		for pb.Next() {
			_, err := p.nc.Write(batch)
			if err == nil {
				acks, err = p.drain(each, acks)
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)*each/b.Elapsed().Seconds(), "GET/s")
}

// BenchmarkStoreWatchers measures one SET of a key that 10,000 clients watch, from
// the request to the last notification read.
func BenchmarkStoreWatchers(b *testing.B) {
	const watchers = 10_000
	s := newServerWith(b, broker.Options{
		Limits: broker.Limits{
			SessionsPerIdentity: watchers + 1, PendingPerSource: watchers + 1, ConnectionsPerSource: watchers + 1, ConnectRate: watchers + 1,
		},
		StateStore: statestore.NewMemory(0),
	})
	l := newPipes()
	ln, err := s.Listen(l, broker.Port{Name: "test", Access: open()})
	if err != nil {
		b.Fatal(err)
	}
	port := &port{ln, b, s.logs, l.dial}
	peers := make([]*peer, watchers)
	for i := range peers {
		peers[i] = port.client(fmt.Sprint("w", i))
		peers[i].answered(ok, "KEYNOTIFY", "key")
	}
	w := port.client("writer")
	value := strings.Repeat("v", 100)
	b.ReportAllocs()
	for b.Loop() {
		w.answered(ok, "SET", "key", value)
		for _, p := range peers {
			if _, err := p.drain(1, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
}
