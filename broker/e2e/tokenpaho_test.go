package e2e_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"

	"github.com/mqttwarden/mqttwarden/sat"
)

// tokenClient is a Paho client that presents tokens, and what it was told
// besides messages.
type tokenClient struct {
	*client5
	auths   auther
	goodbye chan *paho.Disconnect // DISCONNECT packets received
	cut     chan error            // the connection broke
}

// auther takes the reason codes of CONNACKs and AUTH packets.
type auther chan byte

// Authenticate notes an AUTH that says "continue". Paho sends what is returned,
// so that is an AUTH that says nothing.
func (a auther) Authenticate(p *paho.Auth) *paho.Auth {
	a <- p.ReasonCode
	return &paho.Auth{Properties: &paho.AuthProperties{AuthMethod: sat.AuthMethod}}
}

// Authenticated notes an AUTH or a CONNACK that says "success".
func (a auther) Authenticated() { a <- 0 }

// dialToken makes a client that is not connected yet, over TLS without a
// certificate of its own.
func (b *tokenBroker) dialToken(t *testing.T, session *state.State) *tokenClient {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pkiFile(t, "contoso_root_ca.crt"))
	c := &tokenClient{auths: make(auther, 10), goodbye: make(chan *paho.Disconnect, 1), cut: make(chan error, 1)}
	conn := b.folder.dial(t, &tls.Config{RootCAs: roots, ServerName: "localhost"})
	c.client5 = over(conn, session, func(config *paho.ClientConfig) {
		config.AuthHandler = c.auths
		config.OnServerDisconnect = func(d *paho.Disconnect) { c.goodbye <- d }
		config.OnClientError = func(err error) { c.cut <- err }
	})
	return c
}

func connectPacket(clientID string, token []byte, clean bool) *paho.Connect {
	hour := uint32(3600)
	return &paho.Connect{
		ClientID: clientID, CleanStart: clean, KeepAlive: 60,
		Properties: &paho.ConnectProperties{AuthMethod: sat.AuthMethod, AuthData: token, SessionExpiryInterval: &hour},
	}
}

// connect connects with a token, with a clean start or to a session that is
// there.
func (c *tokenClient) connect(t *testing.T, clientID string, token []byte, clean bool) {
	t.Helper()
	ack, err := c.Connect(t.Context(), connectPacket(clientID, token, clean))
	if err != nil || ack.SessionPresent == clean || ack.Properties.AuthMethod != sat.AuthMethod {
		t.Fatalf("CONNECT with clean start %v: %+v: %v", clean, ack, err)
	}
	c.expectAuth(t, 0)
}

// reauthenticate sends AUTH 0x19 with a token and expects an answer: AUTH, or
// DISCONNECT for a code that refuses.
func (c *tokenClient) reauthenticate(t *testing.T, token []byte, want byte) {
	t.Helper()
	// Paho waits for success and knows no other end but DISCONNECT.
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		_, _ = c.Client.Authenticate(ctx, &paho.Auth{
			ReasonCode: 0x19,
			Properties: &paho.AuthProperties{AuthMethod: sat.AuthMethod, AuthData: token},
		})
	})
	defer waiting.Wait()
	defer cancel()
	if want >= 0x80 {
		c.expectGoodbye(t, want)
		return
	}
	c.expectAuth(t, want)
}

func (c *tokenClient) expectAuth(t *testing.T, want byte) {
	t.Helper()
	select {
	case got := <-c.auths:
		if got != want {
			t.Fatalf("AUTH %#x, want %#x", got, want)
		}
	case d := <-c.goodbye:
		t.Fatalf("DISCONNECT %#x, want AUTH %#x", d.ReasonCode, want)
	case err := <-c.cut:
		t.Fatalf("the connection broke, want AUTH %#x: %v", want, err)
	case <-time.After(patience):
		t.Fatalf("no AUTH, want %#x", want)
	}
}

