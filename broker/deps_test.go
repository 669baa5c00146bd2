package broker_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// A broker is embedded in gateway firmware, so it links the standard library,
// our own packages and the glob library of the policies, nothing else: no HTTP,
// no documents, no metrics, no client-go.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"github.com/mqttwarden/mqttwarden/...": "our own packages, but for those built on this one",
			"github.com/gobwas/glob/...":           "the globs of the policies",
		},
		Forbidden: map[string]string{
			"net/http": "an MQTT server does not need it",
			"github.com/mqttwarden/mqttwarden/broker/resource/...": "is built on this package",
			"github.com/mqttwarden/mqttwarden/broker/config/...":   "is built on this package",
			"github.com/mqttwarden/mqttwarden/broker/metrics/...":  "is built on this package",
			"github.com/mqttwarden/mqttwarden/broker/audit/...":    "is built on this package",
			"github.com/mqttwarden/mqttwarden/broker/kube/...":     "is built on this package",
		},
	})
}
