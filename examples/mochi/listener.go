package mochi

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// Listener opens a port for the server, which by itself waits for a CONNECT for
// ever, and ends with the process when a packet makes it panic.
type Listener struct {
	id  string
	net net.Listener
	log *slog.Logger

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
	served sync.WaitGroup
}

var _ listeners.Listener = (*Listener)(nil)

// NewListener returns a listener of an ID. What l accepts is spoken to as it is,
// so for TLS it is one of tls.NewListener.
func NewListener(id string, l net.Listener) *Listener {
	return &Listener{id: id, net: l, conns: make(map[net.Conn]struct{})}
}

// ID returns the ID of the listener.
func (l *Listener) ID() string { return l.id }

// Address returns the address that it listens on.
func (l *Listener) Address() string { return l.net.Addr().String() }

// Protocol returns the network of the address.
func (l *Listener) Protocol() string { return l.net.Addr().Network() }

// Init takes the logger of the server.
func (l *Listener) Init(log *slog.Logger) error {
	l.log = log
	return nil
}

// connectTime is how long TLS handshake and CONNECT may take together. The
// server sets other deadlines afterwards.
const connectTime = 10 * time.Second

// Serve accepts connections until the listener is closed.
func (l *Listener) Serve(establish listeners.EstablishFn) {
	for {
		c, err := l.net.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors, most likely
			l.log.Error("accept failed", "listener", l.id, "error", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if !l.begin(c) {
			_ = c.Close()
			return
		}
		go l.serve(c, establish)
	}
}

func (l *Listener) begin(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.conns[c] = struct{}{}
	l.served.Add(1)
	return true
}

func (l *Listener) end(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	l.served.Done()
}

// serve serves one connection. A fault ends it, and no other.
func (l *Listener) serve(c net.Conn, establish listeners.EstablishFn) {
	defer l.end(c)
	defer func() { _ = c.Close() }()
	defer func() {
		if p := recover(); p != nil {
			l.log.Error("connection handler panicked", "listener", l.id, "error", p)
		}
	}()
	_ = c.SetDeadline(time.Now().Add(connectTime))
	if err := establish(l.id, c); err != nil {
		l.log.Debug("connection ended", "listener", l.id, "error", err)
	}
}

// Close closes the port and its connections, and waits for them.
func (l *Listener) Close(closeClients listeners.CloseFn) {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	_ = l.net.Close()
	closeClients(l.id)
	l.mu.Lock()
	for c := range l.conns { // also those that are no clients yet
		_ = c.Close()
	}
	l.mu.Unlock()
	l.served.Wait()
}
