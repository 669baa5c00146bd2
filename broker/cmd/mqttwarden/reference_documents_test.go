package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// schema is what the reference tells of a JSON Schema.
type schema struct {
	Type                 string             `json:"type"`
	Title                string             `json:"title"`
	Description          string             `json:"description"`
	Pattern              string             `json:"pattern"`
	AnyOf                []choice           `json:"anyOf"`
	Required             []string           `json:"required"`
	Properties           map[string]*schema `json:"properties"`
	Items                *schema            `json:"items"`
	AdditionalProperties json.RawMessage    `json:"additionalProperties"`
	Minimum              *int64             `json:"minimum"`
	Maximum              *int64             `json:"maximum"`
	MinItems             *int64             `json:"minItems"`
	MaxItems             *int64             `json:"maxItems"`
}

type choice struct {
	Enum []string `json:"enum"`
}

// setting is a row of the reference: a field of a document.
type setting struct{ path, value, def, text string }

// documentTables lists the fields of each kind: all of the newest version, and
// of the older ones what differs.
func documentTables(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, kind := range []string{"BrokerListener", "BrokerAuthentication", "BrokerAuthorization", "Broker"} {
		var newest []setting
		for _, version := range []string{"v1", "v1beta1", "v1alpha4"} {
			s, ok := readSchema(t, kind, version)
			if !ok {
				continue // the kind Broker has one version
			}
			all := settingsOf(t, s.Properties["spec"], "spec")
			if newest == nil {
				newest = all
				_, what, _ := strings.Cut(strings.ReplaceAll(s.Description, "\n", " "), " ")
				fmt.Fprintf(&b, "### %s\n\nA %s %s\n\n", kind, kind, what)
				fmt.Fprintf(&b, "`apiVersion: %s`\n\n", strings.TrimPrefix(s.Title, kind+" "))
				writeSettings(&b, all)
				continue
			}
			fmt.Fprintf(&b, "`apiVersion: %s`: ", strings.TrimPrefix(s.Title, kind+" "))
			writeDifferences(&b, newest, all)
		}
	}
	return b.String()
}

func readSchema(t *testing.T, kind, version string) (s schema, ok bool) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../resource/schema", strings.ToLower(kind)+"-"+version+".json"))
	if os.IsNotExist(err) && kind == "Broker" && version != "v1" {
		return s, false
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(kind, version, err)
	}
	return s, true
}

