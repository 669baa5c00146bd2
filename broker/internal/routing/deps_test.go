package routing_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// Routing is free of packets, sessions and I/O: it is generic, so that it can be
// tested and reasoned about alone.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"github.com/mqttwarden/mqttwarden/internal/topic": "the grammar of topics and filters",
		},
		Forbidden: map[string]string{
			"net": "routing does no I/O",
		},
	})
}
