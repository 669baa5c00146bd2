package sat_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/sat"
)

// The answers of an API server 1.36.3.
const (
	reviewed = `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","metadata":{"creationTimestamp":null},"spec":{"token":"x","audiences":["aio-internal","my-audience"]},"status":{"authenticated":true,"user":{"username":"` + subject + `","uid":"` + uid + `","groups":["system:serviceaccounts","system:serviceaccounts:azure-iot-operations","system:authenticated"],"extra":{"authentication.kubernetes.io/credential-id":["JTI=6a5f"]}},"audiences":["my-audience"]}}`
	anybody  = `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","metadata":{},"spec":{"token":" "},"status":{"authenticated":true,"user":{"username":"system:anonymous","groups":["system:unauthenticated"]},"audiences":["my-audience"]}}`
	refused  = `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","metadata":{},"spec":{"token":"x"},"status":{"user":{},"error":"[invalid bearer token, token audiences [\"my-audience\"] is invalid for the target audiences [\"aio-internal\"]]"}}`
	account  = `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"mqtt-client","namespace":"azure-iot-operations","uid":"` + uid + `","resourceVersion":"1","creationTimestamp":"2026-01-01T00:00:00Z","annotations":{"aio-broker-auth/floor":"1","x":"y"},"managedFields":[{"manager":"kubectl","fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:x":{}}}}}]}}`
	notFound = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"serviceaccounts \"mqtt-client\" not found","reason":"NotFound","details":{"name":"mqtt-client","kind":"serviceaccounts"},"code":404}`
	noRight  = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"tokenreviews.authentication.k8s.io is forbidden: User \"system:anonymous\" cannot create resource \"tokenreviews\" in API group \"authentication.k8s.io\" at the cluster scope","reason":"Forbidden","details":{"group":"authentication.k8s.io","kind":"tokenreviews"},"code":403}`
	unknown  = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`
)

var mqttClient = sat.Account{Namespace: namespace, Name: name, UID: uid}

// apiServer is a TLS server on loopback, and the files that a pod has for it.
type apiServer struct {
	*httptest.Server
	config sat.ClientConfig
	asked  atomic.Int64
}

func (s *apiServer) handle(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		h(w, r)
	}
}

func serve(t testing.TB, h http.HandlerFunc) *apiServer {
	t.Helper()
	s := new(apiServer)
	s.Server = httptest.NewUnstartedServer(s.handle(h))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	folder := t.TempDir()
	s.config = sat.ClientConfig{URL: s.URL, CAFile: filepath.Join(folder, "ca.crt"), TokenFile: filepath.Join(folder, "token")}
	write(t, s.config.CAFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	write(t, s.config.TokenFile, "our-own-token\n")
	return s
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// patience is for tests that are not about time: the first handshake of a program
// for 32 bits takes half a second of a processor.
const patience = time.Minute

func newClient(t testing.TB, c sat.ClientConfig) *sat.Client {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = patience
	}
	client, err := sat.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// sequence answers each request with the next handler, and the last for ever.
func sequence(all ...http.HandlerFunc) http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		all[min(int(n.Add(1)), len(all))-1](w, r)
	}
}

// cut closes the connection without an answer.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// hang answers nothing until the client is gone.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
	panic(http.ErrAbortHandler) // who returns has answered, with nothing
}

func TestClientAsks(t *testing.T) {
	token := goodToken(t)
	var body map[string]any
	var got []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Method+" "+r.RequestURI+" "+r.Proto+" "+r.Header.Get("Authorization"))
		if r.Method == http.MethodGet {
			says(200, account)(w, r)
			return
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		says(201, reviewed)(w, r)
	})
	c := newClient(t, s.config)
	r := request(t, token)
	r.Audiences = []string{`odd "one"`, audience}
	review, err := c.Review(t.Context(), r)
	if diff := cmp.Diff(accepted(), review); err != nil || diff != "" {
		t.Errorf("review: %v (-want +got):\n%s", err, diff)
	}
	stored, err := c.ServiceAccount(t.Context(), mqttClient)
	want := sat.ServiceAccount{UID: uid, Annotations: map[string]string{"aio-broker-auth/floor": "1", "x": "y"}}
	if diff := cmp.Diff(want, stored); err != nil || diff != "" {
		t.Errorf("account: %v (-want +got):\n%s", err, diff)
	}
	wantRequests := []string{
		"POST /apis/authentication.k8s.io/v1/tokenreviews HTTP/1.1 Bearer our-own-token",
		"GET /api/v1/namespaces/azure-iot-operations/serviceaccounts/mqtt-client HTTP/1.1 Bearer our-own-token",
	}
	if diff := cmp.Diff(wantRequests, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	wantBody := map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
		"spec": map[string]any{"token": token, "audiences": []any{`odd "one"`, audience}},
	}
	if diff := cmp.Diff(wantBody, body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// SAT-4, SAT-5, S-47, S-49: what each answer means for a client.
func TestAnswers(t *testing.T) {
	swap := func(s, old, replacement string) string {
		if !strings.Contains(s, old) {
			t.Fatalf("%q is not in %q", old, s)
		}
		return strings.Replace(s, old, replacement, 1)
	}
	tests := []struct {
		name            string
		review, account http.HandlerFunc
		want            mqttauth.Outcome
		says            string
	}{
		{"accepted", says(201, reviewed), says(200, account), mqttauth.Accepted, ""},
		{"whole service account", says(200, reviewed), says(200, swap(account, "PartialObjectMetadata", "ServiceAccount")), mqttauth.Accepted, ""},
		{"null annotations", says(201, reviewed), says(200, swap(account, `{"aio-broker-auth/floor":"1","x":"y"}`, "null")), mqttauth.Accepted, ""},
		{"refused", says(201, refused), says(200, account), mqttauth.Denied, "invalid for the target audiences"},
		{"the white-space hole", says(201, anybody), says(200, account), mqttauth.Denied, "no UID"},
		{"audiences of another", says(201, swap(reviewed, `"audiences":["my-audience"]`, `"audiences":["other"]`)), says(200, account), mqttauth.Denied, "audiences"},
		{"no audiences", says(201, swap(reviewed, `,"audiences":["my-audience"]`, ``)), says(200, account), mqttauth.Denied, "audiences"},
		{"S-49: we are not known", says(401, unknown), says(200, account), mqttauth.Unavailable, "our own token"},
		{"S-49: we may not review", says(403, noRight), says(200, account), mqttauth.Unavailable, "cannot create resource"},
		{"bad request", says(400, unknown), says(200, account), mqttauth.Unavailable, "status 400"},
		{"no such path", says(404, "404 page not found"), says(200, account), mqttauth.Unavailable, "status 404"},
		{"busy", says(429, "{}"), says(200, account), mqttauth.Failed, "429"},
		{"broken", says(500, "{}"), says(200, account), mqttauth.Unavailable, "status 500"},
		{"cut", cut, says(200, account), mqttauth.Unavailable, "EOF"},
		{"redirect", http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect).ServeHTTP, says(200, account), mqttauth.Unavailable, "status 307"},
		{"HTML", says(200, "<html>"), says(200, account), mqttauth.Unavailable, "cannot be read"},
		{"empty", says(201, ""), says(200, account), mqttauth.Unavailable, "cannot be read"},
		{"something else", says(201, swap(reviewed, "TokenReview", "Status")), says(200, account), mqttauth.Unavailable, "kind"},
		{"no status", says(201, `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1"}`), says(200, account), mqttauth.Unavailable, "status"},
		{"authenticated twice", says(201, swap(reviewed, `"authenticated":true`, `"authenticated":false,"authenticated":true`)), says(200, account), mqttauth.Unavailable, "cannot be read"},
		{"authenticated is text", says(201, swap(reviewed, `"authenticated":true`, `"authenticated":"true"`)), says(200, account), mqttauth.Unavailable, "cannot be read"},
		{"answer without end", says(201, strings.Repeat(" ", 300<<10)), says(200, account), mqttauth.Unavailable, "longer than"},
		{"no account", says(201, reviewed), says(404, notFound), mqttauth.Denied, "does not exist"},
		{"404 of a proxy", says(201, reviewed), says(404, "404 page not found"), mqttauth.Unavailable, "status 404"},
		{"404 of another thing", says(201, reviewed), says(404, swap(notFound, `"kind":"serviceaccounts"`, `"kind":"namespaces"`)), mqttauth.Unavailable, "status 404"},
		{"account forbidden", says(201, reviewed), says(403, noRight), mqttauth.Unavailable, "lacks a right"},
		{"account unauthorized", says(201, reviewed), says(401, unknown), mqttauth.Unavailable, "our own token"},
		{"account made again", says(201, reviewed), says(200, swap(account, uid, "other")), mqttauth.Denied, "not the one"},
		{"account without UID", says(201, reviewed), says(200, swap(account, uid, "")), mqttauth.Unavailable, "uid"},
		{"other account", says(201, reviewed), says(200, swap(account, `"name":"mqtt-client"`, `"name":"other"`)), mqttauth.Unavailable, "name"},
		{"annotation is a number", says(201, reviewed), says(200, swap(account, `floor":"1"`, `floor":1`)), mqttauth.Unavailable, "cannot be read"},
		{"account is HTML", says(201, reviewed), says(200, "<html>"), mqttauth.Unavailable, "cannot be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					tt.review(w, r)
					return
				}
				tt.account(w, r)
			})
			c := newClient(t, s.config)
			cred := client(goodToken(t))
			result, err := newMethod(t, c, c, nil).Authenticate(t.Context(), &cred)
			if got := mqttauth.OutcomeOf(result, err); got != tt.want {
				t.Errorf("%v (%v), want %v", got, err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %q does not say %q", err, tt.says)
			}
		})
	}
}

