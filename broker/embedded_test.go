package broker_test

import (
	"net"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker"
)

// scrambledConn embeds a TCP connection, and has a Read and a Write of its own.
type scrambledConn struct{ *net.TCPConn }

func scramble(b []byte) {
	for i := range b {
		b[i] ^= 0x5A
	}
}

func (c scrambledConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	scramble(b[:n])
	return n, err
}

func (c scrambledConn) Write(b []byte) (int, error) {
	b = append([]byte(nil), b...)
	scramble(b)
	return c.TCPConn.Write(b)
}

type scrambledListener struct{ net.Listener }

func (l scrambledListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return scrambledConn{nc.(*net.TCPConn)}, nil
}

// A listener of the caller's may return connections that do something to the
// bytes: the server does not go past them to the socket.
func TestListenerOfItsOwn(t *testing.T) {
	l := scrambledListener{listenTCP(t)}
	b := newServer(t, broker.Limits{}).open(broker.Port{Name: "test", Access: open()}, l)
	b.dial = func() (net.Conn, error) {
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return nil, err
		}
		return scrambledConn{nc.(*net.TCPConn)}, nil
	}
	a := b.connect(v5, "a")
	a.subscribe(1, "t")
	a.publish(1, "t", "x")
	a.message("t", "x")
}
