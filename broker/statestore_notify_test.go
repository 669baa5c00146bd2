package broker_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
	"github.com/mqttwarden/mqttwarden/statestore"
)

// STORE-7: a client's own filters need no rule, survive a reconnect, and are no
// reason to deliver anything; those of others do.
func TestSTORE7OwnFilters(t *testing.T) {
	b := storePort(t, keyed("alice", keys(mqttauthz.ReadWrite, "*")))
	own := []string{notifyRoot + "/61/command/notify/+", notifyRoot + "/61/command/notify/6B", notifyRoot + "/a/command/notify"}
	others := []string{
		notifyRoot + "/62/command/notify/+", notifyRoot + "/b/command/notify", notifyRoot + "/#", notifyRoot + "/61/#",
		notifyRoot + "/+/command/notify/+", "$share/g/" + own[0], own[2] + "/+",
	}
	a := b.connect(v5, "a", as("alice"), durable)
	for _, f := range own {
		if got := a.tries(f); got != 1 {
			t.Errorf("SUBSCRIBE %q is answered %v", f, got)
		}
	}
	for _, f := range others {
		if got := a.tries(f); got != mqttauth.NotAuthorized {
			t.Errorf("SUBSCRIBE %q is answered %v", f, got)
		}
	}
	a.leave()
	a = b.connect(v5, "a", as("alice"), durable)
	for _, f := range own {
		a.send(&wire.Unsubscribe{PacketID: 9, Filters: []string{f}})
		a.expect(&wire.Unsuback{PacketID: 9, Codes: []mqttauth.ReasonCode{0}})
	}
	without := newServer(t, broker.Limits{}).listen(access(t, keyed("alice"))).connect(v5, "a", as("alice"))
	if got := without.tries(own[0]); got != mqttauth.NotAuthorized {
		t.Errorf("SUBSCRIBE without a state store is answered %v", got)
	}
}

// STORE-7: a registration and the notifications that wait end with the
// connection, however it ends. What was sent and not acknowledged is completed.
func TestSTORE7EndsWithTheConnection(t *testing.T) {
	for _, way := range []string{"lost", "taken over", "goodbye"} {
		t.Run(way, func(t *testing.T) {
			b := storePort(t)
			w := b.client("w", as("all"))
			one := func(c *wire.Connect) { c.ReceiveMaximum = 1 }
			a := b.client("a", as("all"), durable, one)
			a.answered(ok, "KEYNOTIFY", "k")
			for i := range 3 {
				w.answered(ok, "SET", "k", fmt.Sprint(i))
			}
			sent := receive[wire.Publish](a)
			switch way {
			case "lost":
				_ = a.nc.Close()
			case "goodbye":
				a.leave()
			}
			again := b.connect(v5, "a", as("all"), durable, one)
			if !again.ok.SessionPresent {
				t.Fatal("the session is gone")
			}
			sent.Dup = true
			again.expect(sent)
			again.acknowledge(sent)
			w.answered(ok, "SET", "k", "unseen")
			again.quiet()
			again.answered(":0\r\n", "KEYNOTIFY", "k", "STOP")
		})
	}
}

// roles is a port where the attribute "role" says which keys a client may read.
func roles(t *testing.T) *port {
	role := func(name string, patterns ...string) mqttauthz.Rule {
		return mqttauthz.Rule{
			Principals: mqttauthz.Principals{Attributes: []map[string]string{{"role": name}}},
			BrokerResources: []mqttauthz.BrokerResource{
				{Method: mqttauthz.Connect}, pub(statestore.RequestTopic), sub("r"),
			},
			StateStoreResources: []mqttauthz.StateStoreResource{keys(mqttauthz.ReadWrite, patterns...)},
		}
	}
	return storeServer(t).listen(broker.Access{
		Authentication: chain(t, tokens),
		Authorization:  policy(t, role("both", "a", "b"), role("less", "b")),
	})
}

// AUTHZ-12: when rights are replaced, registrations for keys that may not be read
// any more end, and their notifications that wait are dropped. The others stay.
func TestAUTHZ12KeyNotifications(t *testing.T) {
	b := roles(t)
	w := b.client("w", token("sue role=both"))
	a := b.client("a", token("alice role=both"), func(c *wire.Connect) { c.ReceiveMaximum = 1 })
	a.answered(ok, "KEYNOTIFY", "a")
	a.answered(ok, "KEYNOTIFY", "b")
	for _, key := range []string{"b", "a", "b"} {
		w.answered(ok, "SET", key, "first")
	}
	sent := receive[wire.Publish](a)
	a.auth(0x19, "alice role=less")
	a.renewed(0)
	a.acknowledge(sent)
	a.notified("a", "b", assigned("first"))
	w.answered(ok, "SET", "a", "second")
	w.answered(ok, "SET", "b", "second")
	a.notified("a", "b", assigned("second"))
	a.answered(forbidden, "KEYNOTIFY", "a")
	a.auth(0x19, "alice role=both")
	a.renewed(0)
	w.answered(ok, "SET", "a", "third")
	a.quiet()
	a.answered(ok, "KEYNOTIFY", "a")
	w.answered(ok, "SET", "a", "fourth")
	a.notified("a", "a", assigned("fourth"))
}

