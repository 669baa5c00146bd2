package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the generated parts of broker/REFERENCE.md")

// TestReference keeps the tables of broker/REFERENCE.md as the code says. Run with
// -update to write them.
func TestReference(t *testing.T) {
	const path = "../../REFERENCE.md"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(data)
	for name, table := range map[string]string{"flags": flagTables(), "limits": limitTable(t), "documents": documentTables(t)} {
		want = replacePart(t, want, name, table)
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("broker/REFERENCE.md is not as the code says; go test ./broker/cmd/mqttwarden -run TestReference -update (-want +got)\n%s", diff)
	}
}

// replacePart replaces what is between the two marks of a name.
func replacePart(t *testing.T, text, name, with string) string {
	t.Helper()
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->"
	before, rest, ok1 := strings.Cut(text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("broker/REFERENCE.md has no part %q", name)
	}
	return before + begin + with + end + after
}

// flagTables lists the flags of each command.
func flagTables() string {
	var b strings.Builder
	for _, c := range newCommand().Commands() {
		if c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		flagTable(&b, c)
		for _, sub := range c.Commands() {
			flagTable(&b, sub)
		}
	}
	return b.String()
}

func flagTable(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "`%s`: %s.\n\n", strings.TrimSuffix(c.UseLine(), " [flags]"), strings.ToLower(c.Short[:1])+c.Short[1:])
	rows := 0
	c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		if rows == 0 {
			b.WriteString("| flag | default | |\n|---|---|---|\n")
		}
		rows++
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		def := f.DefValue
		if def == "[]" || def == "false" {
			def = ""
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", strings.ReplaceAll(name, "|", "\\|"), def, usage)
	})
	if rows > 0 {
		b.WriteString("\n")
	}
}

// limitTable lists the fields of broker.Limits with what their comments say.
func limitTable(t *testing.T) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../limits.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| limit | default | |\n|---|---|---|\n")
	fields := limitFields(file)
	if len(fields) == 0 {
		t.Error("no limits found")
	}
	for i, f := range fields {
		if f.Doc == nil {
			continue // in the row of the field before
		}
		names := "`" + f.Names[0].Name + "`"
		for _, next := range fields[i+1:] {
			if next.Doc != nil {
				break
			}
			names += "<br>`" + next.Names[0].Name + "`"
		}
		doc := strings.Join(strings.Fields(f.Doc.Text()), " ")
		text, def, ok := strings.Cut(doc, " Default: ")
		if !ok {
			t.Errorf("%s: its comment names no default", f.Names[0])
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", names, strings.TrimSuffix(def, "."), text)
	}
	return b.String()
}

func limitFields(file *ast.File) []*ast.Field {
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
			if spec := g.Specs[0].(*ast.TypeSpec); spec.Name.Name == "Limits" {
				return spec.Type.(*ast.StructType).Fields.List
			}
		}
	}
	return nil
}