// expectCut waits until the connection ends without a word, and returns when.
func (c *tokenClient) expectCut(t *testing.T) time.Time {
	t.Helper()
	select {
	case d := <-c.goodbye:
		t.Fatalf("DISCONNECT %#x, want a connection that ends without one", d.ReasonCode)
	case <-c.cut:
	case <-time.After(patience):
		t.Fatal("the connection stands")
	}
	return time.Now()
}

// expectGoodbye waits for a DISCONNECT.
func (c *tokenClient) expectGoodbye(t *testing.T, code byte) {
	t.Helper()
	select {
	case d := <-c.goodbye:
		if d.ReasonCode != code {
			t.Fatalf("DISCONNECT %#x, want %#x", d.ReasonCode, code)
		}
	case err := <-c.cut:
		t.Fatalf("the connection broke, want DISCONNECT %#x: %v", code, err)
	case <-time.After(patience):
		t.Fatalf("no DISCONNECT, want %#x", code)
	}
}

// stream publishes one message after the other until it is stopped, each of
// which must be accepted.
func (c *tokenClient) stream(t *testing.T, topic string) (count *atomic.Int64, stop func()) {
	t.Helper()
	count = new(atomic.Int64)
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-end:
				return
			default:
			}
			answer, err := c.Publish(t.Context(), &paho.Publish{Topic: topic, QoS: 1, Payload: []byte("x")})
			if err != nil || answer.ReasonCode != 0 {
				t.Errorf("publish while reauthenticating: %+v: %v", answer, err)
				return
			}
			count.Add(1)
		}
	}()
	return count, func() { close(end); <-done }
}

// progress waits until more has been published than there was.
func progress(t *testing.T, count *atomic.Int64) {
	t.Helper()
	was := count.Load()
	for deadline := time.Now().Add(patience); count.Load() < was+10; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d messages published, and no more", count.Load())
		}
	}
}

// A client's life with tokens, from a real API server: it connects, publishes
// while it presents new tokens, hears 0x18 while the API server is down and 0x00
// when it is back, loses its connection without a DISCONNECT when its token
// ends, and finds its session when it returns (SAT-1, SAT-6, EXP-1, EXP-2, EXP-5).
func TestTokenLife(t *testing.T) {
	t.Parallel()
	b := newTokenBroker(t)
	session := state.NewInMemory()
	press := b.dialToken(t, session)
	press.connect(t, "press-1", b.token(), true)
	if code := press.subscribe(t, "press/orders", 1); code != 1 {
		t.Fatalf("SUBACK %#x", code)
	}
	count, stop := press.stream(t, "press/telemetry")
	progress(t, count)
	press.reauthenticate(t, b.token(), 0)
	progress(t, count)

	b.cluster.Stop()
	press.reauthenticate(t, b.token(), 0x18)
	progress(t, count)
	if ack, err := b.dialToken(t, nil).Connect(t.Context(), connectPacket("press-2", b.token(), true)); err == nil || ack == nil || ack.ReasonCode != 0x88 {
		t.Errorf("CONNECT while the API server is down: %+v: %v; want 0x88", ack, err)
	}
	if err := b.cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	last, expiry := b.mint(4 * time.Second)
	press.reauthenticate(t, last, 0)
	progress(t, count)
	stop()

	if at := press.expectCut(t); at.Before(expiry) {
		t.Errorf("cut off at %v, before the token ended at %v", at, expiry)
	}
	b.logged(t, "client cut off", "client_id=press-1", "method=ServiceAccountToken", "expiry="+stamp(expiry))

	other := b.dialToken(t, nil)
	other.connect(t, "orders", b.token(), true)
	other.publish(t, "press/orders", 1, "print")
	if ack, err := b.dialToken(t, nil).Connect(t.Context(), connectPacket("press-1", last, false)); err == nil || ack == nil || ack.ReasonCode != 0x87 {
		t.Errorf("CONNECT with the token that has ended: %+v: %v; want 0x87", ack, err)
	}
	press = b.dialToken(t, session)
	press.connect(t, "press-1", b.token(), false)
	press.expectMessage(t, "print")
}

