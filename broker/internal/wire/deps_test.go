package wire_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// The codec is used by test programs and the load generator, too, and must not
// bring them anything but the standard library and the reason codes; it does no
// network I/O.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"github.com/mqttwarden/mqttwarden/mqttauth": "the reason codes",
		},
	})
}
