package config_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/latency"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// BenchmarkSlowAuthServer measures how long the answers to a connected client's
// PUBLISH and PINGREQ take while a thousand CONNECTs wait for an authentication
// server that takes 20 ms: AUTHN-8 says that they block themselves only. One
// operation is a thousand CONNECTs here, from when they have all been sent to when
// they are all answered, the same at another broker of this machine, which shows
// what it costs to share the processors, and as much quiet. Figures are percentiles
// of all exchanges of each.
//
// See package latency for how it is measured.
//
// The row without a pace shows what MaxPerSecond is for, with -cpu 1.
func BenchmarkSlowAuthServer(b *testing.B) {
	for _, bb := range []struct {
		name                  string
		concurrent, perSecond int // 0: the defaults
	}{
		{"16 at once", 16, 0},
		{"64 at once", 0, 0},
		{"64 at once, no pace", 0, 1e9},
	} {
		b.Run(bb.name, func(b *testing.B) {
			server := latency.Start(b, latency.BehindOthers(), roleServer)
			start := func() string {
				return latency.Start(b, latency.BeforeOthers(b), roleBroker, strconv.Itoa(bb.concurrent), strconv.Itoa(bb.perSecond), server.Ready).Ready
			}
			address := start()
			nc := plainConnect(b, address, "publisher")
			m := latency.NewMeter(b, nc, nc,
				latency.Exchange{Name: "puback", Packet: (&wire.Publish{QoS: 1, PacketID: 1, Topic: "t", Payload: make([]byte, 64)}).Append(nil, mqttauth.MQTT5), Answer: wire.PUBACK},
				latency.Exchange{Name: "pingresp", Packet: []byte{0xC0, 0}, Answer: wire.PINGRESP})
			here := latency.Start(b, latency.BehindOthers(), roleConnecting, address)
			elsewhere := latency.Start(b, latency.BehindOthers(), roleConnecting, start())
			for b.Loop() {
				connectBeside(b, m, "here", here)
				began := time.Now()
				connectBeside(b, m, "elsewhere", elsewhere)
				m.Sample("quiet", time.After(time.Since(began)))
			}
			m.Report(50, 95, 99)
		})
	}
}

// connectBeside measures while the thousand connect.
func connectBeside(b *testing.B, m *latency.Meter, where string, crowd *latency.Process) {
	crowd.Say(b, "connect")
	crowd.Read(b) // they are all sent
	m.Sample(where, crowd.Until(b))
	crowd.Read(b) // they are all gone
}

// Roles of processes.
const (
	roleBroker     = "broker"
	roleConnecting = "connecting"
	roleServer     = "authentication server"
)

func TestMain(m *testing.M) {
	if !latency.Play(map[string]func([]string){roleBroker: serveBench, roleConnecting: connectAll, roleServer: serveSlowly}) {
		os.Exit(m.Run())
	}
}

// connecting is how many CONNECTs there are at once.
const connecting = 1000

// answerTime is how long the authentication server takes.
const answerTime = 20 * time.Millisecond

// serveBench is a broker until its input ends, whose port asks the server that
// told where it is, within limits. It prints its address. Its arguments are how
// many requests there are at once, how many a second, and what the server told.
func serveBench(args []string) {
	chain, err := mqttauth.NewChain("bench", mqttauth.Entry{Name: "Custom", Method: slowMethod(args[2], args[0], args[1])})
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s := broker.NewServer(broker.Options{
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Limits: broker.Limits{PendingPerSource: 5000, SessionsPerIdentity: 5000},
	})
	access := broker.Access{Authentication: chain, Authorization: mqttauthz.AllowAll()}
	if _, err := s.Listen(l, broker.Port{Name: "bench", Access: access}); err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// slowMethod asks the server that serveSlowly told about.
func slowMethod(line, concurrent, perSecond string) mqttauth.Method {
	var server struct{ URL, Root string }
	if err := json.Unmarshal([]byte(line), &server); err != nil {
		panic(err)
	}
	c := customauth.Config{
		Endpoint: server.URL, TLS: customauth.TLS{RootCAs: []byte(server.Root)},
		MaxWaiting: connecting, MaxWait: 9 * time.Second, // all of them get their turn
	}
	var err error
	if c.MaxConcurrent, err = strconv.Atoi(concurrent); err != nil {
		panic(err)
	}
	if c.MaxPerSecond, err = strconv.Atoi(perSecond); err != nil {
		panic(err)
	}
	m, err := customauth.New(c)
	if err != nil {
		panic(err)
	}
	return m
}

// connectAll connects a thousand clients for each line of its input, and says
// when all CONNECTs are sent, when all are answered, and when all connections have
// ended on both sides.
func connectAll(args []string) {
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var sent, answered, gone sync.WaitGroup
		end := make(chan struct{})
		for i := range connecting {
			sent.Add(1)
			answered.Add(1)
			gone.Go(func() {
				nc, r, err := dialAndSend(args[0], "c"+strconv.Itoa(i))
				if err != nil {
					panic(err)
				}
				sent.Done()
				if _, err = r.Next(1 << 16); err != nil {
					panic(err)
				}
				answered.Done()
				<-end
				_ = nc.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, nc)
				_ = nc.Close()
			})
		}
		sent.Wait()
		fmt.Println("sent")
		answered.Wait()
		fmt.Println("answered")
		close(end)
		gone.Wait()
		fmt.Println("gone")
	}
}

// serveSlowly is an authentication server that takes its time to accept, until
// its input ends. It prints where it is.
func serveSlowly([]string) {
	root, err := devca.Root(devca.Named("root"))
	if err != nil {
		panic(err)
	}
	cert, err := root.Leaf(devca.Spec{Hosts: []string{"127.0.0.1"}})
	if err != nil {
		panic(err)
	}
	s := startAuthServer(cert, nil)
	s.delay = answerTime
	s.answer(customauth.Accept(nil, time.Time{}))
	line, err := json.Marshal(struct{ URL, Root string }{s.URL, string(root.PEM())})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// plainConnect connects without TLS and waits for the CONNACK, whatever it says.
func plainConnect(b *testing.B, address, id string) net.Conn {
	nc, r, err := dialAndSend(address, id)
	if err == nil {
		_, err = r.Next(1 << 16)
	}
	if err != nil {
		b.Fatal(err)
	}
	return nc
}

func dialAndSend(address, id string) (net.Conn, *wire.Reader, error) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	p := connectAs("user", "x")
	p.ClientID = id
	_, err = nc.Write(p.Append(nil))
	return nc, wire.NewReader(nc), err
}
