package broker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// tokens is an enhanced-authentication method. A token is a name and settings:
// "alice ttl=1s role=reader"; the names bad, outage and slow are special.
func tokens(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	if c.AuthMethod != "TOKEN" {
		return mqttauth.Result{}, mqttauth.ErrNotRelevant
	}
	fields := strings.Fields(string(c.AuthData.Reveal()))
	if len(fields) == 0 {
		return mqttauth.Result{}, errors.New("no token")
	}
	switch fields[0] {
	case "bad":
		return mqttauth.Result{}, errors.New("bad token")
	case "outage":
		return mqttauth.Result{}, mqttauth.ErrUnavailable
	case "slow":
		<-ctx.Done()
		return mqttauth.Result{}, ctx.Err()
	}
	p := mqttauth.Principal{ClientID: c.ClientID, Attributes: map[string]string{}}
	var expiry time.Time
	for _, f := range fields[1:] {
		key, value, _ := strings.Cut(f, "=")
		if key != "ttl" {
			p.Attributes[key] = value
			continue
		}
		ttl, err := time.ParseDuration(value)
		if err != nil {
			return mqttauth.Result{}, err
		}
		expiry = time.Now().Add(ttl)
	}
	r := mqttauth.Accept(p, fields[0])
	r.Expiry = expiry
	return r, nil
}

func token(s string) option {
	return func(c *wire.Connect) { c.AuthMethod, c.AuthData = "TOKEN", []byte(s) }
}

func (p *peer) auth(code mqttauth.ReasonCode, data string) {
	p.t.Helper()
	a := &wire.Auth{Code: code, AuthMethod: "TOKEN"}
	if data != "" {
		a.AuthData = []byte(data)
	}
	p.send(a)
}

// renewed expects the full form of AUTH, with the method (EXP-2).
func (p *peer) renewed(code mqttauth.ReasonCode) {
	p.t.Helper()
	p.expect(&wire.Auth{Code: code, AuthMethod: "TOKEN"})
}

// alive pings until a moment has passed.
func (p *peer) alive(until time.Time) {
	p.t.Helper()
	for time.Now().Before(until) {
		p.quiet()
	}
}

// EXP-1: at the end of the credential the connection is closed without a word,
// the session is kept, and the will is due.
func TestEXP1Expiry(t *testing.T) {
	t.Parallel()
	b := authenticated(t, broker.Limits{}, tokens)
	s := b.connect(v5, "s", token("sue"))
	s.subscribe(1, "w")
	a := b.connect(v5, "a", durable, token("alice ttl=300ms"), will(wire.Will{Topic: "w", Payload: []byte("gone")}))
	a.gone()
	s.message("w", "gone")
	if !b.connect(v5, "a", durable, token("alice")).ok.SessionPresent {
		t.Error("the session is gone")
	}
	eventually(t, "a line that names client, method and expiry", func() bool {
		return containsAll(b.log(), "client cut off", "client_id=a", "method=m0", "expiry=2")
	})
	b.refused(0x87, connectPacket(v5, "a", token("alice ttl=-1ms")))
}

// EXP-1, S-29: the will of an expired client is published only if the policy of
// the moment allows it.
func TestEXP1WillIsDecidedAgain(t *testing.T) {
	t.Parallel()
	rule := func(resources ...mqttauthz.BrokerResource) mqttauthz.Rule {
		return mqttauthz.Rule{
			Principals:      mqttauthz.Principals{ClientIDs: []string{"a", "s"}},
			BrokerResources: append(resources, mqttauthz.BrokerResource{Method: mqttauthz.Connect}),
		}
	}
	a := broker.Access{Authentication: chain(t, tokens)}
	a.Authorization = policy(t, rule(pub("w"), sub("#")))
	b := newServer(t, broker.Limits{}).listen(a)
	kicked := b.connect(v5, "a", durable, token("alice"), will(wire.Will{Topic: "w", Payload: []byte("gone")}))
	a.Authorization = policy(t, rule(pub("x"), sub("#")))
	b.set(a)
	kicked.dismissed(wire.AdministrativeAction)
	eventually(t, "the denied will", func() bool { return containsAll(b.log(), "will denied", "client_id=a") })
	s := b.connect(v5, "s", token("sue"))
	s.subscribe(1, "#")
	s.send(&wire.Publish{Topic: "x", Payload: []byte("sentinel")})
	s.message("x", "sentinel")
}

