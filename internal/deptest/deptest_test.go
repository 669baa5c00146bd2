package deptest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/internal/deptest"
)

// recorder keeps the failures of a test instead of failing it.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// failures runs check, on a goroutine that Fatalf may end.
func failures(t *testing.T, check func(testing.TB, deptest.Rules), rules deptest.Rules) []string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(r, rules)
	}()
	<-done
	return r.failures
}

// inModule makes a module the working directory whose paths have no dot, as
// those of the standard library, and which links paths of the standard library
// that have one: net/http brings vendor/golang.org/x/....
func inModule(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":              "module sample\n\ngo 1.26\n",
		"sample.go":           "package sample\n\nimport (\n\t_ \"net/http\"\n\t_ \"sample/part\"\n)\n",
		"sample_test.go":      "package sample\n\nimport _ \"sample/testonly\"\n",
		"part/part.go":        "package part\n\nimport (\n\t_ \"hash/adler32\"\n\t_ \"sample/part/inner\"\n)\n",
		"part/inner/inner.go": "package inner\n",
		"testonly/t.go":       "package testonly\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func TestRules(t *testing.T) {
	inModule(t)
	type reasons = map[string]string
	for _, tt := range []struct {
		name           string
		rules          deptest.Rules
		links, imports []string
	}{
		{
			name: "zero value",
			links: []string{
				"links sample/part/inner: allowed are only the standard library",
				"links sample/part: allowed are only the standard library",
			},
			imports: []string{"imports sample/part: allowed are only the standard library"},
		},
		{
			name:  "a path is not what is below it",
			rules: deptest.Rules{Only: reasons{"sample/part": "half of it"}},
			links: []string{"links sample/part/inner: allowed are only the standard library, sample/part"},
		},
		{
			name:  "a path and below",
			rules: deptest.Rules{Only: reasons{"sample/part/...": "its parts"}},
		},
		{
			name:  "a longer name is not below",
			rules: deptest.Rules{Only: reasons{"sample/par/...": "another", "sample/part/inner": "linked"}},
			links: []string{
				"links sample/part: allowed are only the standard library, sample/par/..., sample/part/inner",
			},
			imports: []string{
				"imports sample/part: allowed are only the standard library, sample/par/..., sample/part/inner",
			},
		},
		{
			name:  "everything",
			rules: deptest.Rules{Only: reasons{"...": "a program"}},
		},
		{
			name: "forbidden although it is of the standard library",
			rules: deptest.Rules{
				Only:      reasons{"...": "a program"},
				Forbidden: reasons{"net/http": "no network", "hash/adler32/...": "no sums"},
			},
			links: []string{
				"links net/http: no network",
				"links hash/adler32: no sums",
			},
			imports: []string{"imports net/http: no network"},
		},
		{
			name: "forbidden although Only has it",
			rules: deptest.Rules{
				Only:      reasons{"sample/...": "our own"},
				Forbidden: reasons{"sample/part": "but not this"},
			},
			links:   []string{"links sample/part: but not this"},
			imports: []string{"imports sample/part: but not this"},
		},
		{
			name:  "the package under test itself",
			rules: deptest.Rules{Only: reasons{"sample/part/...": "its parts"}, Forbidden: reasons{"sample": "never"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.links, failures(t, deptest.Links, tt.rules)); diff != "" {
				t.Errorf("Links (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.imports, failures(t, deptest.Imports, tt.rules)); diff != "" {
				t.Errorf("Imports (-want +got):\n%s", diff)
			}
		})
	}
}

// What cannot be listed fails: an empty list would allow everything.
func TestNoPackage(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, check := range map[string]func(testing.TB, deptest.Rules){"Links": deptest.Links, "Imports": deptest.Imports} {
		got := failures(t, check, deptest.Rules{})
		if len(got) != 1 || !strings.HasPrefix(got[0], "go list: ") {
			t.Errorf("%s: %q; want one failure of go list", name, got)
		}
	}
}
