package broker_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/websocket"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// framed is the client's end of a WebSocket: a stream like any other.
type framed struct {
	net.Conn
	r    *bufio.Reader
	left int64 // of the frame that is being read
}

func (f *framed) Read(p []byte) (int, error) {
	for f.left == 0 {
		h, err := ws.ReadHeader(f.r)
		if err != nil {
			return 0, err
		}
		if h.OpCode == ws.OpClose {
			return 0, io.EOF
		}
		f.left = h.Length
	}
	n, err := f.r.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	return n, err
}

// Write spreads what it is given over two frames: packets and frames need not
// begin and end together [MQTT-6.0.0-2].
func (f *framed) Write(p []byte) (int, error) {
	for _, part := range [][]byte{p[:len(p)/2], p[len(p)/2:]} {
		if err := ws.WriteFrame(f.Conn, ws.MaskFrame(ws.NewBinaryFrame(part))); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// overWebSocket returns a port whose peers open a WebSocket first.
func (p *port) overWebSocket(header http.Header) *port {
	dial := p.dial
	framing := *p
	framing.dial = func() (net.Conn, error) {
		nc, err := dial()
		if err != nil {
			return nil, err
		}
		_ = nc.SetDeadline(time.Now().Add(patience))
		d := ws.Dialer{Protocols: []string{"mqtt"}, Header: ws.HandshakeHeaderHTTP(header)}
		br, _, err := d.Upgrade(nc, &url.URL{Scheme: "ws", Host: "127.0.0.1", Path: "/mqtt"})
		if err != nil {
			_ = nc.Close()
			return nil, err
		}
		_ = nc.SetDeadline(time.Time{})
		if br == nil {
			br = bufio.NewReader(nc)
		}
		return &framed{Conn: nc, r: br}, nil
	}
	return &framing
}

// overHeaders is a port whose peers send these headers.
func (p *port) overHeaders(h http.Header) *port {
	plain := *p
	plain.dial = func() (net.Conn, error) { return net.Dial("tcp", p.Addr().String()) }
	return plain.overWebSocket(h)
}

// webSocketPort is a port of a WebSocket, without TLS.
func (s *server) webSocketPort(a broker.Access) *port {
	s.t.Helper()
	p := broker.Port{Name: "ws", Upgrade: new(websocket.Upgrader).Upgrade, Access: a}
	return s.open(p, listenTCP(s.t)).overWebSocket(nil)
}

// LINK-13: MQTT over a WebSocket is MQTT.
func TestLINK13Delivery(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		s := newServer(t, broker.Limits{})
		tcp, web := s.listen(open()), s.webSocketPort(open())
		a, b := web.connect(v, "a"), tcp.connect(v, "b")
		a.subscribe(2, "to/a")
		b.subscribe(2, "to/b")
		large := strings.Repeat("x", 300_000)
		for qos := range byte(3) {
			for _, payload := range []string{"", "small", large} {
				a.publish(qos, "to/b", payload)
				b.message("to/b", payload)
				b.publish(qos, "to/a", payload)
				a.message("to/a", payload)
			}
		}
		a.leave()
	})
}

// LINK-13: a page of another host is refused before MQTT begins, and headers by
// which proxies speak for others count for nothing.
func TestLINK13Origin(t *testing.T) {
	s := newServer(t, broker.Limits{})
	web := s.webSocketPort(open())
	header := http.Header{"Origin": {"https://evil.example"}}
	if nc, err := web.overHeaders(header).dial(); err == nil {
		_ = nc.Close()
		t.Error("a foreign page is let in")
	}
	eventually(t, "a log line", func() bool { return containsAll(web.log(), "upgrade refused", "origin not allowed") })
}

// S-31: identity comes from MQTT and TLS alone. Who claims to be forwarded is
// who it is, and a PROXY header ends the connection.
func TestS31Forwarded(t *testing.T) {
	seen := make(chan mqttauth.Credentials, 1)
	look := func(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
		seen <- *c
		return mqttauth.Accept(mqttauth.Principal{ClientID: c.ClientID}, "x"), nil
	}
	s := newServer(t, broker.Limits{})
	a := broker.Access{Authentication: chain(t, look), Authorization: mqttauthz.AllowAll()}
	forged := http.Header{
		"X-Forwarded-For": {"192.0.2.1"}, "Forwarded": {"for=192.0.2.1"}, "X-Real-Ip": {"192.0.2.1"},
		"X-Client-Cert": {"CN=alice"}, "Ssl-Client-Subject-Dn": {"CN=alice"}, "Authorization": {"Basic YWxpY2U6cmlnaHQ="},
		"Cookie": {"user=alice"},
	}
	web := s.webSocketPort(a)
	web.overHeaders(forged).connect(v5, "a")
	c := <-seen
	if !c.RemoteAddr.Addr().IsLoopback() || c.HasUsername || c.PeerCertificates != nil || len(c.Password.Reveal()) != 0 {
		t.Errorf("the method was asked about %+v", c)
	}
	for _, preamble := range []string{
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x00\x01\x00\x02",
	} {
		p := s.listen(a).peer()
		p.raw(connectPacket(v5, "p").Append([]byte(preamble)))
		p.gone()
	}
	if len(seen) != 0 {
		t.Error("a method was asked about a connection with a PROXY header")
	}
}

// A client that does not shake hands is cut like one that sends no CONNECT
// (E14), and the bytes of its request are bounded.
func TestE14WebSocketHandshake(t *testing.T) {
	t.Parallel()
	s := newServer(t, broker.Limits{ConnectTimeout: 50 * time.Millisecond})
	web := s.open(broker.Port{Upgrade: new(websocket.Upgrader).Upgrade, Access: open()}, listenTCP(t))
	p := web.peer()
	p.raw([]byte("GET /mqtt HTTP/1.1\r\n"))
	p.gone()
	silent := web.overWebSocket(nil).peer()
	silent.gone()
}

// What is no MQTT over a WebSocket ends the connection with a reason in both
// protocols.
func TestLINK13Malformed(t *testing.T) {
	s := newServer(t, broker.Limits{})
	web := s.webSocketPort(open())
	p := web.connect(v5, "a")
	p.raw([]byte{0x32, 0x01, 0x00})
	p.dismissed(0x81)
	p = web.connect(v5, "b")
	if err := ws.WriteFrame(p.nc.(*framed).Conn, ws.MaskFrame(ws.NewTextFrame([]byte{0xC0, 0}))); err != nil {
		t.Fatal(err)
	}
	p.gone()
}

// S-13, E13: a WebSocket whose client stops reading delays nobody, is bounded
// and can be cut.
func TestE13WebSocket(t *testing.T) {
	s := newServer(t, broker.Limits{QueueBytes: 1 << 20})
	web := s.webSocketPort(open())
	stuck, other := web.connect(v5, "stuck"), web.connect(v5, "other")
	stuck.subscribe(1, "#")
	other.subscribe(1, "#")
	p := web.connect(v5, "p")
	payload := strings.Repeat("x", 1<<18)
	for range 40 {
		p.publish(1, "t", payload)
		other.message("t", payload)
		other.quiet() // its PUBACK was handled, and its queue is empty again
	}
	again := web.connect(v5, "stuck") // takes over at once
	again.quiet()
}