// One repetition, for what passes, inside the deadline.
func TestRepetition(t *testing.T) {
	later := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600")
		says(503, "{}")(w, r)
	}
	good := says(201, reviewed)
	tests := []struct {
		name  string
		h     http.HandlerFunc
		asked int64
		fails bool
	}{
		{"cut, then good", sequence(cut, good), 2, false},
		{"429, then good", sequence(says(429, "{}"), good), 2, false},
		{"500, then good", sequence(says(500, "{}"), good), 2, false},
		{"503, then good", sequence(says(503, "{}"), good), 2, false},
		{"twice is enough", sequence(says(500, "{}"), says(500, "{}"), good), 2, true},
		{"403 is no accident", sequence(says(403, noRight), good), 1, true},
		{"401 is no accident", sequence(says(401, unknown), good), 1, true},
		{"a refusal is an answer", sequence(says(201, refused), good), 1, false},
		{"later than our deadline", sequence(later, good), 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.h)
			_, err := newClient(t, s.config).Review(t.Context(), request(t, goodToken(t)))
			if (err != nil) != tt.fails || s.asked.Load() != tt.asked {
				t.Errorf("error %v, %d requests; want an error: %v, %d requests", err, s.asked.Load(), tt.fails, tt.asked)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	s := serve(t, hang)
	s.config.Timeout = 50 * time.Millisecond
	_, err := newClient(t, s.config).Review(t.Context(), request(t, goodToken(t)))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

// Who sets no timeout has the default, and not one that is over at once.
func TestDefaultTimeouts(t *testing.T) {
	s := serve(t, says(201, reviewed))
	ask := func(c *sat.Client, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Review(t.Context(), request(t, goodToken(t))); err != nil {
			t.Error(err)
		}
	}
	ask(newClient(t, s.config), nil) // its handshake may be the first, which takes long
	ask(sat.NewClient(s.config))
	keys := serve(t, says(200, string(published())))
	v, err := sat.NewVerifier(sat.VerifierConfig{Issuer: issuer, KeySet: keys.URL + "/jwks", CAFile: keys.config.CAFile})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	c := newClient(t, sat.ClientConfig{URL: "https://" + address})
	cred := client(goodToken(t))
	result, err := newMethod(t, c, c, nil).Authenticate(t.Context(), &cred)
	if got := mqttauth.OutcomeOf(result, err); got != mqttauth.Unavailable {
		t.Errorf("%v (%v), want unavailable", got, err)
	}
}

// S-49: our own token and the authorities change under us.
func TestRotation(t *testing.T) {
	var seen atomic.Pointer[string]
	h := func(w http.ResponseWriter, r *http.Request) {
		bearer := r.Header.Get("Authorization")
		seen.Store(&bearer)
		says(201, reviewed)(w, r)
	}
	s := serve(t, h)
	c := newClient(t, s.config)
	ask := func(want string) {
		t.Helper()
		_, err := c.Review(t.Context(), request(t, goodToken(t)))
		if got := *seen.Load(); err != nil || got != "Bearer "+want {
			t.Errorf("sent %q, error %v; want %q", got, err, want)
		}
	}
	ask("our-own-token")
	write(t, s.config.TokenFile, "another-token")
	ask("another-token")

	ca, err := os.ReadFile(s.config.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	fails := func(file, text, want string) {
		t.Helper()
		write(t, file, text)
		if _, err := c.Review(t.Context(), request(t, goodToken(t))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	fails(s.config.CAFile, "", "no certificate")
	fails(s.config.CAFile, string(otherAuthority(t)), "certificate")
	write(t, s.config.CAFile, string(ca))
	ask("another-token")
	fails(s.config.TokenFile, "\n", "holds no token")
	fails(s.config.TokenFile, "a b", "holds no token")
	fails(s.config.TokenFile, strings.Repeat("a", 2<<20), "longer than")
	write(t, s.config.TokenFile, "third-token\n")
	ask("third-token")
}

func TestAccountNamesStayInTheirPlace(t *testing.T) {
	s := serve(t, says(200, account))
	c := newClient(t, s.config)
	for _, a := range []sat.Account{{}, {Namespace: "..", Name: "x"}, {Namespace: "a", Name: "../b"}, {Namespace: "a", Name: "b?c"}, {Namespace: "a", Name: ".."}} {
		if _, err := c.ServiceAccount(t.Context(), a); err == nil {
			t.Errorf("%+v: no error", a)
		}
	}
	if got := s.asked.Load(); got != 0 {
		t.Errorf("%d requests", got)
	}
}

func TestNewClientRefuses(t *testing.T) {
	for _, u := range []string{"", "http://host", "https://", "host:6443", "https://u:p@host", "https://host?x", "https://host/#x", "https://host:port"} {
		if _, err := sat.NewClient(sat.ClientConfig{URL: u}); err == nil {
			t.Errorf("%q: no error", u)
		}
	}
	for _, c := range []sat.ClientConfig{
		{URL: "https://host", Timeout: -1},
		{URL: "https://host", Connections: -1},
		{URL: "https://host", Transport: http.DefaultTransport, CAFile: "ca.crt"},
		{URL: "https://host", Transport: http.DefaultTransport, TokenFile: "token"},
		{URL: "https://host", Transport: http.DefaultTransport, Connections: 1},
	} {
		if _, err := sat.NewClient(c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

func TestInCluster(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if _, err := sat.InCluster(); err == nil {
		t.Error("outside a pod: no error")
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "443")
	c, err := sat.InCluster()
	const folder = "/var/run/secrets/kubernetes.io/serviceaccount/"
	want := sat.ClientConfig{URL: "https://[fd00::1]:443", CAFile: folder + "ca.crt", TokenFile: folder + "token"}
	if diff := cmp.Diff(want, c); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// otherAuthority is a CA certificate that has signed nothing here.
func otherAuthority(t testing.TB) []byte {
	t.Helper()
	root, err := devca.Root(devca.Named("other"))
	if err != nil {
		t.Fatal(err)
	}
	return root.PEM()
}
