package broker_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
)

// BenchmarkReload changes the policy of a port with 10,000 clients, who are
// disconnected, while a message goes from client to client of another port each
// millisecond: how long does the longest take? (AUTHZ-13) All clients are in this
// process, so what they do at their end counts, too.
func BenchmarkReload(b *testing.B) {
	const clients = 10_000
	rules := func(n int) broker.Access {
		return access(b, allow(fmt.Sprint("user", n), pub("a/#"), sub("a/#")), allow("all", pub("#"), sub("#")))
	}
	var quiet, longest, change time.Duration
	for b.Loop() {
		s := newServer(b, broker.Limits{PendingPerSource: 2 * clients, SessionsPerIdentity: 2 * clients, ConnectionsPerSource: 3 * clients, ConnectRate: 3 * clients})
		crowd := newPipes()
		port := s.open(broker.Port{Name: "crowd", Access: rules(1)}, crowd)
		other := s.listen(rules(1))
		var gone sync.WaitGroup
		for i := range clients {
			nc, err := crowd.dial()
			if err != nil {
				b.Fatal(err)
			}
			p := newPeer(b, nc)
			p.sendConnect(connectPacket(v5, fmt.Sprint("c", i), as("all")))
			if ack := receive[wire.Connack](p); ack.Code != 0 {
				b.Fatal(ack.Code)
			}
			gone.Go(func() { _, _ = io.Copy(io.Discard, nc); _ = nc.Close() })
		}
		publisher, subscriber := other.connect(v5, "p", as("all")), other.connect(v5, "s", as("all"))
		subscriber.subscribe(0, "t")
		quiet = max(quiet, slowest(b, publisher, subscriber, func() { time.Sleep(time.Second) }))
		longest = max(longest, slowest(b, publisher, subscriber, func() {
			start := time.Now()
			port.set(rules(2))
			change += time.Since(start)
			gone.Wait()
		}))
		_ = s.Shutdown(b.Context())
	}
	b.ReportMetric(float64(quiet.Microseconds())/1e3, "longest-before-ms")
	b.ReportMetric(float64(longest.Microseconds())/1e3, "longest-ms")
	b.ReportMetric(float64(change.Microseconds())/1e3/float64(b.N), "change-ms")
}

// slowest returns how long the slowest message took while something was done.
func slowest(b *testing.B, publisher, subscriber *peer, do func()) time.Duration {
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	done := make(chan time.Duration)
	go func() {
		var most time.Duration
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			start := time.Now()
			publisher.send(&wire.Publish{Topic: "t"})
			receive[wire.Publish](subscriber)
			most = max(most, time.Since(start))
		}
		done <- most
	}()
	do()
	stop()
	return <-done
}
