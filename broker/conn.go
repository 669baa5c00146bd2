package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// conn is one network connection.
//
// Its serve goroutine reads. Whoever has something for the client writes it, as
// far as that does not block; what does, another goroutine writes (see output).
// mu is held over each packet's decision and what follows from it, and over
// everything that touches auth: who takes mu knows that nothing is half done.
// Locks are taken in this order: endedCounts, client.mu, conn.mu, server.wills,
// output.mu, stateStore.mu, client.queue, retainedStore.mu. No two of one kind
// are held at once.
type conn struct {
	server   *Server
	listener *Listener
	nc       net.Conn  // what is spoken to
	tls      *tls.Conn // beneath it; nil on a port without TLS
	raw      net.Conn  // what is beneath all
	remote   netip.AddrPort
	reader   *wire.Reader
	out      output
	timer    *mqttauth.ExpiryTimer

	mu        sync.Mutex
	gone      bool  // nothing of this connection's takes effect any more
	graceful  bool  // the client sent DISCONNECT: no will
	requested bool  // something of the state store
	category  uint8 // index of the server's
	cause     error // why it is gone, for the log
	auth      *mqttauth.Session
	access    *Access // that it was authenticated under
	principal mqttauthz.Principal
	identity  mqttauth.Identity
	expiry    time.Time
	bound     *mqttauthz.Grants // nil: to be asked of the policy; see grants
	client    *client           // nil until accepted
	newExpiry wire.Opt[uint32]
	count     Counts

	// Of the serve goroutine alone.
	settled   bool // not among the server's pending any more
	admitted  bool // counted among the server's clients
	held      int  // bytes counted there
	version   mqttauth.Version
	keepAlive time.Duration // zero: none
	waited    bool          // for bytes of the packet that is being read
	since     time.Time     // when that began
	watched   time.Time     // the deadline that is set
	clientID  string
	aliases   map[uint16]string
	verdict   verdict
	now       time.Time // when the last bytes came
	fanout    fanout
	steps     []mqttauth.Step // of the CONNECT, until it is answered
	answered  bool            // since flush
	scratch   []byte          // to encode an answer in

	sessionExpiry uint32                  // seconds, as told in CONNACK
	attempt       func(*mqttauth.Attempt) // starts one, which ends with the connection
}

