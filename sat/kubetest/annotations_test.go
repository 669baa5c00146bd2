package kubetest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/mqttwarden/mqttwarden/sat"
)

// Annotations of any shape that the API server stores arrive as they are, and
// those that are not quite ours do not count (SAT-5).
func TestAnnotations(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 100<<10) // of 256 KiB that an object may have in all
	namespace := cluster.Namespace(t, "")
	press := cluster.Account(t, namespace, "press", map[string]string{
		"aio-broker-auth/floor":     "1",
		"aio-broker-auth/empty":     "",
		"aio-broker-auth/spaces":    " a b ",
		"aio-broker-auth/lines":     "a\nb\r\n\tc",
		"aio-broker-auth/wild":      "#+/$",
		"aio-broker-auth/quotes":    "\"\\\\u0000<&>",
		"aio-broker-auth/utf-8":     "Äß€😀\u2028\ufeff",
		"aio-broker-auth/control":   "\x00\x01\x7f",
		"aio-broker-auth/long":      long,
		"aio-broker-auth/Group.A_b": "x",
		"aio-mq-broker-auth/old":    "v1beta1",

		"aio-broker-auth":        "no slash",
		"x.aio-broker-auth/y":    "longer",
		"aio-broker-authx/y":     "longer",
		"kubernetes.io/whatever": "x",
	})
	client := newClient(t, gateway(t, cluster, namespace))
	token := cluster.Token(t, press, audience)
	want := map[string]string{
		"floor": "1", "empty": "", "spaces": " a b ", "lines": "a\nb\r\n\tc", "wild": "#+/$",
		"quotes": "\"\\\\u0000<&>", "utf-8": "Äß€😀\u2028\ufeff", "control": "\x00\x01\x7f", "long": long, "Group.A_b": "x",
	}
	if diff := cmp.Diff(want, attributes(t, newMethod(t, client, client), token)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	old, err := sat.New(client, client, sat.Config{Audiences: []string{audience}, AnnotationPrefix: "aio-mq-broker-auth/"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"old": "v1beta1"}, attributes(t, old, token)); diff != "" {
		t.Errorf("attributes of v1beta1 (-want +got):\n%s", diff)
	}

	for _, key := range []string{"aio-broker-auth/", "aio-broker-auth/a/b", "aio-broker-auth/" + strings.Repeat("x", 64), "aio-broker-auth/a b"} {
		a := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{GenerateName: "odd-", Annotations: map[string]string{key: "x"}}}
		if _, err := cluster.Kube.CoreV1().ServiceAccounts(namespace).Create(t.Context(), a, metav1.CreateOptions{}); err == nil {
			t.Errorf("the API server takes the annotation %q", key)
		}
	}
}

// What changes in the cluster changes with the next question, and not before
// the cache's time is over.
func TestAnnotationsChange(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t, "")
	press := cluster.Account(t, namespace, "press", map[string]string{"aio-broker-auth/floor": "1", "aio-broker-auth/role": "press"})
	client := newClient(t, gateway(t, cluster, namespace))
	asks := newMethod(t, client, client)
	remembers := newMethod(t, client, newCache(t, client, client, sat.CacheConfig{TTL: 10 * patience}))
	token := cluster.Token(t, press, audience)
	before := map[string]string{"floor": "1", "role": "press"}
	if diff := cmp.Diff(before, attributes(t, remembers, token)); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	annotate(t, press, map[string]any{"aio-broker-auth/floor": "2", "aio-broker-auth/role": nil})
	if diff := cmp.Diff(map[string]string{"floor": "2"}, attributes(t, asks, token)); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, attributes(t, remembers, token)); diff != "" {
		t.Errorf("remembered (-want +got):\n%s", diff)
	}
}

func annotate(t *testing.T, a *corev1.ServiceAccount, annotations map[string]any) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = cluster.Kube.CoreV1().ServiceAccounts(a.Namespace).Patch(t.Context(), a.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func attributes(t *testing.T, m *sat.Method, token string) map[string]string {
	t.Helper()
	r, err := m.Authenticate(t.Context(), presents(token))
	if err != nil {
		t.Fatal(err)
	}
	return r.Principal.Attributes
}
