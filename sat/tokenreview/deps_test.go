package tokenreview_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Of client-go there is what makes connections and watches. The typed clients
// register every kind of Kubernetes, which is 16 MB more of a program.
func TestDeps(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		if strings.HasPrefix(dep, "k8s.io/api/") || strings.HasPrefix(dep, "k8s.io/client-go/kubernetes") {
			t.Errorf("imports %s: typed clients are too heavy", dep)
		}
		if strings.HasPrefix(dep, "github.com/mqttwarden/mqttwarden/broker") {
			t.Errorf("imports %s: the package is for any broker", dep)
		}
	}
}
