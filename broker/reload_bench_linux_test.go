package broker_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/latency"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// BenchmarkReload changes the policy of a port with 10,000 clients, or closes it.
// The clients are disconnected, while about each millisecond a message goes from
// client to client of another port: how long does the longest take? (AUTHZ-13) One
// operation is one change, from its beginning to when the last client is gone, and
// as much time without. See package latency for how it is measured; -cpu 1 is what a
// small gateway has.
func BenchmarkReload(b *testing.B) {
	for _, bb := range []struct{ name, transport, change string }{
		{"tcp", "tcp", "change"},
		{"tls", "tls", "change"},
		{"closing", "tcp", "close"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			server := latency.Start(b, latency.BeforeOthers(b), roleReloading, bb.transport)
			var crowded, other string
			if _, err := fmt.Sscan(server.Ready, &crowded, &other); err != nil {
				b.Fatal(err)
			}
			crowd := latency.Start(b, latency.BehindOthers(), roleCrowd, bb.transport, crowded)
			m := measureMessages(b, other)
			var change time.Duration
			for b.Loop() {
				crowd.Say(b, "connect")
				crowd.Read(b) // they are all connected
				server.Say(b, "collect")
				server.Read(b) // what so many CONNECTs left behind is collected
				began := time.Now()
				server.Say(b, bb.change)
				m.Sample("change", crowd.Until(b))
				m.Sample("quiet", time.After(time.Since(began)))
				took, err := time.ParseDuration(server.Read(b))
				if err != nil {
					b.Fatal(err)
				}
				change += took
			}
			m.Report(50, 99, 100)
			b.ReportMetric(float64(change.Milliseconds())/float64(b.N), "change-ms")
		})
	}
}

// measureMessages measures how long messages take from client to client.
func measureMessages(b *testing.B, address string) *latency.Meter {
	publisher, _, err := connectTo("tcp", address, "publisher")
	if err != nil {
		b.Fatal(err)
	}
	subscriber, r, err := connectTo("tcp", address, "subscriber")
	if err != nil {
		b.Fatal(err)
	}
	subscribe := &wire.Subscribe{PacketID: 1, Filters: []wire.Subscription{{Filter: "t"}}}
	if _, err := subscriber.Write(subscribe.Append(nil, v5)); err != nil {
		b.Fatal(err)
	}
	if f, err := r.Next(1 << 16); err != nil || f.Type != wire.SUBACK {
		b.Fatal(f.Type, err)
	}
	publish := &wire.Publish{Topic: "t", Payload: make([]byte, 64)}
	return latency.NewMeter(b, publisher, subscriber, latency.Exchange{Name: "message", Packet: publish.Append(nil, v5), Answer: wire.PUBLISH})
}

// Roles of processes.
const (
	roleReloading = "reloading"
	roleCrowd     = "crowd"
)

func playRole() bool {
	return latency.Play(map[string]func([]string){roleReloading: serveReloads, roleCrowd: beCrowd})
}

// crowdSize is how many clients the changed port has.
const crowdSize = 10_000

// serveReloads is a broker with a port of the transport that is its argument, for
// the crowd, and one without TLS for others. It prints where they are. For each line
// of its input it collects garbage, changes the policy of the first, or closes it,
// and prints how long that took.
func serveReloads(args []string) {
	s := broker.NewServer(broker.Options{Limits: broker.Limits{
		PendingPerSource: 2 * crowdSize, SessionsPerIdentity: 2 * crowdSize, ConnectionsPerSource: 2 * crowdSize, ConnectRate: 2 * crowdSize,
	}})
	chain := must(mqttauth.NewChain("bench", mqttauth.Entry{Name: "any", Method: method(users)}))
	access := func(generation int) broker.Access {
		return broker.Access{Authentication: chain, Authorization: must(mqttauthz.Compile([]mqttauthz.Rule{
			allow(fmt.Sprint("user", generation), pub("a/#"), sub("a/#")), allow("all", pub("#"), sub("#")),
		}))}
	}
	var config *tls.Config
	if args[0] == "tls" {
		root := must(devca.Root(devca.Named("root")))
		config = &tls.Config{Certificates: []tls.Certificate{must(root.Leaf(devca.Spec{Hosts: []string{"127.0.0.1"}})).TLS()}}
	}
	listen := func(address string, c *tls.Config) *broker.Listener {
		l := must(net.Listen("tcp", address))
		return must(s.Listen(l, broker.Port{Name: l.Addr().String(), TLS: c, Access: access(0)}))
	}
	crowded, other := listen("127.0.0.1:0", config), listen("127.0.0.1:0", nil)
	fmt.Println(crowded.Addr(), other.Addr())
	lines := bufio.NewScanner(os.Stdin)
	for i := 1; lines.Scan(); i++ {
		start := time.Now()
		var err error
		switch lines.Text() {
		case "collect":
			runtime.GC()
		case "change":
			err = crowded.SetAccess(access(i))
		case "close":
			err = crowded.Close()
		}
		if err != nil {
			panic(err)
		}
		took := time.Since(start)
		if lines.Text() == "close" { // for the next time
			crowded = listen(crowded.Addr().String(), config)
		}
		fmt.Println(took)
	}
}

// beCrowd connects all clients for each line of its input. It prints when they are
// connected, and when they have all been sent away.
func beCrowd(args []string) {
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var gone sync.WaitGroup
		for i := range crowdSize {
			nc, r, err := connectTo(args[0], args[1], "c"+strconv.Itoa(i))
			if err != nil {
				panic(err)
			}
			gone.Go(func() {
				if f, err := r.Next(1 << 16); err != nil || f.Type != wire.DISCONNECT {
					panic(fmt.Sprint(f.Type, err))
				}
				_ = nc.Close()
			})
		}
		fmt.Println("connected")
		gone.Wait()
		fmt.Println("gone")
	}
}

// connectTo returns an accepted client.
func connectTo(transport, address, id string) (net.Conn, *wire.Reader, error) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	if transport == "tls" {
		nc = tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
	}
	if _, err := nc.Write(connectPacket(v5, id, as("all")).Append(nil)); err != nil {
		return nil, nil, err
	}
	r := wire.NewReader(nc)
	f, err := r.Next(1 << 16)
	if err == nil && f.Type != wire.CONNACK {
		err = fmt.Errorf("%v", f.Type)
	}
	return nc, r, err
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
