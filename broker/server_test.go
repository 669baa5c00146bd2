package broker_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// server is a broker under test. It is shut down at the end of the test.
type server struct {
	*broker.Server
	t    testing.TB
	logs *logs
}

func newServer(t testing.TB, l broker.Limits) *server {
	t.Helper()
	return newServerWith(t, broker.Options{Limits: l})
}

func newServerWith(t testing.TB, o broker.Options) *server {
	t.Helper()
	s := &server{t: t, logs: new(logs)}
	o.Logger = slog.New(slog.NewTextHandler(s.logs, nil))
	s.Server = broker.NewServer(o)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return s
}

// logs collects what the server logs.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// port is an open port of a server.
type port struct {
	*broker.Listener
	t    testing.TB
	logs *logs
	dial func() (net.Conn, error)
}

// listen opens a port on the loopback interface.
func (s *server) listen(a broker.Access) *port {
	s.t.Helper()
	return s.open(broker.Port{Name: "test", Access: a}, listenTCP(s.t))
}

func listenTCP(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (s *server) open(p broker.Port, l net.Listener) *port {
	s.t.Helper()
	ln, err := s.Listen(l, p)
	if err != nil {
		s.t.Fatal(err)
	}
	addr := l.Addr().String()
	return &port{ln, s.t, s.logs, func() (net.Conn, error) { return net.Dial("tcp", addr) }}
}

// openPort is a server with one port that lets everybody do everything.
func openPort(t testing.TB) *port {
	t.Helper()
	return newServer(t, broker.Limits{}).listen(open())
}

// open is the access of a port without references (LINK-2, LINK-3).
func open() broker.Access {
	return broker.Access{Authentication: mqttauth.AllowAnonymous(), Authorization: mqttauthz.AllowAll()}
}

// peer returns a connection that has sent nothing yet.
func (p *port) peer() *peer {
	p.t.Helper()
	nc, err := p.dial()
	if err != nil {
		p.t.Fatal(err)
	}
	return newPeer(p.t, nc)
}

// option changes a CONNECT.
type option func(*wire.Connect)

// durable asks for a session that outlives its connection.
func durable(c *wire.Connect) {
	c.CleanStart = false
	if c.Version == v5 {
		c.SessionExpiry = 1000
	}
}

func as(username string) option {
	return func(c *wire.Connect) { c.Username, c.Password = wire.Some(username), []byte("right") }
}

func will(w wire.Will) option { return func(c *wire.Connect) { c.Will = &w } }

func connectPacket(v mqttauth.Version, id string, options ...option) *wire.Connect {
	c := &wire.Connect{Version: v, ClientID: id, CleanStart: true}
	for _, o := range options {
		o(c)
	}
	return c
}

// connect returns an accepted client.
func (p *port) connect(v mqttauth.Version, id string, options ...option) *peer {
	p.t.Helper()
	c := p.peer()
	c.sendConnect(connectPacket(v, id, options...))
	c.ok = *receive[wire.Connack](c)
	if c.ok.Code != 0 {
		p.t.Fatalf("client %q is refused: %v", id, c.ok.Code)
	}
	return c
}

// refused expects a CONNECT to be refused, with this code.
func (p *port) refused(code mqttauth.ReasonCode, c *wire.Connect) {
	p.t.Helper()
	client := p.peer()
	client.sendConnect(c)
	client.refused(code)
}

func (p *peer) refused(code mqttauth.ReasonCode) {
	p.t.Helper()
	got := receive[wire.Connack](p)
	if p.v == v5 && got.Code != code || got.Code.ConnectReturnCode() != code.ConnectReturnCode() || got.SessionPresent {
		p.t.Fatalf("CONNACK with %v, session present %v, want %v", got.Code, got.SessionPresent, code)
	}
	p.gone()
}

// versions runs a test with both protocol versions.
func versions(t *testing.T, f func(t *testing.T, v mqttauth.Version)) {
	for _, v := range []mqttauth.Version{v311, v5} {
		t.Run(v.String(), func(t *testing.T) { f(t, v) })
	}
}

// method is an authentication method made of a function.
type method func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error)

func (m method) Authenticate(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	return m(ctx, c)
}

// users accepts every user name with the password "right". Clients without a
// user name are not its business.
func users(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	switch {
	case !c.HasUsername:
		return mqttauth.Result{}, mqttauth.ErrNotRelevant
	case string(c.Password.Reveal()) != "right":
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.BadUsernameOrPassword, errors.New("wrong password"))
	}
	return mqttauth.Accept(mqttauth.Principal{ClientID: c.ClientID, Username: c.Username}, c.Username), nil
}

// chain makes a chain of methods with the names "m0", "m1" and so on.
func chain(t testing.TB, methods ...method) *mqttauth.Chain {
	t.Helper()
	entries := make([]mqttauth.Entry, len(methods))
	for i, m := range methods {
		entries[i] = mqttauth.Entry{Name: "m" + string(rune('0'+i)), Method: m}
	}
	c, err := mqttauth.NewChain("test", entries...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// access is that of a port where users connect under a policy.
func access(t testing.TB, rules ...mqttauthz.Rule) broker.Access {
	t.Helper()
	return broker.Access{Authentication: chain(t, users), Authorization: policy(t, rules...)}
}

func policy(t testing.TB, rules ...mqttauthz.Rule) *mqttauthz.Policy {
	t.Helper()
	p, err := mqttauthz.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// allow is the rule that lets a user connect, publish and subscribe.
func allow(username string, resources ...mqttauthz.BrokerResource) mqttauthz.Rule {
	return mqttauthz.Rule{
		Principals:      mqttauthz.Principals{Usernames: []string{username}},
		BrokerResources: append(resources, mqttauthz.BrokerResource{Method: mqttauthz.Connect}),
	}
}

func pub(topics ...string) mqttauthz.BrokerResource {
	return mqttauthz.BrokerResource{Method: mqttauthz.Publish, Topics: topics}
}

func sub(topics ...string) mqttauthz.BrokerResource {
	return mqttauthz.BrokerResource{Method: mqttauthz.Subscribe, Topics: topics}
}

// set changes the access of a port.
func (p *port) set(a broker.Access) {
	p.t.Helper()
	if err := p.SetAccess(a); err != nil {
		p.t.Fatal(err)
	}
}

// log returns what the server has logged.
func (p *port) log() string { return p.logs.String() }
