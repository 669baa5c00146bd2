package resource_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// checkPlain reads a text with the library and without it: if it is taken, the
// trees are the same, with all places, and the library finds nothing wrong.
func checkPlain(t *testing.T, text []byte) (taken bool) {
	t.Helper()
	plain, taken := resource.ReadPlainYAML(text)
	if !taken {
		return false
	}
	want, errs := resource.ReadYAML(text)
	if len(errs) > 0 {
		t.Errorf("taken, though the library says: %v\n%s", errs, text)
	}
	if diff := cmp.Diff(want, plain); diff != "" {
		t.Errorf("(-library +plain):\n%s\n%s", diff, text)
	}
	return true
}

// plainCases are texts of which it is known whether they are taken.
func plainCases() map[string]struct {
	text  string
	taken bool
} {
	type c = struct {
		text  string
		taken bool
	}
	return map[string]c{
		"empty":                    {"", true},
		"comments only":            {"# a\n\n  # b\n", true},
		"a list":                   {"- a\n- b\n", true},
		"a mapping":                {"a: b\nc: d\n", true},
		"no newline at the end":    {"- a\n- b\n- c", true},
		"below a key":              {"x: 1\na:\n  b:\n    - 1\n    - 2\n", true},
		"as deep as its key":       {"x: 1\na:\n  b:\n  - 1\n  - 2\n", true},
		"as deep as a key of root": {"a:\n- 1\n- 2\nb: c\n", true},
		"mappings in a list":       {"- b: 1\n  c: 2\n- b:\n    c:\n    - d\n    e: []\n  f: g\n-   h: i\n    j: k\n", true},
		"lists in a list":          {"a:\n- - 1\n  - 2\n-   - 3\n    - 4\n- - - 5\n    - 6\n- 7\n", true},
		"text behind":              {"a:\n  b:\n  - 1\n  c: 4\nd: 5\n", true},
		"out of many":              {"a:\n    b:\n     - c:\n         d: e\nf: g\n", true},
		"quoted":                   {"- \"a- b\"\n- 'c'\n- k: \"d: #\"\n- k: ''\n", true},
		"list in brackets":         {"- [a, \"b\", 'c']\n- [a,b,   \"c]\"]\n- k: [\"{x}\"]\n- []\n", true},
		"braces in plain text":     {"- a/{b}/c\n- a[\"b\"]'c\n- k: a}]\n- it's a \"b\"\n", true},
		"comments":                 {"# a\n- 1 \n# b\n- 2\n    # c\n\n# d\n- a:\n# e\n    - 4\n# f\n", true},
		"comment under plain text": {"- 1\n- a\n  # b\n- 3\n", true},
		"blank lines":              {"\n\n- 1\n\n- 2\n   \n\n- a\n\n", true},
		"same key twice":           {"- a: 1\n- a: 1\n  a: 2\n", true},
		"marker before":            {"---\na:\n- 1\n", true},
		"three documents":          {"a: 1\n---\n- 1\n---\nb: 2\n", true},
		"empty documents":          {"---\n---\n# a\n---\na: 1\n---\n---\n", true},
		"first line indented":      {"  a: 1\n  b:\n  - c\n", true},
		"far to the right":         {"a:\n" + strings.Repeat(" ", 99) + "- 1\n", true},
		"as deep as may be":        {strings.Repeat("- ", 32) + "a\n", true},
		"key as long as may be":    {strings.Repeat("k", 128) + ": a\n", true},

		"deeper":                    {strings.Repeat("- ", 33) + "a\n", false},
		"deeper than the library":   {strings.Repeat("- ", 65) + "a\n", false},
		"longer key":                {strings.Repeat("k", 129) + ": a\n", false},
		"longer than the library's": {strings.Repeat("k", 1025) + ": a\n", false},
		"root is a word":            {"a\n", false},
		"root is a list":            {"[a]\n", false},
		"text below its key":        {"a:\n  b\n", false},
		"text goes on":              {"- a\n  b\n", false},
		"text of a key goes on":     {"- a: b\n    c\n", false},
		"text goes on left of it":   {"a: b\n c\n", false},
		"a key in plain text":       {"- a\n  b: 2\n", false},
		"a list in plain text":      {"a: b\n  - 1\n", false},
		"a key under quoted text":   {"- 'a'\n  b: 2\n", false},
		"a key under a list":        {"- [a]\n  b: 2\n", false},
		"no value":                  {"- a:\n- b: c\n", false},
		"no value, more keys":       {"a:\nb: c\n", false},
		"no value at the end":       {"a: b\nc:\n", false},
		"no value at a marker":      {"a:\n---\n- b\n", false},
		"no value, left of it":      {"- b:\n    c:\n    d: e\n", false},
		"no value, an entry left":   {"x:\n- a:\n- b: c\n", false},
		"an entry among keys":       {"a: b\n- c\n", false},
		"a key among entries":       {"- a\nb: c\n", false},
		"a key among inner entries": {"a:\n  - b\n  c: d\n", false},
		"an entry among inner keys": {"a:\n  b: c\n  - d\n", false},
		"left of the list":          {"a:\n   - 1\n  - 2\n", false},
		"right of the list":         {"- 1\n - 2\n", false},
		"between two levels":        {"a:\n    b: c\n  d: e\n", false},
		"left of the first line":    {"  - 1\n- 2\n", false},
		"comment behind a value":    {"- a # b\n", false},
		"literal text":              {"- |\n  a\n", false},
		"folded text":               {"- k: >-\n   a\n", false},
		"single quote over lines":   {"- 'a\n\n  - b'\n", false},
		"double quote over lines":   {"- \"a\n  b\"\n", false},
		"brackets over lines":       {"- [a,\n  b]\n", false},
		"anchor":                    {"a: &b\n - 1\n", false},
		"merge key":                 {"<<: {a: 1}\n", false},
		"number as a key":           {"1: 2\n", false},
		"boolean as a key":          {"- no: 2\n", false},
		"null as a key":             {"null: 2\n", false},
		"quoted key":                {"\"a\": b\n", false},
		"space before the colon":    {"a : b\n", false},
		"question mark":             {"? a\n: b\n", false},
		"dash alone":                {"- 1\n-\n", false},
		"dash and spaces":           {"- 1\n-  \n", false},
		"two dashes alone":          {"- -\n", false},
		"dash behind a key":         {"- a: - b\n", false},
		"tab":                       {"a:\n\t- 1\n", false},
		"tab in a comment":          {"# \t\n- 3\n", false},
		"CRLF":                      {"- 1\r\n- 2\r\n", false},
		"NEL":                       {"- a\u0085- b\n", false},
		"letters beyond ASCII":      {"- \u00e4\n", false},
		"byte order mark":           {"\ufeff- 1\n", false},
		"indented marker":           {"a:\n ---\n", false},
		"text behind a marker":      {"--- a\n", false},
		"end of a document":         {"a: 1\n...\n", false},
		"directive":                 {"%YAML 1.1\n---\n- 1\n", false},
		"JSON":                      {"{\"a\": [1]}\n", false},
	}
}

