package nats_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/mqttwarden/mqttwarden/examples/nats"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// users lets in who says "secret"; the token of a service account is its name.
type users struct{}

func (users) Authenticate(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	name := c.Username
	switch {
	case c.AuthMethod == "K8S-SAT":
		name = string(c.AuthData.Reveal())
	case string(c.Password.Reveal()) != "secret":
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.BadUsernameOrPassword, errors.New("wrong password"))
	}
	r := mqttauth.Accept(mqttauth.Principal{ClientID: c.ClientID, Username: name, Attributes: map[string]string{"line": "4", "odd": "a.b"}}, name)
	if name == "brief" {
		r.Expiry = time.Now().Add(time.Second)
	}
	return r, nil
}

func access(t *testing.T, topics ...string) nats.Access {
	t.Helper()
	policy, err := mqttauthz.Compile([]mqttauthz.Rule{{
		Principals: mqttauthz.Principals{Usernames: []string{"alice", "brief"}},
		BrokerResources: []mqttauthz.BrokerResource{
			{Method: mqttauthz.Connect},
			{Method: mqttauthz.Publish, Topics: topics},
			{Method: mqttauthz.Subscribe, Topics: topics},
		},
	}, {
		Principals: mqttauthz.Principals{Usernames: []string{"root"}},
		BrokerResources: []mqttauthz.BrokerResource{
			{Method: mqttauthz.Connect},
			{Method: mqttauthz.Publish, Topics: []string{"one/#", "two/#", "three/#"}},
		},
	}, {
		Principals:      mqttauthz.Principals{Usernames: []string{"idle"}},
		BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Connect}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return nats.Access{Authentication: users{}, Authorization: policy}
}

// start runs a server, with MQTT.
func start(t *testing.T, a nats.Access) (auth *nats.Authenticator, s *server.Server, mqtt string) {
	t.Helper()
	auth, err := nats.New(a, nil)
	if err != nil {
		t.Fatal(err)
	}
	options := &server.Options{
		ServerName: "test", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: t.TempDir(), MQTT: server.MQTTOpts{Host: "127.0.0.1", Port: server.RANDOM_PORT},
		CustomClientAuthentication: auth,
	}
	s, err = server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	auth.Serve(s)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server does not start")
	}
	return auth, s, fmt.Sprintf("127.0.0.1:%d", options.MQTT.Port)
}

// client speaks the protocol of NATS.
type client struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	return &client{t, nc, bufio.NewReader(nc)}
}

// ask sends lines and a PING, and returns all lines that come before the answer
// to that, or before the end.
func (c *client) ask(lines ...string) string {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.nc, "%s\r\nPING\r\n", strings.Join(lines, "\r\n")); err != nil {
		c.t.Fatal(err)
	}
	var got []string
	for {
		line, err := c.r.ReadString('\n')
		line = strings.TrimSpace(line)
		if err != nil || line == "PONG" {
			return strings.Join(got, "\n")
		}
		if line != "PING" && !strings.HasPrefix(line, "INFO ") {
			got = append(got, line)
		}
	}
}

func login(t *testing.T, s *server.Server, fields string) (c *client, refused bool) {
	t.Helper()
	c = dial(t, s.Addr().String())
	answer := c.ask(`CONNECT {"verbose":false,"pedantic":false,` + fields + `}`)
	if answer != "" && !strings.Contains(answer, "Authorization Violation") {
		t.Fatalf("CONNECT is answered by %s", answer)
	}
	return c, answer != ""
}

func alice(t *testing.T, s *server.Server) *client {
	t.Helper()
	c, refused := login(t, s, `"user":"alice","pass":"secret"`)
	if refused {
		t.Fatal("alice is refused")
	}
	return c
}

func TestConnect(t *testing.T) {
	_, s, _ := start(t, access(t, "ok/#"))
	for fields, want := range map[string]bool{
		`"user":"alice","pass":"secret"`: false,
		`"auth_token":"alice"`:           false,
		`"user":"alice","pass":"guess"`:  true,
		`"user":"bob","pass":"secret"`:   true, // no rule lets him connect
		`"echo":true`:                    true,
	} {
		if _, refused := login(t, s, fields); refused != want {
			t.Errorf("%s: refused %t, want %t", fields, refused, want)
		}
	}
}

// What the policy allows is what the server allows, in both directions.
func TestSubjects(t *testing.T) {
	topics := []string{"ok/#", "one/+", "line/{principal.attributes.line}/x", "odd/{principal.attributes.odd}", "+/wild", "g/a*b", "any/*/b"}
	a := access(t, topics...)
	_, s, _ := start(t, a)
	c := alice(t, s)
	for subject, allowed := range map[string]bool{
		"ok": true, "ok.a": true, "ok.a.b": true, "one.x": true, "line.4.x": true, "any.x.b": true,
		"one": false, "one.x.y": false, "line.5.x": false, "nothing": false, "odd.a.b": false, "a.wild": false, "g.aab": false,
		"$SYS.x": false, "$JS.API.INFO": false, "statestore.v1.FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8.x": false,
	} {
		answer := c.ask("PUB "+subject+" 1", "x")
		if got := !strings.Contains(answer, "Permissions Violation for Publish"); got != allowed {
			t.Errorf("publish %s: allowed %t (%s)", subject, got, answer)
		}
	}
	for subject, allowed := range map[string]bool{
		"ok.>": true, "ok.*": true, "one.*": true, "line.4.x": true, "any.*.b": true,
		">": false, "*": false, "*.x": false, "line.*.x": false, "*.wild": false, "$SYS.>": false, "$JS.>": false,
	} {
		answer := c.ask("SUB "+subject+" 1", "UNSUB 1")
		if got := !strings.Contains(answer, "Permissions Violation for Subscription"); got != allowed {
			t.Errorf("subscribe %s: allowed %t (%s)", subject, got, answer)
		}
	}
}

