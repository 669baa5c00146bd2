package e2e_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/iot-operations-sdks/go/mqtt"
	"github.com/Azure/iot-operations-sdks/go/mqtt/auth"
)

// azureTokenClient is a client of the Azure IoT Operations SDK that reads its token
// from a file, as a pod does.
type azureTokenClient struct {
	*mqtt.SessionClient
	file  string
	auths chan byte // what the AUTH packets and CONNACKs said
	up    chan *mqtt.ConnectEvent
	down  chan *mqtt.DisconnectEvent
	fatal chan error
}

// watchedToken is the SDK's own provider of tokens, watched.
type watchedToken struct {
	*auth.AIOServiceAccountToken
	auths chan byte
}

func (w *watchedToken) AuthSuccess(again func()) {
	w.AIOServiceAccountToken.AuthSuccess(again)
	w.auths <- 0
}

func (w *watchedToken) ContinueAuth(v *auth.Values) (*auth.Values, error) {
	w.auths <- 0x18
	return w.AIOServiceAccountToken.ContinueAuth(v)
}

func (b *tokenBroker) newAzureToken(t *testing.T, clientID string, token []byte) *azureTokenClient {
	t.Helper()
	c := &azureTokenClient{
		file:  filepath.Join(t.TempDir(), "token"),
		auths: make(chan byte, 10),
		up:    make(chan *mqtt.ConnectEvent, 10), down: make(chan *mqtt.DisconnectEvent, 10), fatal: make(chan error, 1),
	}
	c.rotate(t, token)
	provider, err := auth.NewAIOServiceAccountToken(c.file)
	if err != nil {
		t.Fatal(err)
	}
	c.SessionClient, err = mqtt.NewSessionClient(
		clientID, mqtt.TLSConnection("localhost", uint16(b.folder.port), mqtt.WithCA(b.caFile())),
		mqtt.WithAuth(&watchedToken{provider, c.auths}), mqtt.WithKeepAlive(60), mqtt.WithSessionExpiry(3600), mqtt.WithConnectionTimeout(patience),
	)
	if err != nil {
		t.Fatal(err)
	}
	c.RegisterConnectEventHandler(func(e *mqtt.ConnectEvent) { c.up <- e })
	c.RegisterDisconnectEventHandler(func(e *mqtt.DisconnectEvent) { c.down <- e })
	c.RegisterFatalErrorHandler(func(err error) { c.fatal <- err })
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	return c
}

// rotate replaces the token as the kubelet does: by a rename.
func (c *azureTokenClient) rotate(t *testing.T, token []byte) {
	t.Helper()
	if err := os.WriteFile(c.file+".new", token, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(c.file+".new", c.file); err != nil {
		t.Fatal(err)
	}
}

func (c *azureTokenClient) expectUp(t *testing.T) {
	t.Helper()
	select {
	case <-c.up:
	case err := <-c.fatal:
		t.Fatalf("not connected: %v", err)
	case <-time.After(patience):
		t.Fatal("not connected")
	}
}

func (c *azureTokenClient) publish(t *testing.T, topic string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := c.Publish(ctx, topic, []byte("x"), mqtt.WithQoS(1)); err != nil {
		t.Fatal(err)
	}
}

func (c *azureTokenClient) expectAuth(t *testing.T, want byte) {
	t.Helper()
	select {
	case got := <-c.auths:
		if got != want {
			t.Fatalf("AUTH %#x, want %#x", got, want)
		}
	case err := <-c.fatal:
		t.Fatalf("no AUTH %#x: %v", want, err)
	case <-time.After(patience):
		t.Fatalf("no AUTH %#x", want)
	}
}

// The SDK presents the token of its file, and again when the file changes. What
// it answers to 0x18 is an AUTH without anything in it, and after that it
// presents no token until it has a new connection: so it is cut off when the
// token ends that counts, without a DISCONNECT, comes back with the token that
// is there now, and finds its session. Without that it would give up.
func TestTokenAzure(t *testing.T) {
	t.Parallel()
	b := newTokenBroker(t)
	c := b.newAzureToken(t, "press-1", b.token())
	c.expectUp(t)
	c.expectAuth(t, 0)
	c.publish(t, "press/telemetry")
	counts, expiry := b.mint(15 * time.Second)
	c.rotate(t, counts)
	c.expectAuth(t, 0)
	c.publish(t, "press/telemetry")

	b.cluster.Stop()
	c.rotate(t, b.token())
	c.expectAuth(t, 0x18)
	c.publish(t, "press/telemetry")
	if err := b.cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.rotate(t, b.token())
	select {
	case e := <-c.down:
		if e.ReasonCode != nil || time.Now().Before(expiry) {
			t.Errorf("cut off with reason %v before the token ended at %v", e.ReasonCode, expiry)
		}
	case <-time.After(patience):
		t.Fatal("not cut off")
	}
	b.logged(t, "client cut off", "client_id=press-1", "method=ServiceAccountToken", "expiry="+stamp(expiry))
	c.expectUp(t)
	c.expectAuth(t, 0)
	c.publish(t, "press/telemetry")
}

// Who is refused does not try again.
func tokenRefusedAzure(t *testing.T, b *tokenBroker) {
	c := b.newAzureToken(t, "azure", []byte(b.cluster.Token(t, b.press, "other")))
	var refused *mqtt.FatalConnackError
	select {
	case err := <-c.fatal:
		if !errors.As(err, &refused) || refused.ReasonCode != 0x87 {
			t.Errorf("%v; want CONNACK 0x87", err)
		}
	case <-c.up:
		t.Error("connected with a token for somebody else")
	case <-time.After(patience):
		t.Error("neither connected nor refused")
	}
}
