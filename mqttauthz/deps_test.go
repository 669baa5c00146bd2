package mqttauthz_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// TestDependencies (S-50): authorization is embedded in brokers of all sizes,
// so it links the standard library, one glob library, our own grammar of topics
// and our escaping of text, nothing else: no authentication, no YAML, no
// client-go, and no network.
func TestDependencies(t *testing.T) {
	deptest.Links(t, deptest.Rules{
		Only: map[string]string{
			"github.com/mqttwarden/mqttwarden/mqttauthz/...":         "its own parts",
			"github.com/mqttwarden/mqttwarden/internal/topic/...":    "the grammar of topics",
			"github.com/mqttwarden/mqttwarden/internal/peertext/...": "the escaping of text",
			"github.com/gobwas/glob/...":                             "the globs",
		},
		Forbidden: map[string]string{
			"net":        "decisions need no network",
			"net/http":   "decisions need no network",
			"crypto/tls": "decisions need no network",
		},
	})
}

// TestS50GlobVersion (S-50): before v1.1.0 the library matched wrongly and
// panicked on some patterns.
func TestS50GlobVersion(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/gobwas/glob").Output()
	if err != nil {
		t.Fatal(err)
	}
	version := strings.TrimSpace(string(out))
	if strings.HasPrefix(version, "v0.") || version == "v1.0.0" {
		t.Errorf("gobwas/glob %s; v1.1.0 or later is needed", version)
	}
}
