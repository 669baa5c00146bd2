package websocket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

// conn is the stream of bytes in the binary frames of a WebSocket. One goroutine
// reads, any number may write.
type conn struct {
	net.Conn
	in  deframer
	out sync.Mutex // held while a frame is written

	scratch []byte     // a small frame with its header
	batches *sync.Pool // of *[]byte, for several frames
	failed  error      // nothing can be written any more

	pings pings
}

// pings are the Ping frames that are to be answered.
type pings struct {
	mu        sync.Mutex
	newest    []byte
	answering bool
}

const (
	// joinBytes is the size up to which payload is copied behind its header, to
	// go out in one piece. What a connection keeps for it is no more.
	joinBytes = 512

	// batchBytes is the size of the buffer in which several frames go out in
	// one piece.
	batchBytes = 16 << 10

	// farewellTime bounds how long the reader may spend on a Close frame.
	farewellTime = time.Second
)

// Read returns payload of binary frames. It needs no memory of its own: frames
// are taken apart where they arrive, in p. After a Close frame it returns io.EOF.
func (c *conn) Read(p []byte) (int, error) {
	for len(p) > 0 {
		if err := c.in.end; err != nil {
			c.farewell(c.in.status)
			return 0, err
		}
		n, err := c.Conn.Read(p)
		m := c.in.take(p[:n], c.pong)
		if m > 0 {
			return m, err
		}
		if err != nil && c.in.end == nil {
			return 0, err
		}
	}
	return 0, nil
}

// Write sends the MQTT packets that p holds, each in a frame of its own: clients
// may take packets out of frames in any way, but Paho C leaves the second of a
// frame lying until something else arrives. What is no whole packet goes as it
// is.
func (c *conn) Write(p []byte) (int, error) {
	c.out.Lock()
	defer c.out.Unlock()
	var err error
	if packetSize(p) == len(p) {
		err = c.send(ws.OpBinary, p)
	} else {
		err = c.sendAll(p)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// packetSize returns the size of the MQTT packet that p begins with, or of p
// when that is less (MQTT 5.0 section 2.1.4).
func packetSize(p []byte) int {
	n := 0
	for i := 1; i < min(len(p), 5); i++ {
		n |= int(p[i]&0x7F) << (7 * (i - 1))
		if p[i] < 0x80 {
			return min(n+i+1, len(p))
		}
	}
	return len(p)
}

// sendAll sends several packets, as many as there is room for in one piece. The
// lock out is held.
func (c *conn) sendAll(p []byte) error {
	buf, ok := c.batches.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
		*buf = make([]byte, 0, batchBytes)
	}
	defer c.batches.Put(buf)
	batch := (*buf)[:0]
	for len(p) > 0 && c.failed == nil {
		n := packetSize(p)
		if len(batch)+maxHeader+n > batchBytes {
			c.flush(batch, nil)
			batch = batch[:0]
		}
		batch = appendHeader(batch, ws.OpBinary, n)
		if maxHeader+n > batchBytes {
			c.flush(batch, p[:n])
			batch = batch[:0]
		} else {
			batch = append(batch, p[:n]...)
		}
		p = p[n:]
	}
	c.flush(batch, nil)
	return c.failed
}

// flush writes what is ready, and more behind it. The lock out is held.
func (c *conn) flush(ready, more []byte) {
	if c.failed != nil || len(ready) == 0 {
		return
	}
	var err error
	if len(more) == 0 {
		_, err = c.Conn.Write(ready)
	} else {
		_, err = (&net.Buffers{ready, more}).WriteTo(c.Conn)
	}
	if err != nil { // nobody knows how much the client has: nothing can follow
		c.failed = fmt.Errorf("websocket: %w", err)
	}
}

// CloseWrite sends a Close frame. It is the last frame; the client answers with
// one of its own.
func (c *conn) CloseWrite() error {
	c.out.Lock()
	defer c.out.Unlock()
	return c.sendClose(ws.StatusNormalClosure)
}

// farewell sends a Close frame from the reader, unless a writer is at work, that
// may be stuck.
func (c *conn) farewell(status ws.StatusCode) {
	if !c.out.TryLock() {
		return
	}
	defer c.out.Unlock()
	if c.failed != nil {
		return
	}
	_ = c.SetWriteDeadline(time.Now().Add(farewellTime))
	_ = c.sendClose(status)
}

func (c *conn) sendClose(status ws.StatusCode) error {
	err := c.send(ws.OpClose, ws.NewCloseFrameBody(status, ""))
	if err == nil {
		c.failed = net.ErrClosed
	}
	return err
}

// send writes one frame. The lock out is held.
func (c *conn) send(op ws.OpCode, p []byte) error {
	c.scratch = appendHeader(c.scratch[:0], op, len(p))
	if len(p) <= joinBytes {
		c.scratch = append(c.scratch, p...)
		c.flush(c.scratch, nil)
	} else {
		c.flush(c.scratch, p)
	}
	return c.failed
}

// pong answers a Ping frame, from a goroutine of its own: the client may not be
// reading. Of several that wait, the newest is answered (RFC 6455 section
// 5.5.3).
func (c *conn) pong(payload []byte) {
	c.pings.mu.Lock()
	defer c.pings.mu.Unlock()
	c.pings.newest = append(make([]byte, 0, len(payload)), payload...)
	if !c.pings.answering {
		c.pings.answering = true
		go c.answer()
	}
}

// answer answers pings until none waits. It ends with the connection at the
// latest.
func (c *conn) answer() {
	for payload := c.ping(); payload != nil; payload = c.ping() {
		c.out.Lock()
		_ = c.send(ws.OpPong, payload)
		c.out.Unlock()
	}
}

// ping takes out the ping to be answered, or returns nil.
func (c *conn) ping() []byte {
	c.pings.mu.Lock()
	defer c.pings.mu.Unlock()
	payload := c.pings.newest
	c.pings.newest = nil
	c.pings.answering = payload != nil
	return payload
}

var errText = errors.New("websocket: text frame; MQTT is binary [MQTT-6.0.0-1]")

// over says how a connection ends for a Close frame with this payload.
func over(payload []byte) (ws.StatusCode, error) {
	if len(payload) == 0 {
		return ws.StatusNormalClosure, io.EOF
	}
	if len(payload) == 1 {
		return ws.StatusProtocolError, errors.New("websocket: Close frame with one byte")
	}
	status, reason := ws.ParseCloseFrameData(payload)
	if err := ws.CheckCloseFrameData(status, reason); err != nil {
		return ws.StatusProtocolError, fmt.Errorf("websocket: Close frame: %w", err)
	}
	return status, io.EOF
}
