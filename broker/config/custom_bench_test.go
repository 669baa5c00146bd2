package config_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// BenchmarkSlowAuthServer measures how long a connected client waits for its
// PUBACK, while nobody and while a thousand others wait for an authentication
// server that takes 20 ms: AUTHN-8 says that they block themselves only. The
// port has no TLS, so that the thousand cost little but their waiting.
func BenchmarkSlowAuthServer(b *testing.B) {
	for _, connecting := range []int{0, 1000} {
		b.Run(fmt.Sprint("connecting ", connecting), func(b *testing.B) {
			address := slowAuthPort(b)
			publisher, r := plainConnect(b, address, "publisher")
			stop := make(chan struct{})
			var wg sync.WaitGroup
			for i := range connecting {
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							nc, _ := plainConnect(b, address, "c"+strconv.Itoa(i))
							_ = nc.Close()
						}
					}
				})
			}
			packet := (&wire.Publish{QoS: 1, PacketID: 1, Topic: "t", Payload: make([]byte, 64)}).Append(nil, mqttauth.MQTT5)
			var waits []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := publisher.Write(packet); err != nil {
					b.Fatal(err)
				}
				if f, err := r.Next(1 << 16); err != nil || f.Type != wire.PUBACK {
					b.Fatal(f.Type, err)
				}
				waits = append(waits, time.Since(start))
			}
			close(stop)
			wg.Wait()
			slices.Sort(waits)
			b.ReportMetric(float64(waits[len(waits)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// slowAuthPort opens a port whose authentication server takes its time.
func slowAuthPort(b *testing.B) string {
	root, err := devca.Root(devca.Named("root"))
	if err != nil {
		b.Fatal(err)
	}
	cert, err := root.Leaf(devca.Spec{Hosts: []string{"127.0.0.1"}})
	if err != nil {
		b.Fatal(err)
	}
	s := newAuthServer(b, cert, nil)
	s.delay = 20 * time.Millisecond
	s.answer(customauth.Accept(nil, time.Time{}))
	method, err := customauth.New(customauth.Config{Endpoint: s.URL, TLS: customauth.TLS{RootCAs: root.PEM()}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = method.Close() })
	chain, err := mqttauth.NewChain("bench", mqttauth.Entry{Name: "Custom", Method: method})
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := broker.NewServer(broker.Options{
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Limits: broker.Limits{PendingPerSource: 5000, SessionsPerIdentity: 5000},
	})
	b.Cleanup(func() { _ = server.Shutdown(b.Context()) })
	access := broker.Access{Authentication: chain, Authorization: mqttauthz.AllowAll()}
	if _, err := server.Listen(l, broker.Port{Name: "bench", Access: access}); err != nil {
		b.Fatal(err)
	}
	return l.Addr().String()
}

// plainConnect connects without TLS and waits for the CONNACK, whatever it says.
func plainConnect(b *testing.B, address, id string) (net.Conn, *wire.Reader) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		b.Error(err)
		return nil, nil
	}
	p := connectAs("user", "x")
	p.ClientID = id
	if _, err := nc.Write(p.Append(nil)); err != nil {
		b.Error(err)
	}
	r := wire.NewReader(nc)
	if _, err := r.Next(1 << 16); err != nil {
		b.Error(err)
	}
	return nc, r
}
