package broker_test

import (
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// pipeListener is a listener without a network: for time that does not pass, and
// for more connections than a process may have sockets.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (p *pipeListener) Accept() (net.Conn, error) {
	select {
	case nc := <-p.conns:
		return nc, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipeListener) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *pipeListener) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
		return nil, errors.New("closed")
	}
}

// bubble runs a test with a server whose clock stands still while anybody has
// something to do.
func bubble(t *testing.T, test func(t *testing.T, b *port)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		b := newServer(t, broker.Limits{}).open(broker.Port{Access: open()}, l)
		b.dial = l.dial
		test(t, b)
	})
}

// A client that does not close after the server's DISCONNECT keeps its socket
// for a moment, and nothing else: its will is published and its session free at
// once.
func TestLingeringClient(t *testing.T) {
	ends := map[string]func(p *peer){
		"malformed packet": func(p *peer) {
			p.raw([]byte{0x32, 0x01, 0x00})
			p.expect(&wire.Disconnect{Code: wire.MalformedPacket})
		},
		"denied": func(p *peer) {
			p.send(&wire.Auth{Code: mqttauth.Reauthenticate, AuthMethod: "x"})
			p.expect(&wire.Disconnect{Code: mqttauth.ProtocolError})
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *port) {
				s := b.connect(v5, "s")
				s.subscribe(0, "will/#")
				began := time.Now()
				p := b.connect(v5, "p", durable, will(wire.Will{Topic: "will/now", Payload: []byte("x")}))
				end(p)
				s.message("will/now", "x")
				again := b.connect(v5, "p", durable)
				if !again.ok.SessionPresent {
					t.Error("the session is gone")
				}
				if took := time.Since(began); took != 0 {
					t.Errorf("that took %v", took)
				}
				p.gone()
				if took := time.Since(began); took == 0 || took > 3*time.Second {
					t.Errorf("the socket is closed after %v", took)
				}
			})
		})
	}
}
