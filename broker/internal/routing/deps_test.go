package routing_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDependencies keeps routing free of packets, sessions and I/O: it is
// generic, so that it can be tested and reasoned about alone.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/mqttwarden/mqttwarden/"
	own := map[string]bool{module + "broker/internal/routing": true, module + "internal/topic": true}
	for _, dep := range strings.Fields(string(out)) {
		host, _, _ := strings.Cut(dep, "/") // of the standard library it has no dot
		if strings.Contains(host, ".") && !own[dep] {
			t.Errorf("imports %s; only internal/topic and the standard library are allowed", dep)
		}
		if dep == "net" {
			t.Error("imports net; routing does no I/O")
		}
	}
}
