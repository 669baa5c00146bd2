package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// permissive are words of the licences that go with Apache-2.0: itself, MIT,
// BSD and ISC.
var permissive = regexp.MustCompile(`(?is)apache license|permission is hereby granted, free of charge|redistribution and use in source and binary forms|permission to use, copy, modify,? and(?:/or)? distribute`)

// TestLicences looks at the licence of each module that the program links.
func TestLicences(t *testing.T) {
	const format = `{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}`
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for line := range strings.Lines(string(out)) {
		module, dir, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || seen[module] {
			continue
		}
		seen[module] = true
		if !permissive.MatchString(licence(t, dir)) {
			t.Errorf("%s: its licence is none that is known to go with Apache-2.0", module)
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d modules found", len(seen))
	}
}

// licence returns the texts of the licence files of a module.
func licence(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range []string{"LICEN[CS]E*", "COPYING*"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f) //nolint:gosec // of the module cache
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}
