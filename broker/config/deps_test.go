package config_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Who asks the API server is an option: a program that has its own way to it,
// or none, does not link client-go.
func TestDeps(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		if strings.HasPrefix(dep, "k8s.io/") || strings.HasPrefix(dep, "github.com/spf13/") {
			t.Errorf("imports %s: client-go is 4 MB of a program, and command lines are for programs", dep)
		}
	}
}
