package mqttauthz_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// mistake is what a *RuleError says, with words that its message must contain.
type mistake struct {
	Rule   int
	Field  string
	Offset int
	Says   string
}

// wantMistakes fails unless err joins exactly these mistakes.
func wantMistakes(t *testing.T, err error, want ...mistake) {
	t.Helper()
	var got []mistake
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			var re *mqttauthz.RuleError
			if !errors.As(e, &re) {
				t.Fatalf("%v is no *RuleError", e)
			}
			m := mistake{re.Rule, re.Field, re.Offset, re.Error()}
			if i := len(got); i < len(want) && strings.Contains(m.Says, want[i].Says) {
				m.Says = want[i].Says
			}
			got = append(got, m)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

func TestCompileTopicErrors(t *testing.T) {
	tests := []struct {
		topic  string
		offset int
		says   string
	}{
		{"", 0, "is empty"},
		{"a\x00", 1, "null"},
		{"a\xff", -1, "UTF-8"},
		{"a+/b", 1, "write a/+/b"},
		{"a/+b", 2, "write a/+/b"},
		{"#/a", 0, "write a/#"},
		{"a#", 1, "write a/#"},
		{"a/#/", 2, "write a/#"},
		{"a*+", 2, "write a/+/b"},
		{`\+`, 1, "write a/+/b"},
		{"{principal.clientId}+", 20, "write a/+/b"},
		{"a/{b}", 2, "{principal.clientId}"}, // S-51
		{"a/{a,b}", 2, "brace"},
		{"a/{", 2, "brace"},
		{"a/}", 2, "brace"},
		{"{principal.clientid}", 0, "brace"},
		{"{principal.attributes.}", 0, "brace"},
		{"{principal.attributes.a", 0, "brace"},
		{"{principal.attributes.a{b}", 0, "brace"},
		{"{{principal.clientId}}", 0, "brace"},
		{`x\{principal.clientId}`, 2, "brace"},
		{`x*\{principal.clientId}`, 3, "brace"},
		{"a/b[", 3, "without its ]"},
		{"a/[^a]", 2, "[!a]"},
		{`a/[\-c]*`, 2, "begins with"},
		{`a/[!\-c]*`, 2, "begins with"},
		{"a/[xa-c]", 2, "one range"},
		{"a/[a-c0-9]", 2, "one range"},
		{"a/[a-]", 2, "one range"},
		{"a/[A-]]", 2, "one range"},
		{`a/[\\-a]`, 2, "range"},
		{"a/[c-a]", 2, "wrong order"},
		{"a/[]", 2, "empty class"},
		{"a/[!]", 2, "empty class"},
		{"a/[{principal.clientId}]", 3, "brace"},
		{`a/*\`, 3, "lone backslash"},
		{strings.Repeat("a", 4097), 4096, "4096"},
		{"*" + strings.Repeat("?a", 9) + "*", 0, "too much between"},
		{"*?[" + strings.Repeat("abcd", 17) + "]*", 0, "too much between"},
		{"*{principal.username}?a?*", 0, "too much between"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.20q", tt.topic), func(t *testing.T) {
			policy, err := mqttauthz.Compile([]mqttauthz.Rule{{}, {
				Principals: mqttauthz.Principals{ClientIDs: []string{"c"}},
				BrokerResources: []mqttauthz.BrokerResource{
					{Method: mqttauthz.Connect},
					{Method: mqttauthz.Publish, Topics: []string{"fine", tt.topic}},
				},
			}})
			wantMistakes(t, err, mistake{1, "brokerResources[1].topics[1]", tt.offset, tt.says})
			if policy != nil {
				t.Error("there is a policy despite the error")
			}
		})
	}
}

// TestCompileReportsAll: every mistake of every rule, at once and in order.
func TestCompileReportsAll(t *testing.T) {
	_, err := mqttauthz.Compile([]mqttauthz.Rule{
		{
			Principals: mqttauthz.Principals{
				ClientIDs: []string{"a", ""}, Usernames: []string{""},
				Attributes: []map[string]string{{}, {"": "x"}, {"ok": ""}},
			},
			BrokerResources: []mqttauthz.BrokerResource{
				{Method: "connect", Topics: []string{"a"}, ClientIDs: []string{"{x}", ""}},
				{Method: "PUBLISH", ClientIDs: []string{"a"}},
				{Method: "Subscribe"},
				{Method: "Read", Topics: []string{"a"}},
				{},
			},
		},
		{StateStoreResources: []mqttauthz.StateStoreResource{
			{Method: "get", Keys: []string{"[^a]"}},
			{Method: "readwrite", KeyType: "glob", Keys: []string{"a"}},
			{Method: "Read"},
			{Method: "ReadWrite", KeyType: "binary", Keys: []string{"AAA=", "A", "AAB=", "AA\n==", "A-_=", "AA=", "AA==="}},
			{Method: "Write", Keys: []string{"a\xff", "a{"}},
		}},
	})
	wantMistakes(
		t, err,
		mistake{0, "principals.clientIds[1]", -1, "is empty"},
		mistake{0, "principals.usernames[0]", -1, "is empty"},
		mistake{0, "principals.attributes[0]", -1, "empty map"},
		mistake{0, "principals.attributes[1]", -1, "without a name"},
		mistake{0, "brokerResources[0].topics", -1, "no meaning with Connect"},
		mistake{0, "brokerResources[0].clientIds[0]", 0, "brace"},
		mistake{0, "brokerResources[0].clientIds[1]", -1, "write *"},
		mistake{0, "brokerResources[1].clientIds", -1, "only restricts Connect"},
		mistake{0, "brokerResources[1].topics", -1, "at least one topic"},
		mistake{0, "brokerResources[2].topics", -1, "at least one topic"},
		mistake{0, "brokerResources[3].method", -1, "write Connect"},
		mistake{0, "brokerResources[4].method", -1, "write Connect"},
		mistake{1, "stateStoreResources[0].method", -1, "write Read"},
		mistake{1, "stateStoreResources[0].keys[0]", 0, "[!a]"},
		mistake{1, "stateStoreResources[1].keyType", -1, "write Pattern"},
		mistake{1, "stateStoreResources[2].keys", -1, "at least one key"},
		mistake{1, "stateStoreResources[3].keys[1]", -1, "base64"}, // S-54
		mistake{1, "stateStoreResources[3].keys[2]", -1, "base64"},
		mistake{1, "stateStoreResources[3].keys[3]", -1, "base64"},
		mistake{1, "stateStoreResources[3].keys[4]", -1, "base64"},
		mistake{1, "stateStoreResources[3].keys[5]", -1, "base64"},
		mistake{1, "stateStoreResources[3].keys[6]", -1, "base64"},
		mistake{1, "stateStoreResources[4].keys[0]", -1, "UTF-8"},
		mistake{1, "stateStoreResources[4].keys[1]", 1, "brace"},
	)
}

// TestCompileRefusesExpensive: rules that would let one topic visit thousands
// of nodes are refused; ten thousand rules that no topic can meet together are
// not.
func TestCompileRefusesExpensive(t *testing.T) {
	var patterns []string
	for i := range 1 << 13 {
		levels := make([]string, 13)
		for j := range levels {
			levels[j] = string("a+"[i>>j&1])
		}
		patterns = append(patterns, strings.Join(levels, "/"))
	}
	var suffixes, prefixes []string
	for i := range 10_000 {
		suffixes = append(suffixes, fmt.Sprintf("x/*-%d", i))
		prefixes = append(prefixes, fmt.Sprintf("x/dev%05d-*/y", i))
	}
	tests := []struct {
		name   string
		topics []string
		refuse bool
	}{
		{"all words of a and +", patterns, true},
		{"suffixes", suffixes, true},
		{"prefixes", prefixes, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := mqttauthz.Compile([]mqttauthz.Rule{{
				Principals:      mqttauthz.Principals{ClientIDs: []string{"c"}},
				BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Publish, Topics: tt.topics}},
			}})
			if !tt.refuse {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantMistakes(t, err, mistake{-1, "", -1, "Publish topics can need more than 8192 steps"})
		})
	}
}

// TestCompileCopies: what the caller does to the rules later changes nothing.
func TestCompileCopies(t *testing.T) {
	rules := []mqttauthz.Rule{{
		Principals: mqttauthz.Principals{Attributes: []map[string]string{{"a": "b"}}},
		BrokerResources: []mqttauthz.BrokerResource{
			{Method: mqttauthz.Publish, Topics: []string{"a"}},
		},
	}}
	policy := mustCompile(t, rules)
	rules[0].Principals.Attributes[0]["a"] = "c"
	rules[0].BrokerResources[0].Topics[0] = "x"
	attributes := map[string]string{"a": "b"}
	g := policy.Grants(mqttauthz.Principal{Attributes: attributes})
	attributes["a"] = "c"
	if !g.Publish("a").Allowed() || g.Publish("x").Allowed() {
		t.Error("a change of the rules or attributes changed decisions")
	}
}
