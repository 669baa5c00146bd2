package kubetest_test

import (
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/sat"
	"github.com/mqttwarden/mqttwarden/sat/kubetest"
)

// state is what is decided about a token while the API server is away, and when
// it is back. Both are beginnings.
type state struct {
	what             string
	m                *sat.Method
	token            string
	stopped, started string
}

// While the API server is away there is no decision about tokens that need one;
// what is remembered counts, and who verifies alone does not notice. Afterwards
// all is as before (SAT-8, SAT-9, AUTHN-5).
func TestServerStopsAndStarts(t *testing.T) {
	t.Parallel()
	c := kubetest.New(t)
	namespace := c.Namespace(t, "")
	press := c.Account(t, namespace, "press", map[string]string{"aio-broker-auth/role": "press"})
	config := gateway(t, c, namespace)
	asks, verifies := online(t, config), offline(t, config)
	client := newClient(t, config)
	cache := newCache(t, client, client, sat.CacheConfig{TTL: time.Hour})
	remembers := newMethod(t, cache, cache)
	seen, unseen := c.Token(t, press, audience), c.Token(t, press, audience)
	kid := c.Header()
	kid["kid"] = "unknown"
	forged := kubetest.Claims(press, audience)
	forged["sub"] = "system:serviceaccount:kube-system:admin"
	expect(t, "before: seen token", decide(t, remembers, seen), yes)
	expect(t, "before: seen token, offline", decide(t, verifies, seen), yes)

	states := append(combinedOutage(t, c, config, press), []state{
		{"seen token, remembered", remembers, seen, yes, yes},
		{"seen token", asks, seen, "outage", yes},
		{"unseen token, cache", remembers, unseen, "outage", yes},
		{"unseen token, offline", verifies, unseen, yes, yes},
		{"forged token, offline", verifies, c.Sign(c.Header(), forged), no, no},
		{"unknown key, offline", verifies, c.Sign(kid, kubetest.Claims(press, audience)), "failed", "failed"}, // the key set was asked for less than a minute ago
		{"a space", asks, " ", no, no},
		{"expired", asks, c.Mint(press, time.Now().Add(-time.Second), audience), no, no},
		{"wrong audience", asks, c.Mint(press, time.Now().Add(time.Hour), "other"), no, no},
	}...)
	for _, s := range states {
		expect(t, "stopped: "+s.what, decide(t, s.m, s.token), s.stopped)
	}
	expect(t, "stopped: first sight, offline", decide(t, offline(t, config), seen), "outage")
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, s := range states {
		expect(t, "started: "+s.what, decide(t, s.m, s.token), s.started)
	}
	expect(t, "started: first sight, offline", decide(t, offline(t, config), seen), yes)
}

// An API server whose store hangs still answers about accounts that it has in
// memory, and otherwise not in time: that is an outage, and takes no longer than
// our own timeout. Left to itself the server would answer after 30 s that the
// token is not authenticated.
func TestStoreHangs(t *testing.T) {
	t.Parallel()
	c := kubetest.New(t)
	namespace := c.Namespace(t, "")
	press := c.Account(t, namespace, "press", nil)
	config := gateway(t, c, namespace)
	config.Timeout = time.Second
	client := newClient(t, config)
	reviews := newMethod(t, client, newCache(t, client, client, sat.CacheConfig{TTL: time.Hour}))
	token, unseen := c.Token(t, press, audience), c.Token(t, press, audience)
	stranger := kubetest.Claims(press, audience)
	stranger["kubernetes.io"].(map[string]any)["serviceaccount"] = map[string]any{"name": "late", "uid": "1"}
	needsStore := c.Sign(c.Header(), stranger)
	eventually(t, yes, func() string { return decide(t, reviews, token) })
	expect(t, "before: an account that is not there", decide(t, reviews, needsStore), no)

	if err := c.Freeze(); err != nil {
		t.Fatal(err)
	}
	expect(t, "an account in memory", decide(t, reviews, unseen), yes)
	began := time.Now()
	got := decide(t, reviews, c.Sign(c.Header(), stranger))
	t.Logf("after %v: %s", time.Since(began).Round(time.Millisecond), got)
	expect(t, "an account that must be looked for", got, "outage: sat: token not reviewed: authentication unavailable: sat: TokenReview: no answer in time")
	if err := c.Thaw(); err != nil {
		t.Fatal(err)
	}
	eventually(t, no, func() string { return decide(t, reviews, c.Mint(press, time.Now(), audience)) })
	eventually(t, no, func() string { return decide(t, reviews, needsStore) })
}
