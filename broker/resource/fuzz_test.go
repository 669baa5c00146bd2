package resource_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
	"go.yaml.in/yaml/v4"
)

// seed adds every file of testdata.
func seed(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/*/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if filepath.Ext(file) != ".golden" {
			f.Add(data)
		}
	}
}

// checkResult says what must hold for every input: a set or errors, never
// both; errors in order, each with a place and a text.
func checkResult(t *testing.T, set *resource.Set, err error) {
	t.Helper()
	if (set == nil) != (err != nil) {
		t.Fatalf("set %v with error %v", set, err)
	}
	var errs resource.Errors
	if err != nil && (!errors.As(err, &errs) || len(errs) == 0) {
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

// FuzzYAML compares the rules of an accepted document with what a lenient
// decoder reads: strictness may refuse, it must not misread.
func FuzzYAML(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := resource.Parse("f.yaml", data)
		checkResult(t, set, err)
		if err != nil || len(set.Authorizations) != 1 {
			return
		}
		want, ok := naiveRules(data)
		if !ok {
			return
		}
		got := slices.Clone(set.Authorizations[0].Rules)
		for i := range got {
			got[i] = lowerEnums(got[i])
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-naive +got):\n%s", diff)
		}
	})
}

// naiveRules reads the rules of a single BrokerAuthorization by way of the
// JSON tags of mqttauthz.Rule.
func naiveRules(data []byte) ([]mqttauthz.Rule, bool) {
	var tree struct {
		Spec map[string]map[string]any `yaml:"spec"`
	}
	if err := yaml.Load(data, &tree); err != nil {
		return nil, false // several documents
	}
	if tree.Spec == nil {
		return nil, false // a List
	}
	text, err := json.Marshal(tree.Spec["authorizationPolicies"]["rules"])
	if err != nil {
		return nil, false
	}
	var rules []mqttauthz.Rule
	if err := json.Unmarshal(text, &rules); err != nil {
		return nil, false // timestamps, which are strings here
	}
	for i := range rules {
		rules[i] = lowerEnums(rules[i])
	}
	return rules, true
}

// lowerEnums makes rules comparable whose words are in another letter case.
func lowerEnums(r mqttauthz.Rule) mqttauthz.Rule {
	r.BrokerResources, r.StateStoreResources = slices.Clone(r.BrokerResources), slices.Clone(r.StateStoreResources)
	for i := range r.BrokerResources {
		b := &r.BrokerResources[i]
		b.Method = mqttauthz.BrokerMethod(strings.ToLower(string(b.Method)))
	}
	for i := range r.StateStoreResources {
		s := &r.StateStoreResources[i]
		s.Method = mqttauthz.StateStoreMethod(strings.ToLower(string(s.Method)))
		s.KeyType = mqttauthz.KeyType(strings.ToLower(string(s.KeyType)))
		if s.KeyType == "" {
			s.KeyType = "pattern"
		}
	}
	return r
}

// FuzzJSON reads JSON by both front ends: what both accept means the same.
func FuzzJSON(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := resource.Parse("f.json", data)
		checkResult(t, j, err)
		if err != nil {
			return
		}
		if !json.Valid(data) && strings.TrimSpace(string(data)) != "" && !strings.HasPrefix(string(data), "\ufeff") {
			t.Fatal("accepted what is no JSON")
		}
		y, err := resource.Parse("f.yaml", data)
		if err != nil {
			return
		}
		if diff := cmp.Diff(y, j, cmp.FilterPath(isPlace, cmp.Ignore())); diff != "" {
			t.Errorf("(-yaml +json):\n%s", diff)
		}
	})
}

// FuzzSecretErrors writes a secret into a document in any notation: no error
// repeats it.
func FuzzSecretErrors(f *testing.F) {
	for _, s := range []string{"", "*", "&", "!", "!!int ", "'", "\"", "[", "{", "|", "> ", "%", "@", "`", "? ", "- "} {
		f.Add(s, "")
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.ContainsAny(before+after, "\n\r:") {
			return // could make a key of it, and keys are no secrets
		}
		for _, section := range []string{"data", "stringData"} {
			text := "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n" + section + ":\n  password: " + before + seeded + after + "\n"
			if _, err := resource.Parse("f.yaml", []byte(text)); err != nil && leaks(err.Error()) {
				t.Errorf("%v", err)
			}
		}
	})
}
