package broker_test

import (
	"fmt"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// ruled is a port where users connect under these rules. The user "all" may
// do everything that can be said with a pattern.
func ruled(t testing.TB, rules ...mqttauthz.Rule) *port {
	t.Helper()
	all := allow("all", pub("#"), sub("#"))
	return newServer(t, broker.Limits{ReceiveMaximum: 2}).listen(access(t, append(rules, all)...))
}

// denial is what a denied SUBSCRIBE is answered with.
func denial(v mqttauth.Version) mqttauth.ReasonCode {
	if v == v311 {
		return wire.UnspecifiedError
	}
	return mqttauth.NotAuthorized
}

// AUTHZ-4: the client ID must match one of the rule's globs.
func TestAUTHZ4Connect(t *testing.T) {
	rule := allow("alice")
	rule.BrokerResources[0].ClientIDs = []string{"{principal.username}-*"}
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := ruled(t, rule)
		b.connect(v, "alice-1", as("alice")).quiet()
		b.refused(0x87, connectPacket(v, "bob-1", as("alice")))
		b.refused(0x87, connectPacket(v, "Alice-1", as("alice"))) // AUTHZ-1: letter case counts
		b.refused(0x87, connectPacket(v, "alice-1", as("Alice")))
	})
}

// AUTHZ-8, S-25: a shared subscription is decided on its filter.
func TestAUTHZ8Shared(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := ruled(t, allow("alice", sub("a/+", "$SHARE/g/x")))
		a := b.connect(v, "a", as("alice"))
		a.subscribe(1, "$share/g/a/b", "$share/other/a/+", "$SHARE/g/x")
		for _, f := range []string{"$share/g/b", "$share/a/b", "$share/g/a/#", "$share/g/#", "$SHARE/g/a/b", "$share/g/$SHARE/g/x/y"} {
			if got := a.tries(f); got != denial(v) {
				t.Errorf("%q is answered %v", f, got)
			}
		}
		p := b.connect(v, "p", as("all"))
		p.publish(1, "b", "hidden")
		p.publish(1, "a/b", "for both groups")
		a.message("a/b", "for both groups")
		a.message("a/b", "for both groups")
		a.quiet()
	})
}

// AUTHZ-9, E11, S-26: an alias is decided on as the topic it stands for.
func TestAUTHZ9Alias(t *testing.T) {
	b := ruled(t, allow("alice", pub("ok/#")))
	s := b.connect(v5, "s", as("all"))
	s.subscribe(1, "#")
	a := b.connect(v5, "a", as("alice"))
	send := func(topic, payload string, code mqttauth.ReasonCode) {
		t.Helper()
		a.publishes(wire.Publish{QoS: 1, Topic: topic, TopicAlias: 1, Payload: []byte(payload)}, code)
		if code == 0 && topic == "" {
			topic = "ok/1"
		}
		if code == 0 {
			s.message(topic, payload)
		}
	}
	send("ok/1", "set", 0)
	send("", "used", 0)
	send("denied", "set to what is denied", mqttauth.NotAuthorized)
	send("", "used where it is denied", mqttauth.NotAuthorized)
	send("$SYS/x", "reserved", mqttauth.NotAuthorized)
	send("", "reserved", mqttauth.NotAuthorized)
	send("ok/1", "set back", 0)
	send("", "used", 0)
	s.quiet()
	a = b.connect(v5, "a", as("alice"), durable) // takes over; aliases end with the connection
	a.send(&wire.Publish{TopicAlias: 1})
	a.dismissed(mqttauth.ProtocolError)
	s.quiet()
}

// AUTHZ-10: what is allowed is acknowledged with success, whether or not
// anybody subscribes.
func TestAUTHZ10Allowed(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := ruled(t, allow("alice", pub("ok")))
		a := b.connect(v, "a", as("alice"))
		for qos := range byte(3) {
			a.publish(qos, "ok", "nobody hears it")
		}
		s := b.connect(v, "s", as("all"))
		for qos := range byte(3) {
			s.subscribe(qos, "ok")
			a.publish(qos, "ok", "x")
			s.message("ok", "x")
		}
	})
}

// AUTHZ-10: what is denied is neither routed nor retained, costs neither packet
// id nor quota, and the connection stays.
func TestAUTHZ10Denied(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		for qos := range byte(3) {
			t.Run(fmt.Sprint("QoS ", qos), func(t *testing.T) {
				b := ruled(t, allow("alice", pub("ok")))
				s := b.connect(v, "s", as("all"))
				s.subscribe(2, "#")
				a := b.connect(v, "a", as("alice"))
				for range 5 { // more than the receive maximum
					a.publishes(wire.Publish{QoS: qos, Topic: "denied", Retain: true, Payload: []byte("x")}, mqttauth.NotAuthorized)
				}
				if v == v5 && qos == 2 {
					a.send(&wire.Ack{Type: wire.PUBREL, PacketID: a.id})
					a.expect(&wire.Ack{Type: wire.PUBCOMP, PacketID: a.id, Code: wire.PacketIDNotFound})
				}
				a.publish(qos, "ok", "seen")
				s.message("ok", "seen")
				s.quiet()
				late := b.connect(v, "late", as("all"))
				late.subscribe(2, "#")
				late.quiet()
			})
		}
	})
}

