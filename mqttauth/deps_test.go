package mqttauth_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// The package goes into firmware: whoever only wants the decisions does not
// link a TLS stack, an HTTP client, a JSON codec or a logger, nor anything outside
// the standard library.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Forbidden: map[string]string{
			"crypto/tls":    "the broker terminates TLS and hands over certificates; 1.5 MB of stack",
			"net/http":      "methods that ask servers are packages of their own; 3 MB with HTTP/2",
			"encoding/json": "nothing here reads JSON; it pulls reflection on every type that is linked",
			"log/slog":      "the decision record is data; the broker logs it",
		},
	})
}
