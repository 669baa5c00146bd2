package kubetest_test

import (
	"testing"
	"time"
)

// The API server is away for 20 seconds: what was in force stays so, clients
// notice nothing, and the age of what is known is told. Afterwards changes take
// effect as before, those of meanwhile included (LINK-11).
func TestOutage(t *testing.T) {
	t.Parallel()
	c := ownServer(t)
	if err := define(c); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, c)
	s.apply(append(s.tutorial(), s.secondListener())...)
	p := s.serve()
	s.condition(brokerlistener, "mqtts-endpoint", "True Open")
	s.condition(brokerlistener, "second", "True Open")
	thermostat, guest := s.device("thermostat"), s.guest()

	mark := p.mark()
	c.Stop()
	end := time.After(20 * time.Second)
	for tick, going := time.NewTicker(time.Second), true; going; {
		thermostat.may("in the outage", temperature, true)
		guest.may("in the outage", temperature, true)
		select {
		case <-tick.C:
		case <-end:
			going = false
		}
	}
	p.expect(mark, "the API server does not answer; the last good set stays in force", "age=", "connection refused")
	s.device("heater").may("who comes in the outage", temperature, false)

	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	s.edit(brokerauthorization, "abac-authz", "- telemetry/temperature", "- telemetry/humidity")
	t.Logf("after the outage, a change was in force %v after the server was ready", thermostat.disconnected().Sub(back))
	p.expect(mark, "the API server answers again", "age=")
	thermostat = s.device("thermostat")
	thermostat.may("after the outage", humidity, true)

	began := time.Now()
	s.edit(brokerauthorization, "abac-authz", "- telemetry/humidity", "- telemetry/temperature")
	s.disconnectedInTime(thermostat, began)
	guest.may("after the outage", temperature, true)
}

// The definitions of the kinds may come after the broker, which waits for them
// and says so. When one goes, its objects are gone: the ports close (LINK-7).
func TestDefinitions(t *testing.T) {
	t.Parallel()
	c := ownServer(t)
	s := newSite(t, c)
	p := s.serve()
	for _, kind := range []string{"BrokerListener", "BrokerAuthentication", "BrokerAuthorization"} {
		p.expect(0, "the cluster does not know this kind; waiting", "kind="+kind)
	}
	if err := define(c); err != nil {
		t.Fatal(err)
	}
	s.apply(append(s.tutorial(), s.secondListener())...)
	s.condition(brokerlistener, "mqtts-endpoint", "True Open")
	thermostat, guest := s.device("thermostat"), s.guest()

	s.undefine("brokerauthorizations" + group)
	thermostat.disconnected()
	s.condition(brokerlistener, "mqtts-endpoint", "False Closed port "+s.port+" is closed: spec.ports[0].authorizationRef")
	if !closed(s.port) {
		t.Error("the port is open though the kind of its policy is gone")
	}
	guest.may("on the other port", temperature, true)

	if err := define(c); err != nil {
		t.Fatal(err)
	}
	s.apply(s.authorization())
	s.condition(brokerlistener, "mqtts-endpoint", "True Open")
	thermostat = s.device("thermostat")
	s.undefine("brokerlisteners"+group, "brokerauthentications"+group, "brokerauthorizations"+group)
	thermostat.disconnected()
	guest.disconnected()
	if !closed(s.port) || !closed(s.second) {
		t.Error("ports are open without listeners")
	}
}
