package broker_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

const (
	v311 = mqttauth.MQTT311
	v5   = mqttauth.MQTT5
)

// patience is how long a test waits for what must come before it fails.
const patience = 20 * time.Second

// packet is any packet but CONNECT.
type packet interface {
	Append(dst []byte, v mqttauth.Version) []byte
}

// closed is what a peer receives when the server has closed.
type closed struct{}

// peer is a client that does nothing by itself.
type peer struct {
	t  testing.TB
	nc net.Conn
	r  *wire.Reader
	v  mqttauth.Version
	id uint16       // packet id used last
	ok wire.Connack // that accepted it
}

func newPeer(t testing.TB, nc net.Conn) *peer {
	t.Helper()
	t.Cleanup(func() { _ = nc.Close() })
	return &peer{t: t, nc: nc, r: wire.NewReader(nc), v: v5}
}

func (p *peer) raw(b []byte) {
	p.t.Helper()
	_ = p.nc.SetWriteDeadline(time.Now().Add(patience))
	if _, err := p.nc.Write(b); err != nil {
		p.t.Fatalf("write: %v", err)
	}
}

// send writes packets, all at once.
func (p *peer) send(packets ...packet) {
	p.t.Helper()
	var b []byte
	for _, k := range packets {
		before := len(b)
		if b = k.Append(b, p.v); len(b) == before {
			p.t.Fatalf("cannot be written: %T %+v", k, k)
		}
	}
	p.raw(b)
}

func (p *peer) sendConnect(c *wire.Connect) {
	p.t.Helper()
	p.v = c.Version
	b := c.Append(nil)
	if len(b) == 0 {
		p.t.Fatalf("cannot be written: %+v", c)
	}
	p.raw(b)
}

// next returns the next packet, or closed.
func (p *peer) next() any {
	p.t.Helper()
	k, err := p.read()
	if err != nil {
		p.t.Fatal(err)
	}
	return k
}

