package broker_test

import (
	"context"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// AUTHN-10, S-10: a session is out of reach for everybody but its owner,
// whatever they try; the owner does not notice.
func TestAUTHN10OtherIdentity(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		s := newServer(t, broker.Limits{})
		rights := access(t, allow("alice", pub("#"), sub("#")), allow("bob", pub("#"), sub("#")))
		b, open := s.listen(rights), s.listen(open())
		elsewhere, err := mqttauth.NewChain("another policy", mqttauth.Entry{Name: "m0", Method: method(users)})
		if err != nil {
			t.Fatal(err)
		}
		other := s.listen(broker.Access{Authentication: elsewhere, Authorization: rights.Authorization})

		attack := func() {
			t.Helper()
			for _, o := range [][]option{{}, {durable}, {will(wire.Will{Topic: "t", Payload: []byte("forged")})}} {
				b.refused(wire.ClientIDNotValid, connectPacket(v, "a", append(o, as("bob"))...))
				open.refused(wire.ClientIDNotValid, connectPacket(v, "a", o...))
				other.refused(wire.ClientIDNotValid, connectPacket(v, "a", append(o, as("alice"))...))
			}
		}
		a := b.connect(v, "a", as("alice"), durable)
		a.subscribe(1, "t")
		attack()
		p := b.connect(v, "p", as("bob"))
		p.publish(1, "t", "online")
		a.message("t", "online")
		a.quiet()
		a.leave()
		p.publish(1, "t", "queued")
		attack()
		a = b.connect(v, "a", as("alice"), durable)
		if !a.ok.SessionPresent {
			t.Error("the session is gone")
		}
		a.message("t", "queued")
		a.quiet()
	})
}

// AUTHN-10: the owner may do all that.
func TestAUTHN10Owner(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := newServer(t, broker.Limits{}).listen(access(t, allow("alice", pub("#"), sub("#"))))
		first := b.connect(v, "a", as("alice"), durable)
		first.subscribe(1, "t")
		second := b.connect(v, "a", as("alice"), durable)
		first.dismissed(wire.SessionTakenOver)
		if !second.ok.SessionPresent {
			t.Error("the session is gone")
		}
		second.send(&wire.Publish{Topic: "t", Payload: []byte("x")})
		second.message("t", "x")
		third := b.connect(v, "a", as("alice"))
		second.dismissed(wire.SessionTakenOver)
		if third.ok.SessionPresent {
			t.Error("the session is still there")
		}
		third.publish(1, "t", "x")
		third.quiet()
	})
}

// AUTHN-10: anonymous equals anonymous, on whatever port.
func TestAUTHN10Anonymous(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		s := newServer(t, broker.Limits{})
		a := s.listen(open()).connect(v, "a", durable)
		if !s.listen(open()).connect(v, "a", durable).ok.SessionPresent {
			t.Error("the session is gone")
		}
		a.dismissed(wire.SessionTakenOver)
	})
}

// AUTHN-10: a client without a name equals nobody, not even itself.
func TestAUTHN10Nameless(t *testing.T) {
	nameless := func(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
		return mqttauth.Accept(mqttauth.Principal{ClientID: c.ClientID}, ""), nil
	}
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := authenticated(t, broker.Limits{SessionsPerIdentity: 1}, nameless)
		a := b.connect(v, "a", durable)
		if v == v5 && a.ok.SessionExpiry != wire.Some[uint32](0) {
			t.Errorf("CONNACK with session expiry %v, want 0", a.ok.SessionExpiry)
		}
		b.connect(v, "b", durable).quiet() // they do not count for one identity
		b.refused(wire.ClientIDNotValid, connectPacket(v, "a"))
		b.refused(wire.ClientIDNotValid, connectPacket(v, "a", durable))
		a.quiet()
		a.leave()
		var again *peer
		eventually(t, "the client ID to be free", func() bool {
			again = b.peer()
			again.sendConnect(connectPacket(v, "a", durable))
			again.ok = *receive[wire.Connack](again)
			return again.ok.Code == 0
		})
		if again.ok.SessionPresent {
			t.Error("the session of nobody is resumed")
		}
	})
}

// AUTHN-10: a session whose owner may not connect any more is in nobody's way.
func TestAUTHN10OwnerBarred(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		all := []mqttauthz.BrokerResource{pub("#"), sub("#")}
		b := newServer(t, broker.Limits{}).listen(access(t, allow("alice", all...), allow("bob", all...)))
		a := b.connect(v, "x", as("alice"), durable)
		a.subscribe(1, "t")
		a.leave()
		b.refused(wire.ClientIDNotValid, connectPacket(v, "x", as("bob"), durable))
		b.set(access(t, allow("bob", all...)))
		bob := b.connect(v, "x", as("bob"), durable)
		if bob.ok.SessionPresent {
			t.Error("bob has the session of alice")
		}
		bob.publish(1, "t", "x")
		bob.quiet()
		b.set(access(t, allow("alice", all...), allow("bob", all...)))
		bob.dismissed(wire.AdministrativeAction)
		b.refused(wire.ClientIDNotValid, connectPacket(v, "x", as("alice")))
	})
}

// AUTHN-10: the sessions of one identity are limited, those of others are not
// concerned.
func TestAUTHN10SessionsPerIdentity(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := newServer(t, broker.Limits{SessionsPerIdentity: 2}).listen(access(t, allow("alice"), allow("bob")))
		b.connect(v, "1", as("alice"), durable).leave()
		second := b.connect(v, "2", as("alice"))
		b.refused(wire.QuotaExceeded, connectPacket(v, "3", as("alice")))
		b.refused(wire.QuotaExceeded, connectPacket(v, "3", as("alice"), durable))
		b.connect(v, "3", as("bob")).quiet()
		b.connect(v, "1", as("alice")).quiet() // its own, made new
		second.leave()
		eventually(t, "room for a session", func() bool {
			p := b.peer()
			p.sendConnect(connectPacket(v, "4", as("alice")))
			return receive[wire.Connack](p).Code == 0
		})
	})
}

// S-11: client IDs are compared whole, byte for byte.
func TestS11ClientIDs(t *testing.T) {
	b := openPort(t)
	var peers []*peer
	for _, id := range []string{"a", "A", "a ", " a", "aa", "ä", "a\u0308"} {
		p := b.connect(v5, id, durable)
		if p.ok.SessionPresent {
			t.Errorf("%q finds a session", id)
		}
		peers = append(peers, p)
	}
	for _, p := range peers {
		p.quiet()
	}
}
