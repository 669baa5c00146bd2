package kubetest_test

import (
	"fmt"
	"strings"
	"testing"

	authzv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// The shipped account may do what the broker needs, and no more.
func TestRights(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster)
	const broker, older, core, reviews = "mqttbroker.iotoperations.azure.com", "az-edge.com", "", "authentication.k8s.io"
	tests := []struct {
		group, resource, name, namespace, verbs string
		want                                    bool
	}{
		{broker, "brokerlisteners", "", s.namespace, "list watch", true},
		{broker, "brokerauthentications", "", s.namespace, "list watch", true},
		{broker, "brokerauthorizations", "", s.namespace, "list watch", true},
		{broker, "brokers", "", s.namespace, "list watch", true},
		{older, "brokerlisteners", "", s.namespace, "list watch", true},
		{older, "brokerauthentications", "", s.namespace, "list watch", true},
		{older, "brokerauthorizations", "", s.namespace, "list watch", true},
		{broker, "brokerlisteners/status", "x", s.namespace, "patch", true},
		{broker, "brokers/status", "x", s.namespace, "patch", true},
		{older, "brokerauthorizations/status", "x", s.namespace, "patch", true},
		{core, "configmaps", "fabrikam-ca", s.namespace, "list watch", true},
		{core, "secrets", "broker-server-cert", s.namespace, "list watch", true},
		{core, "serviceaccounts", "x", s.namespace, "get", true},
		{reviews, "tokenreviews", "", "", "create", true},

		{broker, "brokerlisteners", "x", s.namespace, "create update patch delete", false},
		{broker, "brokerlisteners/status", "x", "default", "patch", false},
		{broker, "brokerlisteners", "", "default", "list watch", false},
		{broker, "brokers", "x", s.namespace, "create update patch delete", false},
		{older, "brokerlisteners", "x", s.namespace, "get create update patch delete", false},
		{older, "brokerlisteners", "", "default", "list watch", false},
		{older, "brokers", "", s.namespace, "list watch", false},
		{broker, "brokerlisteners", "", "", "list watch", false},
		{core, "secrets", "", s.namespace, "list watch", false},
		{core, "secrets", "x", s.namespace, "get list watch create update patch delete", false},
		{core, "secrets", "broker-server-cert", s.namespace, "create update patch delete", false},
		{core, "secrets", "broker-server-cert", "default", "get list watch", false},
		{core, "secrets", "", "", "list watch", false},
		{core, "configmaps", "", s.namespace, "list watch", false},
		{core, "serviceaccounts", "", s.namespace, "list watch create", false},
		{core, "serviceaccounts", "x", "default", "get", false},
		{core, "serviceaccounts/token", "mqttwarden", s.namespace, "create", false},
		{core, "pods", "", s.namespace, "get list create", false},
		{core, "pods/exec", "x", s.namespace, "create", false},
		{"authorization.k8s.io", "subjectaccessreviews", "", "", "create", false},
		{"rbac.authorization.k8s.io", "roles", "mqttwarden", s.namespace, "get update patch bind escalate", false},
		{core, "nodes", "", "", "list", false},
	}
	for _, tt := range tests {
		for verb := range strings.FieldsSeq(tt.verbs) {
			resource, sub, _ := strings.Cut(tt.resource, "/")
			r, err := s.server.Kube.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authzv1.SubjectAccessReview{
				Spec: authzv1.SubjectAccessReviewSpec{
					User:   "system:serviceaccount:" + s.namespace + ":mqttwarden",
					Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + s.namespace, "system:authenticated"},
					ResourceAttributes: &authzv1.ResourceAttributes{
						Namespace: tt.namespace, Verb: verb, Group: tt.group, Resource: resource, Subresource: sub, Name: tt.name,
					},
				},
			}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if r.Status.Allowed != tt.want {
				t.Errorf("%s %s/%s %q in %q: allowed = %v, want %v", verb, tt.group, tt.resource, tt.name, tt.namespace, r.Status.Allowed, tt.want)
			}
		}
	}
}

