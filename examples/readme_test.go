package examples_test

import (
	"os"
	"strings"
	"testing"
)

// The README's snippet is the body of an Example that runs.
func TestReadmeSnippet(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "```go\n")
	if !ok {
		t.Fatal("README.md has no Go snippet")
	}
	snippet, _, _ := strings.Cut(rest, "```")
	example, err := os.ReadFile("authorize/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ = strings.Cut(string(example), "func Example() {\n")
	body, _, ok := strings.Cut(rest, "\t// Output:")
	if !ok {
		t.Fatal("the example has no output")
	}
	body = strings.ReplaceAll("\n"+body, "\n\t", "\n")[1:]
	if snippet != body {
		t.Errorf("README.md shows\n%s\nand the example is\n%s", snippet, body)
	}
}
