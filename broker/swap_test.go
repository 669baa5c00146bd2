package broker_test

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// twoPorts is a server with a port that changes and one for bystanders, who may
// do everything.
func twoPorts(t testing.TB, a broker.Access) (changing, open_ *port) {
	t.Helper()
	s := newServer(t, broker.Limits{})
	return s.listen(a), s.listen(open())
}

// AUTHZ-12, S-07: a resumed session loses the subscriptions that are not allowed
// any more and what waits because of them. What was sent is completed.
func TestAUTHZ12Resume(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b, open := twoPorts(t, access(t, allow("alice", sub("#"))))
		p := open.connect(v, "p")
		a := b.connect(v, "a", as("alice"), durable)
		a.subscribe(1, "revoked", "both/#", "both/x", "kept", "$share/g/revoked")
		p.publish(1, "kept", "sent")
		sent := receive[wire.Publish](a)
		a.leave()
		for _, topic := range []string{"revoked", "both/x", "kept", "both/y"} {
			p.publish(1, topic, "queued")
		}
		b.set(access(t, allow("alice", sub("kept", "both/x"))))
		a = b.connect(v, "a", as("alice"), durable)
		if !a.ok.SessionPresent {
			t.Fatal("the session is gone")
		}
		if m := a.message("kept", "sent"); !m.Dup || m.PacketID != sent.PacketID {
			t.Errorf("sent again with DUP %v and id %d", m.Dup, m.PacketID)
		}
		a.message("both/x", "queued")
		a.message("kept", "queued")
		a.quiet()
		for _, topic := range []string{"revoked", "both/y"} {
			p.publish(1, topic, "live")
		}
		a.quiet()
		// The subscriptions are gone for good: rights that return bring none back.
		b.set(access(t, allow("alice", sub("#"))))
		a.dismissed(wire.AdministrativeAction)
		a = b.connect(v, "a", as("alice"), durable)
		p.publish(1, "revoked", "live")
		p.publish(1, "both/x", "live")
		a.message("both/x", "live")
		a.quiet()
	})
}

// AUTHZ-12, S-08: a QoS 2 message that was received and not yet released is
// decided on again, and the exchange completed.
func TestAUTHZ12Pubrel(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b, open := twoPorts(t, access(t, allow("alice", pub("t", "kept"))))
		s := open.connect(v, "s")
		s.subscribe(2, "#")
		a := b.connect(v, "a", as("alice"), durable)
		for id, topic := range []string{"t", "kept"} {
			a.send(&wire.Publish{QoS: 2, PacketID: uint16(id) + 1, Topic: topic, Retain: true, Payload: []byte("x")})
			a.expect(&wire.Ack{Type: wire.PUBREC, PacketID: uint16(id) + 1})
		}
		b.set(access(t, allow("alice", pub("kept"))))
		a.dismissed(wire.AdministrativeAction)
		a = b.connect(v, "a", as("alice"), durable)
		for id := range uint16(2) {
			a.send(&wire.Ack{Type: wire.PUBREL, PacketID: id + 1})
			a.expect(&wire.Ack{Type: wire.PUBCOMP, PacketID: id + 1})
		}
		s.message("kept", "x")
		s.quiet()
		late := open.connect(v, "late")
		late.subscribe(1, "#")
		late.message("kept", "x")
		late.quiet()
	})
}

// AUTHZ-10: MQTT 3.1.1 cannot be told that a QoS 2 message was denied, but it
// was: rights that come later do not change it.
func TestAUTHZ10DeniedForGood(t *testing.T) {
	b, open := twoPorts(t, access(t, allow("alice")))
	s := open.connect(v5, "s")
	s.subscribe(2, "#")
	a := b.connect(v311, "a", as("alice"), durable)
	a.send(&wire.Publish{QoS: 2, PacketID: 1, Topic: "t", Payload: []byte("x")})
	a.expect(&wire.Ack{Type: wire.PUBREC, PacketID: 1})
	b.set(access(t, allow("alice", pub("t"))))
	a.gone()
	a = b.connect(v311, "a", as("alice"), durable)
	a.send(&wire.Ack{Type: wire.PUBREL, PacketID: 1})
	a.expect(&wire.Ack{Type: wire.PUBCOMP, PacketID: 1})
	a.publish(2, "t", "y")
	s.message("t", "y")
	s.quiet()
}

