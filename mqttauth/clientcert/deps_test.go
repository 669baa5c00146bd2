package clientcert_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// A firmware that authenticates by certificate links no HTTP and no JSON, and
// nothing outside the standard library but our own packages.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"github.com/mqttwarden/mqttwarden/...": "our own packages",
		},
		Forbidden: map[string]string{
			"net/http":      "megabytes that a firmware does not have",
			"encoding/json": "megabytes that a firmware does not have",
			"log/slog":      "megabytes that a firmware does not have",
		},
	})
}
