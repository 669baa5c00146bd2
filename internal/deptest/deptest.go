// Package deptest holds a package to what it may link and import. Weight and
// independence are properties that one careless import ends, so each public
// package lists in its deps_test.go what it is made of, and why.
//
// The go command says what is of the standard library and what is not: a dot
// in a path does not. Files of tests are not looked at, and of files for some
// systems only those for the system that the test is built for.
//
// The package is for tests only.
package deptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Rules say which packages may be there. A key is an import path or a pattern
// in the way of the go command: "path/..." is path and all below it, "..." is
// everything. The value is the reason.
//
// The zero value allows the package under test itself and the standard library.
type Rules struct {
	// Only is what may be there besides the zero value's packages.
	Only map[string]string

	// Forbidden is what must not be there: of the standard library, or although
	// Only has it. Its reasons are part of the failures.
	Forbidden map[string]string
}

// Links fails t for each package that the package in the working directory, which
// is the one under test, links against the rules: whatever it imports, and what
// that imports in turn.
func Links(t testing.TB, r Rules) {
	t.Helper()
	deps, _ := list(t)
	for _, dep := range deps {
		r.check(t, "links", dep)
	}
}

// Imports is [Links] for what the files of the package import themselves.
func Imports(t testing.TB, r Rules) {
	t.Helper()
	deps, self := list(t)
	for _, dep := range deps {
		if slices.Contains(self.Imports, dep.ImportPath) {
			r.check(t, "imports", dep)
		}
	}
}

func (r Rules) check(t testing.TB, verb string, dep listed) {
	t.Helper()
	if why, ok := find(r.Forbidden, dep.ImportPath); ok {
		t.Errorf("%s %s: %s", verb, dep.ImportPath, why)
		return
	}
	if dep.Standard {
		return
	}
	if _, ok := find(r.Only, dep.ImportPath); !ok {
		allowed := append([]string{"the standard library"}, slices.Sorted(maps.Keys(r.Only))...)
		t.Errorf("%s %s: allowed are only %s", verb, dep.ImportPath, strings.Join(allowed, ", "))
	}
}

// find returns the reason of the first key, in the order of keys, that matches path.
func find(reasons map[string]string, path string) (why string, ok bool) {
	for _, pattern := range slices.Sorted(maps.Keys(reasons)) {
		prefix, wild := strings.CutSuffix(pattern, "...")
		if pattern == path || wild && strings.HasPrefix(path+"/", prefix) {
			return reasons[pattern], true
		}
	}
	return "", false
}

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

// list returns what the package in the working directory links, and the package.
func list(t testing.TB) (deps []listed, self listed) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports", ".")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		deps = append(deps, p)
	}
	last := len(deps) - 1 // a package comes after all that it imports
	return deps[:last], deps[last]
}
