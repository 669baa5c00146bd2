package resource_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

const linked = portHead + `  - port: 8883
    authenticationRef: main-authn
    authorizationRef: main-authz
    tls: {mode: Manual, manual: {secretRef: server-cert}}
  - port: 1883
---
` + methodHead + `  - method: X509
  - method: Custom
    customSettings:
      endpoint: https://a
      caCertConfigMap: auth-ca
      auth: {x509: {secretRef: auth-client}}
`

// TestMissing lists what keeps a port closed, and only that port (LINK-7).
func TestMissing(t *testing.T) {
	set, err := resource.Parse("f", []byte(linked))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"f:8:23: spec.ports[0].authorizationRef: BrokerAuthorization default/main-authz does not exist",
		"f:9:45: spec.ports[0].tls.manual.secretRef: Secret default/server-cert does not exist",
		"f:17:5: spec.authenticationMethods[0].x509Settings.trustedClientCaCert: ConfigMap default/client-ca does not exist",
		"f:21:24: spec.authenticationMethods[1].customSettings.caCertConfigMap: ConfigMap default/auth-ca does not exist",
		"f:22:32: spec.authenticationMethods[1].customSettings.auth.x509.secretRef: Secret default/auth-client does not exist",
	}
	l := set.Listeners[0]
	if diff := cmp.Diff(want, lines(set.MissingFor(l, &l.Ports[0]))); diff != "" {
		t.Errorf("port 8883 (-want +got):\n%s", diff)
	}
	if got := lines(set.MissingFor(l, &l.Ports[1])); got != nil {
		t.Errorf("port 1883: %q", got)
	}
	if diff := cmp.Diff(want, lines(set.Missing())); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
}

// TestMissingIsPerNamespace finds objects in the namespace of the reference
// only (LINK-1).
func TestMissingIsPerNamespace(t *testing.T) {
	set, err := resource.Parse("f", []byte(portHead+"  - {port: 1883, authenticationRef: main-authn}\n---\n"+
		"apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: BrokerAuthentication\nmetadata: {name: main-authn, namespace: other}\n"+
		"spec: {authenticationMethods: [{method: ServiceAccountToken, serviceAccountTokenSettings: {audiences: [a]}}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"f:6:37: spec.ports[0].authenticationRef: BrokerAuthentication default/main-authn does not exist"}
	if diff := cmp.Diff(want, lines(set.Missing())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func lines(missing []resource.Missing) []string {
	var out []string
	for _, m := range missing {
		out = append(out, m.String())
	}
	return out
}

func TestLookup(t *testing.T) {
	set, err := resource.Load("testdata/valid/tutorial.yaml")
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) resource.Key {
		return resource.Key{Namespace: "azure-iot-operations", Name: name}
	}
	if set.Listener(in("mqtts-endpoint")) != set.Listeners[0] ||
		set.Authentication(in("x509-auth")) != set.Authentications[0] ||
		set.Authorization(in("abac-authz")) != set.Authorizations[0] ||
		set.ConfigMap(in("fabrikam-ca")) != set.ConfigMaps[0] ||
		set.Secret(in("broker-server-cert")) != set.Secrets[0] {
		t.Error("an object is not found by its key")
	}
	other := resource.Key{Namespace: "default", Name: "mqtts-endpoint"}
	if set.Listener(other) != nil || set.Secret(other) != nil {
		t.Error("an object is found in another namespace")
	}
	if missing := set.Missing(); missing != nil {
		t.Errorf("missing: %v", missing)
	}
}

// TestLocate turns field paths, as other packages report them, into places.
func TestLocate(t *testing.T) {
	set, err := resource.Load("testdata/valid/tutorial.yaml")
	if err != nil {
		t.Fatal(err)
	}
	authorization, method := set.Authorizations[0], &set.Authentications[0].Methods[0]
	port := &set.Listeners[0].Ports[0]
	rule := &method.X509.AuthorizationAttributes[2]
	tests := []struct {
		name string
		got  resource.Position
		want string
	}{
		{"topic", authorization.Locate(3, "brokerResources[1].topics[1]"), "87:11"},
		{"attribute", authorization.Locate(0, "principals.attributes[0].group"), "57:18"},
		{"absent field: what is around it", authorization.Locate(1, "brokerResources[0].clientIds[5]"), "67:9"},
		{"absent entry", authorization.Locate(1, "brokerResources[9]"), "67:7"},
		{"malformed path", authorization.Locate(1, "brokerResources[x"), "67:7"},
		{"absent rule", authorization.Locate(4, "principals"), "47:1"},
		{"negative rule", authorization.Locate(-1, ""), "47:1"},
		{"port", port.Locate("tls.manual.secretRef"), "104:20"},
		{"method", method.Locate("x509Settings.trustedClientCaCert"), "32:28"},
		{"method, nothing given", method.Locate(""), "30:5"},
		{"certificate rule", rule.Locate("subject"), "43:20"},
		{"certificate attribute", rule.Locate("attributes.manufacturer"), "45:27"},
		{"ConfigMap", set.ConfigMaps[0].Locate("client_ca.pem"), "18:18"},
		{"ConfigMap, absent", set.ConfigMaps[0].Locate("x"), "12:1"},
		{"Secret", set.Secrets[0].Locate("tls.key"), "10:12"},
	}
	for _, tt := range tests {
		want := "testdata/valid/tutorial.yaml:" + tt.want
		if got := tt.got.String(); got != want {
			t.Errorf("%s: %s, want %s", tt.name, got, want)
		}
	}
	if got := authorization.Field(-1, ""); got != "spec.authorizationPolicies.rules" {
		t.Errorf("Field of the list = %s", got)
	}
	const field = "spec.authorizationPolicies.rules[3].brokerResources[1].topics[1]"
	if got := authorization.Field(3, "brokerResources[1].topics[1]"); got != field {
		t.Errorf("Field = %s, want %s", got, field)
	}
}

// TestZeroValues uses values that no document made.
func TestZeroValues(t *testing.T) {
	set := &resource.Set{
		Listeners: []*resource.Listener{{
			Key:   resource.Key{Namespace: "default", Name: "made"},
			Ports: []resource.Port{{Number: 1883, Anonymous: true, AuthorizationRef: "abac"}},
		}},
	}
	zero := resource.Port{}
	if got := lines(set.MissingFor(set.Listeners[0], &zero)); len(got) != 2 { // closed, not open
		t.Errorf("the zero port misses %q", got)
	}
	errs := set.Check()
	if len(errs) != 1 || errs[0].Field != "authorizationRef" {
		t.Errorf("Check = %v", errs)
	}
	if got := fmt.Sprint((&resource.Authorization{}).Locate(0, "x"), set.Listeners[0].Ports[0].Locate("port")); got != " " {
		t.Errorf("Locate = %q", got)
	}
	if errs := (&resource.Set{}).Check(); len(errs) != 0 {
		t.Errorf("Check of an empty set = %v", errs)
	}
}
