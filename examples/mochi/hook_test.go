package mochi_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"github.com/mqttwarden/mqttwarden/examples/mochi"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// users lets in who says "secret", or whose token is its name; "dead" meets an
// outage, and the tokens of "brief" end soon.
type users struct{}

func (users) Authenticate(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	name := c.Username
	if c.AuthMethod != "" {
		name = string(c.AuthData.Reveal())
	}
	switch {
	case c.AuthMethod != "" && c.AuthMethod != "TOKEN":
		return mqttauth.Result{}, mqttauth.ErrNotRelevant
	case name == "dead":
		return mqttauth.Result{}, mqttauth.ErrUnavailable
	case name == "" || strings.HasPrefix(name, "bad"):
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.BadUsernameOrPassword, errors.New("unknown user"))
	case c.Previous != nil && c.Previous.Identity.Name != name:
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, mqttauth.ErrOtherIdentity)
	}
	r := mqttauth.Accept(mqttauth.Principal{ClientID: c.ClientID, Username: name}, name)
	if name == "brief" {
		r.Expiry = time.Now().Add(time.Second)
	}
	return r, nil
}

// port is a running server.
type port struct {
	t       *testing.T
	address string
	hook    *mochi.Hook
	chain   *mqttauth.Chain
	log     *buffer
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func start(t *testing.T) *port {
	t.Helper()
	log := &buffer{}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := mqtt.New(&mqtt.Options{Logger: logger})
	hook, err := mochi.New(server, logger)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	chain, err := mqttauth.NewChain("test", mqttauth.Entry{Name: "users", Method: users{}})
	if err != nil {
		t.Fatal(err)
	}
	p := &port{t, tcp.Addr().String(), hook, chain, log}
	if err := hook.Add(mochi.NewListener("tcp", tcp), p.access("ok/#", "old/#")); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// access lets all but "stranger" connect, and use these topics.
func (p *port) access(topics ...string) mochi.Access {
	p.t.Helper()
	policy, err := mqttauthz.Compile([]mqttauthz.Rule{{
		Principals: mqttauthz.Principals{Usernames: []string{"alice", "bob", "brief"}},
		BrokerResources: []mqttauthz.BrokerResource{
			{Method: mqttauthz.Connect},
			{Method: mqttauthz.Publish, Topics: topics},
			{Method: mqttauthz.Subscribe, Topics: topics},
		},
	}})
	if err != nil {
		p.t.Fatal(err)
	}
	return mochi.Access{Authentication: p.chain, Authorization: policy}
}

// AUTHN-6, E12: what a refused client is told.
func TestRefusals(t *testing.T) {
	p := start(t)
	for _, tt := range []struct {
		name     string
		login    login
		v5, v311 byte
	}{
		{"wrong password", login{user: "bad"}, 0x86, 4},
		{"no rule to connect", login{user: "stranger"}, 0x87, 5},
		{"outage", login{user: "dead"}, 0x88, 3},
		{"no rule for the will", login{user: "alice", will: "forbidden"}, 0x87, 5},
		{"a will of the broker's own", login{user: "alice", will: "$SYS/x"}, 0x87, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.login.id = "a"
			tt.login.version = v5
			refused(t, p.address, tt.login, tt.v5)
			tt.login.version = v311
			refused(t, p.address, tt.login, tt.v311)
		})
	}
	refused(t, p.address, login{version: v5, id: "a", method: "UNKNOWN", data: "x"}, 0x8C)
}

// AUTHZ-10: a denied publish is not routed, is acknowledged as each version
// wants it, and ends nothing. E10, E11.
func TestPublish(t *testing.T) {
	p := start(t)
	reader := connect(t, p.address, login{version: v5, id: "r", user: "bob"})
	reader.subscribe(v5, "ok/#", 0)
	routed := func(c *peer, version byte) {
		t.Helper()
		c.publish(version, 0, "ok/after")
		if body := reader.expect(0x30); !bytes.Contains(body, []byte("ok/after")) {
			t.Fatalf("a denied message was routed: %q", body)
		}
	}
	c := connect(t, p.address, login{version: v5, id: "c5", user: "alice"})
	c.publish(v5, 0, "forbidden")
	c.publish(v5, 1, "forbidden")
	c.expect(0x40, 0, 7, 0x87)
	c.publish(v5, 2, "forbidden")
	c.expect(0x50, 0, 7, 0x87)
	c.publish(v5, 1, "forbidden", 0x23, 0, 1) // sets an alias
	c.expect(0x40, 0, 7, 0x87)
	c.publish(v5, 1, "", 0x23, 0, 1) // and uses it
	c.expect(0x40, 0, 7, 0x87)
	c.publish(v5, 1, "ok/alias", 0x23, 0, 2)
	c.expect(0x40, 0, 7)
	reader.expect(0x30)
	c.publish(v5, 1, "", 0x23, 0, 2)
	c.expect(0x40, 0, 7)
	reader.expect(0x30)
	routed(c, v5)

	old := connect(t, p.address, login{version: v311, id: "c3", user: "alice"})
	old.publish(v311, 0, "forbidden")
	old.publish(v311, 1, "forbidden")
	old.expect(0x40, 0, 7)
	old.publish(v311, 2, "forbidden")
	old.expect(0x50, 0, 7)
	old.send(0x62, []byte{0, 7})
	old.expect(0x70, 0, 7)
	routed(old, v311)
}

// AUTHZ-7, AUTHZ-8, AUTHZ-11, E16: subscriptions.
func TestSubscribe(t *testing.T) {
	p := start(t)
	c := connect(t, p.address, login{version: v5, id: "c5", user: "alice"})
	for filter, code := range map[string]byte{
		"ok/+/a": 0, "ok/#": 0, "$share/g/ok/x": 0,
		"#": 0x87, "+/x": 0x87, "forbidden": 0x87, "$share/g/#": 0x87, "$SHARE/g/ok/x": 0x87, "$SYS/#": 0x87,
	} {
		c.subscribe(v5, filter, code)
	}
	old := connect(t, p.address, login{version: v311, id: "c3", user: "alice"})
	old.subscribe(v311, "forbidden", 0x80)
	old.subscribe(v311, "ok/+", 0)
	old.publish(v311, 0, "ok/x")
	old.expect(0x30)
}

// AUTHN-10: nobody else takes over, cleans or resumes a session.
func TestOwner(t *testing.T) {
	p := start(t)
	alice := connect(t, p.address, login{version: v5, id: "c", user: "alice", keep: true})
	refused(t, p.address, login{version: v5, id: "c", user: "bob"}, 0x85)
	refused(t, p.address, login{version: v311, id: "c", user: "bob"}, 2)
	alice.quiet()
	alice.send(0xe0)
	alice.gone()
	refused(t, p.address, login{version: v5, id: "c", user: "bob"}, 0x85) // alice's session waits
	again := connect(t, p.address, login{version: v5, id: "c", user: "alice"})
	again.send(0xe0)
	again.gone()
	eventually(t, "the client ID is free", func() bool {
		nc := dial(t, p.address)
		nc.send(0x10, login{version: v5, id: "c", user: "bob"}.fields()...)
		return nc.expect(0x20)[1] == 0
	})
}

// AUTHZ-13: other rules disconnect, and what they do not allow is not delivered
// to a session that is resumed (AUTHZ-12). A will is decided on again (AUTHZ-9).
func TestOtherRules(t *testing.T) {
	p := start(t)
	keeper := login{version: v5, id: "k", user: "alice", keep: true}
	k := connect(t, p.address, keeper)
	k.subscribe(v5, "old/#", 0)
	k.subscribe(v5, "ok/#", 0)
	old := connect(t, p.address, login{version: v311, id: "o", user: "bob", will: "old/will"})
	p.hook.SetAccess("tcp", p.access("ok/#", "new/#"))
	k.expect(0xe0, 0x98)
	k.gone()
	old.gone()

	k = connect(t, p.address, keeper)
	b := connect(t, p.address, login{version: v5, id: "b", user: "bob"})
	b.publish(v5, 1, "old/x")
	b.expect(0x40, 0, 7, 0x87)
	b.publish(v5, 0, "ok/x")
	if body := k.expect(0x30); !bytes.Contains(body, []byte("ok/x")) {
		t.Errorf("delivered %q", body)
	}
	k.quiet()
}

// EXP-1, EXP-2: a credential ends, and can be renewed.
func TestExpiry(t *testing.T) {
	p := start(t)
	c := connect(t, p.address, login{version: v5, id: "c", user: "brief"})
	c.gone() // without DISCONNECT

	token := login{version: v5, id: "t", method: "TOKEN", data: "alice"}
	c = connect(t, p.address, token)
	auth := func(data string) {
		c.send(0xf0, []byte{0x19, byte(len(authProps("TOKEN", data)))}, authProps("TOKEN", data))
	}
	auth("alice")
	c.expect(0xf0, 0x00)
	auth("bad-token-of-somebody")
	c.expect(0xe0, 0x87)
	c.gone()
	if log := p.log.String(); strings.Contains(log, "bad-token") || strings.Contains(log, "secret") {
		t.Errorf("the log holds a secret (E9):\n%s", log)
	}
	c = connect(t, p.address, token)
	auth("bob") // EXP-3
	c.expect(0xe0, 0x87)
	c.gone()
}

// E4: a packet that makes the server panic ends one connection.
func TestPanic(t *testing.T) {
	p := start(t)
	bystander := connect(t, p.address, login{version: v5, id: "b", user: "bob"})
	c := connect(t, p.address, login{version: v5, id: "c", user: "alice"})
	c.send(0x82, []byte{0, 1, 0, 0, 1, 'a'}) // no options behind the filter
	c.gone()
	eventually(t, "a line about the panic", func() bool { return strings.Contains(p.log.String(), "panicked") })
	bystander.quiet()
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}