// EXP-2: a new credential replaces expiry, attributes and grants, at once and
// whole (AUTHZ-12).
func TestEXP2Renewed(t *testing.T) {
	t.Parallel()
	rule := func(role string, resources ...mqttauthz.BrokerResource) mqttauthz.Rule {
		return mqttauthz.Rule{
			Principals:      mqttauthz.Principals{Attributes: []map[string]string{{"role": role}}},
			BrokerResources: append(resources, mqttauthz.BrokerResource{Method: mqttauthz.Connect}),
		}
	}
	b := newServer(t, broker.Limits{}).listen(broker.Access{
		Authentication: chain(t, tokens),
		Authorization:  policy(t, rule("reader", sub("r")), rule("writer", pub("w"), sub("s"))),
	})
	a := b.connect(v5, "a", token("alice role=reader ttl=1500ms"))
	expiry := time.Now().Add(1500 * time.Millisecond)
	a.subscribe(1, "r")
	a.publishes(wire.Publish{QoS: 1, Topic: "w"}, mqttauth.NotAuthorized)
	a.auth(mqttauth.Reauthenticate, "alice role=writer")
	a.quiet() // EXP-4: one verification a second; the answer to an early one is delayed
	a.renewed(0)
	a.publish(1, "w", "x")
	if got := a.tries("r"); got != mqttauth.NotAuthorized {
		t.Errorf("SUBSCRIBE is answered %v", got)
	}
	a.send(&wire.Unsubscribe{PacketID: 9, Filters: []string{"r"}})
	a.expect(&wire.Unsuback{PacketID: 9, Codes: []mqttauth.ReasonCode{wire.NoSubscriptionExisted}})
	a.alive(expiry.Add(200 * time.Millisecond))
}

// EXP-2, EXP-4: an outage leaves things as they are; the client may try again
// in either way, and what else it says about it is ignored.
func TestEXP2Outage(t *testing.T) {
	t.Parallel()
	b := authenticated(t, broker.Limits{}, tokens)
	a := b.connect(v5, "a", token("alice"))
	a.auth(mqttauth.Reauthenticate, "outage")
	a.renewed(mqttauth.ContinueAuthentication)
	a.auth(mqttauth.Success, "")
	a.quiet()
	a.auth(mqttauth.ContinueAuthentication, "outage")
	a.renewed(mqttauth.ContinueAuthentication)
	a.auth(mqttauth.Reauthenticate, "alice ttl=100ms")
	a.renewed(0)
	a.gone()
}

// EXP-2: a slow method is an outage, after its deadline (AUTHN-8); traffic goes
// on meanwhile (EXP-5).
func TestEXP5TrafficMeanwhile(t *testing.T) {
	t.Parallel()
	b := authenticated(t, broker.Limits{AuthenticationTimeout: 500 * time.Millisecond}, tokens)
	a := b.connect(v5, "a", token("alice"))
	a.auth(mqttauth.Reauthenticate, "slow")
	a.subscribe(1, "t")
	a.send(&wire.Publish{Topic: "t", Payload: []byte("x")})
	a.message("t", "x")
	a.renewed(mqttauth.ContinueAuthentication)
	a.quiet()
}

// EXP-5: the old credential's end closes the connection also while a new one is
// being verified.
func TestEXP5ExpiryMeanwhile(t *testing.T) {
	t.Parallel()
	b := authenticated(t, broker.Limits{}, tokens)
	a := b.connect(v5, "a", token("alice ttl=1200ms"))
	a.auth(mqttauth.Reauthenticate, "slow")
	a.gone()
}

// EXP-2, EXP-3: who is refused, or is somebody else, is disconnected.
func TestEXP3Refused(t *testing.T) {
	for _, data := range []string{"bad", "bob", "alice ttl=-1s"} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			a := authenticated(t, broker.Limits{}, tokens).connect(v5, "a", token("alice"))
			a.auth(mqttauth.Reauthenticate, data)
			a.dismissed(mqttauth.NotAuthorized)
		})
	}
}

// EXP-4: AUTH where there must be none.
func TestEXP4OutOfPlace(t *testing.T) {
	b := authenticated(t, broker.Limits{}, tokens, users)
	tests := map[string]func() *peer{
		"no method in CONNECT": func() *peer {
			p := b.connect(v5, "a", as("alice"))
			p.auth(mqttauth.Reauthenticate, "alice")
			return p
		},
		"another method": func() *peer {
			p := b.connect(v5, "b", token("alice"))
			p.send(&wire.Auth{Code: mqttauth.Reauthenticate, AuthMethod: "OTHER", AuthData: []byte("alice")})
			return p
		},
		"3.1.1": func() *peer {
			p := b.connect(v311, "c", as("alice"))
			p.raw([]byte{0xF0, 0})
			return p
		},
		"nothing to continue": func() *peer {
			p := b.connect(v5, "d", token("alice"))
			p.auth(mqttauth.ContinueAuthentication, "alice")
			return p
		},
		"not answered yet": func() *peer {
			p := b.connect(v5, "e", token("alice"))
			p.auth(mqttauth.Reauthenticate, "slow")
			p.auth(mqttauth.Reauthenticate, "alice")
			return p
		},
	}
	for name, start := range tests {
		t.Run(name, func(t *testing.T) { start().dismissed(mqttauth.ProtocolError) })
	}
}

// EXP-4: a client that talks too much about its credential is cut off.
func TestEXP4TooMany(t *testing.T) {
	t.Parallel()
	a := authenticated(t, broker.Limits{}, tokens).connect(v5, "a", token("alice"))
	a.auth(mqttauth.Reauthenticate, "outage")
	a.renewed(mqttauth.ContinueAuthentication)
	for range 12 {
		a.auth(mqttauth.Success, "")
	}
	a.dismissed(mqttauth.MessageRateTooHigh)
}
