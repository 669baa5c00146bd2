package kubetest_test

import (
	"strings"
	"testing"
)

// The triple of version v1alpha4, named as the resources of the tutorial are,
// which the other group has. It is about the second port.
func (s *site) olderListener() string {
	return s.here(`
apiVersion: az-edge.com/v1alpha4
kind: BrokerListener
metadata: {name: mqtts-endpoint, namespace: azure-iot-operations}
spec: {port: ` + s.second + `, tls: {manual: {secret: broker-server-cert}}}`)
}

func (s *site) olderAuthentication() string {
	return s.here(`
apiVersion: az-edge.com/v1alpha4
kind: BrokerAuthentication
metadata: {name: x509-auth, namespace: azure-iot-operations}
spec:
  listenerRef: [mqtts-endpoint]
  authenticationMethods: [{x509: {trustedClientCaCert: fabrikam-ca}}]`)
}

func (s *site) olderAuthorization() string {
	return s.here(`
apiVersion: az-edge.com/v1alpha4
kind: BrokerAuthorization
metadata: {name: abac-authz, namespace: azure-iot-operations}
spec:
  listenerRef: [mqtts-endpoint]
  authorizationPolicies:
    enableCache: true
    rules:
      - principals: {clientids: [fan]}
        brokerResources: [{method: Connect}, {method: Publish, topics: [` + humidity + `]}]`)
}

// A triple of version v1alpha4 opens a port and decides, beside one of v1 of the
// same names; what happens to one does not touch the other (LINK-6, LINK-7).
func TestOlderGeneration(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster)
	s.apply(s.tutorial()...)
	p := s.serve()
	p.expect(0, "following a kind", "kind=BrokerListener.az-edge.com", "version=az-edge.com/v1alpha4")
	s.condition(brokerlistener, "mqtts-endpoint", "True Open port "+s.port)
	newer := s.device("thermostat")

	unlinked := "False Closed port " + s.second + " is closed: spec.%: no $ names this listener in its listenerRef; to do without, write false"
	s.apply(s.olderListener())
	s.condition(olderListener, "mqtts-endpoint", strings.NewReplacer("%", "authenticationEnabled", "$", "BrokerAuthentication").Replace(unlinked))
	s.apply(s.olderAuthentication())
	s.condition(olderListener, "mqtts-endpoint", strings.NewReplacer("%", "authorizationEnabled", "$", "BrokerAuthorization").Replace(unlinked))
	if !closed(s.second) {
		t.Error("the port is open without authorization")
	}
	s.apply(s.olderAuthorization())
	p.expect(0, "msg=listening", ":"+s.second, "transport=tls", "az-edge.com/"+s.namespace+"/x509-auth (X509)", "az-edge.com/"+s.namespace+"/abac-authz (1 rule)")
	s.condition(olderListener, "mqtts-endpoint", "True Open port "+s.second+" is open")
	s.condition(olderAuthentication, "x509-auth", "True Accepted ")
	s.condition(olderAuthorization, "abac-authz", "True Accepted ")
	older := s.deviceAt(s.second, "fan")
	older.may("by v1alpha4", humidity, true)
	older.may("by v1alpha4", temperature, false)

	s.edit(olderAuthorization, "abac-authz", "- "+humidity, "- "+temperature)
	older.disconnected()
	older = s.deviceAt(s.second, "fan")
	older.may("after the edit", temperature, true)
	s.edit(olderAuthorization, "abac-authz", "- "+temperature, "- tele#metry")
	s.condition(olderAuthorization, "abac-authz", "False Invalid generation 2 stays in force: spec.authorizationPolicies.rules[0].brokerResources[1].topics[0]: ")
	older.may("after a bad change", temperature, true)
	s.remove(olderAuthorization, "abac-authz")
	older.disconnected()
	s.condition(olderListener, "mqtts-endpoint", "False Closed")
	if !closed(s.second) {
		t.Error("the port is open when its authorization is gone")
	}
	newer.may("by v1", temperature, true)
	newer.may("by v1", humidity, false)
}

// olderDefinition returns the shipped definition of a kind as it was when there
// was no v1.
func (s *site) olderDefinition(plural string) string {
	return s.kubectl("", "patch", "--local", "-f", crds+"/"+plural+group+".yaml", "-o", "yaml", "--type=json", "-p",
		`[{"op":"test","path":"/spec/versions/1/name","value":"v1beta1"},{"op":"remove","path":"/spec/versions/0"},{"op":"replace","path":"/spec/versions/0/storage","value":true}]`)
}

