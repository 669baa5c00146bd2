package kubetest_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/sat"
	"github.com/mqttwarden/mqttwarden/sat/kubetest"
)

const audience = "my-audience"

// cluster is shared by the tests that neither stop it nor change what is not
// theirs.
var cluster *kubetest.Cluster

func TestMain(m *testing.M) {
	c, err := kubetest.Open(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cluster = c
	code := m.Run()
	c.Close()
	if code != 0 {
		fmt.Fprintf(os.Stderr, "kube-apiserver said at last:\n%s\n", c.Log())
	}
	os.Exit(code)
}

// gateway makes a service account that may have tokens reviewed and read the
// service accounts of its namespace, and says how a broker uses it.
func gateway(t *testing.T, c *kubetest.Cluster, namespace string) sat.ClientConfig {
	t.Helper()
	a := c.Account(t, namespace, "gateway", nil)
	c.AllowReviews(t, a)
	c.AllowAccounts(t, a, namespace, "get")
	return sat.ClientConfig{URL: c.URL, CAFile: c.CAFile, TokenFile: c.TokenFile(t, a), Timeout: patience}
}

// patience is how long a test waits for what must happen. Nothing takes that
// long unless something is wrong.
const patience = 30 * time.Second

func newClient(t *testing.T, config sat.ClientConfig) *sat.Client {
	t.Helper()
	client, err := sat.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func newCache(t *testing.T, r sat.Reviewer, a sat.Annotator, config sat.CacheConfig) *sat.Cache {
	t.Helper()
	cache, err := sat.NewCache(r, a, config)
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

func newMethod(t *testing.T, r sat.Reviewer, a sat.Annotator) *sat.Method {
	t.Helper()
	m, err := sat.New(r, a, sat.Config{Audiences: []string{audience}, Usernames: sat.UsernameK8SSAT})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// online returns the method of a broker that asks the API server each time.
func online(t *testing.T, config sat.ClientConfig) *sat.Method {
	t.Helper()
	client := newClient(t, config)
	return newMethod(t, client, client)
}

// offline returns the method of a broker that has nothing but the cluster's
// keys.
func offline(t *testing.T, config sat.ClientConfig) *sat.Method {
	t.Helper()
	return newMethod(t, verifier(t, config), nil)
}

// verifier returns one that takes the cluster's keys from its API server.
func verifier(t *testing.T, config sat.ClientConfig) *sat.Verifier {
	t.Helper()
	v, err := sat.NewVerifier(sat.VerifierConfig{
		Issuer: kubetest.Issuer, KeySet: config.URL + "/openid/v1/jwks",
		CAFile: config.CAFile, TokenFile: config.TokenFile, Timeout: config.Timeout,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// presents is what an MQTT 5 client presents with a token.
func presents(token string) *mqttauth.Credentials {
	return &mqttauth.Credentials{
		ClientID: "c1", Version: mqttauth.MQTT5, RemoteAddr: netip.MustParseAddrPort("127.0.0.1:9"),
		AuthMethod: sat.AuthMethod, AuthData: mqttauth.NewSecret([]byte(token)),
	}
}

// decide says what a method decides about a token: "accepted", or "denied",
// "outage" or "failed" with the reason.
func decide(t *testing.T, m *sat.Method, token string) string {
	t.Helper()
	r, err := m.Authenticate(t.Context(), presents(token))
	return decision(r, err)
}

func decision(r mqttauth.Result, err error) string {
	var denial *mqttauth.Error
	switch {
	case err == nil && r.Accepted():
		return "accepted: " + r.Identity.Name
	case err == nil:
		return "a result that accepts nobody"
	case errors.Is(err, mqttauth.ErrFailed): // which comes before ErrUnavailable
		return "failed: " + err.Error()
	case errors.Is(err, mqttauth.ErrUnavailable):
		return "outage: " + err.Error()
	case errors.As(err, &denial):
		return "denied: " + strings.TrimPrefix(denial.Err.Error(), "sat: ")
	default:
		return "an error of no kind: " + err.Error()
	}
}

// expect fails the test unless what has been decided is what should be, which
// is the beginning of it.
func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if !strings.HasPrefix(got, want) {
		t.Errorf("%s: %s; want %s", what, got, want)
	}
}

// eventually asks until the answer begins with what is wanted.
func eventually(t *testing.T, want string, ask func() string) {
	t.Helper()
	var got string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if got = ask(); strings.HasPrefix(got, want) {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatalf("after %v still %s; want %s", patience, got, want)
}

// name returns the identity of an account.
func name(a *corev1.ServiceAccount) string { return a.Namespace + "/" + a.Name }
