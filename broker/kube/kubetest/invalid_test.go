package kubetest_test

import "testing"

// A bad change leaves the last valid version in force; what never was valid
// keeps the ports closed that depend on it, and no other (LINK-11).
func TestInvalid(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster)
	s.apply(append(s.tutorial(), s.secondListener())...)
	p := s.serve()
	s.condition(brokerauthorization, "abac-authz", "True Accepted")
	thermostat, guest := s.device("thermostat"), s.guest()

	const detail = "spec.authorizationPolicies.rules[0].brokerResources[1].topics[0]: "
	mark := p.mark()
	s.edit(brokerauthorization, "abac-authz", "- telemetry/temperature", "- tele#metry")
	s.condition(brokerauthorization, "abac-authz", "False Invalid generation 1 stays in force: "+detail)
	s.condition(brokerlistener, "mqtts-endpoint", "True Open")
	p.expect(mark, "resource is not valid", "BrokerAuthorization "+s.namespace+"/abac-authz", "generation 1 stays in force", "rules[0].brokerResources[1].topics[0]")
	thermostat.may("after a bad change", temperature, true)

	mark = p.mark()
	s.edit(brokerauthorization, "abac-authz", "- tele#metry", "- telemetry/temperature")
	s.condition(brokerauthorization, "abac-authz", "True Accepted")
	p.expect(mark, "resource is valid again", "BrokerAuthorization "+s.namespace+"/abac-authz")
	thermostat.may("when it is mended", temperature, true)

	s.remove(brokerauthorization, "abac-authz")
	thermostat.disconnected()
	s.apply(replace(t, s.authorization(), "- telemetry/temperature", "- tele#metry"))
	s.condition(brokerauthorization, "abac-authz", "False Invalid "+detail)
	s.condition(brokerlistener, "mqtts-endpoint", "False Closed port "+s.port+
		" is closed: spec.ports[0].authorizationRef: BrokerAuthorization "+s.namespace+"/abac-authz is not valid")
	if !closed(s.port) {
		t.Error("the port is open with a policy that is not valid")
	}
	guest.may("on the other port", temperature, true)

	p.end() // a broker that starts now knows no valid version, either
	p = s.serve()
	p.expect(0, "msg=listening", ":"+s.second)
	if !closed(s.port) {
		t.Error("the port is open after a restart")
	}
	s.apply(s.authorization())
	p.expect(0, "msg=listening", ":"+s.port)
}

// Two listeners with one port number: the one that was there stays open.
func TestPortTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster)
	s.apply(s.secondListener())
	p := s.serve()
	p.expect(0, "msg=listening", ":"+s.second)
	guest := s.guest()
	s.apply(replace(t, s.secondListener(), "name: second", "name: another"))
	s.condition(brokerlistener, "another", "False Invalid spec.ports[0].port: port "+s.second+
		" is used twice; the first is at BrokerListener "+s.namespace+"/second")
	s.condition(brokerlistener, "second", "True Open")
	guest.may("with a newcomer", temperature, true)
}

// A port that another program has is told in the status, and opens when it is
// free.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster)
	free := occupy(t, s.second)
	s.apply(s.secondListener())
	p := s.serve()
	s.condition(brokerlistener, "second", "False Closed port "+s.second+" is closed: listen tcp 127.0.0.1:"+s.second)
	free()
	p.expect(0, "msg=listening", ":"+s.second)
	s.condition(brokerlistener, "second", "True Open")
}
