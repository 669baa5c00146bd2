package resource_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDependencies keeps the package a reader of documents: whoever checks
// files, in a linter or an admission hook, links no server.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	forbidden := map[string]string{
		"net/http":   "reading documents needs no network",
		"crypto/tls": "certificates are read by broker/config",
		"k8s.io/":    "documents are read without a cluster; broker/kube is for clusters",
		"github.com/mqttwarden/mqttwarden/broker":   "the broker is built from a set, not the other way round",
		"github.com/mqttwarden/mqttwarden/mqttauth": "a set names methods, it does not make them",
	}
	for dep := range strings.FieldsSeq(string(out)) {
		for path, why := range forbidden {
			exact := dep == path || strings.HasSuffix(path, "/") && strings.HasPrefix(dep, path)
			if exact {
				t.Errorf("imports %s: %s", dep, why)
			}
		}
	}
}
