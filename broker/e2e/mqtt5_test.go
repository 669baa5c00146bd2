package e2e_test

import (
	"fmt"
	"testing"

	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"
)

const deniedCode = 0x87

func TestMQTT5PublishAndSubscribe(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	for qos := range byte(3) {
		t.Run(fmt.Sprintf("qos%d", qos), func(t *testing.T) {
			heater, thermostat := connect5(t, f, "heater", "heater", nil), connect5(t, f, "thermostat", "thermostat", nil)
			if code := heater.subscribe(t, "telemetry/temperature", qos); code != qos {
				t.Fatalf("SUBACK %#x, want %d", code, qos)
			}
			thermostat.publish(t, "telemetry/temperature", qos, "21 degrees")
			if m := heater.expectMessage(t, "21 degrees"); m.QoS != qos || m.Topic != "telemetry/temperature" || m.Retain {
				t.Errorf("received %+v", m)
			}
			if qos > 0 {
				if code := thermostat.try(t, "telemetry/humidity", qos, "40 percent"); code != deniedCode {
					t.Errorf("denied publish is answered %#x, want %#x", code, deniedCode)
				}
			}
			// The connection is kept, and so is the quota.
			thermostat.publish(t, "telemetry/temperature", qos, "22 degrees")
			heater.expectMessage(t, "22 degrees")
		})
	}
}

func TestMQTT5DeniedSubscribe(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	heater := connect5(t, f, "heater", "heater", nil)
	for _, filter := range []string{"#", "telemetry/#", "$share/g/#", "health/heartbeat"} {
		if code := heater.subscribe(t, filter, 1); code != deniedCode {
			t.Errorf("SUBACK for %s: %#x, want %#x", filter, code, deniedCode)
		}
	}
	lightbulb := connect5(t, f, "lightbulb", "lightbulb", nil)
	if code := lightbulb.subscribe(t, "telemetry/temperature", 1); code != deniedCode {
		t.Errorf("SUBACK for the lightbulb: %#x, want %#x", code, deniedCode)
	}
}

// The heater is away while the thermostat publishes, and gets all of it when it
// comes back with Clean Start 0, in order.
func TestMQTT5SessionResume(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	session := state.NewInMemory() // the client's half
	hour := uint32(3600)
	connect := func(clean bool) (*client5, *paho.Connack) {
		c := new5(t, f, "heater", session)
		ack, err := c.Connect(t.Context(), &paho.Connect{
			ClientID: "heater", CleanStart: clean, KeepAlive: 60,
			Properties: &paho.ConnectProperties{SessionExpiryInterval: &hour},
		})
		if err != nil {
			t.Fatalf("CONNECT: %+v: %v", ack, err)
		}
		return c, ack
	}
	heater, ack := connect(true)
	if ack.SessionPresent {
		t.Error("a clean start has a session present")
	}
	if code := heater.subscribe(t, "telemetry/temperature", 2); code != 2 {
		t.Fatalf("SUBACK %#x, want 2", code)
	}
	heater.leave(t)

	thermostat := connect5(t, f, "thermostat", "thermostat", nil)
	for i := range 5 {
		thermostat.publish(t, "telemetry/temperature", byte(1+i%2), fmt.Sprint(i))
	}

	heater, ack = connect(false)
	if !ack.SessionPresent {
		t.Error("the session is gone")
	}
	for i := range 5 {
		if m := heater.expectMessage(t, fmt.Sprint(i)); m.QoS != byte(1+i%2) {
			t.Errorf("message %d has QoS %d", i, m.QoS)
		}
	}
	thermostat.publish(t, "telemetry/temperature", 1, "live again")
	heater.expectMessage(t, "live again")
}

func TestMQTT5Retained(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	thermostat := connect5(t, f, "thermostat", "thermostat", nil)
	_, err := thermostat.Publish(t.Context(), &paho.Publish{Topic: "telemetry/temperature", QoS: 1, Retain: true, Payload: []byte("21 degrees")})
	if err != nil {
		t.Fatal(err)
	}
	denied, _ := thermostat.Publish(t.Context(), &paho.Publish{Topic: "telemetry/humidity", QoS: 1, Retain: true, Payload: []byte("40 percent")})
	if denied == nil || denied.ReasonCode != deniedCode {
		t.Errorf("denied retained publish is answered %+v", denied)
	}
	heater := connect5(t, f, "heater", "heater", nil)
	// What was denied is not retained either: only what follows arrives.
	heater.subscribe(t, "telemetry/humidity", 1)
	heater.subscribe(t, "telemetry/temperature", 1)
	if m := heater.expectMessage(t, "21 degrees"); !m.Retain {
		t.Errorf("received %+v, want it to be retained", m)
	}
}

func TestMQTT5Will(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	heater := connect5(t, f, "heater", "heater", nil)
	heater.subscribe(t, "telemetry/temperature", 1)
	will := &paho.WillMessage{Topic: "telemetry/temperature", QoS: 1, Payload: []byte("thermostat is gone")}

	// Who says goodbye has no will, also when it is back at once.
	connect5(t, f, "thermostat", "thermostat", will).sayGoodbye(t)
	again := connect5(t, f, "thermostat", "thermostat", will)
	again.publish(t, "telemetry/temperature", 1, "still here")
	heater.expectMessage(t, "still here")

	again.vanish()
	heater.expectMessage(t, "thermostat is gone")
}

// A will is a publish: with one that is denied there is no connection (AUTHZ-9).
func TestMQTT5DeniedWill(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	p := serve(t, f)
	c := new5(t, f, "thermostat", nil)
	will := &paho.WillMessage{Topic: "health/heartbeat", QoS: 1, Payload: []byte("not mine to say")}
	ack, err := c.Connect(t.Context(), &paho.Connect{ClientID: "thermostat", CleanStart: true, KeepAlive: 60, WillMessage: will})
	if err == nil || ack == nil || ack.ReasonCode != deniedCode {
		t.Errorf("CONNACK %+v, %v; want %#x", ack, err, deniedCode)
	}
	p.expect(t, "client refused", "username=thermostat", "health/heartbeat")
}
