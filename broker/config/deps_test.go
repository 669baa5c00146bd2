package config_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// Who asks the API server is an option: a program that has its own way to it,
// or none, does not link client-go.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"...": "it builds a broker from all its parts",
		},
		Forbidden: map[string]string{
			"k8s.io/...":           "client-go is 4 MB of a program",
			"github.com/spf13/...": "command lines are for programs",
		},
	})
}
