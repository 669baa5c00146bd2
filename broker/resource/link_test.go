package resource_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

const alpha = "apiVersion: az-edge.com/v1alpha4\n"

func alphaListener(name, fields string) string {
	return alpha + "kind: BrokerListener\nmetadata: {name: " + name + "}\nspec: {" + fields + "}\n---\n"
}

func alphaAuthentication(name, listeners string) string {
	return alpha + "kind: BrokerAuthentication\nmetadata: {name: " + name + "}\nspec:\n  listenerRef: [" + listeners +
		"]\n  authenticationMethods: [{sat: {audiences: [a]}}]\n---\n"
}

func alphaAuthorization(name, listeners string) string {
	return alpha + "kind: BrokerAuthorization\nmetadata: {name: " + name + "}\nspec:\n  listenerRef: [" + listeners +
		"]\n  authorizationPolicies: {enableCache: false, rules: [{principals: {clientids: [a]}, brokerResources: [{method: Connect}]}]}\n---\n"
}

// TestLinksByPolicy says what a listener of v1alpha4 asks of its clients
// (LINK-6, S-04): only an explicit false opens it.
func TestLinksByPolicy(t *testing.T) {
	both := alphaAuthentication("my-authn", "main") + alphaAuthorization("my-authz", "other, main")
	type port struct {
		Authentication, Authorization string
		Anonymous, Unrestricted       bool
		Missing                       []string
	}
	const unlinked = "f.yaml:4:7: spec.%: no $ names this listener in its listenerRef; to do without, write false"
	noAuthn := strings.NewReplacer("%", "authenticationEnabled", "$", "BrokerAuthentication")
	noAuthz := strings.NewReplacer("%", "authorizationEnabled", "$", "BrokerAuthorization")
	tests := []struct {
		name, fields, policies string
		want                   port
	}{
		{"linked", "port: 1883", both, port{Authentication: "my-authn", Authorization: "my-authz"}},
		{"enabled and linked", "port: 1883, authenticationEnabled: true, authorizationEnabled: true", both, port{Authentication: "my-authn", Authorization: "my-authz"}},
		{"off", "port: 1883, authenticationEnabled: false, authorizationEnabled: false", both, port{Anonymous: true, Unrestricted: true}},
		{"authorization off", "port: 1883, authorizationEnabled: false", both, port{Authentication: "my-authn", Unrestricted: true}},
		{"nothing said, nothing linked", "port: 1883", "", port{Missing: []string{noAuthn.Replace(unlinked), noAuthz.Replace(unlinked)}}},
		{"enabled, nothing linked", "port: 1883, authenticationEnabled: true, authorizationEnabled: false", "", port{
			Unrestricted: true, Missing: []string{strings.Replace(noAuthn.Replace(unlinked), "4:7", "4:43", 1)},
		}},
		{"another namespace", "port: 1883", strings.ReplaceAll(both, "metadata: {", "metadata: {namespace: other, "), port{
			Missing: []string{noAuthn.Replace(unlinked), noAuthz.Replace(unlinked)},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := resource.Parse("f.yaml", []byte(alphaListener("main", tt.fields)+tt.policies))
			if err != nil {
				t.Fatal(err)
			}
			l := set.Listeners[0]
			p := &l.Ports[0]
			got := port{p.AuthenticationRef, p.AuthorizationRef, p.Anonymous, p.Unrestricted, lines(set.MissingFor(l, p))}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestLinkErrors refuses links that contradict each other, each with both places.
func TestLinkErrors(t *testing.T) {
	runErrorCases(t, "f.yaml", []errorCase{
		{"named twice", alphaListener("main", "port: 1883") + alphaAuthentication("one", "main, main") + alphaAuthentication("two", "other, main") +
			alphaAuthorization("one", "main") + alphaAuthorization("two", "main"), []string{
			"17:24: spec.listenerRef[1]: BrokerListener az-edge.com/default/main is named by BrokerAuthentication az-edge.com/default/one too; name it in one of them",
			"31:17: spec.listenerRef[0]: BrokerListener az-edge.com/default/main is named by BrokerAuthorization az-edge.com/default/one too; name it in one of them",
		}},
		{"LINK-4", alphaListener("main", "port: 1883, authenticationEnabled: false") + alphaAuthorization("my-authz", "main"), []string{
			"4:7: spec.authorizationEnabled: port 1883 of BrokerListener az-edge.com/default/main has no authentication, so its authorization my-authz would not apply; remove authenticationEnabled: false",
		}},
		{"LINK-5", alphaListener("main", "port: 1883, authorizationEnabled: false") +
			strings.Replace(alphaAuthentication("my-authn", "main"), "sat: {audiences: [a]}", "x509: {trustedClientCaCert: ca}", 1), []string{
			"4:7: spec.authenticationEnabled: BrokerAuthentication az-edge.com/default/my-authn has method X509, which needs TLS; add tls to port 1883",
		}},
		{"no listener", alphaAuthentication("my-authn", ""), []string{"5:16: spec.listenerRef: must name at least one BrokerListener"}},
	})
}

// TestVersionsDoNotLink keeps listenerRef to listeners of its own version.
func TestVersionsDoNotLink(t *testing.T) {
	set, err := resource.Parse("f.yaml", []byte(portHead+"  - port: 1883\n---\n"+alphaAuthentication("my-authn", "main-listener")))
	if err != nil {
		t.Fatal(err)
	}
	if p := set.Listeners[0].Ports[0]; !p.Anonymous || p.AuthenticationRef != "" {
		t.Errorf("port of version v1: %+v", p)
	}
	want := []string{"f.yaml:12:17: spec.listenerRef[0]: BrokerListener az-edge.com/default/main-listener does not exist"}
	if diff := cmp.Diff(want, lines(set.Missing())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGroupsAreApart has a listener and its policies in each of two groups, all
// of one name: they neither collide nor refer to each other (LINK-6).
func TestGroupsAreApart(t *testing.T) {
	const current = `apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerListener
metadata: {name: main}
spec: {ports: [{port: 8883, authenticationRef: main, authorizationRef: main}]}
---
apiVersion: mqttbroker.iotoperations.azure.com/v1beta1
kind: BrokerAuthorization
metadata: {name: main}
spec: {authorizationPolicies: {}}
---
`
	older := alphaListener("main", "port: 1883") + alphaAuthentication("main", "main") + alphaAuthorization("main", "main")
	set, err := resource.Parse("f.yaml", []byte(current+older))
	if err != nil {
		t.Fatal(err)
	}
	wantMissing := []string{"f.yaml:4:48: spec.ports[0].authenticationRef: BrokerAuthentication default/main does not exist; az-edge.com/default/main links only with listeners of its version"}
	if diff := cmp.Diff(wantMissing, lines(set.Missing())); diff != "" {
		t.Errorf("an authentication of the other group serves: (-want +got):\n%s", diff)
	}
	for _, l := range set.Listeners {
		if a := set.Authorization(l.Sibling("main")); a == nil || a.Group != l.Group {
			t.Errorf("listener %v has authorization %+v", l.Key, a)
		}
	}
	if key := set.Listeners[1].Key; key != (resource.Key{Group: resource.GroupAzEdge, Namespace: "default", Name: "main"}) || key.String() != "az-edge.com/default/main" {
		t.Errorf("key %+v, %v", key, key)
	}
	twice := strings.Replace(current, "/v1beta1", "/v1", 1) + current[strings.Index(current, "---\n")+4:]
	if _, err := resource.Parse("f.yaml", []byte(twice)); err == nil || !strings.Contains(err.Error(), "BrokerAuthorization default/main is defined twice") { // LINK-8
		t.Errorf("v1 and v1beta1 of one object: %v", err)
	}
}

// TestMerge finds links across sets and leaves the sets as they were.
func TestMerge(t *testing.T) {
	listener, err := resource.Parse("l.yaml", []byte(alphaListener("main", "port: 1883, authorizationEnabled: false")))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := resource.Parse("a.yaml", []byte(alphaAuthentication("my-authn", "main")))
	if err != nil {
		t.Fatal(err)
	}
	set, err := resource.Merge(listener, policy)
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Listeners[0].Ports[0].AuthenticationRef; got != "my-authn" {
		t.Errorf("linked to %q", got)
	}
	if got := listener.Listeners[0].Ports[0].AuthenticationRef; got != "" {
		t.Errorf("the set of the listener changed: %q", got)
	}
	alone, err := resource.Merge(&resource.Set{Listeners: set.Listeners})
	if err != nil {
		t.Fatal(err)
	}
	if p := alone.Listeners[0].Ports[0]; p.AuthenticationRef != "" || p.Anonymous {
		t.Errorf("after the policy is gone: %+v", p)
	}
	if _, err := resource.Merge(set, set); err == nil {
		t.Error("every object is there twice, and no error")
	}
}
