package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker"
)

const brokerYAML = `apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: Broker
metadata:
  name: default
spec:
  memoryProfile: Medium
  advanced:
    clients:
      maxSessionExpirySeconds: 3600
      maxPacketSizeBytes: 65536
      maxReceiveMaximum: 100
      maxMessageExpirySeconds: 600
      maxKeepAliveSeconds: 60
      subscriberQueueLimit: {length: 500, strategy: DropOldest}
`

// The limits of the kind Broker become those of the server; what has no effect is
// said once, in one line.
func TestBrokerLimits(t *testing.T) {
	b, f := newBench(t)
	f = f.with("broker.yaml", brokerYAML)
	plan, err := compile(t, f)
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	want := broker.Limits{
		SessionExpiry: time.Hour, MessageExpiry: 10 * time.Minute, KeepAlive: time.Minute,
		PacketSize: 65536, ReceiveMaximum: 100, QueueMessages: 500, QueueDropsOldest: true,
	}
	if diff := cmp.Diff(want, plan.Limits); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	warning := "broker.yaml:1:1: of Broker default/default these fields have no effect: spec.memoryProfile"
	if diff := cmp.Diff([]string{warning}, plan.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}

	b.apply(f)
	b.apply(f.replace("authorization.yaml", temperature, humidity))
	if log := b.log.String(); strings.Count(log, "these fields have no effect") != 1 || strings.Contains(log, "starts again") {
		t.Errorf("log:\n%s", log)
	}
	b.apply(f.replace("broker.yaml", "maxReceiveMaximum: 100", "maxReceiveMaximum: 10"))
	b.logged("the limits of the Broker changed")
}
