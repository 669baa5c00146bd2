package topic_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// The grammar is free of everything but the standard library: mqttauthz links
// it, and whoever embeds mqttauthz must get nothing else with it.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{})
}
