package broker_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// keeping returns a port that keeps the clients whose rights do not shrink, and
// what changes its policy.
func keeping(t *testing.T, rules ...mqttauthz.Rule) (b *port, change func(rules ...mqttauthz.Rule)) {
	t.Helper()
	a := access(t, rules...)
	a.KeepClients = true
	b = newServer(t, broker.Limits{}).listen(a)
	return b, func(rules ...mqttauthz.Rule) {
		t.Helper()
		next := a
		next.Authorization = policy(t, rules...)
		b.set(next)
	}
}

// AUTHZ-13: with KeepClients a change disconnects those whose rights shrank and
// no others; the new rights of the others are in force.
func TestAUTHZ13KeepClients(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b, change := keeping(t,
			allow("alice", pub("a", "t"), sub("#")),
			allow("bob", pub("b"), sub("b/#")),
			allow("carol", pub("c")))
		alice, bob, carol := b.connect(v, "a", as("alice")), b.connect(v, "b", as("bob"), durable), b.connect(v, "c", as("carol"))
		alice.subscribe(1, "#")
		bob.subscribe(1, "b/#")
		change(
			allow("alice", pub("a", "t", "new"), sub("#")), // more
			allow("bob", pub("b"), sub("b/+")),             // less
			allow("carol", pub("+")))                       // more
		bob.dismissed(wire.AdministrativeAction)
		alice.publish(1, "new", "x")
		alice.message("new", "x")
		carol.publish(1, "d", "x")
		alice.message("d", "x")
		alice.quiet()
		bob = b.connect(v, "b", as("bob"), durable)
		if !bob.ok.SessionPresent {
			t.Error("bob's session is gone")
		}
	})
}

// AUTHZ-13: who is taken out of a rule does not take the others along.
func TestAUTHZ13KeepOthersOfTheRule(t *testing.T) {
	rule := allow("alice", pub("a/{principal.username}"), sub("#"))
	rule.Principals.Usernames = []string{"alice", "bob"}
	b, change := keeping(t, rule)
	alice, bob := b.connect(v5, "a", as("alice")), b.connect(v5, "b", as("bob"))
	rule.Principals.Usernames = []string{"alice"}
	change(rule)
	bob.dismissed(wire.AdministrativeAction)
	alice.publishes(wire.Publish{QoS: 1, Topic: "a/alice"}, 0)
}

// AUTHZ-13: what was found out about a topic counts for one policy only, and for
// that topic only.
func TestAUTHZ13TopicIsDecidedAnew(t *testing.T) {
	b, change := keeping(t, allow("alice", pub("a")))
	alice := b.connect(v5, "a", as("alice"))
	for _, topic := range []string{"b", "b", "a", "a", "b"} {
		var code mqttauth.ReasonCode
		if topic == "b" {
			code = mqttauth.NotAuthorized
		}
		alice.publishes(wire.Publish{QoS: 1, Topic: topic}, code)
	}
	change(allow("alice", pub("a", "b")))
	alice.publishes(wire.Publish{QoS: 1, Topic: "b"}, 0)
}

// Another authentication keeps nobody, and so does a policy that cannot be
// compared because there is none.
func TestAUTHZ13KeepNobody(t *testing.T) {
	b, _ := keeping(t, allow("alice"))
	other := access(t, allow("alice"))
	other.KeepClients = true
	a := b.connect(v5, "a", as("alice"))
	b.set(other)
	a.dismissed(wire.AdministrativeAction)
	a = b.connect(v5, "a", as("alice"))
	b.set(broker.Access{Authentication: other.Authentication, KeepClients: true})
	a.dismissed(wire.AdministrativeAction)
}

// AUTHZ-13: of random policies, no client is ever kept whose rights shrank in
// any of the topics there are; one whose rules are the same always is.
func TestAUTHZ13KeepRandom(t *testing.T) {
	users, topics := []string{"u0", "u1", "u2"}, []string{"a", "b", "a/a", "a/b", "u0", "u1/a"}
	patterns := []string{"a", "b", "+", "a/+", "#", "a/#", "{principal.username}", "{principal.username}/+"}
	random := rand.New(rand.NewPCG(1, 2))
	rule := func(user string) mqttauthz.Rule {
		r := allow(user)
		for range random.IntN(3) {
			r.BrokerResources = append(r.BrokerResources, pub(patterns[random.IntN(len(patterns))]))
		}
		for range random.IntN(3) {
			r.BrokerResources = append(r.BrokerResources, sub(patterns[random.IntN(len(patterns))]))
		}
		return r
	}
	may := func(p *mqttauthz.Policy, user string) (rights []bool) {
		g := p.Grants(mqttauthz.Principal{ClientID: user, Username: user})
		for _, topic := range topics {
			rights = append(rights, g.Publish(topic).Allowed(), g.Subscribe(topic).Allowed(), g.Subscribe(topic+"/+").Allowed())
		}
		return append(rights, g.Subscribe("#").Allowed(), g.Subscribe("+").Allowed())
	}
	kept, dropped := 0, 0
	for round := range 60 {
		before := []mqttauthz.Rule{rule("u0"), rule("u1"), rule("u2")}
		after := []mqttauthz.Rule{before[0], rule("u1"), rule("u2")}
		b, change := keeping(t, before...)
		peers := make([]*peer, len(users))
		for i, user := range users {
			peers[i] = b.connect(v5, user, as(user))
		}
		change(after...)
		for i, user := range users {
			peers[i].send(&wire.Pingreq{})
			_, stayed := peers[i].next().(*wire.Pingresp)
			if stayed {
				kept++
			} else {
				dropped++
			}
			old, now := may(policy(t, before...), user), may(policy(t, after...), user)
			for k := range old {
				if stayed && old[k] && !now[k] {
					t.Fatalf("round %d: %s stayed and lost right %d:\n%v\n%v", round, user, k, before, after)
				}
			}
			if i == 0 && !stayed {
				t.Errorf("round %d: %s was disconnected, but its rule is the same", round, user)
			}
		}
	}
	if kept <= 60 || dropped == 0 {
		t.Errorf("kept %d, dropped %d: the test says nothing", kept, dropped)
	}
}

// S-06, AUTHZ-9: with RecheckRetained, a retained message goes with its author's
// right to it. Those of others, of other ports and on other topics stay.
func TestAUTHZ9RecheckRetained(t *testing.T) {
	before := access(t, allow("alice", pub("#", "$x/#")), allow("bob", pub("#")))
	b, open := twoPorts(t, before)
	alice, bob := b.connect(v5, "a", as("alice"), durable), b.connect(v5, "b", as("bob"))
	elsewhere := open.connect(v5, "e")
	alice.retain("t/alice", "x")
	alice.retain("t/kept", "x")
	alice.retain("$x/alice", "x")
	bob.retain("t/bob", "x")
	elsewhere.retain("t/elsewhere", "x")

	after := access(t, allow("alice", pub("t/kept")), allow("bob", pub("#")))
	after.RecheckRetained = true
	b.set(after)
	s := open.connect(v5, "s")
	got := map[string]bool{}
	s.subscribe(0, "t/#")
	for range 3 {
		got[receive[wire.Publish](s).Topic] = true
	}
	s.subscribe(0, "$x/#")
	s.quiet()
	if fmt.Sprint(got) != "map[t/bob:true t/elsewhere:true t/kept:true]" {
		t.Errorf("left: %v", got)
	}
}
