package mqttauthz_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	gobwas "github.com/gobwas/glob"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// oneRule allows the client "c" one pattern for everything that takes one.
func oneRule(pattern string) []mqttauthz.Rule {
	return []mqttauthz.Rule{{
		Principals: mqttauthz.Principals{Attributes: []map[string]string{{"in": "yes"}}},
		BrokerResources: []mqttauthz.BrokerResource{
			{Method: mqttauthz.Publish, Topics: []string{pattern}},
			{Method: mqttauthz.Subscribe, Topics: []string{pattern}},
		},
	}}
}

func oneKey(pattern string) []mqttauthz.Rule {
	return []mqttauthz.Rule{{
		Principals:          mqttauthz.Principals{Attributes: []map[string]string{{"in": "yes"}}},
		StateStoreResources: []mqttauthz.StateStoreResource{{Method: mqttauthz.Read, Keys: []string{pattern}}},
	}}
}

func fuzzPrincipal(value string) mqttauthz.Principal {
	return mqttauthz.Principal{
		ClientID: value, Username: "user", Attributes: map[string]string{"in": "yes", "x": value},
	}
}

// FuzzTopic compares one pattern with the reference, for any topic and any
// identity.
func FuzzTopic(f *testing.F) {
	f.Add("a/{principal.clientId}/#", "a/b/c", "b")
	f.Add("+/[!a]*/x{principal.attributes.x}", "a/b/xy", "y")
	f.Add("$SYS/*", "$SYS/a", "+")
	f.Add(`\**/?*`, "*/é", "#")
	f.Add("*a?*/[a-c]", "xabc/b", "")
	f.Add("{principal.attributes.a/b}/{principal.username}", "a/user", "a/b")
	f.Fuzz(func(t *testing.T, pattern, name, value string) {
		policy, err := mqttauthz.Compile(oneRule(pattern))
		if err != nil {
			return
		}
		who := fuzzPrincipal(value)
		g, ref := policy.Grants(who), reference{oneRule(pattern), who}
		if got, want := g.Publish(name).Allowed(), ref.publish(name); got != want {
			t.Errorf("pattern %q, value %q: publish %q = %v, want %v", pattern, value, name, got, want)
		}
		if !naiveName(name) || strings.HasPrefix(name, "$share") {
			return
		}
		// A name is the filter that matches nothing else.
		if got, want := g.Subscribe(name).Allowed(), ref.matchTopic(pattern, name); got != want {
			t.Errorf("pattern %q, value %q: subscribe %q = %v, want %v", pattern, value, name, got, want)
		}
		// What covers a wider filter covers the topics in it.
		for _, filter := range wider(name) {
			if g.Subscribe(filter).Allowed() && !ref.matchTopic(pattern, name) {
				t.Errorf("pattern %q covers %q but does not match %q", pattern, filter, name)
			}
		}
	})
}

// wider returns filters that match name.
func wider(name string) []string {
	if name[0] == '$' {
		return []string{name + "/#"}
	}
	levels := strings.Split(name, "/")
	filters := []string{"#", name + "/#"}
	for i := range levels {
		with := append([]string{}, levels...)
		with[i] = "+"
		filters = append(filters, strings.Join(with, "/"), strings.Join(append(with[:i:i], "#"), "/"))
	}
	return filters
}

// FuzzKey compares one key pattern with the reference, and with gobwas/glob
// where that library reads keys the same way: keys of valid UTF-8 and patterns
// without tokens (S-53).
func FuzzKey(f *testing.F) {
	f.Add("colors/*", "colors/a/b", "v")
	f.Add("number[0-9]?", "number7x", "v")
	f.Add("*{principal.clientId}/x*", "a/b/x", "b")
	f.Add("*{principal.attributes.x}?", "\xe2\x82\xac", "\xe2")
	f.Add(`*[!a-c]?b*\*`, "aébd*", "")
	f.Add("[-abc]*[!]]", "-a", "x")
	f.Add(`[\-c]?b*`, "aébd*", "")
	f.Fuzz(func(t *testing.T, pattern, key, value string) {
		policy, err := mqttauthz.Compile(oneKey(pattern))
		if err != nil || len(key) > 1000 || len(pattern) > 1000 {
			return
		}
		who := fuzzPrincipal(value)
		got := policy.Grants(who).CanReadKey([]byte(key))
		if want := (reference{oneKey(pattern), who}).key(mqttauthz.Read, key); got != want && len(value) <= 256 {
			t.Errorf("pattern %q, value %q: key %q = %v, want %v", pattern, value, key, got, want)
		}
		if !utf8.ValidString(key) || strings.Contains(pattern, "{") {
			return
		}
		other, err := gobwas.Compile(pattern)
		if err != nil {
			t.Fatalf("Compile takes %q, gobwas/glob does not: %v", pattern, err)
		}
		if want := other.Match(key); got != want {
			t.Errorf("pattern %q: key %q = %v, gobwas/glob says %v", pattern, key, got, want)
		}
	})
}

// FuzzCompile: a pattern compiles alike in every place that takes globs, an
// error always names its place, and there is a policy exactly without an error.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{"", "a/+/#", "{principal.clientId}", "[a", `\`, "}", "[a-c0-9]", "a\x00", "\xff", "*?*[!a]*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, rules := range [][]mqttauthz.Rule{
			oneRule(text), oneKey(text),
			{{BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Connect, ClientIDs: []string{text}}}}},
			{{Principals: mqttauthz.Principals{ClientIDs: []string{text}, Usernames: []string{text}}}},
			{{StateStoreResources: []mqttauthz.StateStoreResource{
				{Method: mqttauthz.StateStoreMethod(text), KeyType: mqttauthz.Binary, Keys: []string{text}},
			}}},
		} {
			policy, err := mqttauthz.Compile(rules)
			if (policy == nil) != (err != nil) {
				t.Fatalf("policy %v, error %v", policy, err)
			}
			if err == nil {
				continue
			}
			for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
				re, ok := e.(*mqttauthz.RuleError)
				if !ok || re.Rule != 0 || re.Field == "" || re.Offset < -1 || re.Offset > len(text) {
					t.Errorf("%q: error %+v", text, e)
				}
			}
		}
	})
}
