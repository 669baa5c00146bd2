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

// TestSoak connects, publishes, subscribes, resumes, expires, reauthenticates and
// swaps policies, all at once and for as long as it is told to (go test -run
// TestSoak ./broker -args -soak 10m). Each of these happens; no message of QoS 1
// or 2 is lost and none of QoS 2 comes twice; memory stays flat, and no goroutine
// is left.
func TestSoak(t *testing.T) {
	before := runtime.NumGoroutine()
	server := &server{t: t, logs: new(logs), Server: broker.NewServer(broker.Options{
		Limits: broker.Limits{QueueMessages: 1 << 20, QueueBytes: 1 << 29}, // nothing is dropped
	})}
	s := &soak{port: server.listen(soakAccess(t))}
	ctx, stop := context.WithTimeout(t.Context(), *soakTime)
	defer stop()

	var work []func() error
	var pairs []soakPair
	for i, v := range []mqttauth.Version{v5, v5, v311, v5} {
		p := soakPair{publisher: &soakPublisher{soak: s, pair: i, v: v}, subscriber: &soakSubscriber{soak: s, pair: i, v: v}}
		pairs = append(pairs, p)
		ready := make(chan struct{})
		work = append(work,
			func() error { return p.subscriber.run(ready) },
			func() error {
				<-ready
				return p.publisher.run(ctx)
			})
	}
	work = append(work,
		func() error { return s.swap(ctx, soakAccess(t)) },
		func() error { return s.churn(ctx) },
		func() error { return s.expire(ctx) },
		func() error { return s.renew(ctx) })
	results := make(chan error)
	for _, f := range work {
		go func() { results <- f() }()
	}
	var memory soakMemory
	memory.watch(ctx, *soakTime/64)
	for range work {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	for i, p := range pairs {
		t.Logf("pair %d: %d messages", i, p.publisher.number)
		if sent, come := p.publisher.number, p.subscriber.number; sent != come {
			t.Errorf("pair %d: the last message is %d, the last that came is %d", i, sent, come)
		}
	}
	s.done.check(t)
	memory.check(t)
	if err := server.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	eventually(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= before })
	t.Logf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

// soak is a port under all this, and what has been done to it.
type soak struct {
	port *port
	done soakCounts
}

type soakPair struct {
	publisher  *soakPublisher
	subscriber *soakSubscriber
}

// soakAccess is the access of all clients; each call is another policy.
func soakAccess(t *testing.T) broker.Access {
	return broker.Access{Authentication: chain(t, tokens, users), Authorization: policy(t, mqttauthz.Rule{
		Principals:      mqttauthz.Principals{Attributes: []map[string]string{{"role": "soak"}}, Usernames: []string{"soak"}},
		BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Connect}, pub("soak/#"), sub("soak/#")},
	})}
}

// swap changes the policy again and again, which now and then disconnects
// everybody.
func (s *soak) swap(ctx context.Context, a broker.Access) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			a.KeepClients = i%8 != 3 // it is the same: then everybody stays
			if err := s.port.SetAccess(a); err != nil {
				return err
			}
			s.done.add(soakSwapped)
		}
	}
}

// churn connects clients that do little and leave.
func (s *soak) churn(ctx context.Context) error {
	for i := 0; ctx.Err() == nil; i++ {
		p, _, err := s.dial(connectPacket(v5, fmt.Sprint("churn", i), as("soak"), will(wire.Will{Topic: "soak/will"})))
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
			k, _ := p.read()
			s.done.subscribed(k)
		}
		_ = p.nc.Close() // the will is due
	}
	return nil
}

