package kubetest_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/mqttwarden/mqttwarden/sat"
	"github.com/mqttwarden/mqttwarden/sat/kubetest"
)

// The API server shows its keys to service accounts and to nobody else; a file
// with them does as well (SAT-9).
func TestKeySet(t *testing.T) {
	t.Parallel()
	const endpoint = "/openid/v1/jwks"
	namespace := cluster.Namespace(t, "")
	config := gateway(t, cluster, namespace)
	press := cluster.Account(t, namespace, "press", nil) // without any right of its own
	own := cluster.TokenFile(t, press)
	static := filepath.Join(t.TempDir(), "static")
	write(t, static, cluster.StaticToken)
	file := filepath.Join(t.TempDir(), "jwks.json")
	write(t, file, document(t, read(t, own), endpoint))
	token := cluster.Token(t, press, audience)
	if d := document(t, read(t, own), "/.well-known/openid-configuration"); !strings.Contains(d, `"issuer":"`+kubetest.Issuer+`"`) {
		t.Errorf("the server's document about itself does not name the issuer: %s", d)
	}

	const unread = "outage: sat: token not reviewed: authentication unavailable: sat: key set: "
	for _, tt := range []struct{ name, set, ca, token, want string }{
		{"the broker's account", cluster.URL + endpoint, cluster.CAFile, config.TokenFile, yes},
		{"any account", cluster.URL + endpoint, cluster.CAFile, own, yes},
		{"a file", file, "", "", yes},
		{"a user who is no account", cluster.URL + endpoint, cluster.CAFile, static, unread + "status 403: our service account lacks a right"},
		{"nobody", cluster.URL + endpoint, cluster.CAFile, "", unread + "status 403: our service account lacks a right"},
		{"authorities of the system", cluster.URL + endpoint, "", own, unread + "tls: failed to verify certificate"},
		{"another path", cluster.URL + "/openid/v1/other", cluster.CAFile, own, unread + "status 40"},
		{"a document that is no key set", cluster.URL + "/.well-known/openid-configuration", cluster.CAFile, own, "outage: "},
		{"no file", file + "x", "", "", unread},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := sat.NewVerifier(sat.VerifierConfig{Issuer: kubetest.Issuer, KeySet: tt.set, CAFile: tt.ca, TokenFile: tt.token, Timeout: patience})
			if err != nil {
				t.Fatal(err)
			}
			expect(t, "a good token", decide(t, newMethod(t, v, nil), token), tt.want)
			if err := v.Refresh(t.Context()); (err == nil) != (tt.want == yes) {
				t.Errorf("refresh: %v", err)
			}
		})
	}
}

// document returns a document of the API server.
func document(t *testing.T, token, path string) string {
	t.Helper()
	client, err := rest.HTTPClientFor(cluster.Config(token))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, cluster.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %v", path, response.Status, err)
	}
	return string(text)
}
