package customauth_test

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// cutConn is a connection whose other side is gone after so many more writes.
// Below zero, it never is.
type cutConn struct {
	net.Conn
	left atomic.Int64
}

func (c *cutConn) Write(p []byte) (int, error) {
	if c.left.Load() >= 0 && c.left.Add(-1) < 0 {
		c.left.Store(0)
		return 0, &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}
	}
	return c.Conn.Write(p)
}

// never is the number of writes after which a connection is cut that is not.
const never = -1

// cutting returns a method whose connections, from the first on, take so many
// writes, the last number standing for all further ones. It tells which there
// were.
func cutting(t *testing.T, server *faulty, writes ...int64) (m *customauth.Method, dialed func() []*cutConn) {
	t.Helper()
	var all []*cutConn
	m, err := customauth.NewWithDial(customauth.Config{Endpoint: server.url(), TLS: customauth.TLS{RootCAs: thePKI(t).root.PEM()}},
		func(ctx context.Context, network, address string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, address)
			c := &cutConn{Conn: nc}
			c.left.Store(writes[min(len(all), len(writes)-1)])
			all = append(all, c)
			return c, err
		})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m, func() []*cutConn { return all }
}

// CUST-3, CUST-6: a server that closes a kept connection while the next request
// is being written is asked again, over another connection, and once.
func TestCutWhileWriting(t *testing.T) {
	const handshake = 2 // writes of TLS 1.3, before those of the request's head and body
	for _, test := range []struct {
		name        string
		kept, other int64 // writes that the kept connection, and any later one, takes
		want        mqttauth.Outcome
	}{
		{"before the head", 0, never, mqttauth.Accepted},
		{"between head and body", 1, never, mqttauth.Accepted},
		{"and the next in the handshake", 1, 0, mqttauth.Unavailable},
		{"and the next before the head", 1, handshake, mqttauth.Unavailable},
		{"and the next between head and body", 1, handshake + 1, mqttauth.Unavailable},
		{"and the next not", 1, handshake + 2, mqttauth.Accepted},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := script{answer: says(ok("{}"))}.start(t)
			m, dialed := cutting(t, server, never, test.other)
			c := login()
			if got := mqttauth.OutcomeOf(m.Authenticate(t.Context(), &c)); got != mqttauth.Accepted {
				t.Fatalf("the first request: %v", got)
			}
			dialed()[0].left.Store(test.kept)
			r, err := m.Authenticate(t.Context(), &c)
			if got := mqttauth.OutcomeOf(r, err); got != test.want {
				t.Errorf("%v, want %v (%v)", got, test.want, err)
			}
			if n := len(dialed()); n != 2 {
				t.Errorf("%d connections, want the kept one and another", n)
			}
		})
	}
}

// A connection that never comes about is not tried twice: no request was cut.
func TestCutInHandshake(t *testing.T) {
	m, dialed := cutting(t, script{answer: says(ok("{}"))}.start(t), 0)
	c := login()
	if got := mqttauth.OutcomeOf(m.Authenticate(t.Context(), &c)); got != mqttauth.Unavailable || len(dialed()) != 1 {
		t.Errorf("%v over %d connections, want %v over one", got, len(dialed()), mqttauth.Unavailable)
	}
}
