package broker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// answers is the method that gives the same answer to everybody.
func answers(r mqttauth.Result, err error) method {
	return func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) { return r, err }
}

// authenticated is a port that authenticates and allows everything.
func authenticated(t testing.TB, l broker.Limits, methods ...method) *port {
	t.Helper()
	return newServer(t, l).listen(broker.Access{Authentication: chain(t, methods...), Authorization: mqttauthz.AllowAll()})
}

// AUTHN-6, E12: what a refused client is told, in both versions.
func TestAUTHN6RefusingCodes(t *testing.T) {
	cause := errors.New("cause")
	type test struct {
		name string
		err  error
		v5   mqttauth.ReasonCode
		v311 byte
	}
	tests := []test{
		{"wrong password", mqttauth.Deny(0x86, cause), 0x86, 4},
		{"other denial", cause, 0x87, 5},
		{"outage", mqttauth.ErrUnavailable, 0x88, 3},
		{"failure", mqttauth.ErrFailed, 0x88, 3},
		{"not relevant", mqttauth.ErrNotRelevant, 0x87, 5},
		{"reason 0x80", mqttauth.Deny(0x80, cause), 0x80, 5},
		{"reason 0x88", mqttauth.Deny(0x88, cause), 0x88, 3},
		{"reason 0x89", mqttauth.Deny(0x89, cause), 0x89, 3},
		{"reason 0x8A", mqttauth.Deny(0x8A, cause), 0x8A, 5},
		{"reason 0x97", mqttauth.Deny(0x97, cause), 0x97, 3},
		{"reason 0x9F", mqttauth.Deny(0x9F, cause), 0x9F, 3},
		{"reason of a success", mqttauth.Deny(0x00, cause), 0x87, 5},
		{"reason that CONNACK has and a server may not choose", mqttauth.Deny(0x84, cause), 0x87, 5},
		{"reason that CONNACK does not have", mqttauth.Deny(0x8E, cause), 0x87, 5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := authenticated(t, broker.Limits{}, answers(mqttauth.Result{}, test.err))
			p := b.peer()
			p.sendConnect(connectPacket(v5, "a"))
			p.expect(&wire.Connack{Code: test.v5, ReceiveMaximum: 65535}, closed{})
			p = b.peer()
			p.sendConnect(connectPacket(v311, "a"))
			if got := receive[wire.Connack](p).Code.ConnectReturnCode(); got != test.v311 {
				t.Errorf("return code %d, want %d", got, test.v311)
			}
			p.gone()
		})
	}
}

// AUTHN-6, AUTHN-7, AUTHN-12: enhanced authentication is for methods that
// implement it.
func TestAUTHN12EnhancedAuthentication(t *testing.T) {
	b := authenticated(t, broker.Limits{}, tokens)
	enhanced := func(name string, data []byte) option {
		return func(c *wire.Connect) { c.AuthMethod, c.AuthData = name, data }
	}
	if got := b.connect(v5, "a", token("alice")).ok.AuthMethod; got != "TOKEN" {
		t.Errorf("CONNACK with method %q, want TOKEN", got)
	}
	b.refused(0x8C, connectPacket(v5, "a", enhanced("UNKNOWN", []byte("x"))))
	p := b.peer() // with Authentication Data, but no method
	p.raw([]byte{0x10, 0x12, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 0, 4, 0x16, 0, 1, 'x', 0, 1, 'a'})
	p.refused(mqttauth.ProtocolError)
	b.refused(0x87, connectPacket(v5, "a"))
}

// LINK-2: a port without authentication asks for nothing and believes nothing.
func TestLINK2Anonymous(t *testing.T) {
	b := newServer(t, broker.Limits{}).listen(broker.Access{
		Authentication: mqttauth.AllowAnonymous(),
		Authorization: policy(t, allow("alice", pub("secret")), mqttauthz.Rule{
			Principals:      mqttauthz.Principals{ClientIDs: []string{"a"}},
			BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Connect}, sub("#")},
		}),
	})
	a := b.connect(v5, "a", as("alice"))
	a.subscribe(0, "#")
	a.publishes(wire.Publish{QoS: 1, Topic: "secret"}, mqttauth.NotAuthorized)
	b.refused(0x87, connectPacket(v5, "other", as("alice")))
	b.refused(0x8C, connectPacket(v5, "a", token("alice")))
	a.quiet()
}

// AUTHN-8: a slow method holds up its own client, until the deadline.
func TestAUTHN8SlowMethod(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	slow := map[string]method{
		"honours the deadline": func(ctx context.Context, _ *mqttauth.Credentials) (mqttauth.Result, error) {
			<-ctx.Done()
			return mqttauth.Result{}, ctx.Err()
		},
		"ignores the deadline": func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) {
			<-release
			return mqttauth.Accept(mqttauth.Principal{}, "late"), nil
		},
	}
	for name, m := range slow {
		t.Run(name, func(t *testing.T) {
			versions(t, func(t *testing.T, v mqttauth.Version) {
				b := authenticated(t, broker.Limits{AuthenticationTimeout: 200 * time.Millisecond}, users, m)
				p := b.peer()
				p.sendConnect(connectPacket(v, "slow"))
				b.connect(v, "quick", as("alice")).quiet()
				p.refused(mqttauth.ServerUnavailable)
			})
		})
	}
}

