package resource_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// checkPieces reads a text in the smallest pieces: what that gives is what the
// whole gives.
func checkPieces(t *testing.T, text []byte) (taken bool) {
	t.Helper()
	whole, errs := resource.ReadYAML(text)
	pieces, taken := resource.ReadYAMLPieces(text, 1)
	if !taken {
		return false
	}
	if len(errs) > 0 {
		t.Errorf("read in pieces what is refused as a whole: %v\n%s", errs, text)
	}
	if diff := cmp.Diff(whole, pieces); diff != "" {
		t.Errorf("(-whole +pieces):\n%s\n%s", diff, text)
	}
	return true
}

// nested returns a list whose middle entry has so many lists within it.
func nested(depth int) string {
	return "a:\n  b:\n    - 1\n    - " + strings.Repeat("- ", depth) + "2\n    - 3\n"
}

// piecesCases are texts of which it is known whether they are cut.
func piecesCases() map[string]struct {
	text  string
	taken bool
} {
	type c = struct {
		text  string
		taken bool
	}
	return map[string]c{
		"at the root":               {"- a\n- b\n- c\n- d\n", true},
		"no newline at the end":     {"- a\n- b\n- c", true},
		"two entries":               {"- a\n- b\n", false},
		"no sequence":               {"a: b\nc: d\n", false},
		"empty":                     {"", false},
		"below a key":               {"x: 1\na:\n  b:\n    - 1\n    - 2\n    - 3\n", true},
		"as deep as its key":        {"x: 1\na:\n  b:\n  - 1\n  - 2\n  - 3\n", true},
		"as deep as a key of root":  {"a:\n- 1\n- 2\n- 3\n", true},
		"mappings":                  {"a:\n- b: 1\n  c: 2\n- b:\n    x\n  c: []\n- b: 3\n", true},
		"empty values":              {"a:\n- b:\n  c:\n- b:\n- b:\n  c:\n- d:\n", true},
		"nested":                    {"a:\n- - 1\n  - 2\n-   - 3\n    - 4\n- - - 5\n    - 6\n- 7\n", true},
		"the outer of two":          {"- - 1\n  - 2\n  - 3\n  - 4\n", false},
		"the longer of two":         {"a:\n- 1\n- 2\n- 3\nb:\n- 1\n- 2\n- 3\n- 4\nc: 5\n", true},
		"the longer one first":      {"b:\n- 1\n- 2\n- 3\n- 4\nc: 5\na:\n- 1\n- 2\n- 3\n", true},
		"two lists":                 {"a:\n  - 1\n  - 2\nb:\n  - 1\n  - 2\n  - 3\n  - 4\n", true},
		"text behind":               {"a:\n  b:\n  - 1\n  - 2\n  - 3\n  c: 4\nd: 5\n", true},
		"anything behind":           {"a:\n  - 1\n  - 2\n  - 3\nd: {e: 'x\n\n  - 1', \"f\": [1,\n 2]}\ng: |\n  - 1\n  - 2\nh: \"\u00e4\"\n", true},
		"last entry over lines":     {"- 1\n- 2\n- 3\n- {a: 1,\n- b: 2}\n", false},
		"last entry of other form":  {"- 1\n- 2\n- 3\n- {a: 1}\n", true},
		"quoted":                    {"- \"a- b\"\n- 'c'\n- k: \"d\"\n- k: ''\n", true},
		"list in one line":          {"- [a, \"b\", 'c']\n- [a,b]\n- k: [\"{x}\"]\n- [d]\n", true},
		"braces in plain text":      {"- a/{b}/c\n- a[\"b\"]'c\n- k: a}]\n- it's a \"b\"\n", true},
		"plain text over lines":     {"- a\n  b\n- c\n   d e\n\n   f\n- k: a\n    b\n- 1\n", true},
		"plain text that swallows":  {"a: b\n  - 1\n  - 2\n  - 3\n", false},
		"plain root that swallows":  {"b\n  - 1\n  - 2\n  - 3\n", false},
		"a key in plain text":       {"- 1\n- a\n  b: 2\n- 3\n- 4\n", false},
		"comments":                  {"# a\n- 1 \n# b\n- 2\n    # c\n\n# d\n- 3\n- 4\n# e\n", true},
		"comment in plain text":     {"- 1\n- a\n  # b\n- 3\n- 4\n", true},
		"comment that ends a text":  {"- 1\n- a\n  # b\n  c\n- 3\n- 4\n", false},
		"comment behind a value":    {"- 1\n- a # b\n- 3\n- 4\n", false},
		"blank lines":               {"\n\n- 1\n\n- 2\n   \n\n- a\n\n- 4\n\n", true},
		"literal text":              {"- 1\n- |\n  a\n  - b\n- 3\n- 4\n- 5\n", false},
		"literal text that opens":   {"- k: |\n   'a\n- 'b\n- 3'\n- 4\n- 5\n", false},
		"folded text":               {"- 1\n- >-\n  a\n- 3\n- 4\n- 5\n", false},
		"single quote over lines":   {"- 'a\n\n  b\n\n  - 1\n\n  - 2'\n- 3\n- 4\n", false},
		"double quote over lines":   {"- \"a\n  b\"\n- 3\n- 4\n- 5\n", false},
		"quote left of the list":    {"a: '\n - 1\n - 2\n - 3\n - 4\n '\n", false},
		"double quote left of it":   {"a: \"\n - 1\n - 2\n - 3\n - 4\n \"\n", false},
		"quote that goes on":        {"a: 'b''\n - 1\n - 2\n - 3\n - 4\n '\n", false},
		"escaped quote":             {"a: \"b\\\"\n - 1\n - 2\n - 3\n - 4\n \"\n", false},
		"quote behind quote":        {"a: '''b'\n - 1\n - 2\n - 3\n - 4\n", false},
		"quote as a key":            {"- \"a\": '\n- \"b\": 2\n- c: '\n- 1\n- 2\n- 3\n", false},
		"list over lines":           {"- [a,\n  b]\n- 3\n- 4\n- 5\n", false},
		"list left of it":           {"a: [\n - 1,\n - 2,\n - 3,\n - 4\n ]\n", false},
		"list of lists":             {"- [[a], b]\n- 3\n- 4\n- 5\n", false},
		"list with a quote":         {"a: ['b', \"\n - 1\n - 2\n - 3\n - 4\n \"]\n", false},
		"list behind list":          {"- 1\n- [a] [b\n- 3\n- 4]\n", false},
		"comma at the end":          {"- [a, ]\n- 3\n- 4\n- 5\n", false},
		"mapping over lines":        {"- {a: 1,\n  b: 2}\n- 3\n- 4\n- 5\n", false},
		"mapping left of it":        {"a: {\n - b: 1,\n - c: 1,\n - d: 1,\n - e: 1\n }\n", false},
		"quote behind a colon":      {"a: b: '\n - 1\n - 2\n - 3\n - 4\n '\n", false},
		"quote with a colon":        {"- a\n  b: \"c: '\"\n- 2\n- 3'\n- 4\n", false},
		"anchor before":             {"a: &b\n - 1\n - 2\n - 3\n - 4\n", false},
		"anchor of an entry":        {"- &a 1\n- 2\n- 3\n- 4\n", false},
		"anchor in the last entry":  {"- 1\n- 2\n- 3\n- &a 4\n", false},
		"alias in the middle":       {"- 1\n- 2\n- *a\n- 4\n", false},
		"alias behind":              {"a:\n- 1\n- 2\n- 3\n- 4\nb: *c\n", false},
		"tag before":                {"a: !!seq\n - 1\n - 2\n - 3\n - 4\n", false},
		"tag of an entry":           {"- 1\n- !!str 2\n- 3\n- 4\n", false},
		"merge key behind":          {"a:\n- 1\n- 2\n- 3\n<<: {a: 1}\n", false},
		"number as a key":           {"- 1\n- 1: 2\n- 3\n- 4\n", false},
		"number as a key behind":    {"a:\n- 1\n- 2\n- 3\n5: 6\n", false},
		"same key twice":            {"- a: 1\n- a: 1\n  a: 2\n- a: 3\n- 4\n", true},
		"key with a question mark":  {"a:\n- 1\n- ? b\n- 3\n- 4\n", false},
		"value without a key":       {"a:\n- 1\n- : b\n- 3\n- 4\n", false},
		"dash alone":                {"- 1\n-\n- 3\n- 4\n", false},
		"dash and spaces":           {"- 1\n-  \n- 3\n- 4\n", false},
		"nested dash alone":         {"- 1\n- -\n- 3\n- 4\n", false},
		"dash behind a key":         {"- 1\n- a: - b\n- 3\n- 4\n", false},
		"tab before":                {"a:\n\t- 1\n\t- 2\n\t- 3\n", false},
		"tab in an entry":           {"- 1\n-\ta\n- 3\n- 4\n", false},
		"tab behind an entry":       {"- 1\n- 2\t\n- 3\n- 4\n", false},
		"tab in a comment":          {"- 1\n# \t\n- 3\n- 4\n", false},
		"CRLF":                      {"- 1\r\n- 2\r\n- 3\r\n- 4\r\n", false},
		"CR":                        {"- 1\n- 'a\r- 2'\n- 3\n- 4\n", false},
		"NEL":                       {"- 1\n- a\u0085- b\n- 3\n- 4\n", false},
		"LS":                        {"- 1\n- a\u2028- b\n- 3\n- 4\n", false},
		"letters beyond ASCII":      {"- 1\n- \u00e4\n- 3\n- 4\n", false},
		"byte order mark":           {"\ufeff- 1\n- 2\n- 3\n- 4\n", false},
		"indented by less":          {"a:\n   - 1\n   - 2\n  - 3\n  - 4\n  - 5\n", false},
		"indented by more":          {"- 1\n- 2\n - 3\n- 4\n", true},
		"first one by more":         {"  - 1\n- 2\n- 3\n- 4\n- 5\n", false},
		"key instead of an entry":   {"- 1\n- 2\na: b\n- 3\n- 4\n", false},
		"text instead of an entry":  {"a:\n- 1\n- 2\nb\n- 3\n- 4\n", false},
		"error in the middle":       {"- 1\n- a: 1\n   b: 2\n- 3\n- 4\n", false},
		"error at the end":          {"- 1\n- 2\n- 3\n- a: 1\n   b: 2\n", false},
		"error behind":              {"a:\n- 1\n- 2\n- 3\n- 4\n b: 2\n", false},
		"error before":              {"c: 1\n d: 2\na:\n- 1\n- 2\n- 3\n- 4\n", false},
		"document marker before":    {"---\na:\n- 1\n- 2\n- 3\n", true},
		"in a later document":       {"a: 1\n---\n- 1\n- 2\n- 3\n---\nb: 2\n", true},
		"markers between entries":   {"- 1\n- 2\n---\n- 3\n- 4\n", false},
		"long before the marker":    {"- 1\n- 2\n- 3\n- 4\n---\n- 3\n- 4\n", true},
		"marker in plain text":      {"a: b\n---\n- 1\n- 2\n- 3\n", true},
		"text behind a marker":      {"--- 'a\n- 1\n- 2\n- 3\n- 4\n'\n", false},
		"end of a document":         {"- 1\n- 2\n...\n- 3\n- 4\n- 5\n", false},
		"end of a document before":  {"a: 1\n...\n- 3\n- 4\n- 5\n", false},
		"directive":                 {"%YAML 1.1\n---\n- 1\n- 2\n- 3\n", false},
		"directive behind":          {"- 1\n- 2\n- 3\n- 4\n%YAML 1.1\n---\n", false},
		"error in a later document": {"- 1\n- 2\n- 3\n- 4\n---\n'\n", false},
		"null entries":              {"- ~\n- null\n- a:\n- 4\n", false},
		"null in words":             {"- null\n- null\n- null\n- null\n", true},
		"kinds of scalars":          {"- 1.5\n- 0x1\n- yes\n- true\n- 2001-01-01\n- 1_0\n- a:b\n- -1\n", true},
		"as deep as a piece may be": {nested(maxNested), true},
		"deeper than a piece is":    {nested(maxNested + 1), false},
		"deeper than allowed":       {nested(maxNested + 4), false},
		"far to the right":          {"a:\n" + strings.Repeat(strings.Repeat(" ", 63)+"- 1\n", 3), false},
		"farther to the right":      {"a:\n" + strings.Repeat(strings.Repeat(" ", 99)+"- 1\n", 3), false},
		"JSON":                      {"{\"a\": [\n- 1,\n- 2,\n- 3\n]}\n", false},
	}
}

// maxNested is how many lists a middle entry of [nested] may have within it: 64
// less the column of its list, and the list itself.
const maxNested = 58

// TestYAMLPieces compares texts that are read in pieces with what the whole gives.
func TestYAMLPieces(t *testing.T) {
	for name, c := range piecesCases() {
		t.Run(name, func(t *testing.T) {
			if got := checkPieces(t, []byte(c.text)); got != c.taken {
				t.Errorf("in pieces = %v, want %v", got, c.taken)
			}
			// The same below a key, and with a list in front of it.
			below := "a: 1\nb:\n  " + strings.ReplaceAll(c.text, "\n", "\n  ")
			checkPieces(t, []byte(below))
			checkPieces(t, []byte("b:\n- 1\n- 2\n- 3\n"+c.text))
			checkPieces(t, []byte("- 1\n- 2\n- 3\n"+c.text+"- 4\n- 5\n"))
		})
	}
}

// TestClosedLine holds every rule of the lines behind which nothing is open.
func TestClosedLine(t *testing.T) {
	closed := []string{
		"", "  ", "# a: 'b", "  # [", "---", "---  ", "a", "  a b", "a/{b}/c[\"d\"]", "it's", "a  'b", "a:b", "a:'b", "a#b", "a: b", "a:  b  ", "a:", "a.b/c-d_e: f", "- a", "-   a",
		"- - a: b", "  - a:", "a: \"b c\"", "a: 'b {c}'", "- ''", "a: []", "- [a]", "a: [a, \"b\", 'c d',e]", "a: $share/g/+/t", "/a", "+/a", "_a", "a: b|>&*!%@`?,}<",
	}
	for _, line := range closed {
		if !resource.ClosedLine(line) {
			t.Errorf("%q is not closed", line)
		}
	}
	open := []string{
		"a: b: c", "a b: c", "a b:", "a: b:", "a:b: c", "a:b:", "a # b", "a: b # c", "- # a", "\"a: b\"", "\"a #b\"", "'a:'x:", "- -", "-", "- ", "a: - b", "a: -",
		"\"a", "a: 'b", "\"a'", "'a\"", "\"a\\\"", "'a''b'", "\"a'b\"", "'a\"b'", "\"a\" b", "'a' 'b", "\"a\": b", "'a':",
		"[", "[a", "[a,", "[a]b", "[a] [b", "[a,]", "[a, ]", "[,a]", "[a b]", "[a 'b']", "['a'b]", "[ ]", "[][", "[[a]]", "[{a}]", "[a: b]", "[a:b]", "[\"a: b\"]", "[&a b]", "[-a]", "[a}]", "[#a]",
		"{}", "{a: b}", "]", "}", "|", ">", "|-", "a: |", "a: >-", "&a b", "*a", "!a b", "%a", "@a", "`a", "? a", "?a", ": a", ":a", ",a", "-a", "<<: a", "<a", "~", ".a", "...", ".5",
		"  ---", "--- a", "----", "-- a", "a\tb", "\ta", "a\t", "# \t", "a\r", "a\x00", "a\x7f", "\u00e4", "# \u0085", "\ufeffa",
	}
	for _, line := range open {
		if resource.ClosedLine(line) {
			t.Errorf("%q is closed", line)
		}
		if resource.ClosedLine("- a: "+line) && len(line) > 0 && line[0] != '#' && line[0] != ' ' {
			t.Errorf("%q is closed behind a key", line)
		}
	}
}

