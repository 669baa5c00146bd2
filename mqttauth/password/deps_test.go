package password_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The package goes into firmware: it hashes and compares.
var forbidden = map[string]string{
	"crypto/tls":    "the broker terminates TLS; 1.5 MB of stack",
	"net/http":      "users come as a map, never from a server; 3 MB with HTTP/2",
	"encoding/json": "nothing here reads JSON; it pulls reflection on every type that is linked",
	"log/slog":      "outcomes are errors; the broker logs them",
}

func TestDeps(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	const own = "github.com/mqttwarden/mqttwarden/mqttauth"
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		if why, bad := forbidden[dep]; bad {
			t.Errorf("imports %s: %s", dep, why)
		}
		first, _, _ := strings.Cut(dep, "/")
		if strings.Contains(first, ".") && dep != own && dep != own+"/password" {
			t.Errorf("imports %s: the file format is read elsewhere; only the standard library is wanted here", dep)
		}
	}
}
