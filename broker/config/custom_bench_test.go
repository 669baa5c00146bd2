package config_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
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
// PUBACK and its PINGRESP while a thousand others do nothing but connect, and
// wait for an authentication server that takes 20 ms: AUTHN-8 says that they
// block themselves only.
//
// Broker, server and the thousand are processes of their own. The port has no
// TLS, so that the thousand cost little but their waiting. What they do cost,
// the "timer" row shows: as many CONNECTs at once by a method that asks nobody,
// and waits for a timer instead. The measured client sends something each
// millisecond: one that sends as fast as it can measures mostly whom the
// operating system has run in its place.
func BenchmarkSlowAuthServer(b *testing.B) {
	for _, bb := range []struct{ name, connecting, method string }{
		{"alone", "0", "server"},
		{"timer", "1000", "timer"},
		{"slow", "1000", "server"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			server := startProcess(b, "authentication server")
			address := startProcess(b, "broker", bb.method, server.line).line
			publisher, r := plainConnect(b, address, "publisher")
			load := startProcess(b, "connecting", address, bb.connecting)
			publish := (&wire.Publish{QoS: 1, PacketID: 1, Topic: "t", Payload: make([]byte, 64)}).Append(nil, mqttauth.MQTT5)
			var puback, pingresp []time.Duration
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for b.Loop() {
				<-tick.C
				puback = append(puback, exchange(b, publisher, r, publish, wire.PUBACK))
				pingresp = append(pingresp, exchange(b, publisher, r, []byte{0xC0, 0}, wire.PINGRESP))
			}
			connects, err := strconv.Atoi(load.end(b))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(connects)/b.Elapsed().Seconds(), "connects/s")
			reportWaits(b, "puback", puback)
			reportWaits(b, "pingresp", pingresp)
		})
	}
}

// exchange sends a packet and returns how long its answer took.
func exchange(b *testing.B, nc net.Conn, r *wire.Reader, packet []byte, answer wire.Type) time.Duration {
	start := time.Now()
	if _, err := nc.Write(packet); err != nil {
		b.Fatal(err)
	}
	if f, err := r.Next(1 << 16); err != nil || f.Type != answer {
		b.Fatal(f.Type, err)
	}
	return time.Since(start)
}

func reportWaits(b *testing.B, what string, waits []time.Duration) {
	slices.Sort(waits)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(waits[len(waits)*p/100].Nanoseconds())/1e3, fmt.Sprintf("p%d-%s-µs", p, what))
	}
}

// answerTime is how long the authentication server takes.
const answerTime = 20 * time.Millisecond

// timer accepts after the time that the server takes, as many at once as the
// method that asks it.
type timer chan struct{}

func (t timer) Authenticate(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	t <- struct{}{}
	defer func() { <-t }()
	time.Sleep(answerTime)
	return mqttauth.Accept(mqttauth.Principal{Username: c.Username}, c.Username), nil
}

// serveBench is a broker until its input ends, whose port asks the server that
// told where it is, or the timer. It prints its address.
func serveBench(method, server string) {
	var m mqttauth.Method = timer(make(chan struct{}, customauth.DefaultMaxConcurrent))
	if method == "server" {
		m = slowMethod(server)
	}
	chain, err := mqttauth.NewChain("bench", mqttauth.Entry{Name: "Custom", Method: m})
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
func slowMethod(line string) mqttauth.Method {
	var server struct{ URL, Root string }
	if err := json.Unmarshal([]byte(line), &server); err != nil {
		panic(err)
	}
	m, err := customauth.New(customauth.Config{Endpoint: server.URL, TLS: customauth.TLS{RootCAs: []byte(server.Root)}})
	if err != nil {
		panic(err)
	}
	return m
}

// plainConnect connects without TLS and waits for the CONNACK, whatever it says.
func plainConnect(tb testing.TB, address, id string) (net.Conn, *wire.Reader) {
	nc, r, err := dialAndConnect(address, id)
	if err != nil {
		tb.Fatal(err)
	}
	return nc, r
}

func dialAndConnect(address, id string) (net.Conn, *wire.Reader, error) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	p := connectAs("user", "x")
	p.ClientID = id
	r := wire.NewReader(nc)
	_, err = nc.Write(p.Append(nil))
	if err == nil {
		_, err = r.Next(1 << 16)
	}
	return nc, r, err
}

// process is this test binary, run again as one of the roles of TestMain.
type process struct {
	line  string // what it said when it was ready
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
}

const roleVariable = "CONFIG_BENCH_ROLE"

func startProcess(b *testing.B, role string, args ...string) *process {
	cmd := exec.CommandContext(b.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &process{cmd: cmd, stdin: in, out: bufio.NewReader(out)}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	p.line = p.read(b)
	return p
}

func (p *process) read(b *testing.B) string {
	line, err := p.out.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return line[:len(line)-1]
}

// end tells the process to stop and returns its last words.
func (p *process) end(b *testing.B) string {
	if err := p.stdin.Close(); err != nil {
		b.Fatal(err)
	}
	return p.read(b)
}

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "broker":
		serveBench(os.Args[1], os.Args[2])
	case "connecting":
		connectForever(os.Args[1], os.Args[2])
	case "authentication server":
		serveSlowly()
	default:
		os.Exit(m.Run())
	}
}

// connectForever connects n clients, each again and again, until its input
// ends. Then it prints how many times that was.
func connectForever(address, n string) {
	clients, err := strconv.Atoi(n)
	if err != nil {
		panic(err)
	}
	stop := make(chan struct{})
	counts := make([]int, clients)
	var wg sync.WaitGroup
	for i := range counts {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				nc, _, err := dialAndConnect(address, "c"+strconv.Itoa(i))
				if err != nil {
					panic(err)
				}
				_ = nc.Close()
				counts[i]++
			}
		})
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	close(stop)
	wg.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	fmt.Println(total)
}

// serveSlowly is an authentication server that takes its time to accept, until
// its input ends. It prints where it is.
func serveSlowly() {
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
