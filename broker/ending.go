package broker

import (
	"errors"
	"io"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// dismiss ends the account of a client, whose connection is gone.
func (c *conn) dismiss() {
	if c.admitted {
		c.server.admitted.leave(c.remote.Addr())
	}
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

// refuse ends the connection because its port closes, unless it is accepted.
func (c *conn) refuse() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		return false
	}
	c.killLocked(errPortClosed)
	return true
}

// cut closes the socket under the connection's feet.
func (c *conn) cut() { _ = c.raw.Close() }

// drain lets the peer's unread bytes run out, so that closing does not destroy
// our last packet on its way.
func (c *conn) drain() {
	_, _ = io.Copy(io.Discard, io.LimitReader(c.nc, lingerBytes))
}

// end runs once, when the serve goroutine does.
func (c *conn) end() {
	c.timer.Stop()
	c.flush()
	if c.reader != nil { // the handshake came that far
		c.reader.Close()
	}
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
