package kube

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// The kinds of version v1alpha4.
const (
	olderListener       = nameListener + "." + resource.GroupAzEdge
	olderAuthentication = nameAuthentication + "." + resource.GroupAzEdge
	olderAuthorization  = nameAuthorization + "." + resource.GroupAzEdge
)

const (
	olderPort  = `{"port":1885}`
	olderChain = `{"listenerRef":["one"],"authenticationMethods":[{"custom":{"endpoint":"https://auth.example","caCert":"ca"}}]}`
	olderRule  = `{"listenerRef":["one"],"authorizationPolicies":{"rules":[{"principals":{"usernames":["a"]},"brokerResources":[{"method":"Connect"}]}]}}`
	olderKey   = "az-edge.com/ns/one:1885"
)

// Objects of version v1alpha4 serve beside those of v1 that have their names,
// and neither refers to the other (LINK-6).
func TestGenerationsBesideEachOther(t *testing.T) {
	t.Parallel()
	w := whole(t)
	listener := w.put(olderListener, "one", olderPort)
	want := map[string]string{"ns/one:1883": wholePorts["ns/one:1883"], "ns/other:1884": wholePorts["ns/other:1884"]}
	with := func(older string) map[string]string {
		out := map[string]string{olderKey: older}
		for port, text := range want {
			out[port] = text
		}
		return out
	}
	const closed = "closed: BrokerListener az-edge.com/ns/one: spec.%s: no %s names this listener in its listenerRef; to do without, write false"
	v := w.expect("without policies", with(fmt.Sprintf(closed, "authorizationEnabled", nameAuthorization)))
	if c := v.conditionOf(listener, nil); c.status != metav1.ConditionFalse || c.reason != reasonClosed {
		t.Errorf("condition %+v", c)
	}
	w.put(olderAuthorization, "authz", olderRule)
	w.expect("without authentication", with(fmt.Sprintf(closed, "authenticationEnabled", nameAuthentication)))
	chain := w.put(olderAuthentication, "authn", olderChain)
	if refs := chain.references(); len(refs) != 1 || refs[0].String() != "ConfigMap ns/ca" {
		t.Errorf("the authentication refers to %v", refs)
	}
	const open = "tcp, az-edge.com/ns/authn (Custom), az-edge.com/ns/authz (1 rule)"
	v = w.expect("with both", with(open))
	for _, o := range w.objects {
		if c := v.conditionOf(o, nil); c.status != metav1.ConditionTrue {
			t.Errorf("%v: condition %+v", o, c)
		}
	}

	// What happens to one generation does not touch the other.
	o := w.put(olderAuthorization, "authz", strings.Replace(olderRule, `"Connect"`, `"Conect"`, 1))
	v = w.expect("a bad change", with(open))
	if r := v.rejected[o.identity]; r == nil || !strings.HasPrefix(r.String(), "generation 1 stays in force: ") || len(v.rejected) != 1 {
		t.Errorf("rejected: %v", v.rejected)
	}
	w.drop(olderAuthorization, "authz")
	w.expect("deleted", with(fmt.Sprintf(closed, "authorizationEnabled", nameAuthorization)))
	w.put(olderAuthorization, "authz", olderRule)
	w.drop(nameAuthorization, "authz")
	want["ns/one:1883"] = "closed: BrokerListener ns/one: spec.ports[0].authorizationRef: BrokerAuthorization ns/authz does not exist; az-edge.com/ns/authz links only with listeners of its version"
	w.expect("the namesake deleted", with(open))
}

// A listener that two policies name keeps the one that it had; and a policy
// whose listener is not there says so (LINK-6, LINK-7).
func TestNamedTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(olderListener, "one", `{"port":1885,"authenticationEnabled":true}`)
	w.put(olderAuthentication, "authn", olderChain)
	authz := w.put(olderAuthorization, "authz", olderRule)
	w.put(nameConfigMap, "ca", authority(t))
	want := map[string]string{olderKey: "tcp, az-edge.com/ns/authn (Custom), az-edge.com/ns/authz (1 rule)"}
	w.expect("at start", want)
	second := w.put(olderAuthorization, "aaa", olderRule)
	v := w.expect("with a newcomer", want)
	const text = "spec.listenerRef[0]: BrokerListener az-edge.com/ns/one is named by BrokerAuthorization az-edge.com/ns/authz too; name it in one of them"
	if diff := cmp.Diff(condition{status: metav1.ConditionFalse, reason: reasonInvalid, message: text, generation: 1},
		v.conditionOf(second, nil), cmp.AllowUnexported(condition{})); diff != "" {
		t.Errorf("condition (-want +got):\n%s", diff)
	}
	w.drop(olderListener, "one")
	v = w.expect("without the listener", map[string]string{})
	if diff := cmp.Diff(condition{
		status: metav1.ConditionFalse, reason: reasonMissing, generation: 1,
		message: "spec.listenerRef[0]: BrokerListener az-edge.com/ns/one does not exist",
	},
		v.conditionOf(authz, nil), cmp.AllowUnexported(condition{})); diff != "" {
		t.Errorf("condition (-want +got):\n%s", diff)
	}
}

// The same object read in another version is decoded anew, and the status is
// written in the version that was read.
func TestVersionOfObject(t *testing.T) {
	t.Parallel()
	k, _ := kindNamed(t, nameAuthorization)
	s := &Source{}
	for _, apiVersion := range []string{"v1", "v1beta1", "v1"} {
		u := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": group + "/" + apiVersion, "kind": k.name, "metadata": map[string]any{"name": "authz", "namespace": "ns"},
		}}
		s.decoded, s.fresh = s.fresh, make(map[identity]*object)
		o := s.decode(k, u)
		if o.resource.Version != apiVersion || o.resource.Resource != "brokerauthorizations" {
			t.Errorf("read as %v, want %s", o.resource, apiVersion)
		}
	}
}