// A reference that the Role does not name keeps its port closed and says why;
// the right opens it.
func TestReferenceWithoutRight(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster)
	p := s.serve()
	s.apply(append(s.tutorial()[:4], s.serverSecret("other-cert"), s.secondListener(), replace(t, s.listener(), "broker-server-cert", "other-cert"))...)
	s.condition(brokerlistener, "second", "True Open")
	s.condition(brokerlistener, "mqtts-endpoint", "False Closed port "+s.port+" is closed: spec.ports[0].tls.manual.secretRef: Secret "+
		s.namespace+"/other-cert cannot be read: this account has no right to list and watch it")
	p.expect(0, "does not let this be followed", "kind=Secret", "object=other-cert", "forbidden")
	s.kubectl("", "patch", "role", "mqttwarden-references", "--type=json", "-p",
		`[{"op":"add","path":"/rules/1/resourceNames/-","value":"other-cert"}]`)
	p.expect(0, "msg=listening", ":"+s.port)
	s.device("thermostat").may("with the right", temperature, true)
}

// A broker that may not read the kinds of v1alpha4 serves those of v1 and says
// so; the right opens the ports of v1alpha4.
func TestOlderGenerationWithoutRight(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster)
	const groups = `[{"op":"replace","path":"/rules/0/apiGroups","value":["mqttbroker.iotoperations.azure.com"%s]}]`
	s.kubectl("", "patch", "role", "mqttwarden", "--type=json", "-p", fmt.Sprintf(groups, ""))
	s.apply(append(s.tutorial(), s.olderListener(), s.olderAuthentication(), s.olderAuthorization())...)
	p := s.serve()
	p.expect(0, "msg=listening", ":"+s.port)
	p.expect(0, "does not let this be followed", "kind=BrokerListener.az-edge.com", "forbidden")
	if !closed(s.second) {
		t.Error("a port is open whose listener may not be read")
	}
	s.device("thermostat").may("by v1", temperature, true)
	s.kubectl("", "patch", "role", "mqttwarden", "--type=json", "-p", fmt.Sprintf(groups, `,"az-edge.com"`))
	p.expect(0, "msg=listening", ":"+s.second)
	s.deviceAt(s.second, "fan").may("with the right", humidity, true)
}

// With the shipped rights the broker has service account tokens reviewed, and
// reads the annotations of their accounts.
func TestServiceAccountTokens(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster)
	s.serve()
	s.apply(s.here(`
apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthentication
metadata: {name: tokens, namespace: azure-iot-operations}
spec:
  authenticationMethods:
    - method: ServiceAccountToken
      serviceAccountTokenSettings: {audiences: [my-audience]}
---
apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthorization
metadata: {name: by-group, namespace: azure-iot-operations}
spec:
  authorizationPolicies:
    rules:
      - principals: {attributes: [{group: presses}]}
        brokerResources: [{method: Connect}, {method: Publish, topics: [telemetry/temperature]}]`),
		replace(t, s.secondListener(), "port: "+s.second, "port: "+s.second+", authenticationRef: tokens, authorizationRef: by-group"))
	s.condition(brokerlistener, "second", "True Open")
	press := s.server.Account(t, s.namespace, "press", map[string]string{"aio-broker-auth/group": "presses"})
	other := s.server.Account(t, s.namespace, "other", nil)
	packet := func(token string) *wire.Connect {
		return &wire.Connect{Version: mqttauth.MQTT5, CleanStart: true, ClientID: "c1", AuthMethod: "K8S-SAT", AuthData: []byte(token)}
	}
	c, code := connect(t, dial(t, s.second), packet(s.server.Token(t, press, "my-audience")))
	if code != mqttauth.Success {
		t.Fatalf("CONNACK %v", code)
	}
	c.may("a press", temperature, true)
	c.may("a press", humidity, false)
	for what, token := range map[string]string{
		"an account without the attribute": s.server.Token(t, other, "my-audience"),
		"another audience":                 s.server.Token(t, press, "other"),
	} {
		if _, code := connect(t, dial(t, s.second), packet(token)); code != mqttauth.NotAuthorized {
			t.Errorf("%s: CONNACK %v, want 0x87", what, code)
		}
	}
}