// TestTokens holds the tests that share a broker and its API server.
func TestTokens(t *testing.T) {
	t.Parallel()
	b := newTokenBroker(t)
	for name, test := range map[string]func(*testing.T, *tokenBroker){
		"refused": tokenRefused, "forms": tokenForms, "attributes": tokenAttributes, "refused, Azure SDK": tokenRefusedAzure,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}

// Who presents what is no token of an account, or not for us, is refused (SAT-3,
// SAT-4). So is a connected client that presents it, or somebody else's (EXP-2,
// EXP-3).
func tokenRefused(t *testing.T, b *tokenBroker) {
	good := b.token()
	ended, _ := b.mint(-time.Second)
	stranger := b.cluster.Account(t, b.press.Namespace, "stranger", nil)
	colleague := b.cluster.Account(t, b.press.Namespace, "colleague", map[string]string{"aio-broker-auth/role": "press"})
	for _, tt := range []struct {
		name  string
		token []byte
	}{
		{"nothing", nil},
		{"a space", []byte(" ")},
		{"expired a second ago", ended},
		{"wrong audience", []byte(b.cluster.Token(t, b.press, "other"))},
		{"audience of the API server", []byte(b.cluster.Token(t, b.press))},
		{"an account without attributes", []byte(b.cluster.Token(t, stranger, tokenAudience))},
		{"forged", append(bytes.Clone(good[:len(good)-4]), "AAAA"...)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ack, err := b.dialToken(t, nil).Connect(t.Context(), connectPacket("refused", tt.token, true))
			if err == nil || ack == nil || ack.ReasonCode != 0x87 {
				t.Errorf("CONNECT: %+v: %v; want 0x87", ack, err)
			}
			press := b.dialToken(t, nil)
			press.connect(t, tt.name, good, true)
			press.reauthenticate(t, tt.token, 0x87)
		})
	}
	press := b.dialToken(t, nil)
	press.connect(t, "press", good, true)
	press.reauthenticate(t, []byte(b.cluster.Token(t, colleague, tokenAudience)), 0x87)
}

// A file that ends in a line feed is a token (SAT-1). So is the password beside
// a user name that says so (SAT-2), which nothing renews.
func tokenForms(t *testing.T, b *tokenBroker) {
	b.dialToken(t, nil).connect(t, "file", append(b.token(), '\n'), true)

	ack, err := b.dialToken(t, nil).Connect(t.Context(), &paho.Connect{
		ClientID: "password", CleanStart: true, KeepAlive: 60,
		UsernameFlag: true, Username: "K8S-SAT", PasswordFlag: true, Password: b.token(),
	})
	if err != nil {
		t.Errorf("token as a password: %+v: %v", ack, err)
	}
	ack, err = b.dialToken(t, nil).Connect(t.Context(), &paho.Connect{
		ClientID: "password", CleanStart: true, KeepAlive: 60,
		UsernameFlag: true, Username: "K8S-SAT", PasswordFlag: true, Password: []byte("secret"),
	})
	if err == nil || ack == nil || ack.ReasonCode != 0x86 {
		t.Errorf("password that is no token: %+v: %v; want 0x86", ack, err)
	}
}

// The annotations of the account are the client's rights, from the next token
// on (SAT-5, EXP-2).
func tokenAttributes(t *testing.T, b *tokenBroker) {
	account := b.cluster.Account(t, b.press.Namespace, "changing", map[string]string{"aio-broker-auth/role": "press"})
	token := []byte(b.cluster.Token(t, account, tokenAudience))
	c := b.dialToken(t, nil)
	c.connect(t, "changing", token, true)
	c.publish(t, "press/telemetry", 1, "allowed")
	for _, step := range []struct {
		role string
		want byte
	}{{"guest", 0x87}, {"press", 0}} {
		b.setRole(t, account, step.role)
		c.reauthenticate(t, token, 0)
		if got := c.try(t, "press/telemetry", 1, "x"); got != step.want {
			t.Errorf("publish as %s: %#x, want %#x", step.role, got, step.want)
		}
	}
}
