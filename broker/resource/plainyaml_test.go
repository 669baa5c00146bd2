package resource_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// comparePlain holds the reader of plain documents against the YAML library. It
// reports whether the document is plain.
func comparePlain(t *testing.T, text string) bool {
	t.Helper()
	got, plain := resource.PlainYAML([]byte(text))
	if !plain {
		return false
	}
	want, err := resource.FullYAML([]byte(text))
	if err != nil {
		t.Fatalf("%q is plain, but the library says %v", text, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q (-library +plain):\n%s", text, diff)
	}
	return true
}

// TestPlainYAML says which documents are plain: those, the library reads alike.
func TestPlainYAML(t *testing.T) {
	plain := []string{
		"a: b", "---\na: b\n", "a: b # c\n\n# d\nc: \"d # e\" # f\n", "a:\n- b\n-   'c'\n- d: e\n  f:\n  - g\nh: 17\n", "a:\n  b:\n    c: x:y#z\n  d: [a, \"b c\", 'd' ] # e\n  e: []\n",
		"a:   # c\n   - b: c\n     d: /e/{f}*\n   -\n     g: h\n   -\n     - i\n", "a: 0\nb: tru\nc: a b  c  \nd: a, b]\n", "a:\n  b: c\n# d\n  e: f\n\n\n", "a: b\na: c\n", string(manyRules(3)),
	}
	for _, text := range plain {
		if !comparePlain(t, text) {
			t.Errorf("%q is not plain", text)
		}
	}
	full := []string{
		"", "- a\n", "a", "a:\n", "a: b\n c\n", "a: |\n  b\n", "a: >\n  b\n", "a: &b c\n", "a: *b\n", "a: !b c\n", "a: {b: c}\n", "a: [b, [c]]\n", "a: [b,\n c]\n", "a: [b: c]\n", "a: [b,]\n",
		"a: 'b''c'\n", "a: \"b\\n\"\n", "a: \"b\n  c\"\n", "a: \"b\" c\n", "a: 'b'#c\n", "a: [b]#c\n", "a: b: c\n", "a: b:\n", "a: yes\n", "a: NULL\n", "a: ~\n", "a: 1.5\n", "a: 017\n", "a: -1\n", "a: 2024-01-01\n",
		"yes: a\n", "1: a\n", "? a\n", "\"a\": b\n", "a:b\n", "a:\tb\n", "a: ü\n", "a: b\r\n", " a: b\n", "a:\n  b: c\n d: e\n", "a:\n  - b\n - c\n", "a:\n- - b\n", "- a: b\n", "a: `b\n", "a: @b\n", "a: %b\n",
		"a: b\n...\n", "a: b\n--- c\n", "--- a: b\n", "a:\n- b\n  c\n", "a: b\n  # c\n d: e\n", "a: [b #c]\n", "a:" + strings.Repeat("\n  - a:", 40) + " b\n",
	}
	for _, text := range full {
		if _, ok := resource.PlainYAML([]byte(text)); ok {
			t.Errorf("%q is plain", text)
		}
	}
}

// TestPlainAmongOthers reads a stream of which a part is plain: the places are
// those of the file, and an error in one document does not hide the others.
func TestPlainAmongOthers(t *testing.T) {
	const policy = "apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: BrokerAuthorization\nmetadata:\n  name: "
	runErrorCases(t, "f", []errorCase{
		{"in the middle", "a: [\n---\n" + policy + "abc\nspec: {}\n---\n" + policy + "abcd\nspec:\n  wrong: a\n---\na: {b: }\n", []string{
			"2:1: cannot read YAML: while parsing a flow node: did not find expected node content",
			"7:7: spec.authorizationPolicies: missing; this field is required",
			"14:3: spec.authorizationPolicies: missing; this field is required",
			"14:3: spec.wrong: unknown field; known here: brokerRef, authorizationPolicies",
			"16:1: apiVersion: missing; this field is required",
			"16:1: kind: missing; this field is required",
		}},
	})
}

func FuzzPlainYAML(f *testing.F) {
	seed(f)
	f.Add(manyRules(2))
	f.Add([]byte("a:\n  - b: [c, \"d\"] # e\n    f: 'g'\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 || strings.Contains("\n"+string(data), "\n---") || strings.Contains("\n"+string(data), "\n...") || strings.Contains("\n"+string(data), "\n%") {
			return // parseYAML cuts there, or leaves it to the library
		}
		comparePlain(t, string(data))
	})
}
