package resource_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// Whatever line is missing from a document, there is a set or there are errors.
func TestAnyLineMissing(t *testing.T) {
	var files []string
	for _, pattern := range []string{"testdata/valid/*.yaml", "testdata/documents/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Fatal("no documents")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(data), "\n")
		for i, line := range lines {
			key, _, _ := strings.Cut(line, ":")
			for name, with := range map[string]string{"without": "", "null": key + ":\n", "renamed": "x" + line} {
				text := strings.Join(lines[:i], "") + with + strings.Join(lines[i+1:], "")
				set, err := resource.Parse("f.yaml", []byte(text))
				var errs resource.Errors
				if (set == nil) != errors.As(err, &errs) {
					t.Errorf("%s, line %d %s: set %v, error %v", file, i+1, name, set, err)
				}
			}
		}
	}
}
