package message_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// Messages are free of I/O, routing and sessions: they are values that all of
// those share.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"github.com/mqttwarden/mqttwarden/broker/internal/wire": "the packets that carry messages",
			"github.com/mqttwarden/mqttwarden/mqttauth":             "the reason codes of the packets",
		},
	})
}
