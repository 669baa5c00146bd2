package broker_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDependencies: a broker is embedded in gateway firmware, so it links the
// standard library, our own packages and the glob library of the policies,
// nothing else: no HTTP, no documents, no metrics, no client-go.
func TestDependencies(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		const own = "github.com/mqttwarden/mqttwarden/"
		host, _, _ := strings.Cut(dep, "/") // the standard library has none
		switch {
		case dep == "net/http":
			t.Errorf("imports %s, which an MQTT server does not need", dep)
		case strings.HasPrefix(dep, own+"broker/resource"), strings.HasPrefix(dep, own+"broker/config"),
			strings.HasPrefix(dep, own+"broker/metrics"), strings.HasPrefix(dep, own+"broker/audit"), strings.HasPrefix(dep, own+"broker/kube"):
			t.Errorf("imports %s, which is built on this package", dep)
		case strings.Contains(host, ".") && !strings.HasPrefix(dep, own) &&
			dep != "github.com/gobwas/glob" && !strings.HasPrefix(dep, "github.com/gobwas/glob/"):
			t.Errorf("imports %s; only gobwas/glob is allowed", dep)
		}
	}
}
