package clientcert_test

import (
	"os/exec"
	"strings"
	"testing"
)

// A firmware that authenticates by certificate links no HTTP and no JSON.
func TestDependencies(t *testing.T) {
	list := func(format string) []string {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, ".").Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	for _, path := range list("{{.ImportPath}}") {
		if path == "net/http" || path == "encoding/json" || path == "log/slog" {
			t.Errorf("links %s: megabytes that a firmware does not have", path)
		}
	}
	for _, path := range list("{{if not .Standard}}{{.ImportPath}}{{end}}") {
		if !strings.HasPrefix(path, "github.com/mqttwarden/mqttwarden/") {
			t.Errorf("links %s: only the standard library is needed", path)
		}
	}
}