// A port that closes does not wait for a method to decide about its clients.
func TestShutdownWhileAMethodIsAsked(t *testing.T) {
	release, asked := make(chan struct{}), make(chan struct{})
	defer close(release)
	s := newServer(t, broker.Limits{AuthenticationTimeout: time.Hour})
	b := s.listen(broker.Access{Authorization: mqttauthz.AllowAll(), Authentication: chain(t, func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) {
		asked <- struct{}{}
		<-release
		return mqttauth.Result{}, mqttauth.ErrFailed
	})})
	p := b.peer()
	p.sendConnect(connectPacket(v5, "a"))
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	p.gone()
}

// AUTHN-9: the server's own client ID cannot be guessed, and is the one that
// everything is decided on.
func TestAUTHN9AssignedClientID(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	see := func(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, c.ClientID)
		return mqttauth.Accept(mqttauth.Principal{ClientID: c.ClientID}, "somebody"), nil
	}
	b := newServer(t, broker.Limits{}).listen(broker.Access{
		Authentication: method(see),
		Authorization: policy(t, mqttauthz.Rule{
			Principals:      mqttauthz.Principals{Attributes: []map[string]string{{"none": "x"}}, ClientIDs: []string{"named"}},
			BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Connect}},
		}),
	})
	b.refused(0x87, connectPacket(v5, ""))
	b.refused(0x85, connectPacket(v311, "", durable)) // [MQTT-3.1.3-8]
	b.set(broker.Access{Authentication: method(see), Authorization: mqttauthz.AllowAll()})
	b.connect(v311, "").quiet()
	for range 2 {
		b.connect(v5, "").quiet()
	}
	last := b.connect(v5, "").ok.AssignedClientID
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 5 {
		t.Fatalf("the method was asked about %q, want five clients", asked)
	}
	seen := map[string]bool{}
	for _, id := range asked {
		if len(id) < 32 || seen[id] {
			t.Errorf("assigned client ID %q can be guessed", id)
		}
		seen[id] = true
	}
	if last != asked[4] {
		t.Errorf("the client was told %q, the method %q", last, asked[4])
	}
}

// AUTHN-9, S-09: a client is refused, for whatever reason, before its session
// is touched.
func TestAUTHN9RefusedBeforeSession(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		b := newServer(t, broker.Limits{}).listen(access(t, allow("alice", pub("ok"), sub("t"))))
		a := b.connect(v, "a", as("alice"), durable)
		a.subscribe(1, "t")
		wrong := func(c *wire.Connect) { c.Password = []byte("wrong") }
		for _, w := range []string{"denied", "$CONTROL/x", "$SYS/x", "$share/g/ok", "statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/command/invoke"} {
			b.refused(0x87, connectPacket(v, "a", as("alice"), will(wire.Will{Topic: w})))
		}
		for _, w := range []string{"ok/+", "ok/#", strings.Repeat("/", 128)} {
			b.refused(wire.TopicNameInvalid, connectPacket(v, "a", as("alice"), will(wire.Will{Topic: w})))
		}
		b.refused(0x86, connectPacket(v, "a", as("alice"), wrong))
		b.refused(0x87, connectPacket(v, "a", as("bob")))
		b.refused(0x87, connectPacket(v, "a"))
		a.quiet()
		a.leave()
		if !b.connect(v, "a", as("alice"), durable).ok.SessionPresent {
			t.Error("the session is gone")
		}
	})
}

// AUTHN-11: new authentication disconnects the port's clients, and no others;
// their sessions are kept.
func TestAUTHN11AuthenticationChanges(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		s := newServer(t, broker.Limits{})
		b, other := s.listen(access(t, allow("alice", sub("t")))), s.listen(open())
		bystander := other.connect(v, "bystander")
		a := b.connect(v, "a", as("alice"), durable)
		b.set(access(t, allow("alice", sub("t"))))
		a.dismissed(wire.AdministrativeAction)
		bystander.quiet()
		if !b.connect(v, "a", as("alice"), durable).ok.SessionPresent {
			t.Error("the session is gone")
		}
		if err := b.SetAccess(broker.Access{Authorization: mqttauthz.AllowAll()}); err == nil {
			t.Error("access without authentication is accepted")
		}
	})
}

// AUTHN-11: whoever is being authenticated under the old rules is refused.
func TestAUTHN11ChangeDuringCONNECT(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	b := authenticated(t, broker.Limits{}, func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) {
		close(asked)
		<-release
		return mqttauth.Accept(mqttauth.Principal{}, "old"), nil
	})
	p := b.peer()
	p.sendConnect(connectPacket(v5, "a"))
	<-asked
	b.set(open())
	close(release)
	p.refused(mqttauth.ServerUnavailable)
}

