package x509attr_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The package is for anyone with a verified chain: it links the standard
// library only, and of it no network protocol. The path of a match has no
// reflection.
func TestDependencies(t *testing.T) {
	list := func(args ...string) []string {
		out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	const self = "github.com/mqttwarden/mqttwarden/x509attr"
	if got := list("-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "."); !slices.Equal(got, []string{self}) {
		t.Errorf("not of the standard library: %v", got)
	}
	for _, path := range list("-deps", ".") {
		if path == "net/http" || path == "crypto/tls" {
			t.Errorf("links %s: matching needs no connection", path)
		}
	}
	for _, path := range list("-f", `{{join .Imports "\n"}}`, ".") {
		if path == "reflect" || path == "encoding/asn1" {
			t.Errorf("imports %s: subjects are read without reflection, strictly", path)
		}
	}
}
