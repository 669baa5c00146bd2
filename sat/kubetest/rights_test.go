package kubetest_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/sat"
)

// What our own account may not do is an outage that names the right, for each
// of the two that it needs; never "no attributes" (SAT-5, AUTHN-5). A grant
// takes effect without more ado.
func TestMissingRights(t *testing.T) {
	t.Parallel()
	const (
		noReview  = `outage: sat: token not reviewed: authentication unavailable: sat: TokenReview: status 403: our service account lacks a right: tokenreviews.authentication.k8s.io is forbidden: `
		noAccount = `not read: authentication unavailable: sat: service account: status 403: our service account lacks a right: serviceaccounts "press" is forbidden: `
	)
	for _, tt := range []struct {
		name            string
		reviews         bool
		accounts, other bool // in the clients' namespace, in another
		want            string
	}{
		{"none", false, false, false, noReview},
		{"accounts", false, true, false, noReview},
		{"reviews", true, false, false, noAccount},
		{"reviews, accounts of another namespace", true, false, true, noAccount},
		{"both", true, true, false, yes},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			namespace, other := cluster.Namespace(t, ""), cluster.Namespace(t, "")
			gateway := cluster.Account(t, other, "gateway", nil)
			press := cluster.Account(t, namespace, "press", map[string]string{"aio-broker-auth/floor": "1"})
			if tt.reviews {
				cluster.AllowReviews(t, gateway)
			}
			if tt.accounts {
				cluster.AllowAccounts(t, gateway, namespace, "get")
			}
			if tt.other {
				cluster.AllowAccounts(t, gateway, other, "get")
			}
			m := online(t, clientOf(t, gateway))
			token := cluster.Token(t, press, audience)
			want := tt.want
			if want == noAccount {
				want = "outage: sat: service account " + name(press) + " " + noAccount
			}
			eventually(t, want, func() string { return decide(t, m, token) }) // the server learns of grants in a moment

			cluster.AllowReviews(t, gateway)
			cluster.AllowAccounts(t, gateway, namespace, "get")
			eventually(t, yes, func() string { return decide(t, m, token) })
		})
	}
}

func clientOf(t *testing.T, a *corev1.ServiceAccount) sat.ClientConfig {
	t.Helper()
	return sat.ClientConfig{URL: cluster.URL, CAFile: cluster.CAFile, TokenFile: cluster.TokenFile(t, a), Timeout: patience}
}

// Our own token can be wrong, and is read again (S-49); so are the certificates
// that we trust. Neither is a verdict about a client.
func TestOwnCredentials(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t, "")
	config := gateway(t, cluster, namespace)
	config.CAFile = copyOf(t, config.CAFile)
	press := cluster.Account(t, namespace, "press", nil)
	m := online(t, config)
	token := cluster.Token(t, press, audience)
	good, ca := read(t, config.TokenFile), read(t, config.CAFile)
	stranger, err := devca.Root(devca.Named("stranger"))
	if err != nil {
		t.Fatal(err)
	}
	const rejected = "outage: sat: token not reviewed: authentication unavailable: sat: TokenReview: status 401: our own token is not accepted"
	for _, tt := range []struct{ name, token, ca, want string }{
		{"good", good, ca, yes},
		{"garbage", "garbage", ca, rejected},
		{"expired", cluster.Mint(press, time.Now().Add(-2*time.Minute), "https://kubernetes.default.svc.cluster.local"), ca, rejected},
		{"for somebody else", token, ca, rejected},
		{"with a line feed", good + "\n", ca, yes},
		{"an empty file", "", ca, "outage: "},
		{"another authority", good, string(stranger.PEM()), "outage: sat: token not reviewed: authentication unavailable: sat: TokenReview: tls: failed to verify certificate"},
		{"no certificate", good, "x", "outage: "},
		{"good again", good, ca, yes},
	} {
		write(t, config.TokenFile, tt.token)
		write(t, config.CAFile, tt.ca)
		expect(t, tt.name, decide(t, m, token), tt.want)
	}
	config.TokenFile = ""
	expect(t, "no token of ours", decide(t, online(t, config), token), "outage: sat: token not reviewed: authentication unavailable: sat: TokenReview: status 403")
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyOf(t *testing.T, name string) string {
	t.Helper()
	c := filepath.Join(t.TempDir(), filepath.Base(name))
	write(t, c, read(t, name))
	return c
}