// AUTHZ-12: the same without a reconnect, when a reauthentication brings other
// grants.
func TestAUTHZ12PubrelAfterReauthentication(t *testing.T) {
	t.Parallel()
	b, open := twoPorts(t, broker.Access{Authentication: chain(t, tokens), Authorization: policy(t, mqttauthz.Rule{
		Principals:      mqttauthz.Principals{ClientIDs: []string{"a"}},
		BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Connect}, pub("{principal.attributes.role}/t")},
	})})
	s := open.connect(v5, "s")
	s.subscribe(2, "#")
	a := b.connect(v5, "a", token("alice role=old"))
	a.send(&wire.Publish{QoS: 2, PacketID: 1, Topic: "old/t"})
	a.expect(&wire.Ack{Type: wire.PUBREC, PacketID: 1})
	a.auth(mqttauth.Reauthenticate, "alice role=new")
	a.renewed(0)
	a.send(&wire.Ack{Type: wire.PUBREL, PacketID: 1})
	a.expect(&wire.Ack{Type: wire.PUBCOMP, PacketID: 1})
	a.publish(2, "new/t", "x")
	s.message("new/t", "x")
	s.quiet()
}

// S-06: a retained message outlives its author's right; its readers need theirs
// (AUTHZ-9).
func TestS06Retained(t *testing.T) {
	b, open := twoPorts(t, access(t, allow("alice", pub("t"))))
	b.connect(v5, "a", as("alice")).retain("t", "x")
	b.set(access(t))
	s := open.connect(v5, "s")
	s.subscribe(1, "t")
	s.message("t", "x")
}

// AUTHZ-13: an access change disconnects the clients of the port and of no
// other, keeps their sessions and is in force at once.
func TestAUTHZ13Change(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b, open := twoPorts(t, access(t, allow("alice", pub("old"))))
		bystander := open.connect(v, "bystander")
		bystander.subscribe(1, "#")
		a := b.connect(v, "a", as("alice"), durable)
		silent := b.peer() // has not said who it is
		b.set(access(t, allow("alice", pub("new"))))
		a.dismissed(wire.AdministrativeAction)
		silent.sendConnect(connectPacket(v, "silent", as("alice")))
		if got := receive[wire.Connack](silent).Code; got != 0 {
			t.Fatalf("CONNACK with %v", got)
		}
		silent.publishes(wire.Publish{QoS: 1, Topic: "old"}, mqttauth.NotAuthorized)
		a = b.connect(v, "a", as("alice"), durable)
		if !a.ok.SessionPresent {
			t.Error("the session is gone")
		}
		a.publishes(wire.Publish{QoS: 1, Topic: "old"}, mqttauth.NotAuthorized)
		a.publish(1, "new", "x")
		bystander.message("new", "x")
		bystander.quiet()
	})
}

// AUTHZ-13: when a change is reported applied, nothing is routed under the old
// policy any more, neither from nor to the clients of the port. Publishers try
// all topics all the time; in even epochs only "even" may be published and
// "secret" be read, in odd ones only "odd" and nothing.
func TestAUTHZ13NothingUnderTheOldPolicy(t *testing.T) {
	t.Run("many changes", func(t *testing.T) { changeWhilePublishing(t, 150, 6, 0) })
	t.Run("1,000 clients", func(t *testing.T) { changeWhilePublishing(t, 2, 1000, 300) })
}

