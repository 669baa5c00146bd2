package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/devca"
)

// A certificate that expires ends the connection that it opened, without a
// DISCONNECT, and a log line names client, method and expiry (EXP-1, X509-9).
// It opens no other.
func TestCertificateExpiresWhileConnected(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	p := serve(t, f)
	dir := t.TempDir()
	spec := devca.Named("heater")
	spec.NotAfter = time.Now().Add(4 * time.Second).Truncate(time.Second)
	leaf, err := fabrikam(t).Leaf(spec)
	if err != nil {
		t.Fatal(err)
	}
	key, err := leaf.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	save(t, filepath.Join(dir, "heater.crt"), leaf.PEM())
	save(t, filepath.Join(dir, "heater.key"), key)
	args := append(f.at(), "--cert", "heater.crt", "--key", "heater.key",
		"-V", v5, "-d", "-i", "heater", "-q", "1", "-t", "telemetry/temperature")
	heater := start(t, dir, "mosquitto_sub", args...)
	heater.expect(t, "Subscribed (mid: 1): 1")

	line := p.expect(t, "client cut off", "client_id=heater", "method=X509", "expiry="+spec.NotAfter.UTC().Format("2006-01-02T15:04:05"))
	if now := time.Now(); now.Before(spec.NotAfter) {
		t.Errorf("cut off at %v, before the expiry at %v: %s", now, spec.NotAfter, line)
	}
	heater.kill()
	if strings.Contains(heater.said.String(), "Received DISCONNECT") {
		t.Errorf("it was told goodbye:\n%v", heater.said)
	}
	again := start(t, dir, "mosquitto_sub", args...)
	p.expect(t, "TLS handshake refused", "CN=heater", "has expired")
	if again.end(t) == 0 {
		t.Errorf("it was let in again:\n%v", again.said)
	}
}
