package mqttauthz_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDependencies (S-50): authorization is embedded in brokers of all sizes,
// so it links the standard library, one glob library, our own grammar of
// topics and our escaping of text, nothing else: no authentication, no YAML, no client-go, and no
// network.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{
		"github.com/mqttwarden/mqttwarden/mqttauthz",
		"github.com/mqttwarden/mqttwarden/internal/topic",
		"github.com/mqttwarden/mqttwarden/internal/peertext",
		"github.com/gobwas/glob",
	}
	for _, dep := range strings.Fields(string(out)) {
		if dep == "net" || dep == "net/http" || dep == "crypto/tls" {
			t.Errorf("imports %s; decisions need no network", dep)
		}
		if !strings.Contains(dep, ".") || strings.HasPrefix(dep, "vendor/") {
			continue // standard library
		}
		ok := false
		for _, a := range allowed {
			ok = ok || dep == a || strings.HasPrefix(dep, a+"/")
		}
		if !ok {
			t.Errorf("imports %s; only gobwas/glob, internal/topic and internal/peertext are allowed", dep)
		}
	}
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
