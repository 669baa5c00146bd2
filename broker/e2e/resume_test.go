package e2e_test

import (
	"testing"

	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"
)

// While the heater is away, its right to the temperature is taken from it. When
// it resumes its session, that subscription is gone, and so is what was queued
// because of it; the other stands (AUTHZ-12).
func TestResumeAfterRightWasTaken(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	p := serve(t, f)
	session := state.NewInMemory()
	hour := uint32(3600)
	connect := func(clean bool) *client5 {
		c := new5(t, f, "heater", session)
		ack, err := c.Connect(t.Context(), &paho.Connect{
			ClientID: "heater", CleanStart: clean, KeepAlive: 60,
			Properties: &paho.ConnectProperties{SessionExpiryInterval: &hour},
		})
		if err != nil || ack.SessionPresent == clean {
			t.Fatalf("CONNECT with clean start %v: %+v: %v", clean, ack, err)
		}
		return c
	}
	heater := connect(true)
	for _, filter := range []string{"telemetry/temperature", "telemetry/humidity"} {
		if code := heater.subscribe(t, filter, 1); code != 1 {
			t.Fatalf("SUBACK for %s: %#x", filter, code)
		}
	}
	heater.sayGoodbye(t)
	connect5(t, f, "thermostat", "thermostat", nil).publish(t, "telemetry/temperature", 1, "queued")

	f.edit(t, "authorization.yaml", "Subscribe\n            topics:\n              - telemetry/temperature\n", "Subscribe\n            topics:\n")
	p.expect(t, "port changed")

	heater = connect(false)
	connect5(t, f, "thermostat", "thermostat", nil).publish(t, "telemetry/temperature", 1, "published after")
	connect5(t, f, "hygrometer", "hygrometer", nil).publish(t, "telemetry/humidity", 1, "40 percent")
	heater.expectMessage(t, "40 percent")
}
