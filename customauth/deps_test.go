package customauth_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// The package brings net/http and nothing else that is heavy: no broker, no
// client-go.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"github.com/mqttwarden/mqttwarden/mqttauth":            "the contract of methods",
			"github.com/mqttwarden/mqttwarden/internal/exhausted":  "tells our own shortage from an outage",
			"github.com/mqttwarden/mqttwarden/internal/peertext":   "escapes text of peers",
			"github.com/mqttwarden/mqttwarden/internal/strictjson": "reads and writes JSON strictly",
		},
	})
	deptest.Imports(t, deptest.Rules{
		Only: map[string]string{
			"github.com/mqttwarden/mqttwarden/...": "judged above",
		},
		Forbidden: map[string]string{
			"encoding/json": "it reads duplicate keys, other letter case and bad UTF-8 as if nothing were wrong",
		},
	})
}
