package websocket_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/websocket"
)

// patience is how long a test waits for what must come before it fails.
const patience = 20 * time.Second

// request returns a handshake with further header lines.
func request(lines ...string) string {
	return "GET /mqtt HTTP/1.1\r\nHost: broker.example:8080\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
		strings.Join(lines, "\r\n") + "\r\n\r\n"
}

const mqtt = "Sec-WebSocket-Protocol: mqtt"

// upgrading starts a handshake on a loopback connection. The server's end comes
// through the channel, nil if it was refused.
func upgrading(t testing.TB, u *websocket.Upgrader) (client net.Conn, server <-chan net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = client.Close(), nc.Close() })
	_ = client.SetDeadline(time.Now().Add(patience))
	_ = nc.SetDeadline(time.Now().Add(patience))
	done := make(chan net.Conn, 1)
	go func() {
		ws, err := u.Upgrade(nc)
		if err != nil {
			_ = nc.(*net.TCPConn).CloseWrite()
		}
		done <- ws
	}()
	return client, done
}

func TestLINK13Handshake(t *testing.T) {
	u, err := websocket.New("https://app.example", "http://[::1]:3000", "https://other.example:443")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		request string
		status  int
	}{
		{"plain", request(mqtt), 101},
		{"one of several subprotocols", request("Sec-WebSocket-Protocol: chat, mqtt , mqttv3.1"), 101},
		{"subprotocols in two lines", request("Sec-WebSocket-Protocol: chat", mqtt), 101},
		{"no subprotocol", request(), 400},
		{"the subprotocol of MQTT 3.1", request("Sec-WebSocket-Protocol: mqttv3.1"), 400},
		{"subprotocol in capitals", request("Sec-WebSocket-Protocol: MQTT"), 400},
		{"same host", request(mqtt, "Origin: https://broker.example"), 101},
		{"same host in capitals and another port", request(mqtt, "origin: https://BROKER.example:9000"), 101},
		{"allowed", request(mqtt, "Origin: https://app.example"), 101},
		{"allowed with the scheme's own port", request(mqtt, "Origin: https://app.example:443"), 101},
		{"allowed with the scheme's own port written in the list", request(mqtt, "Origin: https://other.example"), 101},
		{"allowed address", request(mqtt, "Origin: http://[::1]:3000"), 101},
		{"allowed host on another port", request(mqtt, "Origin: https://app.example:444"), 403},
		{"allowed host with another scheme", request(mqtt, "Origin: http://app.example"), 403},
		{"foreign", request(mqtt, "Origin: https://evil.example"), 403},
		{"suffix", request(mqtt, "Origin: https://evilbroker.example"), 403},
		{"prefix", request(mqtt, "Origin: https://broker.example.evil.example"), 403},
		{"user part", request(mqtt, "Origin: https://broker.example@evil.example"), 403},
		{"path", request(mqtt, "Origin: https://broker.example/x"), 403},
		{"null", request(mqtt, "Origin: null"), 403},
		{"empty", request(mqtt, "Origin: "), 403},
		{"no scheme", request(mqtt, "Origin: //broker.example"), 403},
		{"two origins", request(mqtt, "Origin: https://broker.example", "Origin: https://evil.example"), 400},
		{"two hosts", request(mqtt, "Host: evil.example", "Origin: https://evil.example"), 400},
		{"forwarded host", request(mqtt, "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example", "Origin: https://evil.example"), 403},
		{"cookies", request(mqtt, "Cookie: session=1"), 101},
		{"compression offered", request(mqtt, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"), 101},
		{"POST", strings.Replace(request(mqtt), "GET", "POST", 1), 400},
		{"HTTP/1.0", strings.Replace(request(mqtt), "HTTP/1.1", "HTTP/1.0", 1), 505},
		{"old version", strings.Replace(request(mqtt), "Version: 13", "Version: 8", 1), 426},
		{"no upgrade", strings.Replace(request(mqtt), "Upgrade: websocket\r\n", "", 1), 400},
		{"bad key", strings.Replace(request(mqtt), "dGhlIHNhbXBsZSBub25jZQ==", "short", 1), 400},
		{"no host", strings.Replace(request(mqtt), "Host: broker.example:8080\r\n", "", 1), 400},
		{"data behind it", request(mqtt) + "\x82\x80mask", 400},
		{"too large", request(mqtt, "Cookie: "+strings.Repeat("x", 8<<10)), 431},
		{"endless", "GET /" + strings.Repeat("x", 8<<10), 431},
		{"an MQTT packet", "\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03abc", 400},
		{"a PROXY header (S-31)", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + request(mqtt), 400},
		{"a PROXY header, version 2 (S-31)", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + request(mqtt), 400},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00", 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client, server := upgrading(t, u)
			if _, err := io.WriteString(client, test.request); err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(bufio.NewReader(client), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != test.status {
				t.Errorf("status %d, want %d", answer.StatusCode, test.status)
			}
			ws := <-server
			if accepted := ws != nil; accepted != (test.status == 101) {
				t.Errorf("accepted %v", accepted)
			}
			if ws == nil {
				return
			}
			// RFC 6455 section 1.3 has this key and its answer.
			if got := answer.Header.Get("Sec-WebSocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
				t.Errorf("Sec-WebSocket-Accept %q", got)
			}
			if got := answer.Header.Values("Sec-WebSocket-Protocol"); len(got) != 1 || got[0] != "mqtt" {
				t.Errorf("Sec-WebSocket-Protocol %q", got)
			}
			if got := answer.Header.Get("Sec-WebSocket-Extensions"); got != "" {
				t.Errorf("agreed on %q", got)
			}
		})
	}
}