// TestPlainYAML compares texts with what the library makes of them.
func TestPlainYAML(t *testing.T) {
	for name, c := range plainCases() {
		t.Run(name, func(t *testing.T) {
			if got := checkPlain(t, []byte(c.text)); got != c.taken {
				t.Errorf("taken %v, want %v", got, c.taken)
			}
			// The same below a key, and with a list around it.
			checkPlain(t, []byte("a: 1\nb:\n  "+strings.ReplaceAll(c.text, "\n", "\n  ")))
			checkPlain(t, []byte("b:\n- 1\n- 2\n"+c.text))
			checkPlain(t, []byte("- 1\n"+c.text+"- 4\n- 5\n"))
		})
	}
}

// TestPlainYAMLValues holds which values are taken, behind a dash and a key.
func TestPlainYAMLValues(t *testing.T) {
	for _, value := range []string{
		"a", "a b", "a/{b}/c[\"d\"]", "it's", "a  'b", "a:b", "a:'b", "a#b", "a |", "a.b/c-d_e", "$share/g/+/t", "/a", "+/a", "+", "+/", "_a", "b|>&*!%@`?,}<", "yesterday", "nullx", "Nope", "a,b", "a:,",
		"\"b c\"", "'b {c}'", "''", "\"\"", "' '", "\"#\"", "\"a: b\"", "\"yes\"", "'1'",
		"[]", "[a]", "[a, \"b\", 'c d',e]", "[+/a, $a, _b, 12]", "[\"\"]", "[\"a: b\"]", "[']', \"[\"]",
		"1", "1883", "123456789012345678",
	} {
		for _, before := range []string{"- ", "a: ", "- - b:    "} {
			if !checkPlain(t, []byte(before+value)) {
				t.Errorf("%q is not taken", before+value)
			}
		}
	}
	for _, value := range []string{
		"a: b", "b:", "a b:", "a:b: c", "a # b", "# a", "\"a #b", "'a:'x:", "-", "- b", "-a",
		"\"a", "'b", "\"a'", "'a\"", "\"a\\\"", "\"a\\n\"", "'a''b'", "\"a'b\"", "'a\"b'", "\"a\" b", "'a' 'b", "\"a\": b", "'a':",
		"[", "[a", "[a,", "[a]b", "[a] [b", "[a,]", "[a, ]", "[,a]", "[a b]", "[a 'b']", "['a'b]", "[ ]", "[][", "[[a]]", "[{a}]", "[a: b]", "[a:b]", "[\"a: b\":c]", "[&a b]", "[-a]", "[a}]", "[#a]", "[a #b]",
		"[\"a]", "['a, b]", "[\"]", "[yes]", "[null]", "[0]", "[1.5]", "[1a]", "[+1]", "[a,,b]",
		"{}", "{a: b}", "]", "}", "|", ">", "|-", ">-", "&a b", "*a", "!a b", "%a", "@a", "`a", "? a", "?a", ": a", ":a", ",a", "<<: a", "<a", "~", ".a", ".5", ".inf",
		"0", "01", "0x1", "1.5", "1_0", "1e3", "12h", "2001-01-01", "1/2", "+1", "+.inf", "+a", "-1", "1234567890123456789",
		"true", "True", "false", "FALSE", "yes", "No", "on", "OFF", "y", "N", "null", "Null",
		"a\tb", "a\t", "a\r", "a\x00", "a\x7f", "\u00e4", "a\u0085", "\ufeffa",
	} {
		for _, before := range []string{"a: ", "- - b:    "} {
			if checkPlain(t, []byte(before+value)) {
				t.Errorf("%q is taken", before+value)
			}
		}
	}
}

