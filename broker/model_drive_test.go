package broker_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

var (
	modelTopics   = []string{"a/1", "a/2", "b"}
	modelFilters  = []string{"a/1", "a/2", "a/+", "a/#", "b", "+", "#", "+/1"}
	modelPatterns = []string{"a/#", "a/1", "a/+", "b", "#", "+/1"}
)

// TestModel plays random conversations of four clients and compares what each
// of them receives, packet by packet, with the model.
func TestModel(t *testing.T) {
	for seed := range uint64(24) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			d := newDriver(t, seed)
			for d.step = range 150 {
				d.act()
				d.receiveAll()
			}
		})
	}
}

// driver does the same to a broker and to the model.
type driver struct {
	t     *testing.T
	rand  *rand.Rand
	port  *port
	world *world
	peers []*peer // nil: offline
	step  int
	sent  int // messages
}

func newDriver(t *testing.T, seed uint64) *driver {
	d := &driver{t: t, rand: rand.New(rand.NewPCG(seed, 1)), world: newWorld(4), peers: make([]*peer, 4)}
	d.port = newServer(t, broker.Limits{}).listen(d.policy())
	return d
}

// policy draws new rights for all clients.
func (d *driver) policy() broker.Access {
	draw := func() []string {
		var some []string
		for _, p := range modelPatterns {
			if d.rand.IntN(3) > 0 {
				some = append(some, p)
			}
		}
		return some
	}
	var rules []mqttauthz.Rule
	for i, c := range d.world.clients {
		c.mayPublish, c.maySubscribe = draw(), draw()
		var resources []mqttauthz.BrokerResource
		if len(c.mayPublish) > 0 {
			resources = append(resources, pub(c.mayPublish...))
		}
		if len(c.maySubscribe) > 0 {
			resources = append(resources, sub(c.maySubscribe...))
		}
		rules = append(rules, allow(fmt.Sprint("u", i), resources...))
	}
	return access(d.t, rules...)
}

func (d *driver) act() {
	i := d.rand.IntN(len(d.peers))
	if d.peers[i] == nil {
		d.connect(i)
		return
	}
	switch d.rand.IntN(20) {
	case 0:
		d.connect(i) // takes over
	case 1:
		d.leave(i, d.peers[i].leave)
	case 2:
		d.leave(i, d.peers[i].cut)
	case 3:
		d.swap()
	case 4, 5, 6, 7:
		d.subscribe(i)
	case 8:
		d.unsubscribe(i)
	case 9, 10, 11:
		d.acknowledge(i)
	case 12, 13:
		d.release(i)
	default:
		d.publish(i)
	}
}

// cut ends the connection without DISCONNECT and waits until the server has
// noticed.
func (p *peer) cut() {
	p.t.Helper()
	if err := p.nc.(*net.TCPConn).CloseWrite(); err != nil {
		p.t.Fatal(err)
	}
	p.gone()
}

func (d *driver) connect(i int) {
	c := connectPacket(v5, fmt.Sprint("c", i), as(fmt.Sprint("u", i)))
	window, keeps := 1000, true
	if d.rand.IntN(3) == 0 {
		c.Version = v311
	}
	c.CleanStart = d.rand.IntN(5) == 0
	switch {
	case c.Version == v311:
		keeps = !c.CleanStart
	case d.rand.IntN(5) == 0:
		keeps = false
	default:
		c.SessionExpiry = 1000
	}
	if c.Version == v5 && d.rand.IntN(2) == 0 {
		window = 1 + d.rand.IntN(3)
		c.ReceiveMaximum = uint16(window)
	}
	old := d.peers[i]
	p := d.port.peer()
	p.sendConnect(c)
	ack := receive[wire.Connack](p)
	if want := d.world.connect(d.world.clients[i], c.CleanStart, keeps, window); ack.Code != 0 || ack.SessionPresent != want {
		d.t.Fatalf("step %d: client %d: CONNACK %v, session present %v, want %v", d.step, i, ack.Code, ack.SessionPresent, want)
	}
	if old != nil {
		old.dismissed(wire.SessionTakenOver)
		_ = old.nc.Close()
	}
	d.peers[i] = p
}

func (d *driver) leave(i int, how func()) {
	how()
	_ = d.peers[i].nc.Close()
	d.peers[i] = nil
	d.world.clients[i].disconnect()
}

func (d *driver) swap() {
	d.port.set(d.policy())
	for i, p := range d.peers {
		if p != nil {
			d.leave(i, func() { p.dismissed(wire.AdministrativeAction) })
		}
	}
}

func (d *driver) subscribe(i int) {
	p, c := d.peers[i], d.world.clients[i]
	f := pick(d.rand, modelFilters)
	s := modelSub{qos: byte(d.rand.IntN(3)), noLocal: p.v == v5 && d.rand.IntN(3) == 0}
	p.send(&wire.Subscribe{PacketID: p.nextID(), Filters: []wire.Subscription{{Filter: f, QoS: s.qos, NoLocal: s.noLocal}}})
	want := mqttauth.ReasonCode(s.qos)
	if !d.world.subscribe(c, f, s) {
		want = denial(p.v)
	}
	p.expect(&wire.Suback{PacketID: p.id, Codes: []mqttauth.ReasonCode{want}})
}

