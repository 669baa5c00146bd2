package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// Port says how a port treats its clients.
type Port struct {
	// Name stands for the port in the log.
	Name string

	// TLS is the configuration of the TLS server; nil for a port without TLS.
	// clientcert.Trust makes one that asks for client certificates.
	TLS *tls.Config

	// Upgrade, if set, makes of each connection the one that MQTT is spoken
	// on, inside TLS if the port has that; see package broker/websocket. It
	// reads and writes before a client has said who it is, under the deadline
	// of Limits.ConnectTimeout. Closing the connection that it is given must
	// end what it does and what it returns.
	Upgrade func(net.Conn) (net.Conn, error)

	Access
}

// Access says who may connect to a port and what they may do there.
type Access struct {
	// Authentication is required; mqttauth.AllowAnonymous lets in everybody.
	Authentication mqttauth.Method

	// Authorization says what clients may do. Nil denies everything;
	// mqttauthz.AllowAll allows it.
	Authorization *mqttauthz.Policy

	// KeepClients makes SetAccess keep the clients whose rights this policy
	// does not shrink, if Authentication stays as it is (AUTHZ-13). Each client
	// is looked at with its own attributes (mqttauthz.Coverage), for a second in
	// all; who is in doubt after that is disconnected.
	KeepClients bool

	// RecheckRetained makes SetAccess delete the retained messages that their
	// authors may not publish any more (AUTHZ-9). The author is the session
	// that published, with the attributes that it had last and the port where
	// it was last accepted.
	RecheckRetained bool
}

// Listener is an open port. It is safe for concurrent use.
type Listener struct {
	server  *Server
	net     net.Listener
	name    string
	tls     *tls.Config
	upgrade func(net.Conn) (net.Conn, error)

	access atomic.Pointer[Access]
	swap   sync.Mutex // one change of access at a time

	cancel context.CancelFunc // ends handshakes, and what asks methods

	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool
	served sync.WaitGroup // accept loop and connections
}

func newListener(s *Server, l net.Listener, p Port) *Listener {
	ln := &Listener{server: s, net: l, name: p.Name, tls: p.TLS, upgrade: p.Upgrade, conns: make(map[*conn]struct{})}
	ln.access.Store(&p.Access)
	return ln
}

// policy returns the policy of the moment.
func (l *Listener) policy() *mqttauthz.Policy { return l.access.Load().Authorization }

// Addr returns the address that the port listens on.
func (l *Listener) Addr() net.Addr { return l.net.Addr() }

// open begins to accept connections.
func (l *Listener) open() {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.served.Go(func() { l.accept(ctx) })
}

// accept runs until the listener is closed.
func (l *Listener) accept(ctx context.Context) {
	for {
		nc, err := l.net.Accept()
		if err == nil {
			l.start(ctx, nc)
			continue
		}
		if l.isClosed() || errors.Is(err, net.ErrClosed) {
			return
		}
		// Out of file descriptors, most likely: accepting goes on once
		// connections have ended.
		l.server.log.Error("accept failed", keyPort, l.name, keyError, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// start serves a connection in a goroutine of its own.
func (l *Listener) start(ctx context.Context, nc net.Conn) {
	c := newConn(l, nc)
	if !c.server.pending.enter(c.remote.Addr()) {
		_ = nc.Close()
		return
	}
	if !l.add(c) {
		c.settle()
		_ = nc.Close()
		return
	}
	l.server.conns.Add(1)
	go c.serve(ctx, func() {
		l.remove(c)
		l.server.conns.Add(-1)
		l.served.Done()
	})
}

func (l *Listener) add(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.conns[c] = struct{}{}
	l.served.Add(1)
	return true
}

func (l *Listener) remove(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

func (l *Listener) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// all returns the connections of the moment, those that have not been accepted
// yet included.
func (l *Listener) all() []*conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	conns := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	return conns
}

// SetAccess puts other access rules in force, all at once. When it returns,
// nothing is routed under the old policy any more, and all clients of the port,
// but for those that Access.KeepClients keeps, have been sent away (MQTT 5.0:
// DISCONNECT 0x98); their sessions are kept (AUTHN-11, AUTHZ-13). A client that
// is being authenticated under the old rules is refused and may come back. With
// many clients this takes up to 1.4 seconds, so that the clients of other ports
// notice little of it. Without a.Authentication it is an error, and nothing
// changes.
func (l *Listener) SetAccess(a Access) error {
	if a.Authentication == nil {
		return errNoAuthentication(l.name)
	}
	l.swap.Lock()
	defer l.swap.Unlock()
	start := time.Now()
	// A connection that is being accepted reads the rules under its own lock:
	// either it is found below, or it reads the new ones.
	old := l.access.Swap(&a)
	conns := l.all()
	for _, c := range conns {
		c.rebind()
	}
	l.server.waitForWill()
	if a.RecheckRetained {
		l.server.recheckRetained(l)
	}
	ctx, cancel := context.WithTimeout(context.Background(), compareTime)
	defer cancel()
	keep := a.keeps(ctx, old)
	conns = slices.DeleteFunc(conns, func(c *conn) bool { return c.keep(keep) })
	l.sendAway(conns, errAccessChanged, start)
	return nil
}

// sendAway sends connections away since start.
func (l *Listener) sendAway(conns []*conn, cause error, start time.Time) {
	p := newPace(time.Now(), len(conns), start.Add(dismissTime))
	p.walk(conns, func(c *conn) { c.disconnect(wire.AdministrativeAction, cause) })
}

var (
	errAccessChanged = errors.New("authentication or authorization of the port changed")
	errPortClosed    = errors.New("port closed")
)

func errNoAuthentication(port string) error {
	return fmt.Errorf("broker: port %q has no authentication; mqttauth.AllowAnonymous says that it needs none", port)
}

// Close closes the port and disconnects its clients (MQTT 5.0: DISCONNECT
// 0x98), as SetAccess does. Their sessions are kept. It returns when their
// connections are gone, which takes two seconds at most.
func (l *Listener) Close() error {
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := l.close(ctx, func(conns []*conn) { l.sendAway(conns, errPortClosed, start) })
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // they have been cut
	}
	return err
}

// close closes the port, has disconnect send away those who are accepted, and cuts
// what is left when ctx ends.
func (l *Listener) close(ctx context.Context, disconnect func([]*conn)) error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	err := l.net.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	disconnect(slices.DeleteFunc(l.all(), (*conn).refuse))
	l.cancel() // nobody waits for the word of a method any more
	gone := make(chan struct{})
	go func() {
		l.served.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
		err = errors.Join(err, ctx.Err())
		for _, c := range l.all() {
			c.cut()
		}
		<-gone
	}
	l.server.forget(l)
	return err
}