// expire lets credentials end beneath their connection, and then the session,
// which a second is given.
func (s *soak) expire(ctx context.Context) error {
	packet := connectPacket(v5, "brief", token("brief role=soak ttl=100ms"), func(c *wire.Connect) {
		c.CleanStart, c.SessionExpiry = false, 1
	})
	offline := time.Now()
	for ctx.Err() == nil || !s.done.happened(soakSessionExpired) || !s.done.happened(soakCredentialExpired) {
		p, ack, err := s.dial(packet)
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		if !ack.SessionPresent && time.Since(offline) > time.Second {
			s.done.add(soakSessionExpired)
		}
		k, err := p.read() // no DISCONNECT, unless a policy was faster (EXP-1)
		if k == (closed{}) {
			s.done.add(soakCredentialExpired)
		}
		offline = time.Now()
		_ = p.nc.Close()
		if err != nil {
			return err
		}
		if rand.IntN(2) == 0 {
			<-time.After(1200 * time.Millisecond)
		}
	}
	return nil
}

// renew reauthenticates clients, which the server puts off until a second after
// the CONNECT.
func (s *soak) renew(ctx context.Context) error {
	const credential = "diligent role=soak ttl=5s"
	for ctx.Err() == nil || !s.done.happened(soakReauthenticated) {
		p, _, err := s.dial(connectPacket(v5, "diligent", token(credential)))
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		p.write(&wire.Auth{Code: mqttauth.Reauthenticate, AuthMethod: "TOKEN", AuthData: []byte(credential)})
		k, err := p.read() // or a policy was faster
		s.done.renewed(k)
		_ = p.nc.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// dial returns a connected client, or nil when it is to try again: policies
// change while it connects, and tokens end.
func (s *soak) dial(c *wire.Connect) (*peer, *wire.Connack, error) {
	nc, err := s.port.dial()
	if err != nil {
		return nil, nil, err
	}
	p := &peer{nc: nc, r: wire.NewReader(nc), v: c.Version}
	_, _ = nc.Write(c.Append(nil))
	k, err := p.read()
	if ack, ok := k.(*wire.Connack); ok && ack.Code == 0 {
		s.done.add(soakConnected)
		if ack.SessionPresent {
			s.done.add(soakResumed)
		}
		return p, ack, nil
	}
	_ = nc.Close()
	ack, ok := k.(*wire.Connack)
	late := ok && ack.Code == mqttauth.NotAuthorized && c.AuthMethod != "" // the token ended before CONNACK (EXP-1)
	if ok && !late && ack.Code != mqttauth.ServerUnavailable {
		return nil, nil, fmt.Errorf("CONNACK with %v", ack.Code)
	}
	return nil, nil, err
}

func (p *peer) write(k packet) { _, _ = p.nc.Write(k.Append(nil, p.v)) } // what is lost shows in read

// soakPublisher sends numbers, one at a time, each until it is acknowledged.
type soakPublisher struct {
	soak *soak
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
		p, _, err := s.soak.dial(connectPacket(s.v, fmt.Sprint("pub", s.pair), durable, s.credential))
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
	renewing := false // a second AUTH is a protocol error meanwhile (EXP-4)
	for range 1 + rand.IntN(3000) {
		if !s.open {
			if s.last {
				return true, nil
			}
			s.number++
			s.open, s.received, s.last = true, false, ctx.Err() != nil
			s.send(p, false)
			if s.v == v5 && s.number%100 == 0 && !renewing {
				renewing = true
				p.write(&wire.Auth{Code: mqttauth.Reauthenticate, AuthMethod: "TOKEN", AuthData: fmt.Appendf(nil, "pub%d role=soak ttl=1s", s.pair)})
			}
		}
		k, err := p.read()
		if err != nil || k == (closed{}) {
			return false, err
		}
		if s.soak.done.renewed(k) {
			renewing = false
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
			s.soak.done.add(soakPublished)
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
	soak *soak
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
		p, ack, err := s.soak.dial(connectPacket(s.v, fmt.Sprint("sub", s.pair), durable, as("soak")))
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
			subscribed = s.soak.done.subscribed(k)
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
	s.soak.done.add(soakReceived)
	return word == "end", nil
}
