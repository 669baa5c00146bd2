package sat_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// The package brings net/http and golang-jwt, and nothing else that is heavy.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"github.com/mqttwarden/mqttwarden/mqttauth":            "the contract of methods",
			"github.com/mqttwarden/mqttwarden/internal/exhausted":  "tells our own shortage from an outage",
			"github.com/mqttwarden/mqttwarden/internal/peertext":   "escapes text of the token",
			"github.com/mqttwarden/mqttwarden/internal/strictjson": "reads tokens and keys",
			"github.com/golang-jwt/jwt/v5":                         "checks signatures",
		},
		Forbidden: map[string]string{
			"k8s.io/...":     "client-go is 20 MB of a program",
			"go.yaml.in/...": "YAML is for the broker's documents",
			"github.com/mqttwarden/mqttwarden/broker/...": "a broker has no place here",
		},
	})
}
