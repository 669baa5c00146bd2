package kubetest_test

import (
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// The limits of a Broker hold, with the shipped definition; a change of them does
// from the next start on, and says so. Fields without effect are kept and told.
func TestBroker(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster)
	limits := s.here(`
apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: Broker
metadata: {name: default, namespace: azure-iot-operations}
spec:
  memoryProfile: Tiny
  cardinality: {frontend: {replicas: 2}}
  advanced: {clients: {maxPacketSizeBytes: 65536, subscriberQueueLimit: {length: 100, strategy: DropOldest}}}`)
	s.apply(s.secondListener(), limits)
	p := s.serve()
	p.expect(0, "following a kind", "kind=Broker ", "version=mqttbroker.iotoperations.azure.com/v1")
	s.condition(brokerlistener, "second", "True Open")
	s.condition(broker, "default", "True Accepted the limits of clients are in force; without effect: spec.cardinality, spec.memoryProfile")
	if got := s.kubectl("", "get", broker, "default", "-o", "jsonpath={.spec.cardinality.frontend.replicas}"); got != "2" {
		t.Errorf("the definition makes %q of a field without effect", got)
	}
	s.packetSize(65536)

	s.edit(broker, "default", "maxPacketSizeBytes: 65536", "maxPacketSizeBytes: 32768")
	s.condition(broker, "default", "False Restart the limits of clients changed; they take effect when the program starts again")
	s.packetSize(65536)
	p.end()
	s.serve().expect(0, "msg=listening", ":"+s.second)
	s.condition(broker, "default", "True Accepted")
	s.packetSize(32768)

	for what, document := range map[string]string{
		"a limit of 0":             replace(t, limits, "65536", "0"),
		"an unknown limit":         replace(t, limits, "maxPacketSizeBytes", "maxPacketSize"),
		"an unknown queue setting": replace(t, limits, "DropOldest", "DropNewest"),
	} {
		if out, err := kubectl(t.Context(), cluster, document, nil, "-n", s.namespace, "apply", "--validate=strict", "-f", "-"); err == nil {
			t.Errorf("%s: %s", what, out)
		}
	}

	s.apply(replace(t, limits, "name: default", "name: second"))
	s.condition(broker, "second", "False Invalid kind: a second Broker")
	s.packetSize(32768)
}

// packetSize checks which limit of the size of packets somebody is told who
// connects now.
func (s *site) packetSize(want uint32) {
	s.t.Helper()
	conn := dial(s.t, s.second)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write((&wire.Connect{Version: mqttauth.MQTT5, CleanStart: true, ClientID: "c1"}).Append(nil)); err != nil {
		s.t.Fatal(err)
	}
	f, err := wire.NewReader(conn).Next(1 << 20)
	if err != nil {
		s.t.Fatal(err)
	}
	var ack wire.Connack
	if err := ack.Decode(f, mqttauth.MQTT5); err != nil {
		s.t.Fatal(err)
	}
	if ack.MaximumPacketSize != want {
		s.t.Errorf("CONNACK says a maximum packet size of %d, want %d", ack.MaximumPacketSize, want)
	}
}