// TestPlainYAMLOfFiles does so with the files of testdata.
func TestPlainYAMLOfFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if checkPlain(t, text) {
			taken++
		}
	}
	if taken == 0 {
		t.Errorf("none of %d files was taken", len(files))
	}
}

// TestPlainYAMLOfManyRules reads a file that is large enough. The library alone
// would allocate more than all of it does.
func TestPlainYAMLOfManyRules(t *testing.T) {
	text := manyRules(2000)
	if !checkPlain(t, text) {
		t.Error("not taken")
	}
	all := testing.AllocsPerRun(1, func() {
		set, err := resource.Parse("many.yaml", text)
		if err != nil {
			t.Fatal(err)
		}
		rules := set.Authorizations[0].Rules
		if got, want := rules[1999].BrokerResources[2].Topics[0], "commands/1999/#"; len(rules) != 2000 || got != want {
			t.Errorf("%d rules, last topic %q, want %q", len(rules), got, want)
		}
	})
	library := testing.AllocsPerRun(1, func() { resource.LoadYAML(text) })
	if all >= library {
		t.Errorf("%v allocations, with the library alone %v", all, library)
	}
}

// TestPlainYAMLError finds an error in a file that is large enough.
func TestPlainYAMLError(t *testing.T) {
	text := strings.Replace(string(manyRules(2000)), "commands/1000/#", "'", 1)
	_, err := resource.Parse("many.yaml", []byte(text))
	if err == nil || !strings.HasPrefix(err.Error(), "many.yaml:13020:11: ") {
		t.Errorf("error %v", err)
	}
}