// settingsOf returns the fields below a schema: what is required first, and
// what has fields of its own last.
func settingsOf(t *testing.T, s *schema, path string) []setting {
	t.Helper()
	rank := func(name string) int {
		n := 0
		if !slices.Contains(s.Required, name) {
			n++
		}
		if _, below := s.Properties[name].below(t); below != nil {
			n += 2
		}
		return n
	}
	names := slices.SortedFunc(maps.Keys(s.Properties), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	var out []setting
	for _, name := range names {
		f := s.Properties[name]
		row := setting{path: path + "." + name, value: f.value(t, path+"."+name)}
		row.describe(t, name, f.Description, slices.Contains(s.Required, name))
		out = append(out, row)
		suffix, below := f.below(t)
		if below != nil && !strings.Contains(row.text, "another name of") {
			out = append(out, settingsOf(t, below, row.path+suffix)...)
		}
	}
	return out
}

// below returns the schema with the fields of f, or of its entries, and how the
// entries are written in a path.
func (s *schema) below(t *testing.T) (suffix string, fields *schema) {
	t.Helper()
	switch {
	case s.Properties != nil:
		return "", s
	case s.Items != nil:
		suffix, fields = s.Items.below(t)
		return "[]" + suffix, fields
	}
	if e := s.entries(t); e != nil && e.Properties != nil {
		return ".NAME", e
	}
	return "", nil
}

// entries returns the schema of the values of a map, nil if s is none.
func (s *schema) entries(t *testing.T) *schema {
	t.Helper()
	if len(s.AdditionalProperties) == 0 || s.AdditionalProperties[0] != '{' {
		return nil
	}
	var e schema
	if err := json.Unmarshal(s.AdditionalProperties, &e); err != nil {
		t.Fatal(err)
	}
	return &e
}

// describe reads the comment of a field, which begins with its name and says
// what is so without it.
func (r *setting) describe(t *testing.T, name, comment string, required bool) {
	t.Helper()
	comment = strings.Join(strings.Fields(comment), " ")
	first, rest, _ := strings.Cut(comment, " ")
	if !strings.EqualFold(first, name) {
		t.Errorf("%s: its comment %q does not begin with its name", r.path, comment)
	}
	text, def, has := strings.Cut(rest, " Default: ")
	switch {
	case required && has:
		t.Errorf("%s is required and has a default", r.path)
	case required:
		def = "required"
	case !has:
		t.Errorf("%s: its comment names no default", r.path)
	}
	r.def = strings.TrimSuffix(def, ".")
	r.text = "`" + name + "` " + text
}

// value says in words what a field may hold.
func (s *schema) value(t *testing.T, path string) string {
	t.Helper()
	if len(s.AnyOf) > 0 && len(s.AnyOf[0].Enum) > 0 {
		return "`" + strings.Join(s.AnyOf[0].Enum, "`, `") + "`"
	}
	switch s.Type {
	case "integer":
		return "integer" + span(s.Minimum, s.Maximum)
	case "string":
		words, ok := patterns()[s.Pattern]
		if !ok {
			t.Errorf("%s: pattern %q has no words", path, s.Pattern)
		}
		return words
	case "array":
		entry := s.Items.value(t, path)
		number := strings.TrimPrefix(span(s.MinItems, s.MaxItems), ", ")
		if number != "" {
			number = " (" + number + ")"
		}
		for _, word := range []string{"object", "name", "map"} {
			if rest, ok := strings.CutPrefix(entry, word); ok {
				entry = word + "s" + rest
			}
		}
		return "list" + number + " of " + entry
	case "object":
		if e := s.entries(t); e != nil {
			return "map of names to " + e.value(t, path)
		}
	}
	return cmp.Or(s.Type, "anything")
}

// patterns returns what the patterns of the schemas mean.
func patterns() map[string]string {
	return map[string]string{
		"":                                "text",
		`^[a-z0-9][a-z0-9-]*[a-z0-9]$`:    "name, 3 to 63 of a-z, 0-9, -",
		`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`: "name, at most 63 of a-z, 0-9, -",
		`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`: "name, at most 253 of a-z, 0-9, -, .",
		`^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$`:                            "hours, minutes, seconds: `1h30m`",
		`^[hH][tT][tT][pP][sS]://.+$`:                                       "URL, `https://…`",
	}
}

func span(least, most *int64) string {
	switch {
	case least != nil && most != nil:
		return fmt.Sprintf(", %d to %d", *least, *most)
	case least != nil:
		return fmt.Sprintf(", at least %d", *least)
	case most != nil:
		return fmt.Sprintf(", at most %d", *most)
	default:
		return ""
	}
}

func writeSettings(b *strings.Builder, all []setting) {
	b.WriteString("| field | value | default | |\n|---|---|---|---|\n")
	for _, s := range all {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", s.path, s.value, s.def, s.text)
	}
	b.WriteString("\n")
}

// writeDifferences lists the fields that an older version has otherwise, and
// those that it lacks.
func writeDifferences(b *strings.Builder, newest, older []setting) {
	var other []setting
	has := make(map[string]bool)
	for _, s := range older {
		has[s.path] = true
		if !slices.Contains(newest, s) {
			other = append(other, s)
		}
	}
	var gone []string
	for _, s := range newest {
		parent := s.path[:strings.LastIndexByte(s.path, '.')]
		if !has[s.path] && (has[parent] || has[strings.TrimSuffix(parent, "[]")] || parent == "spec") {
			gone = append(gone, "`"+s.path+"`")
		}
	}
	switch {
	case len(other) == 0 && len(gone) == 0:
		b.WriteString("no difference.\n\n")
		return
	case len(gone) > 0:
		fmt.Fprintf(b, "without %s, and with", strings.Join(gone, ", "))
	default:
		b.WriteString("all of the above, and")
	}
	b.WriteString("\n\n")
	writeSettings(b, other)
}

// TestBrokerSettings holds the bounds that the reference names for the kind
// Broker against what reads it.
func TestBrokerSettings(t *testing.T) {
	s, _ := readSchema(t, "Broker", "v1")
	found := 0
	s.integers(nil, func(path []string, f *schema) {
		found++
		for value, ok := range map[int64]bool{*f.Minimum - 1: false, *f.Minimum: true, *f.Maximum: true, *f.Maximum + 1: false} {
			document := fmt.Sprintf(`{"apiVersion": "mqttbroker.iotoperations.azure.com/v1", "kind": "Broker", "metadata": {"name": "default"}, "%s": %d%s`,
				strings.Join(path, `": {"`), value, strings.Repeat("}", len(path)))
			if _, err := resource.Parse("broker.json", []byte(document)); (err == nil) != ok {
				t.Errorf("%s: %d: %v, want it accepted: %v", strings.Join(path, "."), value, err, ok)
			}
		}
	})
	if found == 0 {
		t.Error("no limits found")
	}
}

// integers calls f for each integer below s, with its path.
func (s *schema) integers(path []string, f func(path []string, s *schema)) {
	if s.Type == "integer" {
		f(path, s)
	}
	for name, p := range s.Properties {
		p.integers(append(slices.Clone(path), name), f)
	}
}
