package broker_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
	"github.com/mqttwarden/mqttwarden/statestore"
)

func storeServer(t testing.TB) *server {
	t.Helper()
	return newServerWith(t, broker.Options{StateStore: statestore.NewMemory(0)})
}

// STORE-4: a request needs the right to publish it and the right to its key. The
// log says what was denied, and never a value (S-18).
func TestSTORE4Rights(t *testing.T) {
	noPublish := allow("bob", pub("x"), sub("r"))
	noPublish.StateStoreResources = []mqttauthz.StateStoreResource{keys(mqttauthz.ReadWrite, "*")}
	b := storePort(t, keyed("alice", keys(mqttauthz.Read, "read/*"), keys(mqttauthz.Write, "write/*")), noPublish)
	all := b.client("all", as("all"))
	all.answered(ok, "SET", "read/k", "there")
	a := b.client("a", as("alice"))
	a.answered(bulk("there"), "GET", "read/k")
	a.answered(ok, "KEYNOTIFY", "read/k")
	a.answered(forbidden, "SET", "read/k", "top-secret")
	a.answered(forbidden, "DEL", "read/k")
	a.answered(forbidden, "VDEL", "read/k", "there")
	a.answered(ok, "SET", "write/k", "top-secret")
	a.answered(forbidden, "GET", "write/k")
	a.answered(forbidden, "KEYNOTIFY", "write/k")
	a.answered(":0\r\n", "KEYNOTIFY", "write/k", "STOP")
	a.answered(":1\r\n", "DEL", "write/k")
	a.answered(forbidden, "GET", "other")
	all.answered(bulk("there"), "GET", "read/k")

	p := b.client("b", as("bob"))
	p.publishes(*p.request("SET", "read/k", "x"), mqttauth.NotAuthorized)
	p.quiet()
	all.answered(bulk("there"), "GET", "read/k")
	eventually(t, "the denials in the log", func() bool {
		return containsAll(b.log(), "state store read denied", "state store write denied", "key=read/k", "client_id=a", "username=alice", "publish denied")
	})
	if strings.Contains(b.log(), "top-secret") {
		t.Errorf("a value is in the log:\n%s", b.log())
	}
}

// STORE-4: all ports of a server share one store, and each has its own rights.
func TestSTORE4Ports(t *testing.T) {
	s := storeServer(t)
	free := s.listen(open()).client("a")
	bound := s.listen(access(t, keyed("alice", keys(mqttauthz.Read, "k")))).client("b", as("alice"))
	version := free.answered(ok, "SET", "k", "v")
	if got := bound.answered(bulk("v"), "GET", "k"); got != version {
		t.Errorf("version %s on one port, %s on the other", version, got)
	}
	bound.answered(forbidden, "SET", "k", "w")
	bound.answered(ok, "KEYNOTIFY", "k")
	free.answered(ok, "SET", "k", "w")
	bound.notified("b", "k", assigned("w"))
}

// STORE-6: a reply needs a subscription that is allowed. Who has one to the same
// topic sees nothing.
func TestSTORE6Denied(t *testing.T) {
	rule := allow("alice", pub(statestore.RequestTopic))
	rule.StateStoreResources = []mqttauthz.StateStoreResource{keys(mqttauthz.ReadWrite, "*")}
	b := storePort(t, rule)
	other := b.client("other", as("all"))
	other.subscribe(1, "#", "$share/g/#")
	a := b.connect(v5, "a", as("alice"))
	if got := a.tries("r"); got != mqttauth.NotAuthorized {
		t.Fatalf("SUBSCRIBE is answered %v", got)
	}
	a.ignored("SET", "k", "v")
	other.answered(bulk("v"), "GET", "k")
	other.quiet()
}

// STORE-6: replies keep the client's receive maximum, in order.
func TestSTORE6ReceiveMaximum(t *testing.T) {
	b := storePort(t)
	a := b.client("a", as("all"), func(c *wire.Connect) { c.ReceiveMaximum = 2 })
	a.answered(ok, "SET", "k", "v")
	const n = 9
	var requests []packet
	for i := range n {
		q := a.request("GET", "k")
		q.CorrelationData = []byte{byte(i)}
		requests = append(requests, q)
	}
	a.send(requests...)
	acknowledged, replied, unacknowledged := 0, 0, []*wire.Publish(nil)
	for replied < n {
		switch k := a.next().(type) {
		case *wire.Ack:
			acknowledged++
		case *wire.Publish:
			if !bytes.Equal(k.CorrelationData, []byte{byte(replied)}) {
				t.Fatalf("reply %d is to request %v", replied, k.CorrelationData)
			}
			replied++
			unacknowledged = append(unacknowledged, k)
		}
		if len(unacknowledged) > 2 {
			t.Fatal("three replies at a time")
		}
		if acknowledged == n && (len(unacknowledged) == 2 || replied == n) {
			a.quiet()
			a.acknowledge(unacknowledged[0])
			unacknowledged = unacknowledged[1:]
		}
	}
}

