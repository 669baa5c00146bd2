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
// PUBACK and its PINGRESP while a thousand CONNECTs wait for an authentication
// server that takes 20 ms: AUTHN-8 says that they block themselves only. One
// operation is a thousand CONNECTs, from when they have all been sent to when they
// are all answered, and as much quiet after it. Figures are the medians of all
// operations: on a virtual machine p99 differs from one to the next by more than
// by whether a thousand wait.
//
// Broker, server and the thousand are processes of their own; the server and the
// thousand, which would be on other machines, get what processor time the broker
// and the measured client leave. What the thousand cost but their waiting, the
// "timer" row shows: as many CONNECTs at once by a method that asks nobody, and
// waits for a timer instead; and what they cost because all processes share the
// processors, the "elsewhere" row: the thousand connect to another broker. The
// measured client sends something each millisecond: one that sends as fast as it
// can measures mostly whom the operating system has run in its place.
func BenchmarkSlowAuthServer(b *testing.B) {
	for _, bb := range []struct {
		method     string
		concurrent int
		where      string
	}{
		{"timer", 16, here},
		{"server", 16, here},
		{"timer", customauth.DefaultMaxConcurrent, here},
		{"server", customauth.DefaultMaxConcurrent, here},
		{"server", customauth.DefaultMaxConcurrent, elsewhere},
	} {
		b.Run(fmt.Sprintf("%s/%d at once/%s", bb.method, bb.concurrent, bb.where), func(b *testing.B) {
			server := startProcess(b, roleServer)
			start := func() string {
				return startProcess(b, roleBroker, bb.method, strconv.Itoa(bb.concurrent), server.line).line
			}
			address := start()
			m := measured{b: b}
			m.nc, m.r = plainConnect(b, address, "publisher")
			if bb.where == elsewhere {
				address = start()
			}
			load := startProcess(b, roleConnecting, address)
			for b.Loop() {
				m.operation(load)
			}
			for name, all := range m.figures {
				slices.Sort(all)
				b.ReportMetric(float64(all[len(all)/2].Nanoseconds())/1e3, name+"-µs")
			}
		})
	}
}

// Where the thousand connect: to the broker of the measured client or to another.
const here, elsewhere = "here", "elsewhere"

// measured is the client that is connected.
type measured struct {
	b       *testing.B
	nc      net.Conn
	r       *wire.Reader
	figures map[string][]time.Duration // by name, one of each operation
}

// operation measures beside a thousand CONNECTs, and as long without them.
func (m *measured) operation(load *process) {
	load.say(m.b, "connect")
	load.read(m.b) // they are all sent
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		load.read(m.b)
	}()
	began := time.Now()
	m.sample("waiting", answered)
	quiet := make(chan struct{})
	time.AfterFunc(time.Since(began), func() { close(quiet) })
	m.sample("quiet", quiet)
}

// sample sends packets until end, and notes their figures under names that end
// with what is going on.
func (m *measured) sample(what string, end <-chan struct{}) {
	publish := (&wire.Publish{QoS: 1, PacketID: 1, Topic: "t", Payload: make([]byte, 64)}).Append(nil, mqttauth.MQTT5)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var puback, pingresp []time.Duration
	for {
		select {
		case <-end:
			m.note("puback-"+what, puback)
			m.note("pingresp-"+what, pingresp)
			return
		case <-tick.C:
		}
		puback = append(puback, exchange(m.b, m.nc, m.r, publish, wire.PUBACK))
		pingresp = append(pingresp, exchange(m.b, m.nc, m.r, []byte{0xC0, 0}, wire.PINGRESP))
	}
}

func (m *measured) note(name string, waits []time.Duration) {
	if m.figures == nil {
		m.figures = make(map[string][]time.Duration)
	}
	slices.Sort(waits)
	for _, p := range []int{50, 99} {
		name := fmt.Sprintf("p%d-%s", p, name)
		m.figures[name] = append(m.figures[name], waits[len(waits)*p/100])
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
// told where it is, or the timer, so many times at once. It prints its address.
func serveBench(method, concurrent, server string) {
	n, err := strconv.Atoi(concurrent)
	if err != nil {
		panic(err)
	}
	var m mqttauth.Method = timer(make(chan struct{}, n))
	if method == "server" {
		m = slowMethod(server, n)
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
func slowMethod(line string, concurrent int) mqttauth.Method {
	var server struct{ URL, Root string }
	if err := json.Unmarshal([]byte(line), &server); err != nil {
		panic(err)
	}
	m, err := customauth.New(customauth.Config{
		Endpoint: server.URL, TLS: customauth.TLS{RootCAs: []byte(server.Root)}, MaxConcurrent: concurrent,
		MaxWaiting: connecting, MaxWait: 5 * time.Second, // all of them get their turn
	})
	if err != nil {
		panic(err)
	}
	return m
}

// plainConnect connects without TLS and waits for the CONNACK, whatever it says.
func plainConnect(tb testing.TB, address, id string) (net.Conn, *wire.Reader) {
	nc, r, err := dialAndSend(address, id)
	if err == nil {
		_, err = r.Next(1 << 16)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return nc, r
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

// process is this test binary, run again as one of the roles of TestMain.
type process struct {
	line  string // what it said when it was ready
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
}

const roleVariable = "CONFIG_BENCH_ROLE"

// Values of roleVariable.
const (
	roleBroker     = "broker"
	roleConnecting = "connecting"
	roleServer     = "authentication server"
)

// connecting is how many CONNECTs there are at once.
const connecting = 1000

func startProcess(b *testing.B, role string, args ...string) *process {
	line := append([]string{os.Args[0]}, args...)
	if role != roleBroker {
		line = append([]string{"nice", "-n", "19"}, line...)
	}
	cmd := exec.CommandContext(b.Context(), line[0], line[1:]...)
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

// say writes a line to the process.
func (p *process) say(b *testing.B, line string) {
	if _, err := fmt.Fprintln(p.stdin, line); err != nil {
		b.Fatal(err)
	}
}

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case roleBroker:
		serveBench(os.Args[1], os.Args[2], os.Args[3])
	case roleConnecting:
		connectAll(os.Args[1])
	case roleServer:
		serveSlowly()
	default:
		os.Exit(m.Run())
	}
}

// connectAll connects a thousand clients for each line of its input, and says
// when all CONNECTs are sent, and when all are answered.
func connectAll(address string) {
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var sent, answered sync.WaitGroup
		for i := range connecting {
			sent.Add(1)
			answered.Go(func() {
				nc, r, err := dialAndSend(address, "c"+strconv.Itoa(i))
				if err != nil {
					panic(err)
				}
				sent.Done()
				if _, err = r.Next(1 << 16); err != nil {
					panic(err)
				}
				_ = nc.Close()
			})
		}
		sent.Wait()
		fmt.Println("sent")
		answered.Wait()
		fmt.Println("answered")
	}
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