// changeWhilePublishing changes the policy so often, each time after at least so
// many messages have been routed.
func changeWhilePublishing(t *testing.T, epochs, publishers int, least int64) {
	policies := [2]broker.Access{
		access(t, allow("alice", pub("even"), sub("secret"))),
		access(t, allow("alice", pub("odd"))),
	}
	server := newServer(t, broker.Limits{
		QueueMessages: 1 << 20, QueueBytes: 1 << 29, // nothing is dropped
		SessionsPerIdentity: publishers + 1, PendingPerSource: 2 * (publishers + 2),
	})
	b, open := server.listen(policies[0]), server.listen(open())
	s := open.connect(v5, "s")
	s.subscribe(1, "even", "odd", "mark")
	marker := open.connect(v5, "marker")

	stop := make(chan struct{})
	results := make(chan error, publishers+1)
	for i := range publishers {
		go func() { results <- publishForever(b, fmt.Sprint("p", i), i < 3, stop) }()
	}
	go func() { results <- readSecrets(b, stop) }()
	seen := make(chan error, 1)
	var routed atomic.Int64
	go func() { seen <- checkEpochs(s, epochs, &routed) }()

	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for epoch := 1; epoch <= epochs; epoch++ {
		before := routed.Load()
		for routed.Load()-before < least { // however long 1,000 handshakes take
			<-tick.C
		}
		marker.publish(1, "mark", "changing")
		b.set(policies[epoch%2])
		marker.publish(1, "mark", strconv.Itoa(epoch))
		marker.publish(1, "secret", strconv.Itoa(epoch))
	}
	marker.publish(1, "mark", "over")
	if err := <-seen; err != nil {
		t.Error(err)
	}
	close(stop)
	for range publishers + 1 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// publishForever publishes to all topics, and connects again whenever it is
// disconnected. A restless one leaves by itself after some rounds, to be in the
// middle of a CONNECT when the policy changes.
func publishForever(b *port, id string, restless bool, stop <-chan struct{}) error {
	return forever(b, id, stop, func(p *peer) error {
		out := (&wire.Publish{QoS: 1, PacketID: 1, Topic: "even"}).Append(nil, v5)
		out = (&wire.Publish{QoS: 1, PacketID: 2, Topic: "odd"}).Append(out, v5)
		for round := 0; !restless || round < 10; round++ {
			if _, err := p.nc.Write(out); err != nil {
				return nil
			}
			for range 2 {
				if k, err := p.read(); err != nil || k == (closed{}) {
					return err
				}
			}
		}
		return nil
	})
}

// readSecrets keeps a session with a subscription, whenever it may, and fails
// when it gets what was published in an odd epoch.
func readSecrets(b *port, stop <-chan struct{}) error {
	subscribe := (&wire.Subscribe{PacketID: 1, Filters: []wire.Subscription{{Filter: "secret", QoS: 0}}}).Append(nil, v5)
	return forever(b, "reader", stop, func(p *peer) error {
		if _, err := p.nc.Write(subscribe); err != nil {
			return nil
		}
		for {
			k, err := p.read()
			if err != nil || k == (closed{}) {
				return err
			}
			m, ok := k.(*wire.Publish)
			if !ok {
				continue
			}
			if epoch, _ := strconv.Atoi(string(m.Payload)); epoch%2 == 1 {
				return fmt.Errorf("the reader got the secret of epoch %d", epoch)
			}
		}
	})
}

func forever(b *port, id string, stop <-chan struct{}, f func(*peer) error) error {
	for {
		nc, err := b.dial()
		if err != nil {
			return err
		}
		ended := make(chan struct{})
		go func() {
			select {
			case <-stop:
			case <-ended:
			}
			_ = nc.Close()
		}()
		p := &peer{nc: nc, r: wire.NewReader(nc), v: v5}
		if _, err = nc.Write(connectPacket(v5, id, durable, as("alice")).Append(nil)); err == nil {
			err = f(p)
		}
		close(ended)
		select {
		case <-stop:
			return nil
		default:
		}
		if err != nil {
			return err
		}
	}
}

// checkEpochs reads what is routed until the last mark. Between the mark of an
// epoch and the next change only one topic may occur.
func checkEpochs(s *peer, epochs int, routed *atomic.Int64) error {
	only := ""
	counts := map[string]int{}
	for {
		k, err := s.read()
		if err != nil {
			return err
		}
		m, ok := k.(*wire.Publish)
		if !ok {
			return fmt.Errorf("received %T", k)
		}
		if _, err := s.nc.Write((&wire.Ack{Type: wire.PUBACK, PacketID: m.PacketID}).Append(nil, v5)); err != nil {
			return err
		}
		switch {
		case m.Topic != "mark" && only != "" && m.Topic != only:
			return fmt.Errorf("a message on %q was routed while only %q was allowed", m.Topic, only)
		case m.Topic != "mark":
			counts[m.Topic]++
			routed.Add(1)
		case string(m.Payload) == "over":
			if counts["even"] == 0 || counts["odd"] == 0 {
				return fmt.Errorf("the publishers got through %v times in %d epochs", counts, epochs)
			}
			return nil
		case string(m.Payload) == "changing":
			only = ""
		default:
			epoch, _ := strconv.Atoi(string(m.Payload))
			only = [2]string{"even", "odd"}[epoch%2]
		}
	}
}