// STORE-6, E13: replies that wait count for the limits of the queue, like any
// message; others do not notice.
func TestSTORE6QueueLimit(t *testing.T) {
	s := newServerWith(t, broker.Options{Limits: broker.Limits{QueueMessages: 5}, StateStore: statestore.NewMemory(0)})
	b := s.listen(open())
	a := b.client("a", func(c *wire.Connect) { c.ReceiveMaximum = 1 })
	for range 50 {
		q := a.request("GET", "k")
		a.send(q)
		for acknowledged := false; !acknowledged; {
			_, acknowledged = a.next().(*wire.Ack) // the other is the first reply
		}
	}
	b.client("b").answered(absent, "GET", "k")
	a.send(&wire.Ack{Type: wire.PUBACK, PacketID: 1})
	for range 5 {
		a.reply("GET", "k")
	}
	a.quiet()
}

// The greatest keys and values that a packet can carry. Nothing is believed of
// lengths; over the packet limit the connection ends.
func TestSTORE1Sizes(t *testing.T) {
	b := storePort(t)
	a := b.client("a", as("all"))
	key := strings.Repeat("k", 65_000)
	value := strings.Repeat("v", 4<<20-65_000-500)
	version := a.answered(ok, "SET", key, value)
	if got := a.answered(bulk(value), "GET", key); got != version {
		t.Errorf("version %s, want %s", got, version)
	}
	a.answered("-ERR the quota has been exceeded\r\n", "KEYNOTIFY", key) // no topic can name it
	a.answered(":1\r\n", "DEL", key)

	q := a.request("GET", "k")
	q.Payload = []byte("*999999999\r\n$999999999\r\nGET\r\n")
	a.send(q)
	a.expect(&wire.Ack{Type: wire.PUBACK, PacketID: q.PacketID})
	if got := string(a.reply("GET", "k").Payload); got != "-ERR syntax error\r\n" {
		t.Errorf("lengths without bytes: %q", got)
	}
	a.send(a.request("SET", "k", strings.Repeat("v", 4<<20)))
	a.dismissed(wire.PacketTooLarge)
}

// STORE-8: registrations are bounded for each session, and make room when it ends.
func TestSTORE8Limits(t *testing.T) {
	const full = "-ERR the quota has been exceeded\r\n"
	limits := broker.Limits{Watches: statestore.Limits{Watches: 3, WatchesPerSession: 2}}
	b := newServerWith(t, broker.Options{Limits: limits, StateStore: statestore.NewMemory(0)}).listen(open())
	a, c := b.client("a"), b.client("c")
	a.answered(ok, "KEYNOTIFY", "1")
	a.answered(ok, "KEYNOTIFY", "2")
	a.answered(full, "KEYNOTIFY", "3")
	c.answered(ok, "KEYNOTIFY", "1")
	c.answered(full, "KEYNOTIFY", "2")
	a.leave()
	c.answered(ok, "KEYNOTIFY", "2")
}

// S-20: a request with as many properties as fit is answered like any other.
func TestS20RequestProperties(t *testing.T) {
	a := storePort(t).client("a", as("all"))
	q := a.request("SET", "k", "v")
	for range wire.MaxRepeated - 2 {
		if err := q.UserProperties.Add(strings.Repeat("n", 10), ""); err != nil {
			t.Fatal(err)
		}
	}
	a.send(q)
	a.expect(&wire.Ack{Type: wire.PUBACK, PacketID: q.PacketID})
	if got := string(a.reply("SET", "k", "v").Payload); got != ok {
		t.Errorf("reply %q", got)
	}
	if err := q.UserProperties.Add("__ts", now()); err != nil {
		t.Fatal(err)
	}
	q.PacketID = a.nextID()
	a.send(q)
	a.expect(&wire.Ack{Type: wire.PUBACK, PacketID: q.PacketID})
	if got := string(a.reply("SET", "k", "v").Payload); got != "-ERR malformed timestamp\r\n" { // STORE-8
		t.Errorf("two time stamps: %q", got)
	}
}

// brokenStore fails.
type brokenStore struct{ *statestore.Memory }

func (brokenStore) Put([]byte, statestore.Entry) error { return errors.New("no space on device") }

// A store that fails is not the client's business: status 500 says so, and the
// log says why.
func TestStoreFailure(t *testing.T) {
	b := newServerWith(t, broker.Options{StateStore: brokenStore{statestore.NewMemory(0)}}).listen(open())
	r := b.client("a").asks("SET", "k", "v")
	got := []string{string(r.Payload), property(r, "__stat"), property(r, "__stMsg"), property(r, "__ts")}
	if diff := cmp.Diff([]string{"", "500", "internal error", ""}, got); diff != "" {
		t.Errorf("payload, status, text, version (-want +got):\n%s", diff)
	}
	if !containsAll(b.log(), "state store failed", "no space on device") {
		t.Errorf("the log says:\n%s", b.log())
	}
}
