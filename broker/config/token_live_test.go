package config_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/sat"
)

// cluster is a Reviewer and Annotator that knows one service account, as it is
// at the moment.
type cluster struct {
	mu     sync.Mutex
	review sat.Review
	stored sat.ServiceAccount
	err    error // about the account
	read   int   // how often the account was
}

func newCluster() *cluster {
	return &cluster{
		review: sat.Review{Authenticated: true, Username: "system:serviceaccount:default:press", UID: "1", Audiences: []string{"aio-internal"}},
		stored: grouped("thermostats"),
	}
}

// grouped is the account with an annotation that the policy asks for.
func grouped(group string) sat.ServiceAccount {
	return sat.ServiceAccount{UID: "1", Annotations: map[string]string{"aio-broker-auth/group": group}}
}

func (c *cluster) Review(context.Context, *sat.Request) (sat.Review, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.review, nil
}

func (c *cluster) ServiceAccount(context.Context, sat.Account) (sat.ServiceAccount, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read++
	return c.stored, c.err
}

func (c *cluster) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *cluster) reads() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read
}

const judgedAgain = `metadata:
  name: authn
  annotations:
    mqttwarden/method-0-revalidate-after: 1s
    mqttwarden/method-0-review-again: "true"
`

// tokenBench opens a port for service accounts that are judged each second.
func tokenBench(t *testing.T) (*bench, *cluster) {
	t.Helper()
	b, f := newBench(t)
	known := newCluster()
	authentication := strings.Replace(strings.Split(authenticationYAML, "    - method")[0], "metadata:\n  name: authn\n", judgedAgain, 1) + thenToken
	plan, err := compileWith(t, f.with("authentication.yaml", authentication), config.Options{Tokens: known, Accounts: known})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.keeper.Apply(plan); err != nil {
		t.Fatal(err)
	}
	return b, known
}

// becomes waits until the client's publish is answered so.
func (c *client) becomes(want mqttauth.ReasonCode) {
	c.t.Helper()
	for start := time.Now(); time.Since(start) < 10*time.Second; runtime.Gosched() {
		if c.publish(temperature) == want {
			return
		}
	}
	c.t.Fatalf("a publish is never answered %v", want)
}

// EXP-7, LINK-10: changed annotations change what a connected client may do, an
// outage does not, and without its service account it is disconnected.
func TestTokensJudgedAgain(t *testing.T) {
	t.Parallel()
	b, known := tokenBench(t)
	c := b.connects(withToken(token("aio-internal", "good")), false)
	if c.code != mqttauth.Success {
		t.Fatalf("CONNACK %v", c.code)
	}
	c.becomes(mqttauth.Success)
	known.change(func() { known.stored = grouped("other") })
	c.becomes(mqttauth.NotAuthorized)
	known.change(func() { known.stored = grouped("thermostats") })
	c.becomes(mqttauth.Success)

	known.change(func() { known.err = errors.New("status 403") })
	for before := known.reads(); known.reads() < before+2; { // the second begins after the first was used
		if got := c.publish(temperature); got != mqttauth.Success {
			t.Fatalf("in an outage: PUBACK %v", got)
		}
	}
	known.change(func() { known.err = sat.ErrNoAccount })
	if got := c.disconnected(); got != mqttauth.NotAuthorized {
		t.Errorf("account deleted: DISCONNECT %v", got)
	}
}

// EXP-7, S-48: the account is another of the same name, or the pod is gone that
// the token is bound to.
func TestTokensNoLongerStand(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*cluster){
		"account made again": func(c *cluster) { c.stored.UID, c.review.UID = "2", "2" },
		"pod deleted":        func(c *cluster) { c.review = sat.Review{Problem: "service account token has been invalidated"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, known := tokenBench(t)
			c := b.connects(withToken(token("aio-internal", "good")), false)
			if c.code != mqttauth.Success {
				t.Fatalf("CONNACK %v", c.code)
			}
			known.change(func() { change(known) })
			if got := c.disconnected(); got != mqttauth.NotAuthorized {
				t.Errorf("DISCONNECT %v", got)
			}
		})
	}
}