// compose writes a text that is close to the border between what is taken and
// what is not: a line or, more rarely, a fragment of one for each byte.
func compose(choice []byte) []byte {
	lines := []string{
		"\n- a", "\n- a: b", "\n- a:", "\n- a:\n  - b", "\n  - b", "\n    - c", "\n  b: c", "\n  b:", "\n    c: d", "\n- 1", "\ne:", "\nf: g", "\n- - h", "\n- k: v\n  l:\n  - m",
		"\n  - a\n  - b\n  - c", "\n- 'x'", "\n  k: \"y\"", "\n- [a, 'b']", "\n    more", "\n  more", "\n# x", "\n", "\n- {x}/y", "\n- a{b}[c'd\"",
	}
	fragments := []string{
		"\n", "\n- ", "\n  ", "\n---", "\n--- ", "\n...", "a", "b c", "- ", "-", "? ", ": ", ":", " #", "#", " ", "\t", "\r", "\u0085", "\u00e4",
		"\\", "'", "\"", "[", "]", "{", "}", ",", "|", ">", "|\n", "&a ", "*a", "!t ", "%", "<<: ",
	}
	var text []byte
	for _, b := range choice {
		if b < 220 {
			text = append(text, lines[int(b)%len(lines)]...)
			continue
		}
		text = append(text, fragments[int(b-220)%len(fragments)]...)
	}
	return bytes.TrimPrefix(text, []byte("\n"))
}

// TestPlainYAMLOfFragments reads texts of random fragments.
func TestPlainYAMLOfFragments(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for range 20_000 {
		choice := make([]byte, 3+random.IntN(12))
		for i := range choice {
			choice[i] = byte(random.Uint32())
		}
		if checkPlain(t, compose(choice)) {
			taken++
		}
	}
	if taken < 500 {
		t.Errorf("only %d texts were taken", taken)
	}
}

// TestPlainYAMLOfTrees reads texts that are all taken.
func TestPlainYAMLOfTrees(t *testing.T) {
	for seed := range uint64(3000) {
		g := plainWriter{rand.New(rand.NewPCG(seed, 0)), new(strings.Builder)}
		for range 1 + g.IntN(3) {
			g.block(strings.Repeat(" ", g.IntN(3)), 0)
			g.text.WriteString("---\n")
		}
		if !checkPlain(t, []byte(g.text.String())) {
			t.Fatalf("not taken:\n%s", g.text)
		}
	}
}

// plainWriter writes random texts that are taken, in every layout.
type plainWriter struct {
	*rand.Rand
	text *strings.Builder
}

// block writes a collection, whose first entry goes on in the line that was begun
// if that is so far to the right.
func (g plainWriter) block(indent string, begun int) {
	list := g.IntN(2) == 0
	for range 1 + g.IntN(3) {
		g.text.WriteString(indent[begun:])
		begun = 0
		if list {
			dash := "-" + strings.Repeat(" ", 1+g.IntN(3))
			g.text.WriteString(dash)
			if inner := indent + strings.Repeat(" ", len(dash)); g.IntN(2) == 0 && len(inner) < 20 {
				g.block(inner, len(inner))
				continue
			}
			g.value()
			continue
		}
		g.text.WriteString("key" + strconv.Itoa(g.IntN(10)) + ":")
		if g.IntN(2) == 0 || len(indent) > 20 {
			g.text.WriteString(" ")
			g.value()
			continue
		}
		g.lineEnd()
		if g.IntN(3) == 0 { // as far left as the key
			g.text.WriteString(indent + "- ")
			g.value()
			continue
		}
		g.block(indent+strings.Repeat(" ", 1+g.IntN(4)), 0)
	}
}

func (g plainWriter) value() {
	values := []string{"a", "b c", "sensors/{x}/#", "'q'", "\"r s\"", "''", "[]", "[a, 'b',c]", "12", "+/a"}
	g.text.WriteString(values[g.IntN(len(values))])
	g.lineEnd()
}

func (g plainWriter) lineEnd() {
	ends := []string{"\n", "\n", "\n", "  \n", "\n\n", "\n# c\n", "\n        # d\n  \n"}
	g.text.WriteString(ends[g.IntN(len(ends))])
}

// FuzzPlainYAML reads any text with the library and without it.
func FuzzPlainYAML(f *testing.F) {
	seed(f)
	for _, c := range plainCases() {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		checkPlain(t, text)
		checkPlain(t, compose(text[:min(len(text), 100)]))
	})
}
