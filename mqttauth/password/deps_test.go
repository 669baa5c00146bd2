package password_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// The package goes into firmware: it hashes and compares. The file format is
// read elsewhere.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"github.com/mqttwarden/mqttwarden/mqttauth": "the contract of methods",
		},
		Forbidden: map[string]string{
			"crypto/tls":    "the broker terminates TLS; 1.5 MB of stack",
			"net/http":      "users come as a map, never from a server; 3 MB with HTTP/2",
			"encoding/json": "nothing here reads JSON; it pulls reflection on every type that is linked",
			"log/slog":      "outcomes are errors; the broker logs them",
		},
	})
}
