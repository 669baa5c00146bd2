package customauth_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The package brings net/http and nothing else that is heavy.
func TestDeps(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	const module = "github.com/mqttwarden/mqttwarden/"
	own := map[string]bool{
		module + "customauth": true, module + "mqttauth": true,
		module + "internal/exhausted": true, module + "internal/peertext": true, module + "internal/strictjson": true,
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		first, _, _ := strings.Cut(dep, "/")
		if strings.Contains(first, ".") && !own[dep] {
			t.Errorf("imports %s: only the standard library and mqttauth are wanted here; no broker, no client-go", dep)
		}
	}
	direct, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Imports}}", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if strings.Contains(string(direct), "encoding/json") {
		t.Error("imports encoding/json: it reads duplicate keys, other letter case and bad UTF-8 as if nothing were wrong")
	}
}
