package strictjson_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Whatever checks a token links this package: it stays small.
func TestDeps(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		if dep == "encoding/json" || dep == "fmt" {
			t.Errorf("imports %s: reflection on every type that is linked", dep)
		}
		first, _, _ := strings.Cut(dep, "/")
		if strings.Contains(first, ".") && dep != "github.com/mqttwarden/mqttwarden/internal/strictjson" {
			t.Errorf("imports %s: only the standard library is wanted here", dep)
		}
	}
}