// A cluster that serves only v1beta1 is followed in that. When it gets v1, that
// is followed, and nobody is disconnected; an object that means nothing there
// keeps the meaning that it had, says so, and has none after a restart.
func TestOlderVersion(t *testing.T) {
	t.Parallel()
	c := ownServer(t)
	s := newSite(t, c)
	var definitions []string
	for _, plural := range []string{"brokerlisteners", "brokerauthentications", "brokerauthorizations"} {
		definitions = append(definitions, s.olderDefinition(plural))
	}
	s.apply(definitions...)
	s.kubectl("", "wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
	beta := func(document string) string {
		return replace(t, document, "azure.com/v1\n", "azure.com/v1beta1\n")
	}
	authentication := replace(t, beta(s.authentication()), "method: X509", "method: X509Credentials")
	s.apply(s.clientCA(), s.serverSecret("broker-server-cert"),
		replace(t, authentication, "x509Settings:", "x509Credentials:"),
		beta(s.authorization()), replace(t, beta(s.listener()), "secretRef:", "secretName:"), beta(s.secondListener()))
	p := s.serve()
	for _, kind := range []string{"BrokerListener", "BrokerAuthentication", "BrokerAuthorization"} {
		p.expect(0, "following a kind", "kind="+kind+" ", "version=mqttbroker.iotoperations.azure.com/v1beta1")
	}
	s.condition(brokerlistener, "mqtts-endpoint", "True Open port "+s.port)
	s.condition(brokerlistener, "second", "True Open port "+s.second)
	s.condition(brokerauthentication, "x509-auth", "True Accepted")
	s.condition(brokerauthorization, "abac-authz", "True Accepted")
	thermostat, guest := s.device("thermostat"), s.guest()
	thermostat.may("by v1beta1", temperature, true)
	thermostat.may("by v1beta1", humidity, false)

	mark := p.mark()
	if err := define(c); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"BrokerListener", "BrokerAuthentication", "BrokerAuthorization"} {
		p.expect(mark, "following a kind", "kind="+kind+" ", "version=mqttbroker.iotoperations.azure.com/v1")
	}
	const advice = "spec.ports[0].tls.manual.secretName: the name of an older version; write secretRef"
	s.condition(brokerlistener, "mqtts-endpoint", "False Invalid generation 1 stays in force: ")
	s.condition(brokerlistener, "second", "True Open port "+s.second)
	s.condition(brokerauthorization, "abac-authz", "True Accepted")
	thermostat.may("read as v1", temperature, true)
	guest.may("read as v1", temperature, true)

	p.end()
	s.serve().expect(0, "msg=listening", ":"+s.second)
	s.condition(brokerlistener, "mqtts-endpoint", "False Invalid "+advice)
	if !closed(s.port) {
		t.Error("the port is open though its listener is not valid")
	}
	s.apply(s.authentication(), s.listener())
	s.condition(brokerlistener, "mqtts-endpoint", "True Open port "+s.port)
	thermostat = s.device("thermostat")
	thermostat.may("by v1", temperature, true)
}

// The definitions of v1alpha4 may come after the broker; when one goes, its
// objects are gone: the port closes, and no other (LINK-7).
func TestOlderDefinitions(t *testing.T) {
	t.Parallel()
	c := ownServer(t)
	if err := define(c); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, c)
	kinds := []string{"brokerlisteners", "brokerauthentications", "brokerauthorizations"}
	var names []string
	for _, plural := range kinds {
		names = append(names, plural+olderGroup)
	}
	s.undefine(names...)
	s.apply(s.tutorial()...)
	p := s.serve()
	p.expect(0, "msg=listening", ":"+s.port)
	newer := s.device("thermostat")

	if err := define(c); err != nil {
		t.Fatal(err)
	}
	s.apply(s.olderListener(), s.olderAuthentication(), s.olderAuthorization())
	p.expect(0, "msg=listening", ":"+s.second, "abac-authz (1 rule)")
	older := s.deviceAt(s.second, "fan")
	older.may("by v1alpha4", humidity, true)

	s.undefine("brokerauthorizations" + olderGroup)
	older.disconnected()
	s.condition(olderListener, "mqtts-endpoint", "False Closed port "+s.second+" is closed: spec.authorizationEnabled")
	if !closed(s.second) {
		t.Error("the port is open though the kind of its policy is gone")
	}
	newer.may("by v1", temperature, true)
}
