package topic_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDependencies keeps the grammar free of everything but the standard
// library: mqttauthz links it, and whoever embeds mqttauthz must get nothing
// else with it.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		own := dep == "github.com/mqttwarden/mqttwarden/internal/topic"
		if strings.Contains(dep, ".") && !own && !strings.HasPrefix(dep, "vendor/") {
			t.Errorf("imports %s; only the standard library is allowed", dep)
		}
	}
}
