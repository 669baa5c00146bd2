package broker_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

var soakTime = flag.Duration("soak", 2*time.Second, "how long TestSoak works")

// TestSoak connects, publishes, subscribes, cuts, resumes, expires,
// reauthenticates and changes policies, all at once and for as long as it is
// told to (go test -run TestSoak ./broker -args -soak 10m). No message of QoS 1
// is lost and none of QoS 2 comes twice; neither goroutines nor memory are left.
func TestSoak(t *testing.T) {
	before := runtime.NumGoroutine()
	s := &server{t: t, logs: new(logs), Server: broker.NewServer(broker.Options{
		Limits: broker.Limits{QueueMessages: 1 << 20, QueueBytes: 1 << 29}, // nothing is dropped
	})}
	b := s.listen(soakAccess(t))
	ctx, stop := context.WithTimeout(t.Context(), *soakTime)
	defer stop()

	const pairs = 4
	results := make(chan error)
	for i := range pairs {
		v := []mqttauth.Version{v5, v5, v311, v5}[i]
		ready := make(chan struct{})
		subscriber := &soakSubscriber{port: b, pair: i, v: v}
		go func() {
			err := subscriber.run(ready)
			t.Logf("pair %d: %d messages", i, subscriber.number)
			results <- err
		}()
		go func() {
			<-ready
			results <- (&soakPublisher{port: b, pair: i, v: v}).run(ctx)
		}()
	}
	go func() { results <- soakChanges(ctx, b, soakAccess(t)) }()
	go func() { results <- soakChurn(ctx, b) }()
	early := soakHeap(ctx, *soakTime/4)
	for range 2*pairs + 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	late := soakHeap(context.Background(), 0)
	t.Logf("heap after a quarter of the time: %d KiB, at the end: %d KiB", early>>10, late>>10)
	if late > 2*early+8<<20 {
		t.Errorf("memory grew from %d to %d bytes", early, late)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	eventually(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= before })
}

// soakAccess is the access of all clients; each call is another policy.
func soakAccess(t *testing.T) broker.Access {
	return broker.Access{Authentication: chain(t, tokens, users), Authorization: policy(t, mqttauthz.Rule{
		Principals:      mqttauthz.Principals{Attributes: []map[string]string{{"role": "soak"}}, Usernames: []string{"soak"}},
		BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Connect}, pub("soak/#"), sub("soak/#")},
	})}
}

// soakHeap returns the bytes in use after a while.
func soakHeap(ctx context.Context, after time.Duration) uint64 {
	select {
	case <-time.After(after):
	case <-ctx.Done():
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// soakChanges changes the policy again and again, which disconnects everybody.
func soakChanges(ctx context.Context, b *port, a broker.Access) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			a.KeepClients = i%2 == 1 // it is the same: then everybody stays
			if err := b.SetAccess(a); err != nil {
				return err
			}
		}
	}
}

// soakChurn connects clients that do little and leave.
func soakChurn(ctx context.Context, b *port) error {
	for i := 0; ctx.Err() == nil; i++ {
		p, _, err := soakDial(b, connectPacket(v5, fmt.Sprint("churn", i), as("soak"), will(wire.Will{Topic: "soak/will"})))
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		out := (&wire.Subscribe{PacketID: 1, Filters: []wire.Subscription{{Filter: fmt.Sprintf("soak/%d/+", i%7), QoS: 1}, {Filter: "$share/g/soak/#"}}}).Append(nil, v5)
		out = (&wire.Publish{Topic: "soak/x", Retain: true, Payload: []byte("x")}).Append(out, v5)
		out = (&wire.Unsubscribe{PacketID: 2, Filters: []string{"$share/g/soak/#"}}).Append(out, v5)
		if _, err := p.nc.Write(out); err == nil {
			_, _ = p.read()
		}
		_ = p.nc.Close() // the will is due
	}
	return nil
}

// soakDial returns a connected client, or nil when it is to try again: policies
// change while it connects.
func soakDial(b *port, c *wire.Connect) (*peer, *wire.Connack, error) {
	nc, err := b.dial()
	if err != nil {
		return nil, nil, err
	}
	p := &peer{nc: nc, r: wire.NewReader(nc), v: c.Version}
	_, _ = nc.Write(c.Append(nil))
	k, err := p.read()
	if ack, ok := k.(*wire.Connack); ok && ack.Code == 0 {
		return p, ack, nil
	}
	_ = nc.Close()
	if ack, ok := k.(*wire.Connack); ok && ack.Code != mqttauth.ServerUnavailable {
		return nil, nil, fmt.Errorf("CONNACK with %v", ack.Code)
	}
	return nil, nil, err
}

func (p *peer) write(k packet) { _, _ = p.nc.Write(k.Append(nil, p.v)) } // what is lost shows in read

// soakPublisher sends numbers, one at a time, each until it is acknowledged.
type soakPublisher struct {
	port *port
	pair int
	v    mqttauth.Version

	number   int
	last     bool // nothing comes behind number
	open     bool // number is on its way
	received bool // of QoS 2: PUBREC has come
}

func (s *soakPublisher) credential(c *wire.Connect) {
	if s.v == v5 {
		token(fmt.Sprintf("pub%d role=soak ttl=%dms", s.pair, 100+rand.IntN(2000)))(c)
		return
	}
	as("soak")(c)
}

