package e2e_test

import (
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// connected is a heater that listens, before a change.
func (f *folder) connected(t *testing.T) *process {
	t.Helper()
	heater := start(t, pkiDir(), "mosquitto_sub", append(f.as("heater", v5), "-q", "1", "-t", "telemetry/temperature")...)
	heater.expect(t, "Subscribed (mid: 1): 1")
	return heater
}

// measure publishes as the thermostat, which must be allowed.
func (f *folder) measure(t *testing.T, text string) {
	t.Helper()
	said, status := mosquitto(t, "mosquitto_pub", append(f.as("thermostat", v5), "-q", "1", "-t", "telemetry/temperature", "-m", text)...)
	if status != 0 || !strings.Contains(said, "PUBACK (Mid: 1, RC:0)") {
		t.Errorf("the thermostat may not publish, status %d:\n%s", status, said)
	}
}

// A later change with an error changes nothing, and says so (LINK-11). When it
// is mended, changes take effect again.
func TestBadChange(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	p := serve(t, f)
	heater := f.connected(t)

	good := f.text(t, "authorization.yaml")
	f.edit(t, "authorization.yaml", "- telemetry/temperature\n      - principals", "- tele#metry\n      - principals")
	p.expect(t, "last good ones stay in force", "authorization.yaml:17:", "rules[0].brokerResources[1].topics[0]")
	f.measure(t, "21 degrees")
	heater.receives(t, "21 degrees") // it is still connected

	f.write(t, "authorization.yaml", good)
	p.expect(t, "change applied")
	f.measure(t, "22 degrees")
	heater.receives(t, "22 degrees") // the good one is the same as before

	f.remove(t, "listener.yaml")
	heater.expect(t, "Received DISCONNECT (152)")
	p.expect(t, "port closed", "mqtts-endpoint")
	if open(f.port) {
		t.Error("the port is open without its listener")
	}
}

// A port whose Secret is not there stays closed, and others open; the port
// opens when the Secret appears and closes when it disappears (LINK-7).
func TestMissingSecret(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	secret := f.text(t, "broker-server-cert.yaml")
	f.remove(t, "broker-server-cert.yaml")
	p := launch(t, "serve", "-f", f.path, "--address", "127.0.0.1")
	p.expect(t, "port stays closed", "mqtts-endpoint", "Secret azure-iot-operations/broker-server-cert does not exist")
	p.expect(t, "msg=listening", "observer")
	if open(f.port) {
		t.Fatal("the port is open without its certificate")
	}
	o := f.observe(t)

	f.write(t, "broker-server-cert.yaml", secret)
	p.expect(t, "msg=listening", "mqtts-endpoint", "transport=tls", "x509-auth (X509)", "abac-authz (4 rules)")
	heater := f.connected(t)
	f.measure(t, "21 degrees")
	heater.receives(t, "21 degrees")

	f.remove(t, "broker-server-cert.yaml")
	heater.expect(t, "Received DISCONNECT (152)")
	p.expect(t, "port closed", "mqtts-endpoint")
	if open(f.port) {
		t.Error("the port is open without its certificate")
	}

	f.write(t, "broker-server-cert.yaml", secret)
	p.expect(t, "msg=listening", "mqtts-endpoint")
	f.measure(t, "22 degrees")
	for _, message := range []string{"21 degrees", "22 degrees"} { // the other port did not notice
		o.expect(t, observed+"telemetry/temperature "+message)
	}
}

// A policy that is deleted while a port names it closes the port: it opens
// nothing (LINK-7).
func TestDeletedPolicy(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"authorization.yaml", "authentication.yaml", "fabrikam-ca.yaml"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			f := tutorialFolder(t)
			p := serve(t, f)
			heater := f.connected(t)
			text := f.text(t, file)
			f.remove(t, file)
			heater.expect(t, "Received DISCONNECT (152)")
			p.expect(t, "port closed", "mqtts-endpoint")
			if open(f.port) {
				t.Error("the port is open without " + file)
			}
			f.write(t, file, text)
			p.expect(t, "msg=listening", "mqtts-endpoint")
			f.measure(t, "21 degrees")
		})
	}
}

// A policy that changes disconnects the port's clients and decides from then on
// (AUTHZ-13); a change of its comments, or of the server's certificate, disconnects
// nobody (AUTHN-11).
func TestChangedPolicy(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	p := serve(t, f)
	heater := f.connected(t)

	f.edit(t, "authorization.yaml", "# Rules only allow", "# A comment: rules only allow")
	p.expect(t, "change applied")
	f.write(t, "broker-server-cert.yaml", tlsSecret("broker-server-cert", pkiFile(t, "mqtts-endpoint.crt"), pkiFile(t, "mqtts-endpoint.key")))
	p.expect(t, "change applied")
	f.measure(t, "21 degrees")
	heater.receives(t, "21 degrees")

	f.edit(t, "authorization.yaml", "- telemetry/temperature\n      - principals", "- telemetry/other\n      - principals")
	heater.expect(t, "Received DISCONNECT (152)")
	p.expect(t, "port changed", "abac-authz (4 rules)")
	said, _ := mosquitto(t, "mosquitto_pub", append(f.as("thermostat", v5), "-q", "1", "-t", "telemetry/temperature", "-m", "x")...)
	if !strings.Contains(said, "PUBACK (Mid: 1, RC:135)") {
		t.Errorf("the right that was taken away is still there:\n%s", said)
	}
}

// A client of MQTT 3.1.1 has no DISCONNECT to read: a changed policy closes its
// connection (AUTHZ-13).
func TestChangedPolicyClosesMQTT311(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	p := serve(t, f)
	lost := make(chan error, 1)
	connect3(t, f, "heater", func(o *mqtt.ClientOptions) {
		o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	})
	f.edit(t, "listener.yaml", linkAuthorization, "")
	p.expect(t, "port changed", "every client may do everything")
	select {
	case <-lost:
	case <-time.After(patience):
		t.Error("the connection is kept")
	}
}