// TestYAMLPiecesOfFiles does so with the files of testdata.
func TestYAMLPiecesOfFiles(t *testing.T) {
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
		if checkPieces(t, text) {
			taken++
		}
	}
	if taken == 0 {
		t.Errorf("none of %d files was read in pieces", len(files))
	}
}

// TestYAMLPiecesOfManyRules reads a file that is large enough to be cut.
func TestYAMLPiecesOfManyRules(t *testing.T) {
	text := manyRules(2000)
	whole, errs := resource.ReadYAML(text)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, size := range []int{1 << 10, 64 << 10} {
		pieces, ok := resource.ReadYAMLPieces(text, size)
		if !ok || pieces != whole {
			t.Errorf("pieces of %d bytes: read %v, as the whole %v", size, ok, pieces == whole)
		}
	}
	set, err := resource.Parse("many.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	rules := set.Authorizations[0].Rules
	if got, want := rules[1999].BrokerResources[2].Topics[0], "commands/1999/#"; len(rules) != 2000 || got != want {
		t.Errorf("%d rules, last topic %q, want %q", len(rules), got, want)
	}
}

// TestYAMLPiecesError finds an error in a file that is large enough to be cut.
func TestYAMLPiecesError(t *testing.T) {
	text := strings.Replace(string(manyRules(2000)), "commands/1000/#", "'", 1)
	_, err := resource.Parse("many.yaml", []byte(text))
	if err == nil || !strings.HasPrefix(err.Error(), "many.yaml:13020:11: ") {
		t.Errorf("error %v", err)
	}
}

// compose writes a text that is close to the border between what is cut and
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

// TestYAMLPiecesOfFragments reads texts of random fragments.
func TestYAMLPiecesOfFragments(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for range 20_000 {
		choice := make([]byte, 3+random.IntN(12))
		for i := range choice {
			choice[i] = byte(random.Uint32())
		}
		if checkPieces(t, compose(choice)) {
			taken++
		}
	}
	if taken < 500 {
		t.Errorf("only %d texts were read in pieces", taken)
	}
}

// FuzzYAMLPieces reads any text in the smallest pieces and as a whole.
func FuzzYAMLPieces(f *testing.F) {
	seed(f)
	for _, c := range piecesCases() {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		checkPieces(t, text)
		checkPieces(t, compose(text[:min(len(text), 100)]))
	})
}