// AUTHZ-7: a wildcard at the end does not open what is below it.
func TestBelow(t *testing.T) {
	_, s, _ := start(t, access(t, "one/+", "two/+", "two/#", "three/+", "three/+/deep"))
	c := alice(t, s)
	if answer := c.ask("SUB one.> 1", "SUB two.> 2"); answer != "" {
		t.Fatalf("the server has become stricter, and the adapter may too: %s", answer)
	}
	if answer := c.ask("SUB three.* 3"); !strings.Contains(answer, "Permissions Violation") {
		t.Errorf("a right that would open another is not left out: %s", answer)
	}
	if answer := c.ask("SUB three.*.deep 4"); answer != "" {
		t.Errorf("the other right is lost: %s", answer)
	}
	root, _ := login(t, s, `"user":"root","pass":"secret"`)
	root.ask("PUB one.a 1", "x", "PUB one.a.b 1", "x", "PUB two.a.b 1", "x", "PUB three.a.deep 1", "x", "PUB three.a 1", "x")
	want := "MSG one.a 1 1\nx\nMSG two.a.b 2 1\nx\nMSG three.a.deep 4 1\nx"
	var got []string
	for len(got) < 6 {
		line, err := c.r.ReadString('\n')
		if err != nil {
			t.Fatal(err, got)
		}
		got = append(got, strings.TrimSpace(line))
	}
	if strings.Join(got, "\n") != want {
		t.Errorf("delivered\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if more := c.ask("UNSUB 1"); more != "" {
		t.Errorf("also delivered: %s", more)
	}
}

// A client without a right has none: an empty list would allow everything.
func TestNoRights(t *testing.T) {
	_, s, _ := start(t, access(t, "ok/#"))
	c, refused := login(t, s, `"user":"idle","pass":"secret"`)
	if refused {
		t.Fatal("refused")
	}
	if answer := c.ask("PUB a 1", "x", "SUB a 1"); strings.Count(answer, "Permissions Violation") != 2 {
		t.Errorf("publish and subscribe are answered by %s", answer)
	}
}

// EXP-1 and AUTHZ-13.
func TestEnds(t *testing.T) {
	auth, s, _ := start(t, access(t, "ok/#"))
	brief, _ := login(t, s, `"user":"brief","pass":"secret"`)
	if _, err := brief.r.ReadString('\n'); err == nil { // what the server says at the end
		_, _ = brief.r.ReadString('\n')
	}
	c := alice(t, s)
	if err := auth.SetAccess(access(t, "new/#")); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := c.r.ReadString('\n'); err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Fatal("alice is not disconnected")
			}
			break
		}
	}
	if answer := alice(t, s).ask("PUB ok.a 1", "x"); !strings.Contains(answer, "Permissions Violation") {
		t.Errorf("under the new rules: %s", answer)
	}
}

// An MQTT client of the same server has the same rights.
func TestMQTT(t *testing.T) {
	_, s, address := start(t, access(t, "ok/#"))
	c := alice(t, s)
	c.ask("SUB ok.a 1")
	m := dial(t, address)
	say := func(p []byte) {
		t.Helper()
		if _, err := m.nc.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(want ...byte) {
		t.Helper()
		for _, b := range want {
			if got, err := m.r.ReadByte(); err != nil || got != b {
				t.Fatalf("received %#x, %v; want %#x of % x", got, err, b, want)
			}
		}
	}
	say([]byte("\x10\x1e\x00\x04MQTT\x04\xc2\x00\x3c\x00\x03dev\x00\x05alice\x00\x06secret"))
	hear(0x20, 2, 0, 0)
	say([]byte("\x82\x0a\x00\x01\x00\x05ok/in\x01")) // QoS 1
	hear(0x90, 3, 0, 1, 1)
	say([]byte("\x82\x0c\x00\x02\x00\x07nothing\x00"))
	hear(0x90, 3, 0, 2, 0x80)
	say([]byte("\x32\x09\x00\x04ok/a\x00\x07x"))
	hear(0x40, 2, 0, 7)
	if line, err := c.r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "MSG ok.a 1 1") {
		t.Fatalf("the other client received %q, %v", line, err)
	}
	c.ask("PUB ok.in 1", "y")
	hear([]byte("\x30\x08\x00\x05ok/iny")...)

	bad := dial(t, address)
	if _, err := bad.nc.Write([]byte("\x10\x1d\x00\x04MQTT\x04\xc2\x00\x3c\x00\x03dev\x00\x05alice\x00\x05guess")); err != nil {
		t.Fatal(err)
	}
	m = bad
	hear(0x20, 2, 0, 5)
}