func newConn(l *Listener, nc net.Conn) *conn {
	c := &conn{server: l.server, listener: l, nc: nc, raw: nc}
	if a, err := netip.ParseAddrPort(nc.RemoteAddr().String()); err == nil {
		c.remote = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	if l.tls != nil {
		c.tls = tls.Server(nc, l.tls)
		c.nc = c.tls
	}
	c.out.init(c.nc, c.raw, &l.server.buffers)
	c.auth = mqttauth.NewSession(mqttauth.SessionConfig{Deadline: l.server.limits.AuthenticationTimeout})
	c.timer = mqttauth.NewExpiryTimer(c.expire)
	return c
}

// serve runs the connection from the handshake to its end, of which it tells
// ended. Once the client is accepted, another goroutine goes on: the stack that
// a handshake needs is not kept for as long as the connection lasts.
//
// What comes before CONNACK uses the context of the port: a child of that of the
// connection would leave memory behind in it.
func (c *conn) serve(ctx context.Context, ended func()) {
	own, cancel := context.WithCancel(ctx)
	c.attempt = func(a *mqttauth.Attempt) { go c.verify(own, a) }
	over := func() {
		defer ended()
		defer cancel()
		defer c.dismiss()
		c.end()
	}
	accepted := false
	defer func() {
		if !accepted {
			over()
			return
		}
		go c.serveAccepted(over)
	}()
	defer c.settle()
	defer c.recovered()
	deadline := time.Now().Add(c.server.limits.ConnectTimeout)
	_ = c.raw.SetDeadline(deadline)
	if err := c.handshake(ctx); err != nil {
		c.denyHandshake(err)
		return
	}
	accepted = c.connect(ctx)
}

// serveAccepted runs the connection from its CONNACK to its end.
func (c *conn) serveAccepted(over func()) {
	defer over()
	defer c.recovered()
	c.out.start(c.recovered)
	c.read()
}

// recovered ends the connection, and no other, after a fault of ours (E4). It is
// deferred before mu is locked.
func (c *conn) recovered() {
	if p := recover(); p != nil {
		c.server.log.Error("connection handler panicked", keyRemote, c.remote, keyError, fmt.Sprint(p), "stack", string(debug.Stack()))
		c.kill(errors.New("internal error"))
	}
}

// handshake does what comes before MQTT.
func (c *conn) handshake(ctx context.Context) error {
	if c.tls != nil {
		if err := c.tls.HandshakeContext(ctx); err != nil {
			return err
		}
	}
	if c.listener.upgrade == nil {
		return nil
	}
	nc, err := c.listener.upgrade(c.nc)
	if err != nil {
		return err
	}
	c.nc = nc
	c.out.over(nc)
	return nil
}

// take handles one packet, and reports whether it was the client's last. A
// panic on the way releases mu.
func (c *conn) take(f wire.Frame) (left bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone { // read and forget what is behind our last packet
		return false, nil
	}
	err = c.handle(f)
	return c.gone && f.Type == wire.DISCONNECT, err
}

// handle dispatches a packet of an accepted client. mu is held.
func (c *conn) handle(f wire.Frame) error {
	switch f.Type {
	case wire.PUBLISH:
		return c.handlePublish(f)
	case wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBCOMP:
		return c.handleAck(f)
	case wire.SUBSCRIBE:
		return c.handleSubscribe(f)
	case wire.UNSUBSCRIBE:
		return c.handleUnsubscribe(f)
	case wire.PINGREQ:
		var p wire.Pingreq
		if err := p.Decode(f, c.version); err != nil {
			return err
		}
		c.client.compact() // a client that pings is idle
		c.reader.Compact()
		c.scratch = (&wire.Pingresp{}).Append(c.scratch[:0], c.version)
		c.queue(c.scratch)
		return nil
	case wire.DISCONNECT:
		return c.handleDisconnect(f)
	case wire.AUTH:
		return c.handleAuth(f)
	default:
		return &wire.Error{Code: mqttauth.ProtocolError, Detail: f.Type.String() + " is not a packet for a client to send now"}
	}
}

// appendNext makes c the source of its output.
func (c *conn) appendNext(dst []byte, now time.Time) []byte { return c.client.appendNext(c, dst, now) }

func (c *conn) handleDisconnect(f wire.Frame) error {
	var p wire.Disconnect
	if err := p.Decode(f, c.version); err != nil {
		return err
	}
	if p.SessionExpiry.Set {
		if c.sessionExpiry == 0 && p.SessionExpiry.Value > 0 { // MQTT 5.0 section 3.14.2.2.2
			return &wire.Error{Code: mqttauth.ProtocolError, Detail: "DISCONNECT: session expiry interval was 0 in CONNECT and cannot be raised"}
		}
		c.newExpiry = p.SessionExpiry
	}
	c.leave(nil)
	c.graceful = p.Code != wire.DisconnectWithWill
	c.out.part()
	return nil
}

// expire tells the authentication session what time it is.
func (c *conn) expire(now time.Time) {
	defer c.recovered()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gone && c.client != nil {
		c.act(c.auth.Wake(now))
	}
}

// grants returns the client's rights. mu is held.
func (c *conn) grants() *mqttauthz.Grants {
	if c.bound == nil {
		c.bound = c.listener.policy().Grants(c.principal)
	}
	return c.bound
}

// rebind puts the policy of the port in force, which has changed (AUTHZ-13). Most
// clients are going to be sent away without having asked it for anything.
func (c *conn) rebind() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		c.bound = nil
	}
}
