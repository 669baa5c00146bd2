package tokenreview_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/mqttwarden/mqttwarden/sat"
	"github.com/mqttwarden/mqttwarden/sat/tokenreview"
)

func newClient(t *testing.T, c *rest.Config) *sat.Client {
	t.Helper()
	client, err := tokenreview.NewClient(c, tokenreview.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestClient(t *testing.T) {
	s := serve(t)
	c := newClient(t, s.config())
	review, err := c.Review(t.Context(), request(t))
	want := sat.Review{Authenticated: true, Username: "system:serviceaccount:" + namespace + ":" + name, UID: uid, Audiences: []string{audience}}
	if diff := cmp.Diff(want, review); err != nil || diff != "" {
		t.Errorf("review: %v (-want +got):\n%s", err, diff)
	}
	if got := s.headers["Authorization"]; got != "Bearer ours" {
		t.Errorf("Authorization %q", got)
	}
	stored, err := c.ServiceAccount(t.Context(), mqttClient)
	if diff := cmp.Diff(sat.ServiceAccount{UID: uid, Annotations: map[string]string{"aio-broker-auth/floor": "1"}}, stored); err != nil || diff != "" {
		t.Errorf("account: %v (-want +got):\n%s", err, diff)
	}
	s.account = nil
	if _, err := c.ServiceAccount(t.Context(), mqttClient); !errors.Is(err, sat.ErrNoAccount) {
		t.Errorf("deleted: %v, want %v", err, sat.ErrNoAccount)
	}
}

// With the limit that client-go has, the second request would have to wait for
// longer than it may.
func TestNoThrottle(t *testing.T) {
	s := serve(t)
	config := s.config()
	config.QPS, config.Burst = 0.001, 1
	c := newClient(t, config)
	for range 20 {
		if _, err := c.ServiceAccount(t.Context(), mqttClient); err != nil {
			t.Fatal(err)
		}
	}
}

// S-49: our own token is read again. client-go does so within a minute.
func TestTokenFile(t *testing.T) {
	s := serve(t)
	config := s.config()
	config.BearerToken, config.BearerTokenFile = "", filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(config.BearerTokenFile, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newClient(t, config).Review(t.Context(), request(t)); err != nil {
		t.Fatal(err)
	}
	if got := s.headers["Authorization"]; got != "Bearer from a file" {
		t.Errorf("Authorization %q", got)
	}
}

// Our credentials and the clients' tokens go to the API server only.
func TestNoRedirects(t *testing.T) {
	s := serve(t)
	from := httptest.NewTLSServer(http.RedirectHandler(s.URL+"/apis/authentication.k8s.io/v1/tokenreviews", http.StatusTemporaryRedirect))
	defer from.Close()
	config := s.config()
	config.Host = from.URL
	if _, err := newClient(t, config).Review(t.Context(), request(t)); err == nil || !strings.Contains(err.Error(), "status 307") {
		t.Errorf("%v, want an error that says status 307", err)
	}
	if got := s.asked("POST /apis/authentication.k8s.io/v1/tokenreviews"); got != 0 {
		t.Errorf("redirected %d times", got)
	}
}

func TestRefusedConfigs(t *testing.T) {
	insecure := &rest.Config{Host: "https://127.0.0.1:6443", TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	tests := []struct {
		name   string
		config *rest.Config
		want   string
	}{
		{"nil", nil, "no configuration"},
		{"empty", &rest.Config{}, "https://"},
		{"plain", &rest.Config{Host: "http://127.0.0.1:8080"}, "want a URL that begins with https://"},
		{"without a scheme", &rest.Config{Host: "127.0.0.1:8080"}, "https://"},
		{"insecure", insecure, "insecure-skip-tls-verify"},
		{"no such file", &rest.Config{Host: "https://127.0.0.1", TLSClientConfig: rest.TLSClientConfig{CAFile: "/nowhere/ca.crt"}}, "/nowhere/ca.crt"},
		{"a query", &rest.Config{Host: "https://127.0.0.1/?x=y"}, "query"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if c, err := tokenreview.NewClient(tt.config, tokenreview.Options{}); c != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("client: %v, %v; want an error that says %q", c, err, tt.want)
			}
			if w, err := tokenreview.NewWatcher(tt.config, tokenreview.WatcherConfig{}); w != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("watcher: %v, %v; want an error that says %q", w, err, tt.want)
			}
		})
	}
	if _, err := tokenreview.NewClient(serve(t).config(), tokenreview.Options{Timeout: -1}); err == nil {
		t.Error("a negative timeout is no error")
	}
	if _, err := tokenreview.NewWatcher(serve(t).config(), tokenreview.WatcherConfig{MaxAge: -1}); err == nil {
		t.Error("a negative age is no error")
	}
}
