package e2e_test

import (
	"syscall"
	"testing"
)

// The program ends cleanly when it is asked to, and tells its clients (0x8B,
// server shutting down).
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			f := tutorialFolder(t)
			p := serve(t, f)
			heater := start(t, pkiDir(), "mosquitto_sub", append(f.as("heater", v5), "-q", "1", "-t", "telemetry/temperature")...)
			heater.expect(t, "Subscribed (mid: 1): 1")
			p.signal(t, s)
			heater.expect(t, "Received DISCONNECT (139)")
			if status := p.end(t); status != 0 {
				t.Errorf("exit status %d, want 0:\n%v", status, p.said)
			}
			p.expect(t, "shutting down")
			if open(f.port) || open(f.observer) {
				t.Error("a port is still open")
			}
		})
	}
}
