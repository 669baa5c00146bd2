package mqttauth_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The package goes into firmware: whoever only wants the decisions does not
// link a TLS stack, an HTTP client, a JSON codec or a logger.
var forbidden = map[string]string{
	"crypto/tls":    "the broker terminates TLS and hands over certificates; 1.5 MB of stack",
	"net/http":      "methods that ask servers are packages of their own; 3 MB with HTTP/2",
	"encoding/json": "nothing here reads JSON; it pulls reflection on every type that is linked",
	"log/slog":      "the decision record is data; the broker logs it",
}

func TestDeps(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	const own = "github.com/mqttwarden/mqttwarden/"
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		if why, bad := forbidden[dep]; bad {
			t.Errorf("imports %s: %s", dep, why)
		}
		first, _, _ := strings.Cut(dep, "/")
		if strings.Contains(first, ".") && dep != own+"mqttauth" {
			t.Errorf("imports %s: only the standard library is wanted here", dep)
		}
	}
}
