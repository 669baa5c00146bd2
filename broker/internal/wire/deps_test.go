package wire_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDeps: the codec is used by test programs and the load generator, too, and
// must not bring them anything but the standard library and the reason codes;
// it does no network I/O.
func TestDeps(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(out)) {
		if p != "github.com/mqttwarden/mqttwarden/mqttauth" && p != "github.com/mqttwarden/mqttwarden/broker/internal/wire" {
			t.Errorf("imports %s", p)
		}
	}
}
