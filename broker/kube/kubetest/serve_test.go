package kubetest_test

import (
	"testing"
	"time"
)

// limit is how long a change may take from the API server to the client
// (AUTHZ-13).
const limit = 2 * time.Second

// The tutorial by kubectl, with no rights but the shipped ones. The broker is
// there first; each port opens when all that it refers to is.
func TestTutorial(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster)
	p := s.serve()
	p.expect(0, "following a cluster", s.namespace)
	s.apply(s.tutorial()...)
	p.expect(0, "msg=listening", ":"+s.port, "transport=tls", "x509-auth (X509)", "abac-authz (4 rules)")
	s.condition(brokerlistener, "mqtts-endpoint", "True Open port "+s.port+" is open")
	s.condition(brokerauthentication, "x509-auth", "True Accepted ")
	s.condition(brokerauthorization, "abac-authz", "True Accepted ")
	thermostat := s.device("thermostat")
	thermostat.may("the thermostat", temperature, true)
	thermostat.may("the thermostat", humidity, false)
}

// An edit takes effect within 2 seconds and disconnects the clients of the
// linked port, and no other (AUTHZ-13). One that changes no meaning disconnects
// nobody.
func TestEdit(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster)
	s.apply(append(s.tutorial(), s.secondListener())...)
	p := s.serve()
	p.expect(0, "msg=listening", ":"+s.port)
	p.expect(0, "msg=listening", ":"+s.second)
	thermostat, guest := s.device("thermostat"), s.guest()

	mark := p.mark()
	s.kubectl("", "annotate", brokerauthorization, "abac-authz", "note=nothing")
	p.expect(mark, "change applied")
	thermostat.may("after a note", temperature, true)

	began := time.Now()
	s.edit(brokerauthorization, "abac-authz", "- telemetry/humidity", "- telemetry/temperature")
	s.disconnectedInTime(thermostat, began)
	thermostat = s.device("thermostat")
	thermostat.may("before the edit", humidity, false)

	mark = p.mark()
	began = time.Now()
	s.kubectl("", "patch", brokerauthorization, "abac-authz", "--type=json", "-p",
		`[{"op":"replace","path":"/spec/authorizationPolicies/rules/0/brokerResources/1/topics/0","value":"`+humidity+`"}]`)
	s.disconnectedInTime(thermostat, began)
	p.expect(mark, "port changed", "abac-authz (4 rules)")
	thermostat = s.device("thermostat")
	thermostat.may("after the edit", humidity, true)
	thermostat.may("after the edit", temperature, false)
	guest.may("on the other port", temperature, true)
}

// A reference that appears later opens its port; one that disappears closes it
// and disconnects its clients, other ports go on (LINK-7, AUTHN-11).
func TestLateReferences(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster)
	p := s.serve()
	s.apply(s.listener(), s.secondListener())
	p.expect(0, "msg=listening", ":"+s.second)
	guest := s.guest()
	s.condition(brokerlistener, "second", "True Open port "+s.second+" is open")
	parts := []struct{ kind, name, document, status string }{
		{brokerauthentication, "x509-auth", s.authentication(), "spec.ports[0].authenticationRef: BrokerAuthentication " + s.namespace + "/x509-auth does not exist"},
		{brokerauthorization, "abac-authz", s.authorization(), "spec.ports[0].authorizationRef: BrokerAuthorization " + s.namespace + "/abac-authz does not exist"},
		{"secret", "broker-server-cert", s.serverSecret("broker-server-cert"), "spec.ports[0].tls.manual.secretRef: Secret " + s.namespace + "/broker-server-cert does not exist"},
		{"configmap", "fabrikam-ca", s.clientCA(), "spec.authenticationMethods[0].x509Settings.trustedClientCaCert: ConfigMap " + s.namespace + "/fabrikam-ca does not exist"},
	}
	for _, part := range parts {
		s.condition(brokerlistener, "mqtts-endpoint", "False Closed port "+s.port+" is closed: "+part.status)
		if !closed(s.port) {
			t.Fatalf("the port is open without its %s", part.kind)
		}
		s.apply(part.document)
	}
	for _, part := range parts {
		s.condition(brokerlistener, "mqtts-endpoint", "True Open")
		thermostat := s.device("thermostat")
		thermostat.may("with all parts", temperature, true)
		s.remove(part.kind, part.name)
		thermostat.disconnected()
		s.condition(brokerlistener, "mqtts-endpoint", "False Closed port "+s.port+" is closed: "+part.status)
		if !closed(s.port) {
			t.Errorf("the port is open without its %s", part.kind)
		}
		s.apply(part.document)
	}
	guest.may("at the end", temperature, true)
}

// disconnectedInTime checks that a client is disconnected within the limit. It
// is called when kubectl, which was started at some time, has ended: the API
// server had the change in between.
func (s *site) disconnectedInTime(c *client, started time.Time) {
	s.t.Helper()
	ended := time.Now()
	done := c.disconnected()
	if d := done.Sub(ended); d > limit {
		s.t.Errorf("the client was disconnected %v after the change; at most %v are allowed", d, limit)
	}
	s.t.Logf("disconnected at most %v after kubectl was started, and %v after it ended", done.Sub(started), done.Sub(ended))
}
