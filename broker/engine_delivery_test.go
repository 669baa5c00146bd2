package broker_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// inFlight receives n messages with the payloads from, from+1 and so on,
// acknowledges each at once, and fails when more than most were ever
// unacknowledged: after most of them the server must wait.
func inFlight(p *peer, qos byte, from, n, most int) {
	p.t.Helper()
	var held []*wire.Publish
	for i := range min(n, most) {
		m := receive[wire.Publish](p)
		if string(m.Payload) != strconv.Itoa(from+i) || m.QoS != qos {
			p.t.Fatalf("received %q with QoS %d, want %d with QoS %d", m.Payload, m.QoS, from+i, qos)
		}
		held = append(held, m)
	}
	p.quiet()
	for i := most; i < n; i++ {
		p.acknowledge(held[0])
		m := receive[wire.Publish](p)
		if string(m.Payload) != strconv.Itoa(from+i) {
			p.t.Fatalf("received %q, want %d", m.Payload, from+i)
		}
		held = append(held[1:], m)
	}
	p.quiet()
	for _, m := range held {
		p.acknowledge(m)
	}
	p.quiet()
}

// E1: all are delivered, in order, never more than the receive maximum at once.
func TestE01ReceiveMaximum(t *testing.T) {
	for _, qos := range []byte{1, 2} {
		t.Run(fmt.Sprint("QoS ", qos), func(t *testing.T) {
			b := openPort(t)
			s := b.connect(v5, "s", func(c *wire.Connect) { c.ReceiveMaximum = 5 })
			s.subscribe(qos, "t")
			p := b.connect(v5, "p")
			for i := range 50 {
				p.publish(qos, "t", strconv.Itoa(i))
			}
			inFlight(s, qos, 0, 50, 5)
		})
	}
}

// E1: MQTT 3.1.1 has no receive maximum; nothing gets stuck there either.
func TestE01NoReceiveMaximum(t *testing.T) {
	b := openPort(t)
	s := b.connect(v311, "s")
	s.subscribe(1, "t")
	p := b.connect(v311, "p")
	for i := range 200 {
		p.publish(1, "t", strconv.Itoa(i))
	}
	inFlight(s, 1, 0, 200, 200)
}

// E2: the packet ids of the two directions have nothing to do with each other.
func TestE02TwoPacketIDSpaces(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := openPort(t)
		s := b.connect(v, "s", durable)
		s.subscribe(1, "t")
		p := b.connect(v, "p")
		p.publish(1, "t", "held")
		held := receive[wire.Publish](s)
		s.id = held.PacketID - 1 // the client's next id is the one in use by the server
		s.subscribe(1, "u")
		s.id = held.PacketID - 1
		s.publish(1, "elsewhere", "x")
		s.id = held.PacketID - 1
		s.publish(2, "elsewhere", "x")
		s.send(&wire.Unsubscribe{PacketID: held.PacketID, Filters: []string{"u"}})
		receive[wire.Unsuback](s)
		s.quiet()
		s.leave()

		again := b.connect(v, "s", durable)
		if m := again.message("t", "held"); !m.Dup || m.PacketID != held.PacketID {
			t.Errorf("sent again with DUP %v and id %d, want id %d", m.Dup, m.PacketID, held.PacketID)
		}
		again.quiet()
	})
}

// E3: a resumed session keeps the order and the quota; DUP only on what was
// sent before.
func TestE03Resume(t *testing.T) {
	b := openPort(t)
	quota := func(n uint16) option { return func(c *wire.Connect) { c.ReceiveMaximum = n } }
	s := b.connect(v5, "s", durable, quota(3))
	s.subscribe(1, "t")
	p := b.connect(v5, "p")
	for i := range 200 {
		p.publish(1, "t", strconv.Itoa(i))
	}
	for i := range 3 {
		if m := receive[wire.Publish](s); string(m.Payload) != strconv.Itoa(i) {
			t.Fatalf("received %q, want %d", m.Payload, i)
		}
	}
	_ = s.nc.Close()

	s = b.connect(v5, "s", durable, quota(10))
	if !s.ok.SessionPresent {
		t.Fatal("session is not present")
	}
	var held []*wire.Publish
	for i := range 200 {
		if len(held) == 10 {
			s.quiet()
			for _, m := range held {
				s.acknowledge(m)
			}
			held = nil
		}
		m := receive[wire.Publish](s)
		if string(m.Payload) != strconv.Itoa(i) || m.Dup != (i < 3) {
			t.Fatalf("received %q with DUP %v, want %d with DUP %v", m.Payload, m.Dup, i, i < 3)
		}
		held = append(held, m)
	}
	s.quiet()
}

// E7: a session that ended takes no message of a shared subscription with it.
func TestE07SharedSubscription(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := openPort(t)
		gone := b.connect(v, "gone")
		gone.subscribe(1, "$share/g/t")
		gone.leave()
		idle := b.connect(v, "idle", durable)
		idle.subscribe(1, "$share/g/t")
		idle.leave()
		s := b.connect(v, "s")
		s.subscribe(1, "$share/g/t")
		p := b.connect(v, "p")
		for i := range 100 {
			p.publish(1, "t", strconv.Itoa(i))
			s.message("t", strconv.Itoa(i))
		}
		s.quiet()
		idle = b.connect(v, "idle", durable)
		idle.quiet()
	})
}

