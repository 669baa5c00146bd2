package sat_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The package brings net/http and golang-jwt, and nothing else that is heavy.
func TestDeps(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	const module = "github.com/mqttwarden/mqttwarden/"
	wanted := map[string]bool{
		module + "sat": true, module + "mqttauth": true, module + "internal/peertext": true,
		module + "internal/strictjson": true, module + "internal/exhausted": true, "github.com/golang-jwt/jwt/v5": true,
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		first, _, _ := strings.Cut(dep, "/")
		if strings.Contains(first, ".") && !wanted[dep] {
			t.Errorf("imports %s: client-go is 20 MB of a program, YAML is for the broker's documents, and a broker has no place here", dep)
		}
	}
}
