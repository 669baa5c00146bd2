package kube_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The package is a leaf: it may link client-go, but not all that there is of it,
// and no framework on top.
func TestDeps(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	forbidden := map[string]string{
		"k8s.io/api/":                     "the types of all of Kubernetes are some 10 MB of a program; objects are decoded by broker/resource",
		"k8s.io/client-go/kubernetes/":    "the typed clients bring those types",
		"k8s.io/client-go/informers/":     "likewise",
		"k8s.io/apiextensions-apiserver/": "definitions are applied by people",
		"sigs.k8s.io/controller-runtime/": "its cache follows kinds, and must not follow all Secrets",
	}
	for dep := range strings.Lines(string(out)) {
		for path, why := range forbidden {
			if strings.HasPrefix(strings.TrimSpace(dep)+"/", path) {
				t.Errorf("imports %s: %s", strings.TrimSpace(dep), why)
			}
		}
	}
}
