package e2e_test

import (
	"fmt"
	"testing"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func TestMQTT311PublishAndSubscribe(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	for qos := range byte(3) {
		t.Run(fmt.Sprintf("qos%d", qos), func(t *testing.T) {
			heater, _ := connect3(t, f, "heater", nil)
			thermostat, _ := connect3(t, f, "thermostat", nil)
			for _, filter := range []string{"telemetry/temperature", "telemetry/humidity"} {
				if code := heater.subscribe(t, filter, qos); code != qos {
					t.Fatalf("SUBACK %#x, want %d", code, qos)
				}
			}
			thermostat.publish(t, "telemetry/temperature", qos, "21 degrees")
			if m := heater.expectMessage(t, "21 degrees"); m.Qos() != qos || m.Topic() != "telemetry/temperature" || m.Retained() {
				t.Errorf("received %+v", m)
			}
			// What is denied is acknowledged and goes nowhere (AUTHZ-10).
			thermostat.publish(t, "telemetry/humidity", qos, "40 percent")
			thermostat.publish(t, "telemetry/temperature", qos, "22 degrees")
			heater.expectMessage(t, "22 degrees")
		})
	}
}

func TestMQTT311DeniedSubscribe(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	heater, _ := connect3(t, f, "heater", nil)
	for _, filter := range []string{"#", "telemetry/#", "$share/g/#", "health/heartbeat"} {
		if code := heater.subscribe(t, filter, 1); code != 0x80 {
			t.Errorf("SUBACK for %s: %#x, want 0x80", filter, code)
		}
	}
	if code := heater.subscribe(t, "telemetry/humidity", 1); code != 1 {
		t.Errorf("SUBACK for what is allowed: %#x, want 1", code)
	}
}

// The heater is away while the thermostat publishes, and gets all of it when it
// comes back with Clean Session 0, in order.
func TestMQTT311SessionResume(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	keep := func(o *mqtt.ClientOptions) { o.SetCleanSession(false) }
	heater, present := connect3(t, f, "heater", keep)
	if present {
		t.Error("a new session is present")
	}
	if code := heater.subscribe(t, "telemetry/temperature", 2); code != 2 {
		t.Fatalf("SUBACK %#x, want 2", code)
	}
	heater.leave()

	thermostat, _ := connect3(t, f, "thermostat", nil)
	for i := range 5 {
		thermostat.publish(t, "telemetry/temperature", byte(1+i%2), fmt.Sprint(i))
	}

	heater, present = connect3(t, f, "heater", keep)
	if !present {
		t.Error("the session is gone")
	}
	for i := range 5 {
		if m := heater.expectMessage(t, fmt.Sprint(i)); m.Qos() != byte(1+i%2) {
			t.Errorf("message %d has QoS %d", i, m.Qos())
		}
	}
	thermostat.publish(t, "telemetry/temperature", 1, "live again")
	heater.expectMessage(t, "live again")
}

func TestMQTT311Retained(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	thermostat, _ := connect3(t, f, "thermostat", nil)
	thermostat.send(t, "telemetry/temperature", 1, true, "21 degrees")
	thermostat.send(t, "telemetry/humidity", 1, true, "40 percent") // denied
	heater, _ := connect3(t, f, "heater", nil)
	heater.subscribe(t, "telemetry/humidity", 1)
	heater.subscribe(t, "telemetry/temperature", 1)
	if m := heater.expectMessage(t, "21 degrees"); !m.Retained() {
		t.Errorf("received %+v, want it to be retained", m)
	}
}

func TestMQTT311Will(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	heater, _ := connect3(t, f, "heater", nil)
	heater.subscribe(t, "telemetry/temperature", 1)
	will := func(o *mqtt.ClientOptions) {
		o.SetWill("telemetry/temperature", "thermostat is gone", 1, false)
	}
	thermostat, _ := connect3(t, f, "thermostat", will)
	thermostat.publish(t, "telemetry/temperature", 1, "still here")
	heater.expectMessage(t, "still here")

	thermostat.vanish()
	heater.expectMessage(t, "thermostat is gone")
}

func TestMQTT311DeniedWill(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	p := serve(t, f)
	c := new3(t, f, "thermostat", func(o *mqtt.ClientOptions) {
		o.SetWill("health/heartbeat", "not mine to say", 1, false)
	})
	token := c.Connect().(*mqtt.ConnectToken)
	await(t, token)
	if token.Error() == nil || token.ReturnCode() != 5 {
		t.Errorf("CONNACK %d, %v; want 5", token.ReturnCode(), token.Error())
	}
	p.expect(t, "client refused", "username=thermostat", "health/heartbeat")
}
