package kubetest_test

import (
	"context"
	"encoding/binary"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/mqttwarden/mqttwarden/sat"
)

// watched counts what passes to a reviewer, all in all and at one time.
type watched struct {
	sat.Reviewer
	asked, now, most atomic.Int64
}

func (w *watched) Review(ctx context.Context, r *sat.Request) (sat.Review, error) {
	w.asked.Add(1)
	now := w.now.Add(1)
	defer w.now.Add(-1)
	for most := w.most.Load(); now > most && !w.most.CompareAndSwap(most, now); most = w.most.Load() {
	}
	return w.Reviewer.Review(ctx, r)
}

// storm lets that many clients connect at once, each from an address of its
// own, with the tokens in turn, and counts the decisions.
func storm(t *testing.T, m *sat.Method, clients int, tokens []string) map[string]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	counts := make(map[string]int)
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			c := presents(tokens[i%len(tokens)])
			var address [4]byte
			binary.BigEndian.PutUint32(address[:], 10<<24+uint32(i))
			c.RemoteAddr = netip.AddrPortFrom(netip.AddrFrom4(address), 1)
			got, _, _ := strings.Cut(decision(m.Authenticate(ctx, c)), ":")
			mu.Lock()
			defer mu.Unlock()
			counts[got]++
		})
	}
	all.Wait()
	return counts
}

func mint(a *corev1.ServiceAccount, n int) []string {
	tokens := make([]string, n)
	for i := range tokens {
		tokens[i] = cluster.Mint(a, time.Now().Add(time.Hour), audience)
	}
	return tokens
}

// 1,000 clients that connect at once with tokens never seen before are all let
// in, by as many reviews and no more, of which the API server has few at a time;
// when they come again, and when many share a token, nobody is asked twice
// (SAT-8).
func TestReconnectStorm(t *testing.T) {
	t.Parallel()
	const clients = 1000
	namespace := cluster.Namespace(t, "")
	press := cluster.Account(t, namespace, "press", nil)
	client := newClient(t, gateway(t, cluster, namespace))
	server := &watched{Reviewer: client}
	cache := newCache(t, server, client, sat.CacheConfig{TTL: time.Hour, Timeout: 2 * patience})
	m := newMethod(t, cache, cache)
	for _, wave := range []struct {
		name   string
		tokens []string
		asked  int64
	}{
		{"each with its own token", mint(press, clients), clients},
		{"few tokens", mint(press, 100), 100},
	} {
		server.asked.Store(0)
		for _, again := range []string{"", ", again"} {
			began := time.Now()
			got := storm(t, m, clients, wave.tokens)
			t.Logf("%s%s: %v in %v, %d reviews, %d at a time", wave.name, again, got, time.Since(began).Round(time.Millisecond), server.asked.Load(), server.most.Load())
			if got[yes] != clients || server.asked.Load() != wave.asked {
				t.Errorf("%s%s: %v after %d reviews; want all accepted after %d", wave.name, again, got, server.asked.Load(), wave.asked)
			}
		}
	}
	if most := server.most.Load(); most > sat.DefaultConcurrency*3/4 {
		t.Errorf("%d reviews at a time for clients that connect; want no more than three quarters of %d", most, sat.DefaultConcurrency)
	}
}

// More clients than may wait are told that there was no decision, which is no
// outage: no other method of the chain is asked (AUTHN-5).
func TestTooManyWait(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t, "")
	press := cluster.Account(t, namespace, "press", nil)
	client := newClient(t, gateway(t, cluster, namespace))
	cache := newCache(t, client, client, sat.CacheConfig{Concurrency: 1, MaxWaiting: 10, Timeout: patience})
	got := storm(t, newMethod(t, cache, cache), 300, mint(press, 300))
	if got[yes] < 11 || got["failed"] == 0 || got[yes]+got["failed"] != 300 {
		t.Errorf("%v; want at least 11 accepted and the others undecided", got)
	}
}

// An API server that throttles us is busy, not away: it is we who ask too much
// (AUTHN-5).
func TestThrottled(t *testing.T) {
	t.Parallel()
	const clients = 50
	namespace := cluster.Namespace(t, "")
	tokens := mint(cluster.Account(t, namespace, "press", nil), clients)
	m := online(t, gateway(t, cluster, namespace))
	relax := throttle(t, namespace)
	eventually(t, "throttled", func() string {
		got := storm(t, m, clients, tokens)
		if got[yes]+got["failed"] != clients {
			t.Errorf("%v; want some accepted and the others undecided", got)
		}
		if got["failed"] == 0 {
			return "all answered"
		}
		t.Logf("throttled: %v", got)
		return "throttled"
	})
	relax()
	eventually(t, "all answered", func() string {
		if got := storm(t, m, clients, tokens); got[yes] != clients {
			return "throttled"
		}
		return "all answered"
	})
}

// throttle makes the API server handle one request at a time of a namespace's
// gateway and refuse the others with status 429, until relax is called.
func throttle(t *testing.T, namespace string) (relax func()) {
	t.Helper()
	flow := cluster.Kube.FlowcontrolV1()
	none := int32(0)
	level := &flowcontrolv1.PriorityLevelConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Spec: flowcontrolv1.PriorityLevelConfigurationSpec{
			Type: flowcontrolv1.PriorityLevelEnablementLimited,
			Limited: &flowcontrolv1.LimitedPriorityLevelConfiguration{
				NominalConcurrencyShares: &none, BorrowingLimitPercent: &none,
				LimitResponse: flowcontrolv1.LimitResponse{Type: flowcontrolv1.LimitResponseTypeReject},
			},
		},
	}
	if _, err := flow.PriorityLevelConfigurations().Create(t.Context(), level, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	schema := &flowcontrolv1.FlowSchema{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Spec: flowcontrolv1.FlowSchemaSpec{
			PriorityLevelConfiguration: flowcontrolv1.PriorityLevelConfigurationReference{Name: level.Name},
			MatchingPrecedence:         2, // before all but the one for administrators
			Rules: []flowcontrolv1.PolicyRulesWithSubjects{{
				Subjects: []flowcontrolv1.Subject{{
					Kind:           flowcontrolv1.SubjectKindServiceAccount,
					ServiceAccount: &flowcontrolv1.ServiceAccountSubject{Namespace: namespace, Name: "gateway"},
				}},
				ResourceRules: []flowcontrolv1.ResourcePolicyRule{{
					Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"},
					ClusterScope: true, Namespaces: []string{"*"},
				}},
			}},
		},
	}
	if _, err := flow.FlowSchemas().Create(t.Context(), schema, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := flow.FlowSchemas().Delete(t.Context(), schema.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}
