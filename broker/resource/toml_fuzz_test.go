package resource_test

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pelletier/go-toml/v2"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// seedTOML adds files in every notation.
func seedTOML(f *testing.F) {
	f.Helper()
	example, err := os.ReadFile("testdata/toml/clients.toml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	for _, text := range []string{
		"[a]\npassword = 'x'\n[a.attributes]\nb = '1'\n",
		"[a.attributes]\nb = '1'\n[a]\npassword = 'x'\n",
		"a.password = \"\\u0078\"\na.attributes.b = '''\n1'''\n",
		"a = {password = 'x', attributes = {b = '1', c.d = 2}}\n[b]\n",
		"[a]\npassword = 'x'\nattributes.b = '1'\n[a.attributes.c]\n",
		"[[a]]\nx = [1, 2.0, 1979-05-27, true, {}]\n",
		"[a]\nsubject = 'CN = a'\n[a.attributes]\nb = '1'\n[b]\nsubject = \"\"\"CN = b\"\"\"\nattributes = {}\n",
		"'a.b'.subject = 'x'\n'a.b'.attributes = {c = 'd'}\n",
		"[a]\npassword = 'x\n[b]\npassword = $\n",
	} {
		f.Add([]byte(text))
	}
}

// entry is what both readers make of one table.
type entry struct {
	Text       string
	Attributes map[string]string
}

// naive reads a file by the decoder of the library, which knows nothing of
// places: all tables must have a string of the given key and attributes.
func naive(t *testing.T, data []byte, key string) map[string]entry {
	t.Helper()
	var tree map[string]map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		t.Fatalf("accepted what the library refuses: %v", err)
	}
	out := map[string]entry{}
	for name, table := range tree {
		text, ok := table[key].(string)
		if !ok || text == "" || name == "" {
			t.Fatalf("accepted %q with %s = %v", name, key, table[key])
		}
		e := entry{Text: text, Attributes: map[string]string{}}
		attributes, _ := table["attributes"].(map[string]any)
		for k, v := range attributes {
			e.Attributes[k], ok = v.(string)
			if !ok || k == "" {
				t.Fatalf("accepted attribute %q = %v", k, v)
			}
		}
		delete(table, key)
		delete(table, "attributes")
		if len(table) > 0 {
			t.Fatalf("accepted unknown fields %v", slices.Collect(maps.Keys(table)))
		}
		out[name] = e
	}
	return out
}

// checkTOMLErrors says what must hold for the errors of every input.
func checkTOMLErrors(t *testing.T, err error) {
	t.Helper()
	var errs resource.Errors
	if !errors.As(err, &errs) || len(errs) == 0 {
		t.Fatalf("error of type %T", err)
	}
	for _, e := range errs {
		if e.Position.Line < 1 || e.Position.Column < 1 || e.Detail == "" || strings.ContainsAny(e.Error(), "\n\r\x00\x1b") {
			t.Fatalf("bad error %q", e)
		}
	}
	before := slices.Clone(errs)
	errs.Sort()
	if !slices.Equal(before, errs) {
		t.Fatal("errors are not sorted")
	}
}

// FuzzUsers compares the users of an accepted file with what a lenient decoder
// reads: strictness may refuse, it must not misread.
func FuzzUsers(f *testing.F) {
	seedTOML(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		users, err := resource.ParseUsers("f.toml", data)
		if err != nil {
			checkTOMLErrors(t, err)
			return
		}
		got := map[string]entry{}
		for _, u := range users {
			got[u.Name] = entry{u.Password.Reveal(), u.Attributes}
		}
		want := naive(t, withoutMark(data), "password")
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || len(got) != len(users) {
			t.Errorf("(-naive +got):\n%s", diff)
		}
	})
}

// FuzzCertificateAttributes is FuzzUsers for the attributes file.
func FuzzCertificateAttributes(f *testing.F) {
	seedTOML(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, err := resource.ParseCertificateAttributes("f.toml", data)
		if err != nil {
			checkTOMLErrors(t, err)
			return
		}
		got := map[string]entry{}
		for _, r := range rules {
			got[r.Name] = entry{r.Subject, r.Attributes}
		}
		want := naive(t, withoutMark(data), "subject")
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || len(got) != len(rules) {
			t.Errorf("(-naive +got):\n%s", diff)
		}
	})
}

// withoutMark removes the byte order mark, which the library does not take.
func withoutMark(data []byte) []byte { return []byte(strings.TrimPrefix(string(data), "\ufeff")) }

// FuzzUserErrors writes a secret into a file in any notation: no error repeats
// it.
func FuzzUserErrors(f *testing.F) {
	for _, s := range []string{"", "'", "\"", "'''", "\"\"\"", "[", "{", "{a = ", "\"\\", "#", "$", "1", "true", "x = ", "' x"} {
		f.Add(s, "")
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.ContainsAny(before+after, "\n={") {
			return // could make a key of it, and keys are no secrets
		}
		text := "[a]\npassword = " + before + seeded + after + "\n[b]\npassword = 5\n"
		if _, err := resource.ParseUsers("f.toml", []byte(text)); err == nil || leaks(err.Error()) {
			t.Errorf("%v", err)
		}
	})
}
