package statestore_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestDependencies: other brokers serve the protocol from their publish hook, so
// it links the standard library only, and of it no network: a Service has no I/O.
// Authorization is an interface, not a package.
func TestDependencies(t *testing.T) {
	list := func(args ...string) []string {
		out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	const self = "github.com/mqttwarden/mqttwarden/statestore"
	if got := list("-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "."); !slices.Equal(got, []string{self}) {
		t.Errorf("not of the standard library: %v", got)
	}
	for _, path := range list("-deps", ".") {
		if path == "net" || path == "os/exec" || path == "log" {
			t.Errorf("links %s: a Service does no I/O", path)
		}
	}
}