func (s *soakPublisher) run(ctx context.Context) error {
	for {
		p, _, err := soakDial(s.port, connectPacket(s.v, fmt.Sprint("pub", s.pair), durable, s.credential))
		if err != nil {
			return fmt.Errorf("publisher %d: %w", s.pair, err)
		}
		if p == nil {
			continue
		}
		done, err := s.work(ctx, p)
		_ = p.nc.Close()
		if done || err != nil {
			return err
		}
	}
}

// work publishes until the connection ends or is cut.
func (s *soakPublisher) work(ctx context.Context, p *peer) (done bool, err error) {
	if s.open {
		s.send(p, true)
	}
	for range 1 + rand.IntN(500) {
		if !s.open {
			if s.last {
				return true, nil
			}
			s.number++
			s.open, s.received, s.last = true, false, ctx.Err() != nil
			s.send(p, false)
			if s.v == v5 && s.number%100 == 0 {
				p.write(&wire.Auth{Code: mqttauth.Reauthenticate, AuthMethod: "TOKEN", AuthData: fmt.Appendf(nil, "pub%d role=soak ttl=1s", s.pair)})
			}
		}
		k, err := p.read()
		if err != nil || k == (closed{}) {
			return false, err
		}
		ack, ok := k.(*wire.Ack)
		if !ok {
			continue
		}
		switch {
		case ack.Code.IsError() && ack.Code != wire.PacketIDNotFound:
			return false, fmt.Errorf("publisher %d: %+v", s.pair, ack)
		case ack.Type == wire.PUBREC:
			s.received = true
			s.send(p, true)
		default:
			s.open = false
		}
	}
	return false, nil
}

// send sends the number, or what its exchange has come to.
func (s *soakPublisher) send(p *peer, again bool) {
	id := uint16(s.number%1000 + 1)
	if s.received {
		p.write(&wire.Ack{Type: wire.PUBREL, PacketID: id})
		return
	}
	text := fmt.Sprint(s.number)
	if s.last {
		text += " end"
	}
	p.write(&wire.Publish{QoS: byte(1 + s.number%2), Dup: again, PacketID: id, Topic: fmt.Sprintf("soak/%d", s.pair), Payload: []byte(text)})
}

// soakSubscriber checks that the numbers come.
type soakSubscriber struct {
	port *port
	pair int
	v    mqttauth.Version

	number int             // that came last
	held   map[uint16]bool // packet ids of QoS 2 that are not released
}

func (s *soakSubscriber) run(ready chan<- struct{}) error {
	s.held = make(map[uint16]bool)
	subscribed := false
	opened := sync.OnceFunc(func() { close(ready) })
	defer opened()
	for {
		p, ack, err := soakDial(s.port, connectPacket(s.v, fmt.Sprint("sub", s.pair), durable, as("soak")))
		if err != nil {
			return fmt.Errorf("subscriber %d: %w", s.pair, err)
		}
		if p == nil {
			continue
		}
		if subscribed && !ack.SessionPresent {
			_ = p.nc.Close()
			return fmt.Errorf("subscriber %d: the session is gone", s.pair)
		}
		if !subscribed {
			p.write(&wire.Subscribe{PacketID: 1, Filters: []wire.Subscription{{Filter: fmt.Sprintf("soak/%d", s.pair), QoS: 2}}})
			k, _ := p.read()
			_, subscribed = k.(*wire.Suback)
		}
		var done bool
		if subscribed {
			opened()
			done, err = s.work(p)
		}
		_ = p.nc.Close()
		if done || err != nil {
			return err
		}
	}
}

// work takes numbers until the connection ends or is cut.
func (s *soakSubscriber) work(p *peer) (done bool, err error) {
	for range 1 + rand.IntN(500) {
		k, err := p.read()
		if err != nil || k == (closed{}) {
			return done, err
		}
		switch k := k.(type) {
		case *wire.Publish:
			end, err := s.take(k)
			if err != nil {
				return false, err
			}
			done = done || end
			p.write(&wire.Ack{Type: map[byte]wire.Type{1: wire.PUBACK, 2: wire.PUBREC}[k.QoS], PacketID: k.PacketID})
			if done && k.QoS == 1 {
				return true, nil
			}
		case *wire.Ack: // PUBREL
			delete(s.held, k.PacketID)
			p.write(&wire.Ack{Type: wire.PUBCOMP, PacketID: k.PacketID})
			if done {
				return true, nil
			}
		}
	}
	return done, nil
}

// take checks one message and reports whether it is the last.
func (s *soakSubscriber) take(m *wire.Publish) (end bool, err error) {
	if m.QoS == 2 && s.held[m.PacketID] {
		return false, nil // sent again
	}
	var number int
	var word string
	_, _ = fmt.Sscan(string(m.Payload), &number, &word)
	switch {
	case number > s.number+1:
		return false, fmt.Errorf("subscriber %d: %d (QoS %d) comes after %d", s.pair, number, m.QoS, s.number)
	case number <= s.number && m.QoS == 2:
		return false, fmt.Errorf("subscriber %d: %d comes twice", s.pair, number)
	}
	if m.QoS == 2 {
		s.held[m.PacketID] = true
	}
	s.number = max(s.number, number)
	return word == "end", nil
}