// AUTHZ-11: each filter is decided on by itself; UNSUBSCRIBE is always allowed.
func TestAUTHZ11Subscribe(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := ruled(t, allow("alice", sub("a/#", "b")))
		a := b.connect(v, "a", as("alice"))
		var s wire.Subscribe
		s.PacketID = 1
		for _, f := range []string{"a/b", "c", "b", "+", "a/+/c"} {
			s.Filters = append(s.Filters, wire.Subscription{Filter: f, QoS: 1})
		}
		a.send(&s)
		no := denial(v)
		a.expect(&wire.Suback{PacketID: 1, Codes: []mqttauth.ReasonCode{1, no, 1, no, 1}})
		p := b.connect(v, "p", as("all"))
		p.publish(1, "c", "hidden")
		p.publish(1, "b", "seen")
		a.message("b", "seen")
		a.quiet()
		a.send(&wire.Unsubscribe{PacketID: 2, Filters: []string{"c", "b"}})
		want := &wire.Unsuback{PacketID: 2}
		if v == v5 {
			want.Codes = []mqttauth.ReasonCode{wire.NoSubscriptionExisted, 0}
		}
		a.expect(want)
		p.publish(1, "b", "hidden")
		a.quiet()
	})
}

// AUTHZ-16: some topics belong to the broker, whatever the policy.
func TestAUTHZ16Reserved(t *testing.T) {
	const store = "statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8"
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := openPort(t)
		s := b.connect(v, "s")
		s.subscribe(1, "#", "$SYS/#", "clients/#", store+"/#", "$share/g/statestore/#")
		p := b.connect(v, "p")
		for _, name := range []string{"$SYS", "$SYS/x", "$share/g/x", "$share", store, store + "/x", store + "/command/invoke/x", "clients/" + store + "/a/b"} {
			for qos := range byte(3) {
				p.publishes(wire.Publish{QoS: qos, Topic: name, Retain: true, Payload: []byte("x")}, mqttauth.NotAuthorized)
			}
			if v == v5 {
				p.publishes(wire.Publish{QoS: 1, Topic: name, TopicAlias: 1, Payload: []byte("x")}, mqttauth.NotAuthorized)
				p.publishes(wire.Publish{QoS: 1, TopicAlias: 1, Payload: []byte("x")}, mqttauth.NotAuthorized)
			}
			b.refused(mqttauth.NotAuthorized, connectPacket(v, "w", will(wire.Will{Topic: name})))
		}
		// A request is for the state store alone, also where there is none: not
		// routed, shared or retained.
		p.publishes(wire.Publish{QoS: 1, Retain: true, Topic: store + "/command/invoke", Payload: []byte("request")}, wire.ImplementationSpecificError)
		s.quiet()
		s.subscribe(1, store+"/command/invoke")
		s.quiet()
	})
}

// S-12: no wildcard of a policy covers what begins with a dollar sign.
func TestS12DollarTopics(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := ruled(t, allow("alice", pub("#", "+/x", "$mine/x"), sub("#", "+/x", "$mine/#")))
		a := b.connect(v, "a", as("alice"))
		for _, f := range []string{"$SYS/#", "$own/x", "$own/#", "$share/g/$own/x", "$queue/x"} {
			if got := a.tries(f); got != denial(v) {
				t.Errorf("SUBSCRIBE %q is answered %v", f, got)
			}
		}
		a.subscribe(1, "$mine/x", "#")
		a.publishes(wire.Publish{QoS: 1, Topic: "$own/x"}, mqttauth.NotAuthorized)
		a.publishes(wire.Publish{QoS: 1, Topic: "$CONTROL/x"}, mqttauth.NotAuthorized)
		a.send(&wire.Publish{Topic: "$mine/x", Payload: []byte("x")})
		a.message("$mine/x", "x")
		a.quiet()
	})
}

// S-33: wildcards are no way around the policy. A client with a right to one
// topic gets nothing of another by any filter, and one without a rule nothing at
// all.
func TestS33Wildcards(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := ruled(t, allow("alice", sub("mine/x")), allow("bob"))
		alice, bob := b.connect(v, "a", as("alice")), b.connect(v, "b", as("bob"))
		for _, f := range []string{"#", "+/#", "+/+", "mine/#", "mine/+", "+/x", "$share/g/#", "$share/g/+/x"} {
			for name, p := range map[string]*peer{"alice": alice, "bob": bob} {
				if got := p.tries(f); got != denial(v) {
					t.Errorf("SUBSCRIBE %q of %s is answered %v", f, name, got)
				}
			}
		}
		alice.subscribe(1, "mine/x")
		p := b.connect(v, "p", as("all"))
		p.retain("other/x", "x")
		p.publish(1, "mine/y", "x")
		p.publish(1, "mine/x", "x")
		alice.message("mine/x", "x")
		alice.quiet()
		bob.quiet()
	})
}

