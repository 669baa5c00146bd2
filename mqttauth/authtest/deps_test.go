package authtest_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The suite is imported by the tests of anybody's method, so it brings nothing
// but the standard library and what it tests; and no assertion library.
func TestDeps(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	const own = "github.com/mqttwarden/mqttwarden/mqttauth"
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		first, _, _ := strings.Cut(dep, "/")
		if strings.Contains(first, ".") && dep != own && dep != own+"/authtest" {
			t.Errorf("imports %s: only the standard library and mqttauth are wanted here", dep)
		}
		if dep == "net/http" || dep == "crypto/tls" {
			t.Errorf("imports %s: a method may have neither", dep)
		}
	}
}
