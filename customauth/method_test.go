package customauth_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/authtest"
)

// rules is an authenticator that knows one password and one ticket.
type rules struct{}

var attributes = map[string]string{"id": "press-1", "floor": "1"}

func (rules) Connect(_ context.Context, r *customauth.ConnectRequest) (customauth.Answer, error) {
	right := r.HasUsername && r.Username == "alice" && string(r.Password.Reveal()) == phrase
	if r.Enhanced != nil {
		right = r.Enhanced.Method == "TICKET" && string(r.Enhanced.Data.Reveal()) == phrase
	}
	if !right {
		return customauth.Refuse(mqttauth.BadUsernameOrPassword, "unknown "+r.Username), nil
	}
	return customauth.Accept(attributes, time.Now().Add(time.Hour)), nil
}

func (r rules) Auth(ctx context.Context, a *customauth.AuthRequest) (customauth.Answer, error) {
	return r.Connect(ctx, &customauth.ConnectRequest{Enhanced: &a.Enhanced})
}

// serve runs a handler behind TLS on loopback.
func serve(t testing.TB, h http.Handler, change func(*tls.Config)) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{thePKI(t).server.TLS()}}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if change != nil {
		change(server.TLS)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func TestConformance(t *testing.T) {
	wrong, other := login(), enhanced()
	wrong.Password = mqttauth.NewSecret([]byte("incorrect horse battery staple"))
	other.AuthMethod = "OTHER"
	stray := login()
	stray.AuthData = mqttauth.NewSecret([]byte(phrase))
	for name, config := range map[string]customauth.Config{"username": {}, "attribute": {IdentityAttribute: "id"}, "plain": {PlainMethod: true}} {
		t.Run(name, func(t *testing.T) {
			config.Endpoint = serve(t, &customauth.Handler{Authenticator: rules{}, PlainMethod: config.PlainMethod}, nil)
			authtest.Run(t, method(t, config),
				authtest.Case{Name: "right password", Credentials: login(), Want: mqttauth.Accepted},
				authtest.Case{Name: "right ticket", Credentials: enhanced(), Want: mqttauth.Accepted},
				authtest.Case{Name: "wrong password", Credentials: wrong, Want: mqttauth.Denied},
				authtest.Case{Name: "unknown method", Credentials: other, Want: mqttauth.Denied},
				authtest.Case{Name: "AUTHN-3: nothing", Credentials: mqttauth.Credentials{Version: mqttauth.MQTT5}, Want: mqttauth.Denied},
				authtest.Case{Name: "AUTHN-12: data without a method", Credentials: stray, Want: mqttauth.Denied},
			)
		})
	}
}

// The worst a server can do beyond the interface: quote what it was told.
func TestConformanceEcho(t *testing.T) {
	server := script{answer: says(answered("403 Forbidden", "application/json", `{"reason":134,"message":"wrong: `+phrase+`"}`))}.start(t)
	authtest.Run(t, method(t, customauth.Config{Endpoint: server.url()}),
		authtest.Case{Name: "login", Credentials: login(), Want: mqttauth.Denied},
		authtest.Case{Name: "ticket", Credentials: enhanced(), Want: mqttauth.Denied})
}

func TestConformanceDown(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // nobody accepts
	m := method(t, customauth.Config{Endpoint: "https://" + listener.Addr().String(), Timeout: 20 * time.Millisecond})
	authtest.Run(t, m, authtest.Case{Name: "login", Credentials: login(), Want: mqttauth.Unavailable})
}

// AUTHN-5: what clients bring about is no outage.
func TestNotAnOutage(t *testing.T) {
	stalled := script{answer: then("", hang)}.start(t)
	m := method(t, customauth.Config{Endpoint: stalled.url(), MaxConcurrent: 1, MaxWaiting: 1, MaxWait: unlimited})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	big := login()
	big.Password = mqttauth.NewSecret(bytes.Repeat([]byte("x"), 65535))
	bad := login()
	bad.Username = "\xff"
	for name, test := range map[string]struct {
		ctx    context.Context
		client mqttauth.Credentials
		want   mqttauth.Outcome
	}{
		"the caller is gone": {ended, login(), mqttauth.Failed},
		"too large":          {t.Context(), big, mqttauth.Denied},
		"not UTF-8":          {t.Context(), bad, mqttauth.Denied},
	} {
		r, err := m.Authenticate(test.ctx, &test.client)
		if got := mqttauth.OutcomeOf(r, err); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	if got := mqttauth.OutcomeOf(m.Authenticate(t.Context(), nil)); got != mqttauth.Denied {
		t.Errorf("no credentials: %v", got)
	}
	if got := stalled.requests.Load(); got != 0 {
		t.Errorf("%d requests were sent", got)
	}
}

// CUST-6: the server hangs; one client has the connection, one waits, all
// others are told to come back.
func TestQueue(t *testing.T) {
	arrived := make(chan bool, 1)
	stalled := script{answer: func(c net.Conn, _ int) bool {
		arrived <- true
		hang(c)
		return false
	}}.start(t)
	m := method(t, customauth.Config{Endpoint: stalled.url(), Timeout: unlimited, MaxConcurrent: 1, MaxWaiting: 1, MaxWait: unlimited})
	ctx, cancel := context.WithCancel(t.Context())
	outcomes := make(chan mqttauth.Outcome, 2)
	ask := func() {
		c := login()
		r, err := m.Authenticate(ctx, &c)
		outcomes <- mqttauth.OutcomeOf(r, err)
	}
	go ask()
	<-arrived
	go ask()
	for m.Stats().Waiting == 0 {
		runtime.Gosched()
	}
	for range 100 {
		c := login()
		r, err := m.Authenticate(t.Context(), &c)
		if got := mqttauth.OutcomeOf(r, err); got != mqttauth.Failed {
			t.Fatalf("CUST-3: %v with a full queue, want failed (%v)", got, err)
		}
	}
	if s := m.Stats(); s.InFlight != 1 || s.Waiting != 1 || s.Failed != 100 {
		t.Errorf("%+v", s)
	}
	cancel()
	for range 2 {
		if got := <-outcomes; got != mqttauth.Failed {
			t.Errorf("%v for a caller that is gone", got)
		}
	}
	if s := m.Stats(); s.InFlight != 0 || s.Waiting != 0 || s.Open {
		t.Errorf("%+v", s)
	}
	if got := stalled.mostOpen.Load(); got != 1 {
		t.Errorf("%d connections, want 1", got)
	}
}

func TestClosed(t *testing.T) {
	server := script{answer: says(ok("{}"))}.start(t)
	m := method(t, customauth.Config{Endpoint: server.url()})
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	c := login()
	if r, err := m.Authenticate(t.Context(), &c); mqttauth.OutcomeOf(r, err) != mqttauth.Failed {
		t.Errorf("%v", err)
	}
}
