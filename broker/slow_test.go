package broker_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/broker/websocket"
)

// watched is a listener that hands out the server's ends of its connections, as
// they are: what embeds one is read and written another way.
type watched struct {
	net.Listener
	accepted chan *net.TCPConn
}

func (w *watched) Accept() (net.Conn, error) {
	nc, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := nc.(*net.TCPConn)
	_ = c.SetWriteBuffer(16 << 10)
	w.accepted <- c
	return c, nil
}

// soon is the time within which a client that must go is gone: the contract's
// two seconds, and one for a busy machine.
const soon = 3 * time.Second

// closedSoon fails when the server has not closed its end of a connection soon.
func closedSoon(t *testing.T, c *net.TCPConn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(soon)
	for raw.Control(func(uintptr) {}) == nil {
		select {
		case <-late:
			t.Fatalf("the connection is still there after %v", soon)
		case <-tick.C:
		}
	}
}

// blockedClients are connected clients that have stopped reading: one that only
// listens, and one that goes on asking.
func blockedClients(t *testing.T, b *port, w *watched) []*net.TCPConn {
	t.Helper()
	listening := b.connect(v5, "listening")
	listening.subscribe(0, "t")
	asking := b.connect(v311, "asking")
	go func() {
		pings := bytes.Repeat([]byte{0xC0, 0}, 32<<10)
		for {
			if _, err := asking.nc.Write(pings); err != nil {
				return
			}
		}
	}()
	p := b.connect(v5, "publisher")
	for range 200 {
		// Whoever does not read holds up nobody: this is answered every time.
		p.publishes(wire.Publish{Topic: "t", Payload: make([]byte, 64<<10)}, 0)
	}
	_ = p.nc.Close()
	return []*net.TCPConn{<-w.accepted, <-w.accepted}
}

// E13, AUTHZ-13: a client that stops reading delays nobody and is gone soon
// when it must go.
func TestE13BlockedClients(t *testing.T) {
	ways := map[string]func(*testing.T, *server, *port){
		"access changed": func(_ *testing.T, _ *server, b *port) { b.set(open()) },
		"port closed": func(t *testing.T, _ *server, b *port) {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		},
		"shutdown": func(t *testing.T, s *server, _ *port) {
			if err := s.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		},
	}
	pki := newPKI(t)
	for name, end := range ways {
		for _, over := range []string{"TCP", "TLS", "WebSocket"} {
			t.Run(name+" over "+over, func(t *testing.T) {
				t.Parallel()
				s := newServer(t, broker.Limits{QueueBytes: 1 << 20})
				w := &watched{listenTCP(t), make(chan *net.TCPConn, 3)}
				p := broker.Port{Name: "test", Access: open()}
				switch over {
				case "TLS":
					p.TLS = pki.serverConfig()
				case "WebSocket":
					p.Upgrade = new(websocket.Upgrader).Upgrade
				}
				b := s.open(p, w)
				switch over {
				case "TLS":
					b = b.with(pki.clientConfig(nil))
				case "WebSocket":
					b = b.overWebSocket(nil)
				}
				blocked := blockedClients(t, b, w)
				started := time.Now()
				end(t, s, b)
				if took := time.Since(started); took > soon {
					t.Errorf("took %v", took)
				}
				for _, c := range blocked {
					closedSoon(t, c)
				}
			})
		}
	}
}

// E13: a client that has stopped reading and then says that it sends nothing
// more does not keep its connection, though a write to it is under way.
func TestE13HalfClosedClient(t *testing.T) {
	w := &watched{listenTCP(t), make(chan *net.TCPConn, 2)}
	b := newServer(t, broker.Limits{QueueBytes: 1 << 20}).open(broker.Port{Name: "test", Access: open()}, w)
	slow := b.connect(v5, "slow")
	slow.subscribe(0, "t")
	p := b.connect(v5, "p")
	for range 200 { // far more than the sockets hold
		p.publishes(wire.Publish{Topic: "t", Payload: make([]byte, 64<<10)}, 0)
	}
	if err := slow.nc.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	closedSoon(t, <-w.accepted)
}

// E13: what a slow client's connection does not take at once comes later, whole
// and in order.
func TestE13SlowClient(t *testing.T) {
	s := newServer(t, broker.Limits{})
	w := &watched{listenTCP(t), make(chan *net.TCPConn, 2)}
	b := s.open(broker.Port{Name: "test", Access: open()}, w)
	slow := b.connect(v5, "slow")
	slow.subscribe(1, "t")
	p := b.connect(v5, "p")
	const messages = 400
	payload := func(i int) []byte { return bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 10_000) }
	for i := range messages { // far more than the sockets hold
		p.publishes(wire.Publish{QoS: 1, Topic: "t", Payload: payload(i)}, 0)
	}
	for i := range messages {
		m := receive[wire.Publish](slow)
		if !bytes.Equal(m.Payload, payload(i)) {
			t.Fatalf("message %d is not what was sent", i)
		}
		slow.acknowledge(m)
	}
	slow.quiet()
}

// E13: what waits for a client is bounded in number and in bytes; the newest is
// dropped, and what is there stays in order.
func TestE13QueueBounds(t *testing.T) {
	tests := []struct {
		name    string
		limits  broker.Limits
		payload int
		want    int
	}{
		{"messages", broker.Limits{QueueMessages: 7}, 1, 7},
		{"bytes", broker.Limits{QueueBytes: 100 << 10}, 30 << 10, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newServer(t, test.limits).listen(open())
			s := b.connect(v5, "s", durable)
			s.subscribe(1, "t")
			s.leave()
			p := b.connect(v5, "p")
			for i := range byte(20) {
				p.publishes(wire.Publish{QoS: 1, Topic: "t", Payload: append([]byte{i}, make([]byte, test.payload)...)}, 0)
			}
			s = b.connect(v5, "s", durable)
			for i := range byte(test.want) {
				m := receive[wire.Publish](s)
				if m.Payload[0] != i {
					t.Fatalf("message %d comes in place of %d", m.Payload[0], i)
				}
				s.acknowledge(m)
			}
			s.quiet()
		})
	}
}