// A handshake may come byte by byte.
func TestHandshakeInPieces(t *testing.T) {
	client, server := upgrading(t, new(websocket.Upgrader))
	go func() {
		for _, b := range []byte(request(mqtt)) {
			if _, err := client.Write([]byte{b}); err != nil {
				return
			}
		}
	}()
	if <-server == nil {
		t.Fatal("refused")
	}
}

func TestNewRefusesOrigins(t *testing.T) {
	for _, s := range []string{"", "*", "app.example", "https://", "https://app.example/", "https://a@app.example", "null", "https://app.example?x"} {
		if _, err := websocket.New(s); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

// FuzzHandshake: whatever a client sends, it is accepted only when the standard
// library reads the same request as a WebSocket handshake for MQTT whose origin
// is its host.
func FuzzHandshake(f *testing.F) {
	for _, s := range []string{
		request(mqtt), request(), request(mqtt, "Origin: http://broker.example"), request(mqtt, "Origin: http://x.example"),
		request(mqtt, "Host: x"), request("Sec-WebSocket-Protocol: a,\"b\",mqtt"), "GET / HTTP/1.1\r\n\r\n", "\r\n\r\n",
		request(mqtt, " folded: line"), request(mqtt, "Origin: http://[::1"), request(mqtt, ": empty"), request(mqtt, "no colon"),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p := &pipe{Reader: bytes.NewReader(b)}
		if _, err := new(websocket.Upgrader).Upgrade(p); err != nil {
			if bytes.HasPrefix(p.written.Bytes(), []byte("HTTP/1.1 101")) {
				t.Fatalf("refused with 101: %v", err)
			}
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			return // the library is more lenient about bytes that do not matter
		}
		if len(b) > 8<<10 || r.Method != http.MethodGet || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			t.Errorf("accepted %q", b)
		}
		if !strings.Contains(fmt.Sprint(r.Header["Sec-Websocket-Protocol"]), "mqtt") {
			t.Errorf("accepted without the subprotocol: %q", b)
		}
		origin := strings.ToLower(r.Header.Get("Origin"))
		host, _, _ := strings.Cut(strings.ToLower(r.Host), ":")
		if origin != "" && !strings.Contains(origin, strings.Trim(host, "[]")) {
			t.Errorf("accepted origin %q on host %q", origin, r.Host)
		}
	})
}

// pipe is a connection that has received all it ever will.
type pipe struct {
	net.Conn
	io.Reader
	written bytes.Buffer
}

func (p *pipe) Read(b []byte) (int, error)       { return p.Reader.Read(b) }
func (p *pipe) Write(b []byte) (int, error)      { return p.written.Write(b) }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }
