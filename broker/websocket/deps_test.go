package websocket_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// The package knows frames and nothing of MQTT or of who a client is: it must
// stay usable under any listener.
func TestDependencies(t *testing.T) {
	deptest.Imports(t, deptest.Rules{
		Only: map[string]string{
			"github.com/gobwas/ws": "the frame library, all that is needed outside the standard library",
		},
	})
}
