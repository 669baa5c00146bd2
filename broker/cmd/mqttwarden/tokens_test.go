package main

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/sat"
)

// cluster is an API server that accepts every token and shows no account, and
// says who asked it.
type cluster struct {
	*httptest.Server
	asked []string // Authorization headers
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := new(cluster)
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.asked = append(c.asked, r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":{"authenticated":true,"user":{"username":"system:serviceaccount:default:press","uid":"1"},"audiences":["a"]}}`)
	}))
	c.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	c.StartTLS()
	t.Cleanup(c.Close)
	return c
}

func (c *cluster) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
}

// kubeconfig writes one for the server, with this user.
func (c *cluster) kubeconfig(t *testing.T, user string) string {
	t.Helper()
	return c.kubeconfigWith(t, "certificate-authority-data: "+base64.StdEncoding.EncodeToString(c.ca()), user)
}

func (c *cluster) kubeconfigWith(t *testing.T, trust, user string) string {
	t.Helper()
	return writeFile(t, "kubeconfig", fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q, %s}}]
users: [{name: u, user: {%s}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`, c.URL, trust, user))
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// review asks what the options ask.
func review(t *testing.T, o config.Options) (sat.Review, error) {
	t.Helper()
	if o.Tokens == nil {
		t.Fatalf("nobody to ask: %v", o.NoTokens)
	}
	enc := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"aud":["a"],"exp":%d}`, time.Now().Add(time.Hour).Unix())
	token, err := sat.ParseToken(mqttauth.NewSecret([]byte(enc([]byte(`{"alg":"RS256"}`)) + "." + enc([]byte(claims)) + "." + enc([]byte("x")))))
	if err != nil {
		t.Fatal(err)
	}
	return o.Tokens.Review(t.Context(), &sat.Request{Token: token, Audiences: []string{"a"}})
}