// SAT-10, LINK-10: the annotation limits whose tokens are accepted, and a change
// of it takes effect.
func TestTokensOfNamespaces(t *testing.T) {
	b, f := newBench(t)
	known := newCluster()
	for namespaces, want := range map[string]mqttauth.ReasonCode{"default, other": mqttauth.Success, "other": mqttauth.NotAuthorized} {
		metadata := "metadata:\n  name: authn\n  annotations: {mqttwarden/method-0-namespaces: '" + namespaces + "'}\n"
		authentication := strings.Replace(strings.Split(authenticationYAML, "    - method")[0], "metadata:\n  name: authn\n", metadata, 1) + thenToken
		plan, err := compileWith(t, f.with("authentication.yaml", authentication), config.Options{Tokens: known, Accounts: known})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.keeper.Apply(plan); err != nil {
			t.Fatal(err)
		}
		if c := b.connects(withToken(token("aio-internal", "good")), false); c.code != want {
			t.Errorf("namespaces %s: CONNACK %v, want %v", namespaces, c.code, want)
		}
	}
}

// Who verifies offline has nobody to judge again with; the error says so.
func TestTokensJudgedAgainOffline(t *testing.T) {
	f := documents(t, newPKI(t))
	authentication := strings.Replace(strings.Split(authenticationYAML, "    - method")[0], "metadata:\n  name: authn\n", judgedAgain, 1) + thenToken
	_, err := compile(t, f.with("authentication.yaml", authentication))
	if err == nil || !strings.Contains(err.Error(), "authentication.yaml:10:15: spec.authenticationMethods[0].method: clients are judged again") {
		t.Errorf("%v", err)
	}
}

// SAT-4, SAT-10: what check says about service account tokens.
func TestLintTokens(t *testing.T) {
	note := func(audience, annotations string) string {
		f := documents(t, newPKI(t))
		head := strings.Replace(strings.Split(authenticationYAML, "    - method")[0], "  name: authn\n", "  name: authn\n"+annotations, 1)
		plan, err := compileWith(t, f.with("authentication.yaml", head+strings.Replace(thenToken, "aio-internal", audience, 1)),
			config.Options{Tokens: tokens, TokenIssuer: "https://issuer.example"})
		if err != nil {
			t.Fatal(err)
		}
		defer plan.Close()
		return strings.Join(plan.Lint(), "\n")
	}
	const listed = "  annotations: {mqttwarden/method-0-namespaces: default}\n"
	for audience, own := range map[string]bool{
		"https://kubernetes.default.svc.cluster.local": true, "https://kubernetes.default.svc": true, "kubernetes.default.svc:443": true,
		"https://kubernetes.default.svc.cluster.local/": true, "https://issuer.example": true, "k3s": true,
		"https://oidc.eks.eu-west-1.amazonaws.com/id/ABC": true, "https://westeurope.oic.prod-aks.azure.com/a/b/": true,
		"https://container.googleapis.com/v1/projects/p/locations/l/clusters/c": true,
		"aio-internal": false, "https://mqtt.example": false, "kubernetes": false, "https://issuer.example/mqtt": false,
	} {
		if got := note(audience, listed); strings.Contains(got, "is the API server's own") != own {
			t.Errorf("%s: notes %q", audience, got)
		}
	}
	if got := note("aio-internal", ""); !strings.Contains(got, "authentication.yaml:7:7: service accounts of all namespaces are accepted") {
		t.Errorf("no list of namespaces: notes %q", got)
	}
	if got := note("aio-internal", listed); strings.Contains(got, "namespaces") {
		t.Errorf("a list of namespaces: notes %q", got)
	}
}

// AUTHZ-3, SAT-7: no username is ever verified by a token.
func TestLintTokenUsernames(t *testing.T) {
	f := documents(t, newPKI(t))
	plan, err := compile(t, f.with("authentication.yaml", strings.Split(authenticationYAML, "    - method")[0]+thenToken).
		replace("authorization.yaml", "attributes:\n            - group: thermostats", "usernames:\n            - thermostat"))
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	if notes := strings.Join(plan.Lint(), "\n"); !strings.Contains(notes, "username-unverified") {
		t.Errorf("notes %q", notes)
	}
}
