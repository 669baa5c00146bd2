package config_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/mqttwarden/mqttwarden/broker"
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
// Brokers, server and the thousand are processes of their own. The server and the
// thousand would be on other machines, and so get only the processor time that
// nobody else wants. An answer has come when it has arrived at the socket, and not
// when the measured client, which would be on another machine too, got its turn to
// read it. Exchanges during which the host of a virtual machine took a processor
// away are left out. The client sends something about each millisecond: one that
// sends as fast as it can measures mostly whom the operating system has run in its
// place.
//
// The row without a pace shows what MaxPerSecond is for.
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
			server := startProcess(b, roleServer)
			start := func() string {
				return startProcess(b, roleBroker, strconv.Itoa(bb.concurrent), strconv.Itoa(bb.perSecond), server.line).line
			}
			address := start()
			m := measured{b: b, waits: make(map[string][]time.Duration)}
			m.nc, _ = plainConnect(b, address, "publisher")
			m.in = newStamped(b, m.nc)
			m.r = wire.NewReader(m.in)
			crowdHere := startProcess(b, roleConnecting, address)
			crowdElsewhere := startProcess(b, roleConnecting, start())
			for b.Loop() {
				m.beside("here", crowdHere)
				began := time.Now()
				m.beside("elsewhere", crowdElsewhere)
				m.sample("quiet", time.After(time.Since(began)))
			}
			m.report()
		})
	}
}

// measured is the client that is connected.
type measured struct {
	b     *testing.B
	nc    net.Conn
	in    *stamped
	r     *wire.Reader
	waits map[string][]time.Duration // by what was sent, and what was going on
}

// beside measures while the thousand connect.
func (m *measured) beside(where string, crowd *process) {
	crowd.say(m.b, "connect")
	crowd.read(m.b) // they are all sent
	answered := make(chan time.Time)
	go func() {
		defer close(answered)
		crowd.read(m.b)
	}()
	m.sample(where, answered)
	crowd.read(m.b) // they are all gone
}

// sample sends packets until end, in lots. It keeps how long the answers took, by
// what is going on, of the lots during which the host took no processor away.
func (m *measured) sample(what string, end <-chan time.Time) {
	publish := (&wire.Publish{QoS: 1, PacketID: 1, Topic: "t", Payload: make([]byte, 64)}).Append(nil, mqttauth.MQTT5)
	for {
		before := stolen(m.b)
		var puback, pingresp []time.Duration
		for range lot {
			puback = append(puback, m.exchange(publish, wire.PUBACK))
			pingresp = append(pingresp, m.exchange([]byte{0xC0, 0}, wire.PINGRESP))
		}
		select {
		case <-end:
			return
		default:
		}
		if stolen(m.b) == before {
			m.waits["puback-"+what] = append(m.waits["puback-"+what], puback...)
			m.waits["pingresp-"+what] = append(m.waits["pingresp-"+what], pingresp...)
		}
	}
}

// lot is how many packets of each kind are kept or thrown away together: they
// take about as long as the operating system needs to count what the host takes.
const lot = 12

// stolen returns how much processor time the host of this virtual machine has
// taken away, as the operating system counts it.
func stolen(b *testing.B) string {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		b.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 {
		b.Fatalf("/proc/stat: %s", line)
	}
	return fields[8]
}

// report gives the percentiles in microseconds, unless nothing was kept.
func (m *measured) report() {
	for name, waits := range m.waits {
		slices.Sort(waits)
		for _, p := range []int{50, 95, 99} {
			wait := waits[len(waits)*p/100]
			m.b.ReportMetric(float64(wait.Nanoseconds())/1e3, fmt.Sprintf("p%d-%s-µs", p, name))
		}
	}
}

// exchange waits for half a millisecond to one and a half, sends a packet and
// returns how long its answer took to arrive. The operating system says when that
// was: a client that is to read it may have to wait for a processor behind the
// broker, which no client of another machine does. It wakes us too: timers of
// package time wait for whole milliseconds from the latest packet on, as those of
// the broker do, and we would meet its timers always or never.
func (m *measured) exchange(packet []byte, answer wire.Type) time.Duration {
	pause := syscall.NsecToTimespec(500_000 + rand.Int64N(1_000_000))
	if err := syscall.Nanosleep(&pause, nil); err != nil && err != syscall.EINTR {
		m.b.Fatal(err)
	}
	start := time.Now()
	if _, err := m.nc.Write(packet); err != nil {
		m.b.Fatal(err)
	}
	if f, err := m.r.Next(1 << 16); err != nil || f.Type != answer {
		m.b.Fatal(f.Type, err)
	}
	return m.in.arrived.Sub(start)
}

// stamped reads from a connection and knows when the latest bytes arrived.
type stamped struct {
	raw     syscall.RawConn
	arrived time.Time
}

func newStamped(b *testing.B, nc net.Conn) *stamped {
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		b.Fatal(err)
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1)
	})
	if err := errors.Join(err, set); err != nil {
		b.Fatal(err)
	}
	return &stamped{raw: raw}
}

func (s *stamped) Read(p []byte) (n int, err error) {
	var control [128]byte
	var length int
	waiting := s.raw.Read(func(fd uintptr) bool {
		n, length, _, _, err = syscall.Recvmsg(int(fd), p, control[:], 0)
		return err != syscall.EAGAIN
	})
	switch {
	case waiting != nil || err != nil:
		return 0, errors.Join(waiting, err)
	case n == 0:
		return 0, io.EOF
	}
	messages, err := syscall.ParseSocketControlMessage(control[:length])
	if err != nil {
		return n, err
	}
	for _, m := range messages {
		var at syscall.Timespec
		if m.Header.Level == syscall.SOL_SOCKET && m.Header.Type == syscall.SO_TIMESTAMPNS && len(m.Data) == int(unsafe.Sizeof(at)) {
			at = *(*syscall.Timespec)(unsafe.Pointer(&m.Data[0]))
			s.arrived = time.Unix(at.Unix())
			return n, nil
		}
	}
	return n, errors.New("the operating system does not say when bytes arrived")
}

// answerTime is how long the authentication server takes.
const answerTime = 20 * time.Millisecond

// serveBench is a broker until its input ends, whose port asks the server that
// told where it is, within these limits. It prints its address.
func serveBench(concurrent, perSecond, server string) {
	chain, err := mqttauth.NewChain("bench", mqttauth.Entry{Name: "Custom", Method: slowMethod(server, concurrent, perSecond)})
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
		line = append([]string{"chrt", "--idle", "0"}, line...)
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
// when all CONNECTs are sent, when all are answered, and when all connections have
// ended on both sides.
func connectAll(address string) {
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var sent, answered, gone sync.WaitGroup
		end := make(chan struct{})
		for i := range connecting {
			sent.Add(1)
			answered.Add(1)
			gone.Go(func() {
				nc, r, err := dialAndSend(address, "c"+strconv.Itoa(i))
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