// AUTHN-13: packets behind CONNECT run after acceptance, and only then.
func TestAUTHN13Pipelined(t *testing.T) {
	versions(t, func(t *testing.T, v mqttauth.Version) {
		release := make(chan struct{})
		b := authenticated(t, broker.Limits{}, users, func(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
			<-release
			if c.ClientID == "bad" {
				return mqttauth.Result{}, errors.New("no")
			}
			return mqttauth.Accept(mqttauth.Principal{}, "good"), nil
		})
		s := b.connect(v, "s", as("alice"))
		s.subscribe(1, "t")
		var peers []*peer
		for _, id := range []string{"bad", "good"} {
			p := b.peer()
			p.v = v
			out := connectPacket(v, id).Append(nil)
			out = (&wire.Publish{QoS: 1, PacketID: 9, Topic: "t", Payload: []byte(id)}).Append(out, v)
			p.raw((&wire.Disconnect{}).Append(out, v))
			peers = append(peers, p)
		}
		s.quiet()
		close(release)
		peers[0].refused(mqttauth.NotAuthorized)
		if got := receive[wire.Connack](peers[1]).Code; got != 0 {
			t.Fatalf("refused: %v", got)
		}
		peers[1].expect(&wire.Ack{Type: wire.PUBACK, PacketID: 9}, closed{})
		s.message("t", "good")
		s.quiet()
	})
}

// OPS-1, S-18, E9: no log line holds a secret, and none holds raw text of a
// peer.
func TestOPS1Log(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-secret"
	echo := func(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
		return mqttauth.Result{}, fmt.Errorf("credentials %v %+v %q: %s", c, *c, c.Password, c.ClientID)
	}
	b := authenticated(t, broker.Limits{}, tokens, users, echo)
	id := "evil\x1b[31m\u202e\nport=x"
	b.refused(0x87, connectPacket(v5, id, func(c *wire.Connect) { c.Password = []byte(secret) }))
	b.refused(0x86, connectPacket(v5, id, as("alice\x07"), func(c *wire.Connect) { c.Password = []byte(secret) }))
	b.refused(0x87, connectPacket(v5, id, token("bad "+secret)))
	a := b.connect(v5, "a", token("alice"))
	a.send(&wire.Auth{Code: mqttauth.Reauthenticate, AuthMethod: "TOKEN", AuthData: []byte("bad " + secret)})
	a.dismissed(mqttauth.NotAuthorized)
	long := b.connect(v5, strings.Repeat("x", 5000), as("alice"))
	long.publishes(wire.Publish{QoS: 1, Topic: "$SYS/\u202e"}, mqttauth.NotAuthorized)
	eventually(t, "five lines", func() bool { return strings.Count(b.log(), "\n") >= 5 })
	log := b.log()
	if strings.Contains(log, secret) || strings.Contains(log, fmt.Sprintf("%x", secret)) || strings.Contains(log, fmt.Sprint([]byte(secret))) {
		t.Errorf("the log holds a secret:\n%s", log)
	}
	if strings.ContainsAny(log, "\x1b\x07\u202e") {
		t.Errorf("the log holds raw text of a peer:\n%q", log)
	}
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "port=test") || len(line) > 2000 {
			t.Errorf("line without its port, or too long: %q", line)
		}
	}
	if !containsAll(log, "publish denied", "client refused", "client cut off") {
		t.Errorf("a line is missing:\n%s", log)
	}
}

// OPS-1: a client that is denied in a loop does not fill the disk.
func TestOPS1Rate(t *testing.T) {
	b := newServer(t, broker.Limits{}).listen(access(t, allow("alice", pub("ok"))))
	p := b.connect(v5, "p", as("alice"))
	started := time.Now()
	for range 1000 {
		p.publish(0, "denied", "")
	}
	p.publishes(wire.Publish{QoS: 1, Topic: "denied"}, mqttauth.NotAuthorized) // when it is answered, all are denied
	seconds := int(time.Since(started)/time.Second) + 2
	if got := strings.Count(b.log(), "publish denied"); got < 10 || got > 10*seconds {
		t.Errorf("%d lines about 1001 denials in less than %d seconds", got, seconds)
	}
}

// OPS-1: denials of one kind, of the same instant and address, do not keep those
// of another kind out of the log.
func TestOPS1Kinds(t *testing.T) {
	b := newServer(t, broker.Limits{}).listen(access(t, allow("alice", pub("ok"))))
	p := b.connect(v5, "p", as("alice"))
	var packets []byte
	for range 100 {
		packets = (&wire.Publish{Topic: "denied"}).Append(packets, v5)
	}
	p.raw((&wire.Subscribe{PacketID: 1, Filters: []wire.Subscription{{Filter: "denied"}}}).Append(packets, v5))
	if code := receive[wire.Suback](p).Codes[0]; code != mqttauth.NotAuthorized {
		t.Fatal(code)
	}
	log := b.log()
	if publishes, subscribes := strings.Count(log, "publish denied"), strings.Count(log, "subscribe denied"); publishes > 20 || subscribes != 1 {
		t.Errorf("%d lines about PUBLISH, %d about SUBSCRIBE, want 10 and 1:\n%s", publishes, subscribes, log)
	}
}
