package e2e_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// versions are the protocol versions as mosquitto's clients name them.
const (
	v5   = "mqttv5"
	v311 = "mqttv311"
)

// at returns the flags for the tutorial's port.
func (f *folder) at() []string {
	return []string{"-h", "localhost", "-p", strconv.Itoa(f.port), "--cafile", filepath.Join(pkiDir(), "contoso_root_ca.crt")}
}

// as returns the flags for a device that connects to the tutorial's port with
// its certificate.
func (f *folder) as(device, version string) []string {
	crt := filepath.Join(pkiDir(), device+".crt")
	return append(f.at(), "-i", device, "-V", version, "-d", "--cert", crt, "--key", strings.TrimSuffix(crt, ".crt")+".key")
}

// mosquitto runs one of mosquitto's clients to its end and returns what it
// said, and its exit status.
func mosquitto(t *testing.T, program string, args ...string) (said string, status int) {
	t.Helper()
	p := start(t, pkiDir(), program, args...)
	status = p.end(t)
	return p.said.String(), status
}

// observer watches all that is routed, on a port where it may.
type observer struct {
	*process
	f *folder
}

const observed = "observed "

func (f *folder) observe(t *testing.T) *observer {
	t.Helper()
	o := &observer{f: f}
	// With QoS 0 all messages come in the order in which they were routed.
	o.process = start(t, pkiDir(), "mosquitto_sub", "-p", strconv.Itoa(f.observer), "-V", v5, "-d", "-q", "0", "-t", "#", "-F", observed+"%t %p")
	o.expect(t, "Subscribed (mid: 1): 0")
	return o
}

// publish publishes as the observer, and is acknowledged.
func (o *observer) publish(t *testing.T, topic, text string) {
	t.Helper()
	said, status := mosquitto(t, "mosquitto_pub", "-p", strconv.Itoa(o.f.observer), "-V", v5, "-d", "-q", "1", "-t", topic, "-m", text)
	if status != 0 || !strings.Contains(said, "PUBACK (Mid: 1, RC:0)") {
		t.Fatalf("sentinel on %s: status %d:\n%s", topic, status, said)
	}
}

// seen returns what has been routed, each as "TOPIC TEXT", up to a message of
// the observer's own that it sends now.
func (o *observer) seen(t *testing.T) []string {
	t.Helper()
	o.publish(t, "sentinel", "now")
	o.expect(t, observed+"sentinel now")
	var out []string
	for _, line := range o.lines() {
		if message, ok := strings.CutPrefix(line, observed); ok && message != "sentinel now" {
			out = append(out, message)
		}
	}
	return out
}
