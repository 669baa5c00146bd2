package authtest_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// The suite is imported by the tests of anybody's method, so it brings nothing
// but the standard library and what it tests; and no assertion library.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"github.com/mqttwarden/mqttwarden/mqttauth": "what it tests",
		},
		Forbidden: map[string]string{
			"net/http":   "a method may have no HTTP",
			"crypto/tls": "a method may have no TLS",
		},
	})
}