// S-13: whatever way a message takes, the right to subscribe decides.
func TestS13DeniedOnAllWays(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		t.Run(fmt.Sprint("allowed ", allowed), func(t *testing.T) {
			versions(t, func(t *testing.T, v mqttauth.Version) {
				filter := map[bool]string{true: "t/#", false: "other"}[allowed]
				b := ruled(t, allow("alice", sub(filter)))
				p := b.connect(v, "p", as("all"))
				p.retain("t/retained", "x")
				a := b.connect(v, "a", as("alice"), durable)
				expect := func(topic string) {
					t.Helper()
					if allowed {
						a.message(topic, "x")
					}
					a.quiet()
				}
				want := mqttauth.ReasonCode(1)
				if !allowed {
					want = denial(v)
				}
				if got := a.tries("t/+"); got != want {
					t.Errorf("SUBSCRIBE is answered %v", got)
				}
				expect("t/retained")
				p.publish(1, "t/live", "x")
				expect("t/live")
				dying := b.connect(v, "w", as("all"), will(wire.Will{Topic: "t/will", Payload: []byte("x")}))
				_ = dying.nc.Close()
				if allowed {
					a.message("t/will", "x")
				}
				a.leave()
				p.publish(1, "t/queued", "x")
				a = b.connect(v, "a", as("alice"), durable)
				expect("t/queued")
				if got := a.tries("$share/g/t/+"); got != want {
					t.Errorf("SUBSCRIBE is answered %v", got)
				}
				a.send(&wire.Unsubscribe{PacketID: 9, Filters: []string{"t/+"}})
				receive[wire.Unsuback](a)
				p.publish(1, "t/shared", "x")
				expect("t/shared")
			})
		})
	}
}

// S-27: what is no UTF-8, or holds NUL, gets nowhere.
func TestS27BadText(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := ruled(t)
		for _, bad := range []string{"a\x00b", "a\xff", "\xed\xa0\x80", "a\xc0\x80"} {
			p := b.connect(v, "p", as("all"))
			body := append([]byte{0, byte(len(bad))}, bad...)
			if v == v5 {
				body = append(body, 0)
			}
			p.raw(append([]byte{0x30, byte(len(body))}, body...))
			p.dismissed(wire.MalformedPacket)
		}
		p := b.connect(v, "p", as("all"))
		p.send(&wire.Publish{Topic: "a/+"})
		p.dismissed(wire.TopicNameInvalid)
	})
}

// S-80: empty levels are levels.
func TestS80EmptyLevels(t *testing.T) {
	names := []string{"a/b", "a//b", "/a/b", "a/b/", "a/b//"}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			b := ruled(t, allow("alice", pub(name), sub(name)))
			a := b.connect(v5, "a", as("alice"))
			a.subscribe(1, name)
			p := b.connect(v5, "p", as("all"))
			for _, other := range names {
				if other == name {
					continue
				}
				if got := a.tries(other); got != mqttauth.NotAuthorized {
					t.Errorf("SUBSCRIBE %q is answered %v", other, got)
				}
				a.publishes(wire.Publish{QoS: 1, Topic: other}, mqttauth.NotAuthorized)
				p.publish(1, other, "x")
			}
			a.quiet()
			p.publish(1, name, "x")
			a.message(name, "x")
		})
	}
}

// AUTHZ-1: what no rule allows is denied, and letter case counts everywhere.
func TestAUTHZ1NothingElse(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := ruled(t, allow("alice", pub("Ok"), sub("Ok")))
		s := b.connect(v, "s", as("all"))
		s.subscribe(1, "#")
		a := b.connect(v, "a", as("alice"))
		for _, name := range []string{"ok", "OK", "Ok/", "Ok/x", "x"} {
			a.publishes(wire.Publish{QoS: 1, Topic: name}, mqttauth.NotAuthorized)
			if got := a.tries(name); got != denial(v) {
				t.Errorf("SUBSCRIBE %q is answered %v", name, got)
			}
		}
		a.publish(1, "Ok", "x")
		s.message("Ok", "x")
		s.quiet()
	})
}

// LINK-3: a port without authorization allows everything, but what is the
// broker's own (AUTHZ-16); one with no rules allows nothing.
func TestLINK3Authorization(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		free := openPort(t).connect(v, "a", will(wire.Will{Topic: "$any/thing"}))
		free.subscribe(2, "#", "$any/#", "$SYS/#")
		free.publishes(wire.Publish{QoS: 1, Topic: "$SYS/x"}, mqttauth.NotAuthorized)
		free.publish(1, "$CONTROL/x", "x")
		free.quiet()
		closed := newServer(t, broker.Limits{}).listen(access(t))
		closed.refused(mqttauth.NotAuthorized, connectPacket(v, "a", as("alice")))
	})
}
