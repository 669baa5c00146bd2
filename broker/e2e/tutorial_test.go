package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The commands of the tutorial, as it prints them.
const (
	publishAnything = `mosquitto_pub -t "example/topic" -m "example temperature measurement" -i thermostat \
-q 1 -V mqttv5 -d \
-h localhost \
--key thermostat.key \
--cert thermostat.crt \
--cafile contoso_root_ca.crt`

	publishHumidity = `mosquitto_pub -t "telemetry/humidity" -m "example temperature measurement" -i thermostat \
-q 1 -V mqttv5 -d \
-h localhost \
--key thermostat.key \
--cert thermostat.crt \
--cafile contoso_root_ca.crt`

	publishTemperature = `mosquitto_pub -t "telemetry/temperature" -m "example temperature measurement" -i thermostat \
-q 1 -V mqttv5 -d \
-h localhost \
--repeat 10000 \
--repeat-delay 3 \
--key thermostat.key \
--cert thermostat.crt \
--cafile contoso_root_ca.crt`

	subscribeHeartbeat = `mosquitto_sub -q 1 -t "health/heartbeat" -d -V mqttv5 \
-i heater \
-h localhost \
--key heater.key \
--cert heater.crt \
--cafile contoso_root_ca.crt`

	subscribeTemperature = `mosquitto_sub -q 1 -t "telemetry/temperature" -d -V mqttv5 \
-i heater \
-h localhost \
--key heater.key \
--cert heater.crt \
--cafile contoso_root_ca.crt`

	publishHeartbeat = `mosquitto_pub -q 1 -t "health/heartbeat" -m "example heartbeat" -d -V mqttv5 \
-i lightbulb \
-h localhost \
--repeat 100 \
--repeat-delay 3 \
--key lightbulb.key \
--cert lightbulb.crt \
--cafile contoso_root_ca.crt`
)

// paste pastes a command of the tutorial into a terminal in the folder with the
// certificates. Only the port differs.
func (f *folder) paste(t *testing.T, command string) *process {
	t.Helper()
	return shell(t, pkiDir(), strings.Replace(command, "-h localhost", fmt.Sprintf("-h localhost -p %d", f.port), 1))
}

// The tutorial, both phases, command by command.
func TestTutorial(t *testing.T) {
	f := tutorialFolder(t)
	f.edit(t, "listener.yaml", linkAuthorization, "")
	program := serve(t, f)

	// Phase 1: authentication only (LINK-3). Nobody is subscribed, and yet the
	// answer is 0 (AUTHZ-10).
	pub := f.paste(t, publishAnything)
	pub.says(t, `
Client thermostat sending CONNECT
Client thermostat received CONNACK (0)
Client thermostat sending PUBLISH (d0, q1, r0, m1, 'example/topic', ... (31 bytes))
Client thermostat received PUBACK (Mid: 1, RC:0)
Client thermostat sending DISCONNECT`)

	// The policy is linked while the broker runs, and a client is connected.
	listen := append(f.as("hygrometer", v5), "-q", "1", "-t", "example/#")
	guest := start(t, pkiDir(), "mosquitto_sub", listen...)
	guest.expect(t, "Subscribed (mid: 1): 1")
	changed := time.Now()
	listener := f.text(t, "listener.yaml")
	f.write(t, "listener.yaml", strings.Replace(listener, "      tls:\n", linkAuthorization+"      tls:\n", 1))
	guest.expect(t, "Received DISCONNECT (152)") // AUTHZ-13
	if d := time.Since(changed); d > 2*time.Second {
		t.Errorf("the client was disconnected %v after the change; at most 2 s are allowed", d)
	}
	guest.end(t)
	said, _ := mosquitto(t, "mosquitto_sub", listen...) // it comes back, and its rights are others
	if !strings.Contains(said, "Subscribed (mid: 1): 135") {
		t.Errorf("after the change, example/# is not denied:\n%s", said)
	}
	program.expect(t, "port changed", "abac-authz (4 rules)")

	// Phase 2: the thermostat may not publish the humidity.
	pub = f.paste(t, publishHumidity)
	pub.says(t, `
Client thermostat sending CONNECT
Client thermostat received CONNACK (0)
Client thermostat sending PUBLISH (d0, q1, r0, m1, 'telemetry/humidity', ... (31 bytes))
Client thermostat received PUBACK (Mid: 1, RC:135)
Warning: Publish 1 failed: Not authorized.`)

	// It may publish the temperature. The command is left running.
	thermostat := f.paste(t, publishTemperature)
	thermostat.expect(t, "Client thermostat received PUBACK (Mid: 1, RC:0)")

	// The heater may not subscribe to heartbeats.
	sub := f.paste(t, subscribeHeartbeat)
	sub.says(t, `
Client heater sending CONNECT
Client heater received CONNACK (0)
Client heater sending SUBSCRIBE (Mid: 1, Topic: health/heartbeat, QoS: 1, Options: 0x00)
Client heater received SUBACK
Subscribed (mid: 1): 135`)

	// It may subscribe to the temperature, and receives it.
	heater := f.paste(t, subscribeTemperature)
	heater.expect(t, "Subscribed (mid: 1): 1")
	heater.receives(t, "example temperature measurement")

	// The lightbulb's heartbeat is accepted. The heater receives none of it: the
	// next that it receives is the thermostat's next.
	lightbulb := f.paste(t, publishHeartbeat)
	lightbulb.expect(t, "Client lightbulb received PUBACK (Mid: 1, RC:0)")
	heater.receives(t, "example temperature measurement")
	lightbulb.expect(t, "Client lightbulb received PUBACK (Mid: 2, RC:0)")
	heater.receives(t, "example temperature measurement")
	for _, line := range heater.lines() {
		if strings.Contains(line, "heartbeat") {
			t.Errorf("the heater received %q", line)
		}
	}
}

// says waits for the end of a process and compares what it said with what the
// tutorial shows, which leaves out how clients say goodbye after an error.
func (p *process) says(t *testing.T, shown string) {
	t.Helper()
	p.end(t)
	want := strings.Split(strings.TrimSpace(shown), "\n")
	got := p.lines()
	if diff := cmp.Diff(want, got[:min(len(want), len(got))]); diff != "" {
		t.Errorf("%v (-want +got):\n%s", p.cmd.Args, diff)
	}
}

// receives waits for the next message of a mosquitto_sub and compares it.
func (p *process) receives(t *testing.T, want string) {
	t.Helper()
	p.expect(t, "received PUBLISH")
	p.expect(t, "sending PUBACK")
	if got := p.expect(t); got != want {
		t.Errorf("received %q, want %q", got, want)
	}
}
