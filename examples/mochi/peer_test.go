package mochi_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// peer is a client that says exactly what it is told to.
type peer struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
}

func dial(t *testing.T, address string) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	return &peer{t, nc, bufio.NewReader(nc)}
}

// packet makes a packet of strings, which get their length before them, and
// bytes.
func packet(first byte, fields ...any) []byte {
	var body []byte
	for _, f := range fields {
		switch f := f.(type) {
		case []byte:
			body = append(body, f...)
		case string:
			body = binary.BigEndian.AppendUint16(body, uint16(len(f)))
			body = append(body, f...)
		}
	}
	return append([]byte{first, byte(len(body))}, body...)
}

func (p *peer) send(first byte, fields ...any) {
	p.t.Helper()
	if _, err := p.nc.Write(packet(first, fields...)); err != nil {
		p.t.Fatal(err)
	}
}

// next reads one packet: its first byte and its body.
func (p *peer) next() (first byte, body []byte) {
	p.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		p.t.Fatalf("reading: %v", err)
	}
	if head[1] > 127 {
		p.t.Fatal("the test cannot read long packets")
	}
	body = make([]byte, head[1])
	if _, err := io.ReadFull(p.r, body); err != nil {
		p.t.Fatalf("reading: %v", err)
	}
	return head[0], body
}

// expect reads one packet that has this first byte and begins with these bytes.
func (p *peer) expect(first byte, begins ...byte) []byte {
	p.t.Helper()
	f, body := p.next()
	if f != first || len(body) < len(begins) || !cmp.Equal(body[:len(begins)], begins) && len(begins) > 0 {
		p.t.Fatalf("received %#x % x, want %#x % x", f, body, first, begins)
	}
	return body
}

// gone expects the end of the connection, and nothing before it.
func (p *peer) gone() {
	p.t.Helper()
	if b, err := p.r.ReadByte(); err == nil {
		p.t.Fatalf("received %#x, want the end of the connection", b)
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		p.t.Fatal("the connection did not end")
	}
}

// quiet sends a ping; nothing but its answer may come.
func (p *peer) quiet() {
	p.t.Helper()
	p.send(0xc0)
	p.expect(0xd0)
}

const (
	v311 = 4
	v5   = 5
)

// login is a CONNECT.
type login struct {
	version      byte
	id, user     string
	will         string // topic; "": none
	method, data string // enhanced authentication
	keep         bool   // do not clean the session, and keep it
}

func (l login) fields() []any {
	flags := byte(0)
	if !l.keep {
		flags |= 2
	}
	if l.will != "" {
		flags |= 4
	}
	if l.user != "" {
		flags |= 0x80 | 0x40
	}
	fields := []any{"MQTT", []byte{l.version, flags, 0, 60}}
	if l.version == v5 {
		var props []byte
		if l.keep {
			props = append(props, 0x11, 0, 0, 0, 100)
		}
		if l.method != "" {
			props = append(props, authProps(l.method, l.data)...)
		}
		fields = append(fields, []byte{byte(len(props))}, props)
	}
	fields = append(fields, l.id)
	if l.will != "" {
		if l.version == v5 {
			fields = append(fields, []byte{0})
		}
		fields = append(fields, l.will, "last words")
	}
	if l.user != "" {
		fields = append(fields, l.user, "secret")
	}
	return fields
}

func authProps(method, data string) []byte {
	return append(packet(0x15, method)[:1], append(packet(0, method)[2:], append([]byte{0x16}, packet(0, data)[2:]...)...)...)
}

// connect expects to be let in.
func connect(t *testing.T, address string, l login) *peer {
	t.Helper()
	p := dial(t, address)
	p.send(0x10, l.fields()...)
	if body := p.expect(0x20); body[1] != 0 {
		t.Fatalf("CONNACK % x", body)
	}
	return p
}

// refused expects a CONNACK with this code.
func refused(t *testing.T, address string, l login, code byte) {
	t.Helper()
	p := dial(t, address)
	p.send(0x10, l.fields()...)
	p.expect(0x20, 0, code)
	p.gone()
}

// subscribe sends SUBSCRIBE with QoS 0 and expects this code.
func (p *peer) subscribe(version byte, filter string, code byte) {
	p.t.Helper()
	fields := []any{[]byte{0, 9}, filter, []byte{0}}
	if version == v5 {
		fields = []any{[]byte{0, 9, 0}, filter, []byte{0}}
	}
	p.send(0x82, fields...)
	if body := p.expect(0x90, 0, 9); body[len(body)-1] != code {
		p.t.Fatalf("SUBACK % x for %q, want code %#x", body, filter, code)
	}
}

// publish sends PUBLISH with a packet ID if the QoS needs one.
func (p *peer) publish(version byte, qos byte, topic string, props ...byte) {
	p.t.Helper()
	fields := []any{topic}
	if qos > 0 {
		fields = append(fields, []byte{0, 7})
	}
	if version == v5 {
		fields = append(fields, []byte{byte(len(props))}, props)
	}
	p.send(0x30|qos<<1, append(fields, []byte("x"))...)
}
