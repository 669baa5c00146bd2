package message_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDependencies keeps messages free of I/O, routing and sessions: they are
// values that all of those share.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/mqttwarden/mqttwarden/"
	own := map[string]bool{
		module + "broker/internal/message": true, module + "broker/internal/wire": true, module + "mqttauth": true,
	}
	for _, dep := range strings.Fields(string(out)) {
		host, _, _ := strings.Cut(dep, "/") // of the standard library it has no dot
		if strings.Contains(host, ".") && !own[dep] {
			t.Errorf("imports %s; only wire, mqttauth and the standard library are allowed", dep)
		}
	}
}