// read is next for any goroutine.
func (p *peer) read() (any, error) {
	_ = p.nc.SetReadDeadline(time.Now().Add(patience))
	f, err := p.r.Next(64 << 20)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed) {
		return closed{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	k, err := decode(f.Clone(), p.v)
	if err != nil {
		return nil, fmt.Errorf("the server sent a bad packet: %w", err)
	}
	return k, nil
}

func decode(f wire.Frame, v mqttauth.Version) (any, error) {
	var p interface {
		Decode(f wire.Frame, v mqttauth.Version) error
	}
	switch f.Type {
	case wire.CONNACK:
		p = new(wire.Connack)
	case wire.PUBLISH:
		p = new(wire.Publish)
	case wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBCOMP:
		p = new(wire.Ack)
	case wire.SUBACK:
		p = new(wire.Suback)
	case wire.UNSUBACK:
		p = new(wire.Unsuback)
	case wire.PINGRESP:
		p = new(wire.Pingresp)
	case wire.DISCONNECT:
		p = new(wire.Disconnect)
	case wire.AUTH:
		p = new(wire.Auth)
	default:
		return nil, fmt.Errorf("%v is not for a server to send", f.Type)
	}
	return p, p.Decode(f, v)
}

// expect fails unless exactly these packets come next.
func (p *peer) expect(want ...any) {
	p.t.Helper()
	for _, w := range want {
		if diff := cmp.Diff(w, p.next()); diff != "" {
			p.t.Fatalf("received (-want +got):\n%s", diff)
		}
	}
}

// receive returns the next packet, which must be a T.
func receive[T any](p *peer) *T {
	p.t.Helper()
	got := p.next()
	k, ok := got.(*T)
	if !ok {
		p.t.Fatalf("received %T %+v, want %T", got, got, k)
	}
	return k
}

// quiet proves that nothing is on its way. Answers overtake messages, so the
// first PINGRESP may stand in front of a message that was there before it; the
// second may not.
func (p *peer) quiet() {
	p.t.Helper()
	for range 2 {
		p.send(&wire.Pingreq{})
		p.expect(&wire.Pingresp{})
	}
}

// gone expects the server to close without a word.
func (p *peer) gone() {
	p.t.Helper()
	p.expect(closed{})
}

// dismissed expects DISCONNECT with a code where the protocol has one, and the
// end.
func (p *peer) dismissed(code mqttauth.ReasonCode) {
	p.t.Helper()
	if p.v == v5 {
		p.expect(&wire.Disconnect{Code: code})
	}
	p.gone()
}

// leave says goodbye and waits for the server's end.
func (p *peer) leave() {
	p.t.Helper()
	p.send(&wire.Disconnect{})
	p.gone()
}

func (p *peer) nextID() uint16 {
	p.id++
	return p.id
}

// code is the reason code in the form of the peer's version.
func (p *peer) code(c mqttauth.ReasonCode) mqttauth.ReasonCode {
	if p.v == v5 {
		return c
	}
	return 0
}

// publish sends a message and goes through the acknowledgements, which must
// have this code.
func (p *peer) publishes(m wire.Publish, code mqttauth.ReasonCode) {
	p.t.Helper()
	if m.QoS > 0 {
		m.PacketID = p.nextID()
	}
	p.send(&m)
	switch m.QoS {
	case 0:
		p.send(&wire.Pingreq{}) // handled after the message
		p.expect(&wire.Pingresp{})
	case 1:
		p.expect(&wire.Ack{Type: wire.PUBACK, PacketID: m.PacketID, Code: p.code(code)})
	case 2:
		p.expect(&wire.Ack{Type: wire.PUBREC, PacketID: m.PacketID, Code: p.code(code)})
		if p.code(code) != 0 {
			return
		}
		p.send(&wire.Ack{Type: wire.PUBREL, PacketID: m.PacketID})
		p.expect(&wire.Ack{Type: wire.PUBCOMP, PacketID: m.PacketID})
	}
}

func (p *peer) publish(qos byte, topic, payload string) {
	p.t.Helper()
	p.publishes(wire.Publish{QoS: qos, Topic: topic, Payload: []byte(payload)}, 0)
}

func (p *peer) retain(topic, payload string) {
	p.t.Helper()
	p.publishes(wire.Publish{QoS: 1, Topic: topic, Payload: []byte(payload), Retain: true}, 0)
}

// subscribe expects these filters to be granted.
func (p *peer) subscribe(qos byte, filters ...string) {
	p.t.Helper()
	s := wire.Subscribe{PacketID: p.nextID()}
	want := wire.Suback{PacketID: p.id}
	for _, f := range filters {
		s.Filters = append(s.Filters, wire.Subscription{Filter: f, QoS: qos})
		want.Codes = append(want.Codes, mqttauth.ReasonCode(qos))
	}
	p.send(&s)
	p.expect(&want)
}

// tries to subscribe and returns the code.
func (p *peer) tries(filter string) mqttauth.ReasonCode {
	p.t.Helper()
	p.send(&wire.Subscribe{PacketID: p.nextID(), Filters: []wire.Subscription{{Filter: filter, QoS: 1}}})
	return receive[wire.Suback](p).Codes[0]
}

// message expects a message, acknowledges it and returns it.
func (p *peer) message(topic, payload string) *wire.Publish {
	p.t.Helper()
	m := receive[wire.Publish](p)
	if m.Topic != topic || string(m.Payload) != payload {
		p.t.Fatalf("received %q on %q, want %q on %q", m.Payload, m.Topic, payload, topic)
	}
	p.acknowledge(m)
	return m
}

func (p *peer) acknowledge(m *wire.Publish) {
	p.t.Helper()
	switch m.QoS {
	case 1:
		p.send(&wire.Ack{Type: wire.PUBACK, PacketID: m.PacketID})
	case 2:
		p.send(&wire.Ack{Type: wire.PUBREC, PacketID: m.PacketID})
		p.expect(&wire.Ack{Type: wire.PUBREL, PacketID: m.PacketID})
		p.send(&wire.Ack{Type: wire.PUBCOMP, PacketID: m.PacketID})
	}
}

// eventually waits for what becomes visible only a moment after its cause, such
// as a log line.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !f() {
		select {
		case <-late:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

func containsAll(s string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}
