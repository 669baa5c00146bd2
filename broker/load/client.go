package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// target is where a broker listens.
type target struct {
	address   string
	tls       *tls.Config // nil: none
	webSocket bool
	version   version
}

// patience bounds every single wait for a broker.
const patience = 20 * time.Second

// client is one connection. One goroutine at a time reads from it; writing is
// safe for several.
type client struct {
	net.Conn
	version    version
	buf        []byte
	start, end int
}

// sources counts the addresses that connections come from.
var sources atomic.Uint32

// source returns another loopback address each time: the ports of a single one
// would be used up by connections that have been closed.
func source() net.Addr {
	n := sources.Add(1)
	return &net.TCPAddr{IP: net.IPv4(127, 1, byte(n>>8%200), byte(1+n%200))}
}

// dial connects as far as CONNACK, with a read buffer of the given size.
func (t target) dial(ctx context.Context, id string, buffer int) (*client, error) {
	d := net.Dialer{LocalAddr: source(), Timeout: patience}
	nc, err := d.DialContext(ctx, "tcp", t.address)
	if err != nil {
		return nil, err
	}
	_ = nc.SetDeadline(time.Now().Add(patience))
	if t.tls != nil {
		nc = tls.Client(nc, t.tls)
	}
	if t.webSocket {
		framed, err := openWebSocket(nc, t.address)
		if err != nil {
			_ = nc.Close()
			return nil, fmt.Errorf("WebSocket: %w", err)
		}
		nc = framed
	}
	c := &client{Conn: nc, version: t.version, buf: make([]byte, buffer)}
	if err := c.ask(appendConnect(nil, t.version, id), typeConnack); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("CONNECT: %w", err)
	}
	_ = nc.SetDeadline(time.Time{})
	return c, nil
}

func (c *client) subscribe(filter string, qos byte) error {
	if err := c.ask(appendSubscribe(nil, c.version, 1, filter, qos), typeSuback); err != nil {
		return fmt.Errorf("SUBSCRIBE: %w", err)
	}
	return nil
}

func (c *client) ping() error { return c.ask([]byte{typePingreq << 4, 0}, typePingresp) }

// ask sends a packet and expects an answer of one type that does not refuse.
func (c *client) ask(request []byte, want byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	p, err := c.next()
	if err != nil {
		return err
	}
	if p.kind != want {
		return fmt.Errorf("answer of type %d instead of %d", p.kind, want)
	}
	if p.kind == typePingresp {
		return nil
	}
	code, err := p.code()
	if err != nil {
		return err
	}
	if code >= 0x80 || want == typeConnack && code != 0 {
		return fmt.Errorf("refused with code %#x", code)
	}
	return nil
}

// leave says goodbye and closes.
func (c *client) leave() error {
	if _, err := c.Write([]byte{typeDisconnect << 4, 0}); err != nil {
		return err
	}
	return c.Close()
}

// next waits for a packet. Its body is valid until the next call.
func (c *client) next() (packet, error) {
	for {
		p, ok, err := c.take()
		if ok || err != nil {
			return p, err
		}
		c.end = copy(c.buf, c.buf[c.start:c.end])
		c.start = 0
		n, err := c.Read(c.buf[c.end:])
		c.end += n
		if n == 0 && err != nil {
			return packet{}, err
		}
	}
}

// take returns the next packet if it has been read already.
func (c *client) take() (packet, bool, error) {
	p, n, err := parse(c.buf[c.start:c.end])
	if err != nil {
		return p, false, err
	}
	if n == 0 && c.end-c.start == len(c.buf) {
		return p, false, fmt.Errorf("%w: larger than %d bytes", errMalformed, len(c.buf))
	}
	c.start += n
	return p, n > 0, nil
}
