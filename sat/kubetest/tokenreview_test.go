package kubetest_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/sat"
	"github.com/mqttwarden/mqttwarden/sat/kubetest"
	"github.com/mqttwarden/mqttwarden/sat/tokenreview"
)

// A client that reaches the server by way of client-go decides as the one that
// does not, and so about outages (SAT-4, AUTHN-5).
func TestClientGo(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t, "")
	press := cluster.Account(t, namespace, "press", nil)
	config := gateway(t, cluster, namespace)
	over := func(token string) *sat.Method {
		client, err := tokenreview.NewClient(cluster.Config(token), tokenreview.Options{Timeout: patience})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		return newMethod(t, client, client)
	}
	m, asks := over(read(t, config.TokenFile)), online(t, config)
	for _, table := range [][]verdict{audiences(t, press), times(press), accounts(press), signatures(t, press), forms(t, press)} {
		for _, v := range table {
			if got, want := decide(t, m, v.token), decide(t, asks, v.token); got != want {
				t.Errorf("%s: %s; want %s", v.name, got, want)
			}
		}
	}
	good := cluster.Token(t, press, audience)
	expect(t, "a wrong token of our own", decide(t, over("garbage"), good), "outage: ")
	expect(t, "no rights of our own", decide(t, over(cluster.Token(t, press)), good), "outage: ")
}

// A watcher knows accounts before they are asked for, and what changes, without
// a question; and a deleted account is none (SAT-5).
func TestWatcher(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t, "")
	gateway := cluster.Account(t, namespace, "gateway", nil)
	cluster.AllowReviews(t, gateway)
	cluster.AllowAccounts(t, gateway, namespace, "get", "list", "watch")
	press := cluster.Account(t, namespace, "press", map[string]string{"aio-broker-auth/floor": "1"})
	as := cluster.Config(cluster.Token(t, gateway, kubetest.Issuer))
	client, err := tokenreview.NewClient(as, tokenreview.Options{Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	watcher, err := tokenreview.NewWatcher(as, tokenreview.WatcherConfig{Namespaces: []string{namespace}, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); watcher.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })

	m := newMethod(t, client, watcher)
	token, remove := accountGone(t, press)
	if diff := cmp.Diff(map[string]string{"floor": "1"}, attributes(t, m, token)); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	annotate(t, press, map[string]any{"aio-broker-auth/floor": "2"})
	eventually(t, "2", func() string { return attributes(t, m, token)["floor"] })
	remove()
	eventually(t, no, func() string { return decide(t, m, token) })
}
