package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// conn is one network connection.
//
// Its serve goroutine reads; a second one writes, once the client is accepted.
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
	cause     error // why, for the log
	graceful  bool  // the client sent DISCONNECT: no will
	auth      *mqttauth.Session
	access    *Access // that it was authenticated under
	principal mqttauthz.Principal
	identity  mqttauth.Identity
	expiry    time.Time
	grants    *mqttauthz.Grants
	client    *client // nil until accepted
	newExpiry wire.Opt[uint32]
	requested bool // something of the state store
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
func (c *conn) serve(ctx context.Context, ended func()) {
	ctx, cancel := context.WithCancel(ctx)
	c.attempt = func(a *mqttauth.Attempt) { go c.verify(ctx, a) }
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

// read handles packets until the connection ends.
func (c *conn) read() {
	c.now = time.Now()
	if c.keepAlive > 0 {
		c.watch(c.now.Add(c.keepAlive))
	}
	for {
		if c.answered && c.out.full() {
			c.flush()
			c.out.waitForRoom()
		}
		f, err := c.next()
		if err != nil {
			c.flush()
			c.readFailed(err)
			return
		}
		left, err := c.take(f)
		if err != nil {
			c.protocolFailed(err)
		}
		if left {
			return
		}
	}
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

// flush has written, to ourselves as well, what was queued since the last time.
// It comes before anything that may take long: then one write carries what
// one read brought.
func (c *conn) flush() {
	c.fanout.flush()
	if c.answered {
		c.answered = false
		c.out.flush()
	}
}

// next reads one packet.
func (c *conn) next() (wire.Frame, error) {
	c.waited = false
	return c.reader.Next(c.server.limits.PacketSize)
}

// Read reads from the network for the reader. The keep alive runs from the
// first time that the server has to wait for bytes of a packet: a packet that
// comes byte by byte does not extend it, one that is complete does not pay for
// it.
func (c *conn) Read(p []byte) (int, error) {
	c.flush()
	if !c.waited {
		c.waited, c.since = true, c.now
	}
	n, err := c.nc.Read(p)
	c.now = time.Now()
	for errors.Is(err, os.ErrDeadlineExceeded) && c.notYet() {
		n, err = c.nc.Read(p)
		c.now = time.Now()
	}
	if !c.settled {
		c.held += n
		if !c.server.pending.hold(n) {
			return 0, errPendingBytes
		}
	}
	return n, err
}

// watch sets the deadline of the keep alive.
func (c *conn) watch(until time.Time) {
	c.watched = until
	_ = c.nc.SetReadDeadline(until)
	if c.out.closing() { // whose deadline for the rest was overwritten
		_ = c.nc.SetReadDeadline(time.Now().Add(lingerTime))
	}
}

// notYet reports whether a deadline that is over was that of an earlier packet,
// and sets the right one: each packet is waited for without setting it anew.
func (c *conn) notYet() bool {
	until := c.since.Add(c.keepAlive)
	if c.keepAlive == 0 || c.out.closing() || !c.watched.Before(until) {
		return false
	}
	if soon := c.now.Add(lingerTime); until.Before(soon) { // we were slow, not the client
		until = soon
	}
	c.watch(until)
	return true
}

// settle ends the account of a connection that is accepted, or closed before.
func (c *conn) settle() {
	if !c.settled {
		c.settled = true
		c.server.pending.leave(c.remote.Addr(), c.held)
	}
}

// dismiss ends the account of a client, whose connection is gone.
func (c *conn) dismiss() {
	if c.admitted {
		c.server.admitted.leave(c.remote.Addr())
	}
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
		c.out.send((&wire.Pingresp{}).Append(nil, c.version))
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

// readFailed ends the connection after a read error.
func (c *conn) readFailed(err error) {
	var malformed *wire.Error
	switch {
	case errors.As(err, &malformed):
		c.protocolFailed(err)
		c.drain()
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.disconnect(wire.KeepAliveTimeout, errKeepAlive)
	default: // the peer closed, or we did
		c.kill(errConnectionLost)
	}
}

var (
	errKeepAlive      = errors.New("keep alive timeout")
	errConnectionLost = errors.New("connection lost")
)

// protocolFailed answers bad packets.
func (c *conn) protocolFailed(err error) {
	code := wire.UnspecifiedError
	var e *wire.Error
	if errors.As(err, &e) {
		code = e.Code
	}
	c.disconnect(code, err)
}

// disconnect ends the connection with a DISCONNECT packet, which MQTT 3.1.1
// does not have. It does not block.
func (c *conn) disconnect(code mqttauth.ReasonCode, cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disconnectLocked(code, cause)
}

func (c *conn) disconnectLocked(code mqttauth.ReasonCode, cause error) {
	if c.gone || c.client == nil { // connect sees to those that are not accepted yet
		return
	}
	c.leave(cause)
	// The peer may take its time to close; its session and will need not wait.
	go c.release(c.client)
	var last []byte
	if c.version == mqttauth.MQTT5 {
		last = (&wire.Disconnect{Code: code}).Append(nil, c.version)
	}
	c.out.finish(last)
}

// release parts the connection from its client.
func (c *conn) release(cl *client) {
	defer c.recovered()
	cl.detach(c)
}

// kill ends the connection without a word (EXP-1). It does not block.
func (c *conn) kill(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killLocked(cause)
}

func (c *conn) killLocked(cause error) {
	c.leave(cause)
	c.out.abort()
	c.cut()
}

// leave makes the connection count no longer. mu is held.
func (c *conn) leave(cause error) {
	if c.gone {
		return
	}
	c.gone, c.cause = true, cause
	if c.client != nil {
		c.client.attached.CompareAndSwap(c, nil)
	}
	if c.requested {
		c.server.store.disconnect(c)
	}
}

// stop ends the connection because its port closes.
func (c *conn) stop(code mqttauth.ReasonCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == nil {
		c.killLocked(errPortClosed)
		return
	}
	c.disconnectLocked(code, errPortClosed)
}

// cut closes the socket under the connection's feet.
func (c *conn) cut() { _ = c.raw.Close() }

// expire tells the authentication session what time it is.
func (c *conn) expire(now time.Time) {
	defer c.recovered()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gone && c.client != nil {
		c.act(c.auth.Wake(now))
	}
}

// rebind puts another policy in force (AUTHZ-13).
func (c *conn) rebind(p *mqttauthz.Policy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil && !c.gone {
		c.grants = p.Grants(c.principal)
	}
}

// drain lets the peer's unread bytes run out, so that closing does not destroy
// our last packet on its way.
func (c *conn) drain() {
	_, _ = io.Copy(io.Discard, io.LimitReader(c.nc, lingerBytes))
}

// end runs once, when the serve goroutine does.
func (c *conn) end() {
	c.timer.Stop()
	c.flush()
	c.mu.Lock()
	c.leave(errConnectionLost)
	client, cause := c.client, c.cause
	c.mu.Unlock()
	if client != nil {
		c.release(client)
	}
	if c.out.closing() {
		c.out.flush()
	} else {
		c.out.abort()
	}
	c.out.wait()
	_ = c.raw.Close()
	if client == nil {
		return
	}
	c.server.ended.take(c)
	c.logEnd(cause)
	if errors.Is(cause, errConnectionLost) {
		cause = nil
	}
	c.observe(Event{Action: ActionDisconnect, Err: cause})
}

// farewell returns what the client said in DISCONNECT: that its will is not due,
// and how long its session is to be kept.
func (c *conn) farewell() (graceful bool, expiry wire.Opt[uint32]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.graceful, c.newExpiry
}
