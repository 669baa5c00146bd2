package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
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

// limitTable lists the limits with what the comments of broker.Limits say, and of
// what is inside it.
func limitTable(t *testing.T) string {
	t.Helper()
	outer := limitFields(t, "../../limits.go")
	i := slices.IndexFunc(outer, func(f *ast.Field) bool { return f.Names[0].Name == "Watches" })
	if i < 0 {
		t.Fatal("no Watches")
	}
	fields := slices.Concat(outer[:i], limitFields(t, "../../../statestore/watch.go"), outer[i+1:])
	all := limits()
	if len(fields) != len(all) {
		t.Fatalf("%d fields with comments, %d limits", len(fields), len(all))
	}
	var b strings.Builder
	b.WriteString("| `--limit` | value | default | |\n|---|---|---|---|\n")
	for i, f := range fields {
		if f.Doc == nil {
			continue // in the row of the field before
		}
		names, values, doc := "", "", strings.Join(strings.Fields(f.Doc.Text()), " ")
		for j := i; j < len(fields) && (j == i || fields[j].Doc == nil); j++ {
			names += "<br>`" + all[j].name + "`"
			values += "<br>" + all[j].word()
			doc = regexp.MustCompile(`\b`+fields[j].Names[0].Name+`\b`).ReplaceAllString(doc, "`"+all[j].name+"`")
		}
		text, def, ok := strings.Cut(doc, " Default: ")
		if !ok {
			t.Errorf("%s: its comment names no default", f.Names[0])
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", strings.TrimPrefix(names, "<br>"), strings.TrimPrefix(values, "<br>"), strings.TrimSuffix(def, "."), text)
	}
	return b.String()
}

// word says in short what a limit is.
func (l limit) word() string {
	switch l.kind {
	case limitSwitch:
		return "`true`, `false`"
	case limitDuration, limitSeconds:
		return "duration"
	case limitSize:
		return "size"
	default:
		return "integer"
	}
}

// limitFields returns the fields of the type Limits.
func limitFields(t *testing.T, path string) []*ast.Field {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
			if spec := g.Specs[0].(*ast.TypeSpec); spec.Name.Name == "Limits" {
				return spec.Type.(*ast.StructType).Fields.List
			}
		}
	}
	t.Fatalf("%s has no Limits", path)
	return nil
}