// alone takes away what the test's own surroundings say of a cluster.
func alone(t *testing.T) {
	t.Helper()
	for _, name := range []string{"KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
}

// The API server is found by flag, environment and surroundings, in this order,
// and asked as the user of the kubeconfig.
func TestAPIServer(t *testing.T) {
	alone(t)
	c, other := newCluster(t), newCluster(t)
	exec := writeFile(t, "plugin", "#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"of a plugin\"}}'\n")
	tests := []struct{ name, user, want string }{
		{"token", "token: inline", "Bearer inline"},
		{"token file", "tokenFile: " + writeFile(t, "token", "of a file"), "Bearer of a file"},
		{"user and password", "username: u, password: p", "Basic " + base64.StdEncoding.EncodeToString([]byte("u:p"))},
		{"exec plugin", "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable, command: " + exec + "}", "Bearer of a plugin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, from := range []string{"--kubeconfig", "KUBECONFIG"} {
				flags := tokenFlags{kubeconfig: c.kubeconfig(t, tt.user)}
				t.Setenv("KUBECONFIG", other.kubeconfig(t, "token: other"))
				if from == "KUBECONFIG" {
					t.Setenv("KUBECONFIG", "/nowhere"+string(filepath.ListSeparator)+flags.kubeconfig)
					flags.kubeconfig = ""
				}
				o, err := flags.options(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if v, err := review(t, o); err != nil || !v.Authenticated {
					t.Fatalf("%s: %+v, %v", from, v, err)
				}
				if got := c.asked[len(c.asked)-1]; got != tt.want {
					t.Errorf("%s: Authorization %q, want %q", from, got, tt.want)
				}
				if o.Accounts == nil {
					t.Errorf("%s: nobody reads accounts", from)
				}
			}
		})
	}
	if len(other.asked) != 0 {
		t.Error("--kubeconfig does not come before KUBECONFIG")
	}
	if err := os.MkdirAll(filepath.Join(os.Getenv("HOME"), ".kube"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(c.kubeconfig(t, "token: home"), filepath.Join(os.Getenv("HOME"), ".kube", "config")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", "")
	var none tokenFlags
	if o, err := none.options(t.Context(), nil); err != nil || o.Tokens != nil {
		t.Errorf("the kubeconfig of the home folder was used: %v", err)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "443")
	if o, err := none.options(t.Context(), nil); err != nil || o.Tokens == nil || o.Accounts == nil {
		t.Errorf("in a pod: %v, %v", o.NoTokens, err)
	}
}

// What is wrong with a kubeconfig, and with flags that contradict each other, is
// said; what is ambient and unusable is no error until a document needs it.
func TestTokenFlagErrors(t *testing.T) {
	alone(t)
	c := newCluster(t)
	broken := writeFile(t, "kubeconfig", "apiVersion: v1\nkind: Config\n")
	tests := []struct {
		name  string
		flags tokenFlags
		want  string
	}{
		{"no such file", tokenFlags{kubeconfig: "/nowhere/kubeconfig"}, "/nowhere/kubeconfig"},
		{"no cluster in it", tokenFlags{kubeconfig: broken}, "--kubeconfig: "},
		{"not YAML", tokenFlags{kubeconfig: writeFile(t, "k", "{")}, "--kubeconfig: "},
		{"insecure", tokenFlags{kubeconfig: c.kubeconfigWith(t, "insecure-skip-tls-verify: true", "token: t")}, "insecure-skip-tls-verify"},
		{"a plugin with questions", tokenFlags{kubeconfig: c.kubeconfig(t, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always, command: sh}")}, "cannot support interactive mode"},
		{"issuer alone", tokenFlags{issuer: "x"}, "only good together"},
		{"keys alone", tokenFlags{keys: "x"}, "only good together"},
		{"delay alone", tokenFlags{maxDelay: time.Minute}, "add --sat-issuer"},
		{"negative delay", tokenFlags{maxDelay: -1}, "negative"},
		{"delay without an API server", tokenFlags{issuer: "x", keys: "x", maxDelay: 1}, "needs an API server: sat: not in a pod"},
		{"both, but not for how long", tokenFlags{issuer: "x", keys: "x", kubeconfig: c.kubeconfig(t, "token: t")}, "--sat-max-delay"},
		{"keys in the clear", tokenFlags{issuer: "x", keys: "http://x"}, "https://"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := tt.flags.options(t.Context(), nil)
			if err == nil && o.Tokens != nil {
				_, err = review(t, o)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v; want an error that says %q", err, tt.want)
			}
		})
	}
	t.Setenv("KUBECONFIG", broken)
	o, err := new(tokenFlags).options(t.Context(), nil)
	if err != nil || o.Tokens != nil || o.NoTokens == nil || !strings.Contains(o.NoTokens.Error(), "KUBECONFIG: ") || !strings.Contains(o.NoTokens.Error(), "--sat-issuer") {
		t.Errorf("KUBECONFIG: %v, %v", o.NoTokens, err)
	}
}

// Which flags choose which verification (SAT-9): offline only when it is asked
// for, and never as what to fall back to.
func TestTokenModes(t *testing.T) {
	alone(t)
	c := newCluster(t)
	keys := writeFile(t, "jwks.json", "{}")
	o, err := (&tokenFlags{issuer: "x", keys: keys}).options(t.Context(), nil)
	if _, offline := o.Tokens.(*sat.Verifier); err != nil || !offline || o.Accounts != nil || o.TokenIssuer != "x" {
		t.Errorf("offline: %T, %v, %v", o.Tokens, o.Accounts, err)
	}
	o, err = (&tokenFlags{kubeconfig: c.kubeconfig(t, "token: t")}).options(t.Context(), nil)
	if _, online := o.Tokens.(*sat.Cache); err != nil || !online {
		t.Errorf("online: %T, %v", o.Tokens, err)
	}
	var log strings.Builder
	both := tokenFlags{issuer: "x", keys: keys, maxDelay: time.Minute, kubeconfig: c.kubeconfig(t, "token: t")}
	o, err = both.options(t.Context(), slog.New(slog.NewTextHandler(&log, nil)))
	if _, combined := o.Tokens.(*sat.Combined); err != nil || !combined || o.Accounts == nil {
		t.Errorf("combined: %T, %v", o.Tokens, err)
	}
	if !strings.Contains(log.String(), "no keys to verify service account tokens with, yet") {
		t.Errorf("keys that cannot be read are not told: %q", log.String())
	}
}

// Our token goes to no address but the cluster's own.
func TestOfCluster(t *testing.T) {
	for keys, want := range map[string]bool{
		"https://10.0.0.1:443/openid/v1/jwks": true, "https://kubernetes.default.svc/openid/v1/jwks": true,
		"https://kubernetes.default.svc.cluster.local/openid/v1/jwks": true,
		"https://10.0.0.1/openid/v1/jwks":                             false, "https://10.0.0.2:443/": false, "http://10.0.0.1:443/": false,
		"https://kubernetes.default.svcx/": false, "https://evil.example/kubernetes.default.svc": false,
		"https://kubernetes.default.svc@evil.example/": false, "jwks.json": false, "://": false,
	} {
		if got := ofCluster(keys, "https://10.0.0.1:443"); got != want {
			t.Errorf("%s: %v, want %v", keys, got, want)
		}
	}
}

// A document that needs somebody to ask, and nobody is there: the error has its
// place and says what to do.
func TestCheckWithoutCluster(t *testing.T) {
	alone(t)
	doc := writeFile(t, "authentication.yaml", `apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthentication
metadata: {name: tokens}
spec:
  authenticationMethods:
    - method: ServiceAccountToken
      serviceAccountTokenSettings: {audiences: [aio-internal]}
`)
	for _, command := range []string{"check", "serve"} {
		_, err := execute(t, command, "-f", doc)
		if err == nil {
			t.Fatalf("%s: no error", command)
		}
		for _, want := range []string{"authentication.yaml:6:15: spec.authenticationMethods[0].method", "not in a pod", "--kubeconfig", "--sat-issuer and --sat-jwks"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q in it", command, err, want)
			}
		}
	}
	if _, err := execute(t, "check", "-f", doc, "-sat-issuer", "x"); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("flags are not looked at: %v", err)
	}
}
