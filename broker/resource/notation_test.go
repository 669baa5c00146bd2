package resource_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// TestYAMLNotation refuses every way in which YAML says other things than it
// shows.
func TestYAMLNotation(t *testing.T) {
	runErrorCases(t, "f.yaml", []errorCase{
		{"anchor and alias", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: &x y\n  b: *x\n", []string{
			"5:6: data.a: YAML anchors are not allowed; repeat the value, or put it in quotes if it begins with &",
			"6:6: data.b: YAML aliases are not allowed; repeat the value, or put it in quotes if it begins with *",
		}},
		{"unknown alias", "a: *x\n", []string{
			"1:4: an unquoted value that begins with * is a YAML alias, which is not allowed here; put the value in quotes",
		}},
		{"tags", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: !!map\n  a: !!str 1\n  b: ! c\n  d: !x y\n", []string{
			"4:7: data: YAML tags are not allowed; remove the tag, or put the value in quotes if it begins with !",
			"5:6: data.a: YAML tags are not allowed; remove the tag, or put the value in quotes if it begins with !",
			"6:6: data.b: YAML tags are not allowed; remove the tag, or put the value in quotes if it begins with !",
			"7:6: data.d: YAML tags are not allowed; remove the tag, or put the value in quotes if it begins with !",
		}},
		{"merge key", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  <<: {a: b}\n", []string{
			"5:3: data: YAML merge keys are not allowed; repeat the fields",
			`5:3: data.<<: not a key of data: want at most 253 letters, digits, "-", "_" and "."`,
			"5:7: data.<<: want a string, found a mapping",
		}},
		{"keys that are no strings", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  17: a\n  ? [b]\n  : c\n", []string{
			"5:3: data: a key must be a string, found a number; put it in quotes",
			"6:5: data: a key must be a string, found a list; put it in quotes",
			`6:5: data[""]: not a key of data: want at most 253 letters, digits, "-", "_" and "."`,
		}},
		{"tab", "a:\n\tb: c\n", []string{
			"2:1: cannot read YAML: while scanning for the next token: found character that cannot start any token; indent with spaces, not with tabs",
		}},
		{"open quote", "a: 'b\n", []string{
			"1:4: cannot read YAML: while scanning a quoted scalar: found unexpected end of stream",
		}},
		{"directive", "%YAML 1.2\n---\na: b\n", []string{
			"1:1: cannot read YAML: found incompatible YAML document",
			"3:1: apiVersion: missing; this field is required",
			"3:1: kind: missing; this field is required",
		}},
		{"column in characters", "é: 'ü\x01'\n", []string{"1:6: control character U+0001; remove it"}},
		{"line separator", "a: b # c\u2028d: e\n", []string{"1:9: line separator U+2028; use a plain newline"}},
		{"encoding", "a: \xff\n", []string{"1:4: invalid UTF-8; save the file as UTF-8"}},
		{"UTF-16", "\xff\xfea\x00", []string{"1:1: invalid UTF-8; save the file as UTF-8"}},
	})
}

func TestJSONNotation(t *testing.T) {
	runErrorCases(t, "f.json", []errorCase{
		{"trailing comma in a list", "{\"a\": [1,\n ]}", []string{"2:2: cannot read JSON: trailing comma; remove the comma before ]"}},
		{"trailing comma in an object", "{\"a\": 1, }", []string{"1:10: cannot read JSON: trailing comma; remove the comma before }"}},
		{"text behind", "{}\n{}", []string{"2:1: cannot read JSON: text after the end of the JSON value; one file holds one value, use kind List for several objects"}},
		{"garbage behind", "{} x", []string{"1:4: cannot read JSON: invalid character 'x' looking for beginning of value"}},
		{"comment", "{ // x\n}", []string{"1:3: cannot read JSON: JSON has no comments; remove this one"}},
		{"cut off", "{\"a\": [\n", []string{"1:8: cannot read JSON: the text ends too early"}},
		{"bare word", "{\"a\": yes}", []string{"1:7: cannot read JSON: invalid character 'y' looking for beginning of value"}},
		{"surrogate", "{\"\\ud800\": 1}", []string{`1:2: cannot read JSON: a string has half of a surrogate pair (\uD800 to \uDFFF)`}},
		{"depth", strings.Repeat("[", 65), []string{"1:65: cannot read JSON: lists and mappings are nested too deeply"}},
		{"duplicates", "{\"apiVersion\": \"v1\",\n \"kind\": \"ConfigMap\",\n \"metadata\": {\"name\": \"a\"},\n \"data\": {\"é\": 1, \"k\": \"x\", \"k\": \"y\"}}", []string{
			`4:11: data.é: not a key of data: want at most 253 letters, digits, "-", "_" and "."`,
			`4:16: data.é: want a string, found a number; write é: "1"`,
			"4:29: data.k: duplicate key; the first is at line 4, column 19",
		}},
	})
}

// TestBounds refuses what is too large or too deep before it costs much.
func TestBounds(t *testing.T) {
	tests := []struct{ name, file, text, want string }{
		{"bytes", "f.yaml", strings.Repeat(" ", 8<<20+1), "f.yaml:1:1: file is larger than 8 MiB; split it"},
		{"values of JSON", "f.json", "[" + strings.Repeat("1,\n", 1<<20), "f.json:1048576:2: file has more than 1048576 values; split it"},
		{"values of YAML", "f.yaml", "# a\n---\n" + strings.Repeat("- \n", 1<<18+1), "f.yaml:262144:1: file has more than 262144 values; split it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := resource.Parse(tt.file, []byte(tt.text))
			if err == nil || err.Error() != tt.want {
				t.Errorf("error = %v, want %s", err, tt.want)
			}
		})
	}
	t.Run("depth", func(t *testing.T) {
		_, err := resource.Parse("f.yaml", []byte(strings.Repeat("[", 1000)))
		if err == nil || !strings.Contains(err.Error(), "depth") {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("errors", func(t *testing.T) {
		_, err := resource.Parse("f.yaml", []byte(strings.Repeat("- a\n---\n", 5000)))
		all, ok := err.(resource.Errors)
		if !ok || len(all) != 1001 {
			t.Fatalf("%T with %d errors", err, len(all))
		}
		if got := all[1000].Detail; got != "too many errors; the rest of this file is not reported" {
			t.Errorf("last error: %s", got)
		}
	})
}

// TestEmpty reads files without documents: an empty set, never an error and
// never a policy.
func TestEmpty(t *testing.T) {
	for file, text := range map[string]string{"a.yaml": "# nothing\n---\n---\n", "b.json": " \n", "c.yml": ""} {
		set, err := resource.Parse(file, []byte(text))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if diff := cmp.Diff(&resource.Set{}, set); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// TestBOM reads files as some editors save them.
func TestBOM(t *testing.T) {
	const text = `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}`
	for _, file := range []string{"a.yaml", "a.json"} {
		set, err := resource.Parse(file, []byte("\ufeff"+text))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if got := set.ConfigMaps[0].Position.String(); got != file+":1:1" {
			t.Errorf("%s: position %s", file, got)
		}
	}
}
