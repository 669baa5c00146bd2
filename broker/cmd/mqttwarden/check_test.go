package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the portal shows without a document is checked like a document.
func TestCheckFragments(t *testing.T) {
	tests := []struct {
		name, flag, file, text string
		want                   string // output or error
		wrong                  bool
	}{
		{
			"rules", "--rules", "r.json", `[{"principals": {"attributes": [{"a": "b"}]}, "brokerResources": [{"method": "Connect", "clientIds": [], "topics": []}]}]`,
			"rules r.json: 1, ok\n", false,
		},
		{
			"a note", "--rules", "r.json", `[]`,
			"note: r.json:1:1: ", false,
		},
		{
			"a wrong pattern", "-rules", "r.yaml", "- principals: {clientIds: [a]}\n  brokerResources:\n  - method: Publish\n    topics: ['a/#/b']\n",
			"r.yaml:4:14: [0].brokerResources[0].topics[0]: ", true,
		},
		{
			"a trailing comma", "--rules", "r.json", "[\n {},\n]",
			"r.json:3:1: cannot read JSON: trailing comma; remove the comma before ]", true,
		},
		{
			"a document", "--rules", "r.json", `{"rules": []}`,
			"r.json:1:1: want a list of rules, found a mapping", true,
		},
		{
			"x509", "--x509", "x.json", `{"trustedClientCaCert": "fabrikam-ca", "authorizationAttributes": {"a": {"subject": "CN = a", "attributes": {"b": "c"}}}}`,
			"x509 x.json: trusts ConfigMap fabrikam-ca, 1 attribute rules, ok\n", false,
		},
		{
			"a wrong subject", "-x509", "x.json", `{"authorizationAttributes": {"a": {"subject": "nonsense", "attributes": {"b": "c"}}}}`,
			"x.json:1:47: authorizationAttributes.a.subject: ", true,
		},
		{"an empty file", "--x509", "x.json", " ", "x.json:1:1: the file is empty", true},
		{"two values", "--x509", "x.yaml", "{}\n---\n{}\n", "x.yaml:3:1: a second document", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, tt.file)
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := execute(t, "check", tt.flag, file)
			if (err != nil) != tt.wrong {
				t.Fatalf("error = %v", err)
			}
			if err != nil {
				got = err.Error()
			}
			got = strings.ReplaceAll(got, dir+string(filepath.Separator), "")
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want it to begin with %q", got, tt.want)
			}
		})
	}
}

// Check says what is wrong with all its files, and wants at least one.
func TestCheckSeveral(t *testing.T) {
	dir := t.TempDir()
	rules, x509 := filepath.Join(dir, "r.json"), filepath.Join(dir, "x.json")
	for _, file := range []string{rules, x509} {
		if err := os.WriteFile(file, []byte("nothing"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := execute(t, "check", "--rules", rules, "--x509", x509)
	if err == nil {
		t.Fatal("no error")
	}
	var files []string
	for line := range strings.Lines(err.Error()) {
		file, _, _ := strings.Cut(strings.TrimPrefix(line, dir+string(filepath.Separator)), ":")
		files = append(files, file)
	}
	if diff := cmp.Diff([]string{"r.json", "x.json"}, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if _, err := execute(t, "check"); err == nil || !strings.Contains(err.Error(), "rules") {
		t.Errorf("check without a file: %v", err)
	}
}