// E7: without an online member the messages wait.
func TestE07SharedSubscriptionOffline(t *testing.T) {
	b := openPort(t)
	names := []string{"a", "b"}
	for _, id := range names {
		s := b.connect(v5, id, durable)
		s.subscribe(1, "$share/g/t")
		s.leave()
	}
	p := b.connect(v5, "p")
	want := map[string]int{}
	for i := range 100 {
		p.publish(1, "t", strconv.Itoa(i))
		want[strconv.Itoa(i)] = 1
	}
	got := map[string]int{}
	for _, id := range names {
		s := b.connect(v5, id, durable)
		for range 50 { // round robin
			m := receive[wire.Publish](s)
			s.acknowledge(m)
			got[string(m.Payload)]++
		}
		s.quiet()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// E8: the will has all that it was given; a delayed one's lifetime begins when
// it is published.
func TestE08Will(t *testing.T) {
	t.Parallel()
	var props wire.UserProperties
	if err := props.Add("name", "value"); err != nil {
		t.Fatal(err)
	}
	for _, delay := range []uint32{0, 1} {
		t.Run(fmt.Sprint("delay ", delay), func(t *testing.T) {
			b := openPort(t)
			s := b.connect(v5, "s")
			s.subscribe(2, "w")
			p := b.connect(v5, "p", durable, will(wire.Will{
				QoS: 2, Topic: "w", Payload: []byte("last"), Delay: delay,
				PayloadFormat: wire.Some[byte](1), MessageExpiry: wire.Some[uint32](9),
				ContentType: wire.Some("text"), ResponseTopic: "r", CorrelationData: []byte("c"),
				UserProperties: props,
			}))
			p.send(&wire.Disconnect{Code: wire.DisconnectWithWill})
			p.gone()
			s.expect(&wire.Publish{
				QoS: 2, PacketID: 1, Topic: "w", Payload: []byte("last"),
				PayloadFormat: wire.Some[byte](1), MessageExpiry: wire.Some[uint32](9),
				ContentType: wire.Some("text"), ResponseTopic: "r", CorrelationData: []byte("c"),
				UserProperties: props,
			})
		})
	}
}

// E16: wildcards and shared ones do not match what begins with a dollar sign;
// malformed filters are refused.
func TestE16Filters(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := openPort(t)
		s := b.connect(v, "s")
		s.subscribe(1, "$share/g/#", "#", "+/x", "$share/g/+/x")
		p := b.connect(v, "p")
		p.publish(1, "$own/x", "hidden")
		s.quiet()
		s.subscribe(1, "$own/#")
		p.publish(1, "$own/x", "seen")
		s.message("$own/x", "seen")
		s.quiet()
		want := mqttauth.ReasonCode(wire.TopicFilterInvalid)
		if v == v311 {
			want = wire.UnspecifiedError
		}
		for _, f := range []string{"a+/b", "a#", "#/a", "a/#/b", "+a", "$share/g", "$share//t", "$share/+/t", "$share/g/", "$share/g/a#", "$share/g/$share/h/t", "$share"} {
			if got := s.tries(f); got != want {
				t.Errorf("SUBSCRIBE %q is answered %v, want %v", f, got, want)
			}
		}
	})
}

// [MQTT-3.3.1-6], [MQTT-4.6.0-6]: whenever a client subscribes, an older
// retained message never comes behind a newer one.
func TestRetainedOrder(t *testing.T) {
	b := openPort(t)
	p, s := b.connect(v5, "p"), b.connect(v5, "s")
	published := make(chan error, 1)
	go func() {
		for i := range 500 {
			m := wire.Publish{QoS: 1, PacketID: 1, Topic: "t", Retain: true, Payload: []byte(strconv.Itoa(i))}
			if _, err := p.nc.Write(m.Append(nil, v5)); err != nil {
				published <- err
				return
			}
			if _, err := p.read(); err != nil {
				published <- err
				return
			}
		}
		published <- nil
	}()
	last := -1
	for running := true; running; {
		select {
		case err := <-published:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
		}
		s.send(&wire.Subscribe{PacketID: 1, Filters: []wire.Subscription{{Filter: "t"}}})
		for answered := false; !answered; {
			m, ok := s.next().(*wire.Publish)
			if answered = !ok; answered {
				continue
			}
			n, err := strconv.Atoi(string(m.Payload))
			if err != nil || n < last {
				t.Fatalf("message %q came behind %d", m.Payload, last)
			}
			last = n
		}
	}
}

// What one read brought is answered in one write, in order.
func TestAnswersInOneWrite(t *testing.T) {
	p := newServer(t, broker.Limits{}).listen(open()).connect(v5, "c")
	var packets, want []byte
	for id := range byte(100) {
		packets = (&wire.Publish{QoS: 1, PacketID: uint16(id) + 1, Topic: "t"}).Append(packets, v5)
		packets = append(packets, 0xC0, 0)             // PINGREQ
		want = append(want, 0x40, 2, 0, id+1, 0xD0, 0) // PUBACK, PINGRESP
	}
	got := make([]byte, 1000)
	for range 100 {
		if _, err := p.nc.Write(packets); err != nil {
			t.Fatal(err)
		}
		n, err := p.nc.Read(got)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got[:n]); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
	}
}