// AUTHZ-13: after a change of the policy nothing is notified under the old one.
func TestAUTHZ13KeyNotifications(t *testing.T) {
	s := storeServer(t)
	w := s.listen(open()).client("w")
	b := s.listen(access(t, keyed("alice", keys(mqttauthz.Read, "k"))))
	a := b.client("a", as("alice"), durable)
	a.answered(ok, "KEYNOTIFY", "k")
	a.quiet() // its acknowledgement has arrived
	b.set(access(t, keyed("alice")))
	w.answered(ok, "SET", "k", "v")
	a.dismissed(wire.AdministrativeAction)
	a = b.connect(v5, "a", as("alice"), durable)
	w.answered(ok, "SET", "k", "w")
	a.quiet()
	a.answered(forbidden, "KEYNOTIFY", "k")
}

// EXP-1: no command is executed after the credential has expired, whatever waits.
func TestEXP1Commands(t *testing.T) {
	t.Parallel()
	b := roles(t)
	w := b.client("w", token("sue role=both"))
	a := b.client("a", token("alice role=both ttl=200ms"))
	expired := time.Now().Add(200 * time.Millisecond)
	go func() { // reads nothing but the end
		for k, err := a.read(); err == nil && k != any(closed{}); k, err = a.read() {
		}
	}()
	for {
		if _, err := a.nc.Write(a.request("SET", "a", "x").Append(nil, v5)); err != nil {
			break
		}
	}
	r := w.asks("GET", "a")
	version, err := statestore.ParseTimestamp(property(r, "__ts"))
	if err != nil {
		t.Fatalf("GET: %q, %v", r.Payload, err)
	}
	if at := time.UnixMilli(version.Wall); at.After(expired) {
		t.Errorf("executed at %v, expired at %v", at, expired)
	}
}

// Clients that change and watch one key at the same time: each watcher gets every
// version once, in order.
func TestSTORE7OrderOfVersions(t *testing.T) {
	b := storePort(t)
	const writers, watchers, each = 4, 4, 50
	seen := make([]chan error, watchers)
	for i := range seen {
		id := fmt.Sprint("watcher", i)
		p := b.client(id, as("all"))
		p.answered(ok, "KEYNOTIFY", "k")
		seen[i] = make(chan error, 1)
		go func() { seen[i] <- inOrder(p, writers*each) }()
	}
	var wg sync.WaitGroup
	for i := range writers {
		p := b.client(fmt.Sprint("writer", i), as("all"))
		wg.Go(func() {
			for range each {
				q := p.request("SET", "k", "v")
				_, err := p.nc.Write(q.Append(nil, v5))
				for answers := 0; err == nil && answers < 2; answers++ {
					var k any
					if k, err = p.read(); err == nil {
						err = acknowledgeTo(p, k)
					}
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, result := range seen {
		if err := <-result; err != nil {
			t.Error(err)
		}
	}
}

// inOrder reads n notifications, whose versions must rise.
func inOrder(p *peer, n int) error {
	last := ""
	for range n {
		k, err := p.read()
		if err != nil {
			return err
		}
		m, isMessage := k.(*wire.Publish)
		if !isMessage {
			return fmt.Errorf("received %T", k)
		}
		if v := property(m, "__ts"); v <= last {
			return fmt.Errorf("version %s follows %s", v, last)
		}
		last = property(m, "__ts")
		if err := acknowledgeTo(p, k); err != nil {
			return err
		}
	}
	return nil
}

// acknowledgeTo is acknowledge for any goroutine.
func acknowledgeTo(p *peer, k any) error {
	m, isMessage := k.(*wire.Publish)
	if !isMessage {
		return nil
	}
	_, err := p.nc.Write((&wire.Ack{Type: wire.PUBACK, PacketID: m.PacketID}).Append(nil, v5))
	return err
}

// stutteringStore fails to delete once.
type stutteringStore struct {
	*statestore.Memory
	failed bool
}

func (s *stutteringStore) Delete(key []byte, version statestore.Timestamp) error {
	if !s.failed {
		s.failed = true
		return fmt.Errorf("try again")
	}
	return s.Memory.Delete(key, version)
}

// An entry that a store fails to remove when it is due is removed later.
func TestStoreFailureOnExpiry(t *testing.T) {
	t.Parallel()
	b := newServerWith(t, broker.Options{StateStore: &stutteringStore{Memory: statestore.NewMemory(0)}}).listen(open())
	a := b.client("a")
	a.answered(ok, "KEYNOTIFY", "k")
	a.answered(ok, "SET", "k", "v", "PX", "20")
	a.notified("a", "k", assigned("v"))
	a.notified("a", "k", deleted)
	if !containsAll(b.log(), "state store failed", "try again") {
		t.Errorf("the log says:\n%s", b.log())
	}
}
