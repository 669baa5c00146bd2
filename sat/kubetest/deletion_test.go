package kubetest_test

import (
	"strings"
	"testing"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/mqttwarden/mqttwarden/sat"
)

const (
	ttl    = 2 * time.Second  // of our cache in these tests
	theirs = 10 * time.Second // for which the API server remembers a token
	leeway = time.Minute      // which it grants a pod that is being deleted
)

// deletion is something that a token depends on and that goes away.
type deletion struct {
	name    string
	prepare func(t *testing.T, a *corev1.ServiceAccount) (token string, remove func() (gone time.Time))
	bound   time.Duration // how long a token that was just used may be accepted after
	want    string        // the decision then
}

var deletions = []deletion{
	{"account", accountGone, ttl, "denied: service account "},
	{"account made anew", accountAnew, ttl, "denied: service account "},
	{"secret", secretGone, ttl + theirs, "denied: the token is refused: [invalid bearer token, service account token has been invalidated]"},
	{"pod", podGone, ttl + theirs, "denied: the token is refused: [invalid bearer token, service account token has been invalidated]"},
	{"pod that is being deleted", podGoing, ttl + theirs + leeway, "denied: the token is refused: [invalid bearer token, service account token has been invalidated]"},
}

// A deletion counts within the time that Cache promises. It can only be learned
// from the API server: who verifies alone goes on accepting (SAT-8, SAT-9, S-48).
func TestDeletion(t *testing.T) {
	t.Parallel()
	for _, d := range deletions {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			namespace := cluster.Namespace(t, "")
			config := gateway(t, cluster, namespace)
			client := newClient(t, config)
			caches := newMethod(t, newCache(t, client, nil, sat.CacheConfig{TTL: ttl}), newCache(t, client, client, sat.CacheConfig{TTL: ttl}))
			verifies := offline(t, config)
			token, remove := d.prepare(t, cluster.Account(t, namespace, "press", nil))
			expect(t, "before", decide(t, caches, token), yes)
			expect(t, "before, offline", decide(t, verifies, token), yes)

			gone := remove()
			accepted, got := lastAccepted(func() string { return decide(t, caches, token) }, 50*time.Millisecond, gone.Add(d.bound+patience))
			t.Logf("accepted for %v more, then %s", accepted.Sub(gone).Round(10*time.Millisecond), got)
			expect(t, "after", got, d.want)
			if late := accepted.Sub(gone) - d.bound; late > 0 {
				t.Errorf("still accepted %v after the %v that are promised", late, d.bound)
			}
			expect(t, "after, offline", decide(t, verifies, token), yes)
		})
	}
}

// lastAccepted asks, with pauses, until the answer is another than that the
// token is accepted. It returns when it asked for the last time before, and that
// answer.
func lastAccepted(ask func() string, pause time.Duration, until time.Time) (last time.Time, got string) {
	for now := time.Now(); now.Before(until); now = time.Now() {
		if got = ask(); !strings.HasPrefix(got, yes) {
			return last, got
		}
		last = now
		<-time.After(pause)
	}
	return last, got
}

func accountGone(t *testing.T, a *corev1.ServiceAccount) (string, func() time.Time) {
	return cluster.Token(t, a, audience), func() time.Time {
		if err := cluster.Kube.CoreV1().ServiceAccounts(a.Namespace).Delete(t.Context(), a.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		return time.Now()
	}
}

func accountAnew(t *testing.T, a *corev1.ServiceAccount) (string, func() time.Time) {
	token, remove := accountGone(t, a)
	return token, func() time.Time {
		gone := remove()
		cluster.Account(t, a.Namespace, a.Name, map[string]string{"aio-broker-auth/role": "other"})
		return gone
	}
}

func secretGone(t *testing.T, a *corev1.ServiceAccount) (string, func() time.Time) {
	secrets := cluster.Kube.CoreV1().Secrets(a.Namespace)
	s, err := secrets.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "bound"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	to := &authv1.BoundObjectReference{APIVersion: "v1", Kind: "Secret", Name: s.Name, UID: s.UID}
	return cluster.BoundToken(t, a, to, audience), func() time.Time {
		if err := secrets.Delete(t.Context(), s.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		return time.Now()
	}
}

func podGone(t *testing.T, a *corev1.ServiceAccount) (string, func() time.Time) {
	token, remove := pod(t, a, 0)
	return token, func() time.Time {
		remove()
		return time.Now()
	}
}

// podGoing deletes a pod that has a second to end, and never does: there is no
// node. For the API server it is gone when that second is over.
func podGoing(t *testing.T, a *corev1.ServiceAccount) (string, func() time.Time) {
	token, remove := pod(t, a, 1)
	return token, func() time.Time {
		remove()
		p, err := cluster.Kube.CoreV1().Pods(a.Namespace).Get(t.Context(), "bound", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return p.DeletionTimestamp.Time.Add(time.Second) // it is a whole number of seconds
	}
}

// pod returns a token that is bound to a pod on a node, and what deletes it.
func pod(t *testing.T, a *corev1.ServiceAccount, grace int64) (token string, remove func()) {
	t.Helper()
	pods := cluster.Kube.CoreV1().Pods(a.Namespace)
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "bound"},
		Spec: corev1.PodSpec{
			ServiceAccountName: a.Name, NodeName: "node",
			Containers: []corev1.Container{{Name: "c", Image: "i"}},
		},
	}
	p, err := pods.Create(t.Context(), p, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	to := &authv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: p.Name, UID: p.UID}
	return cluster.BoundToken(t, a, to, audience), func() {
		if err := pods.Delete(t.Context(), p.Name, metav1.DeleteOptions{GracePeriodSeconds: &grace}); err != nil {
			t.Fatal(err)
		}
	}
}

// Without our cache a deleted account is refused at once, although the API
// server still accepts a token that it has just seen: the account's annotations
// are read beside the review (SAT-5).
func TestDeletionWithoutCache(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t, "")
	m := online(t, gateway(t, cluster, namespace))
	press := cluster.Account(t, namespace, "press", nil)
	seen, remove := accountGone(t, press)
	unseen := cluster.Token(t, press, audience)
	expect(t, "before", decide(t, m, seen), yes)
	remove()
	expect(t, "unseen token, API server", serverSays(t, unseen), `refused: serviceaccounts "press" not found`)
	expect(t, "seen token", decide(t, m, seen), "denied: service account "+name(press)+": sat: the service account does not exist")
	expect(t, "unseen token", decide(t, m, unseen), "denied: the token is refused")

	cluster.Account(t, namespace, "press", nil)
	expect(t, "unseen token, account made anew, API server", serverSays(t, unseen), "refused: service account UID (")
	expect(t, "seen token, account made anew", decide(t, m, seen), "denied: service account "+name(press)+" is not the one that the token was made for")
}