func (d *driver) unsubscribe(i int) {
	p, c := d.peers[i], d.world.clients[i]
	f := pick(d.rand, modelFilters)
	p.send(&wire.Unsubscribe{PacketID: p.nextID(), Filters: []string{f}})
	receive[wire.Unsuback](p)
	delete(c.subs, f)
}

// acknowledge takes one of the messages that the client has not acknowledged.
func (d *driver) acknowledge(i int) {
	c := d.world.clients[i]
	if len(c.inflight) == 0 {
		return
	}
	at := d.rand.IntN(len(c.inflight))
	m := c.inflight[at]
	c.inflight = slices.Delete(c.inflight, at, at+1)
	d.peers[i].acknowledge(&wire.Publish{QoS: m.qos, PacketID: m.id})
}

// publish sends a message; of those of QoS 2 some are released later.
func (d *driver) publish(i int) {
	p, c := d.peers[i], d.world.clients[i]
	d.sent++
	m := modelMessage{topic: pick(d.rand, modelTopics), payload: strconv.Itoa(d.sent), qos: byte(d.rand.IntN(3))}
	if m.topic == "a/1" && d.rand.IntN(3) == 0 { // one topic, so that retained messages come in a known order
		m.retain = true
		if d.rand.IntN(3) == 0 {
			m.payload = ""
		}
	}
	packet := wire.Publish{QoS: m.qos, Topic: m.topic, Payload: []byte(m.payload), Retain: m.retain}
	allowed := c.allowsPublish(m.topic)
	var code mqttauth.ReasonCode
	if !allowed {
		code = mqttauth.NotAuthorized
	}
	if m.qos == 2 {
		d.hold(i, packet, m, code)
		return
	}
	if m.qos == 0 {
		p.send(&packet, &wire.Pingreq{})
	} else {
		packet.PacketID = p.nextID()
		p.send(&packet)
	}
	if allowed {
		d.world.route(c, m)
	}
	// The answer overtakes messages, so that the publisher's own come after it.
	if m.qos == 0 {
		d.answered(i, &wire.Pingresp{})
		return
	}
	d.answered(i, &wire.Ack{Type: wire.PUBACK, PacketID: packet.PacketID, Code: p.code(code)})
}

// answered receives an answer, which may come before or between messages that
// were routed while it was made.
func (d *driver) answered(i int, answer any) {
	d.t.Helper()
	d.receive(i, answer)
}

func (d *driver) hold(i int, packet wire.Publish, m modelMessage, code mqttauth.ReasonCode) {
	p, c := d.peers[i], d.world.clients[i]
	packet.PacketID = uint16(1000 + d.sent)
	p.send(&packet)
	p.expect(&wire.Ack{Type: wire.PUBREC, PacketID: packet.PacketID, Code: p.code(code)})
	if p.code(code) == 0 {
		c.held = append(c.held, modelHeld{packet.PacketID, m, code != 0})
	}
	if d.rand.IntN(2) == 0 {
		d.release(i)
	}
}

// release sends the PUBREL of one message, which is decided on again.
func (d *driver) release(i int) {
	p, c := d.peers[i], d.world.clients[i]
	if len(c.held) == 0 {
		return
	}
	at := d.rand.IntN(len(c.held))
	h := c.held[at]
	c.held = slices.Delete(c.held, at, at+1)
	p.send(&wire.Ack{Type: wire.PUBREL, PacketID: h.id})
	if !h.denied && c.allowsPublish(h.message.topic) {
		d.world.route(c, h.message)
	}
	d.answered(i, &wire.Ack{Type: wire.PUBCOMP, PacketID: h.id})
}

func (d *driver) receiveAll() {
	for i, p := range d.peers {
		if p == nil {
			continue
		}
		d.receive(i, nil)
		p.quiet()
	}
}

// receive expects what the model says that client i receives now, and an
// answer somewhere among it.
func (d *driver) receive(i int, answer any) {
	d.t.Helper()
	p, c := d.peers[i], d.world.clients[i]
	now := c.receives()
	for n := 0; n < len(now) || answer != nil; {
		k := p.next()
		if answer != nil && fmt.Sprintf("%T%+v", k, k) == fmt.Sprintf("%T%+v", answer, answer) {
			answer = nil
			continue
		}
		got, ok := k.(*wire.Publish)
		if !ok || n == len(now) {
			d.t.Fatalf("step %d: client %d received %T %+v, want %+v or %+v", d.step, i, k, k, now[min(n, len(now)):], answer)
		}
		want := now[n]
		if got.Topic != want.topic || string(got.Payload) != want.payload || got.QoS != want.qos || got.Retain != want.retain ||
			got.Dup != want.dup || want.dup && got.PacketID != want.id {
			d.t.Fatalf("step %d: client %d received %+v, want %+v", d.step, i, got, want)
		}
		c.sentWith(want, got.PacketID)
		n++
	}
}

// sentWith remembers the packet id of a message that was received for the first
// time.
func (c *modelClient) sentWith(m modelMessage, id uint16) {
	for i := range c.inflight {
		if c.inflight[i] == m && m.id == 0 && m.qos > 0 {
			c.inflight[i].id = id
			return
		}
	}
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
