package statestore_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// Other brokers serve the protocol from their publish hook, so the package links
// the standard library only, and of it no network: a Service has no I/O.
// Authorization is an interface, not a package.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Forbidden: map[string]string{
			"net":     "a Service does no I/O",
			"os/exec": "a Service does no I/O",
			"log":     "a Service does no I/O",
		},
	})
}
