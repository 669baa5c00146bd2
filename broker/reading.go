package broker

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
)

// newReader returns what takes packets from the network.
func (c *conn) newReader() *wire.Reader {
	var from io.Reader = c
	if raw := directOf(c.nc); raw != nil {
		from = newInput(c, raw)
	}
	r := wire.NewReader(from)
	r.Share(&c.server.inputs)
	return r
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

// queue queues a packet that flush is to write.
func (c *conn) queue(packet []byte) {
	c.out.queue(packet)
	c.answered = true
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

// Read reads from the network for the reader, if that is not through an input.
func (c *conn) Read(p []byte) (int, error) {
	c.beforeRead()
	n, err := c.nc.Read(p)
	for c.again(err) {
		n, err = c.nc.Read(p)
	}
	return n, c.afterRead(n, err)
}

// beforeRead does what comes before waiting. The keep alive runs from the first
// time that the server has to wait for bytes of a packet: a packet that comes
// byte by byte does not extend it, one that is complete does not pay for it.
func (c *conn) beforeRead() {
	c.flush()
	if !c.waited {
		c.waited, c.since = true, c.now
	}
}

// again takes the time of a read, and reports whether it ended too early.
func (c *conn) again(err error) bool {
	c.now = time.Now()
	return errors.Is(err, os.ErrDeadlineExceeded) && c.notYet()
}

// afterRead accounts for what came before the client is accepted.
func (c *conn) afterRead(n int, err error) error {
	if c.settled {
		return err
	}
	c.held += n
	if !c.server.pending.hold(n) {
		return errPendingBytes
	}
	return err
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
