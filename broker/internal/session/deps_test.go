package session_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// The state machine is free of I/O and of the broker around it.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"github.com/mqttwarden/mqttwarden/broker/internal/message": "what a session keeps and sends",
			"github.com/mqttwarden/mqttwarden/broker/internal/routing": "its subscriptions",
			"github.com/mqttwarden/mqttwarden/broker/internal/wire":    "packets",
			"github.com/mqttwarden/mqttwarden/internal/topic":          "topics",
			"github.com/mqttwarden/mqttwarden/mqttauth":                "the reason codes of the packets",
		},
	})
}
