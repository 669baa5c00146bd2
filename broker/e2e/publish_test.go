package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mayPublish is the tutorial's policy: what each device may publish. Attributes
// are those of the first match, leaf first, so that thermostat and hygrometer
// do not have the attribute of their manufacturer (X509-6).
var mayPublish = map[string]string{
	"thermostat": "telemetry/temperature",
	"hygrometer": "telemetry/humidity",
	"heater":     "health/heartbeat",
	"lightbulb":  "health/heartbeat",
}

var publishTopics = []string{"telemetry/temperature", "telemetry/humidity", "health/heartbeat", "example/topic"}

// Every device publishes on every topic, acknowledged, in both versions. What
// is refused says so in MQTT 5.0 and looks accepted in 3.1.1 (AUTHZ-10); either
// way nobody receives it.
func TestPublishTruthTable(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	for _, device := range devices {
		for _, version := range []string{v5, v311} {
			for _, qos := range []int{1, 2} {
				t.Run(fmt.Sprintf("%s/%s/qos%d", device, version, qos), func(t *testing.T) {
					f.publishAll(t, device, version, qos)
				})
			}
		}
	}
}

// publishAll publishes on every topic, each followed by a sentinel of the
// observer's on the same topic, and compares answers and arrivals.
func (f *folder) publishAll(t *testing.T, device, version string, qos int) {
	t.Helper()
	o := f.observe(t)
	var want []string
	for _, topic := range publishTopics {
		allowed := mayPublish[device] == topic
		said, status := mosquitto(t, "mosquitto_pub", append(f.as(device, version), "-q", fmt.Sprint(qos), "-t", topic, "-m", "from "+device)...)
		if status != 0 {
			t.Errorf("publishing on %s: exit status %d:\n%s", topic, status, said)
		}
		if diff := cmp.Diff(answers(version, qos, allowed), answersIn(said)); diff != "" {
			t.Errorf("answer to a publish on %s (-want +got):\n%s", topic, diff)
		}
		if allowed {
			want = append(want, topic+" from "+device)
		}
		o.publish(t, topic, "sentinel")
		want = append(want, topic+" sentinel")
	}
	if diff := cmp.Diff(want, o.seen(t)); diff != "" {
		t.Errorf("what was routed (-want +got):\n%s", diff)
	}
}

// answers is what mosquitto_pub tells about the answers to a publish.
func answers(version string, qos int, allowed bool) []string {
	switch {
	case version == v5 && qos == 1 && !allowed:
		return []string{"PUBACK (Mid: 1, RC:135)", "Warning: Publish 1 failed: Not authorized."}
	case version == v5 && qos == 2 && !allowed: // the client ends the exchange at PUBREC
		return []string{"PUBREC (Mid: 1)", "Warning: Publish 1 failed: Not authorized."}
	case qos == 1:
		return []string{"PUBACK (Mid: 1, RC:0)"}
	default:
		return []string{"PUBREC (Mid: 1)", "PUBCOMP (Mid: 1, RC:0)"}
	}
}

func answersIn(said string) []string {
	var out []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if _, packet, ok := strings.Cut(line, " received "); ok && strings.HasPrefix(packet, "PUB") {
			out = append(out, packet)
		}
		if strings.HasPrefix(line, "Warning") {
			out = append(out, line)
		}
	}
	return out
}

// QoS 0 has no answer: each device publishes on every topic, and then what it
// may with QoS 1 on the same connection, which shows that the connection was
// kept and that all before it was decided.
func TestPublishTruthTableQoS0(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	publishers := map[string]func(*testing.T, *folder, string) publisher{"v5": newPublisher5, "v3.1.1": newPublisher3}
	for _, device := range devices {
		for version, connect := range publishers {
			t.Run(device+"/"+version, func(t *testing.T) {
				o := f.observe(t)
				p := connect(t, f, device)
				for _, topic := range publishTopics {
					p.publish(t, topic, 0, "from "+device)
				}
				allowed := mayPublish[device]
				p.publish(t, allowed, 1, "after it")
				want := []string{allowed + " from " + device, allowed + " after it"}
				if diff := cmp.Diff(want, o.seen(t)); diff != "" {
					t.Errorf("what was routed (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// Client ID and user name are what anybody can say; the certificate decides.
func TestThermostatThatSaysItIsTheHeater(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	impostor := append(f.as("thermostat", v5), "-i", "heater", "-u", "heater", "-P", "x", "-q", "1")

	said, _ := mosquitto(t, "mosquitto_pub", append(slices.Clone(impostor), "-t", "telemetry/temperature", "-m", "x")...)
	if !strings.Contains(said, "PUBACK (Mid: 1, RC:0)") {
		t.Errorf("the right of its certificate is gone:\n%s", said)
	}
	said, _ = mosquitto(t, "mosquitto_pub", append(slices.Clone(impostor), "-t", "health/heartbeat", "-m", "x")...)
	if !strings.Contains(said, "PUBACK (Mid: 1, RC:135)") {
		t.Errorf("it may publish what the heater may:\n%s", said)
	}
	said, _ = mosquitto(t, "mosquitto_sub", append(slices.Clone(impostor), "-E", "-t", "telemetry/temperature")...)
	if !strings.Contains(said, "Subscribed (mid: 1): 135") {
		t.Errorf("it may subscribe to what the heater may:\n%s", said)
	}

	// While the heater is there, nobody else takes its client ID (AUTHN-10).
	heater := start(t, pkiDir(), "mosquitto_sub", append(f.as("heater", v5), "-q", "1", "-t", "telemetry/temperature")...)
	heater.expect(t, "Subscribed (mid: 1): 1")
	said, status := mosquitto(t, "mosquitto_pub", append(slices.Clone(impostor), "-t", "telemetry/temperature", "-m", "x")...)
	if status == 0 || !strings.Contains(said, "received CONNACK (133)") {
		t.Errorf("it takes over the heater's session, status %d:\n%s", status, said)
	}
	said, status = mosquitto(t, "mosquitto_pub", append(f.as("thermostat", v5), "-q", "1", "-t", "telemetry/temperature", "-m", "21 degrees")...)
	if status != 0 {
		t.Errorf("status %d:\n%s", status, said)
	}
	heater.receives(t, "21 degrees")
}
