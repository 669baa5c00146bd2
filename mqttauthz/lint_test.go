package mqttauthz_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// TestLint: each line is code, rule and field, then words of the message or
// witness.
func TestLint(t *testing.T) {
	const pub, sub, connect = mqttauthz.Publish, mqttauthz.Subscribe, mqttauthz.Connect
	verified := mqttauthz.LintOptions{Methods: []mqttauthz.Verifier{{Name: "password", Username: true, ClientID: true}}}
	// Rules that nothing is to be said about, to go with those that are tested.
	base := allowGroup("base", connect, "{principal.attributes.device}")
	user := func(name string, topics ...string) mqttauthz.Rule {
		return mqttauthz.Rule{
			Principals:      mqttauthz.Principals{Usernames: []string{name}},
			BrokerResources: []mqttauthz.BrokerResource{{Method: pub, Topics: topics}},
		}
	}
	keyRule := func(kind mqttauthz.KeyType, method mqttauthz.StateStoreMethod, keys ...string) mqttauthz.Rule {
		return mqttauthz.Rule{
			Principals:          mqttauthz.Principals{Attributes: []map[string]string{{"group": "g"}}},
			StateStoreResources: []mqttauthz.StateStoreResource{{Method: method, KeyType: kind, Keys: keys}},
		}
	}
	type rules = []mqttauthz.Rule
	tests := []struct {
		name  string
		rules rules
		opt   mqttauthz.LintOptions
		want  []string
	}{
		{"nothing to say", rules{base, allowGroup("g", pub, "a/+", "b/#", "c/{principal.attributes.device}/d")}, verified, nil},
		{"no rules", nil, verified, []string{`no-rules: policy: everything is denied`}},
		{"no connect", rules{allowGroup("g", pub, "a")}, verified, []string{`no-connect: policy: method Connect`}},
		{"mistakes", rules{{}, allowGroup("g", pub, "a+")}, verified, []string{`error: rules[1].brokerResources[0].topics[0]: write a/+/b`}},
		{"nobody", rules{base, {}}, verified, []string{`empty-principals: rules[1].principals: about nobody`}},
		{
			"usernames nobody verifies",
			rules{base, user("u", "a"), allowGroup("g", pub, "{principal.username}/x")},
			mqttauthz.LintOptions{Methods: []mqttauthz.Verifier{{Name: "SAT", ClientID: true}}},
			[]string{
				`username-unverified: rules[1].principals.usernames[0]: matches nobody`,
				`username-unverified: rules[2].brokerResources[0].topics[0]: matches nobody`,
			},
		},
		{
			"usernames of two methods",
			rules{base, user("u", "a")},
			mqttauthz.LintOptions{Methods: []mqttauthz.Verifier{{"X509", true, true}, {"password", true, true}, {"SAT", false, true}}},
			[]string{`username-ambiguous: rules[1].principals.usernames[0]: (X509, password)`},
		},
		{"usernames of an unknown chain", rules{base, user("u", "a")}, mqttauthz.LintOptions{}, nil},
		{
			"a client ID by itself",
			rules{allow("pump", connect), allow("valve", pub, "a")},
			mqttauthz.LintOptions{},
			[]string{`client-id-principal: rules[0].principals.clientIds[0]: client ID "pump", by rules[0]`},
		},
		{
			"a client ID that others may choose",
			rules{allowGroup("g", connect, "v*"), allow("valve", pub, "a")},
			mqttauthz.LintOptions{},
			[]string{`client-id-principal: rules[1].principals.clientIds[0]: client ID "valve", attribute "group" = "g"`},
		},
		{"a client ID that one user has", rules{allowGroup("g", connect, "valve"), allow("valve", pub, "a")}, mqttauthz.LintOptions{}, nil},
		{"a client ID made of an attribute", rules{base, allow("valve", pub, "a")}, mqttauthz.LintOptions{}, nil},
		{"client IDs that methods bind", rules{allow("pump", connect)}, verified, nil},
		{
			"a sandbox that others may choose",
			rules{allowGroup("g", connect), allowGroup("g", pub, "a/{principal.clientId}")},
			mqttauthz.LintOptions{},
			[]string{`client-id-sandbox: rules[1].brokerResources[0].topics[0]: rules[0].brokerResources[0] lets clients choose`},
		},
		{"a sandbox of the client's own", rules{base, allowGroup("g", pub, "a/{principal.clientId}")}, mqttauthz.LintOptions{}, nil},
		{
			"never", rules{
				base, allowGroup("g", pub, "$SYS/x", "$share/g/a", "clients/statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/x"),
				allowGroup("g", sub, "$share/g/a", "$SYS/x"), allowGroup("a/b", pub, "x/{principal.attributes.group}"),
				allowGroup("g", connect, "x{principal.clientId}"),
				{
					Principals:      mqttauthz.Principals{ClientIDs: []string{"me"}},
					BrokerResources: []mqttauthz.BrokerResource{{Method: connect, ClientIDs: []string{"you*"}}},
				},
			}, verified, []string{
				`never-matches: rules[1].brokerResources[0].topics[0]: no request`,
				`never-matches: rules[1].brokerResources[0].topics[1]: no request`,
				`never-matches: rules[1].brokerResources[0].topics[2]: no request`,
				`never-matches: rules[2].brokerResources[0].topics[0]: no request`,
				`never-matches: rules[3].brokerResources[0].topics[0]: no request`,
				`never-matches: rules[4].brokerResources[0].clientIds[0]: no request`,
				`never-matches: rules[5].brokerResources[0].clientIds[0]: no request`,
			},
		},
		{
			"shadowed", rules{
				base, allowGroup("g", pub, "a/#"), allowGroup("g", pub, "a/b", "b/a"),
				{
					Principals:      mqttauthz.Principals{Attributes: []map[string]string{{"group": "g", "more": "x"}}},
					BrokerResources: []mqttauthz.BrokerResource{{Method: pub, Topics: []string{"b/a", "b/b", "a/{principal.clientId}"}}},
				},
				allowGroup("h", pub, "a/b"),
			}, verified, []string{
				`shadowed: rules[2].brokerResources[0].topics[0]: by rules[1].brokerResources[0].topics[0] "a/#"`,
				`shadowed: rules[3].brokerResources[0].topics[0]: by rules[2].brokerResources[0].topics[1] "b/a"`,
				`shadowed: rules[3].brokerResources[0].topics[2]: by rules[1].brokerResources[0].topics[0] "a/#"`,
			},
		},
		{"only the second of two", rules{base, base}, verified, []string{`shadowed: rules[1].brokerResources[0].clientIds[0]: by rules[0]`}},
		{
			"half of a readwrite",
			rules{base, keyRule("String", "Read", "a"), keyRule("String", "ReadWrite", "a")},
			verified,
			[]string{`shadowed: rules[1].stateStoreResources[0].keys[0]: by rules[2]`},
		},
		{
			"tokens beside something",
			rules{base, allowGroup("g", sub, "x/{principal.clientId}"), keyRule("", "Read", "{principal.clientId}*", "k*{principal.clientId}", "{principal.username}{principal.clientId}", "ok-{principal.clientId}-*")},
			verified,
			[]string{
				`token-beside: rules[2].stateStoreResources[0].keys[0]: "xx" matches for clients with {principal.clientId} = "x" and with {principal.clientId} = "xx"`,
				`token-beside: rules[2].stateStoreResources[0].keys[1]: "kxx" matches for clients with {principal.clientId} = "xx" and with {principal.clientId} = "x"`,
				`token-beside: rules[2].stateStoreResources[0].keys[2]: "xxx" matches for clients with {principal.username} = "x", {principal.clientId} = "xx" and`,
			},
		},
		{
			"globs in topics",
			rules{base, allowGroup("g", pub, "a/b*/c", "a-{principal.clientId}", "telemetry/*", "*/x", "a/**", "a/b**")},
			verified,
			[]string{
				`not-portable: rules[1].brokerResources[0].topics[0]: level 2, "b*"`,
				`not-portable: rules[1].brokerResources[0].topics[1]: level 1, "a-{principal.clientId}"`,
				`star: rules[1].brokerResources[0].topics[2]: # for everything below`,
				`star: rules[1].brokerResources[0].topics[3]: write +`,
				`star: rules[1].brokerResources[0].topics[4]: # for everything below`,
				`star: rules[1].brokerResources[0].topics[5]: stays within one level`,
				`shadowed: rules[1].brokerResources[0].topics[5]: "a/**"`,
			},
		},
		{
			"wildcards in keys",
			rules{base, keyRule("", "Read", "a/#", "+/b*")},
			verified,
			[]string{
				`topic-wildcard: rules[1].stateStoreResources[0].keys[0]: write * for any text`,
				`topic-wildcard: rules[1].stateStoreResources[0].keys[1]: write * for any text`,
			},
		},
		{"wildcards in binary and text keys", rules{base, keyRule("String", "Read", "a/#"), keyRule("Binary", "Read", "+A==")}, verified, nil},
		{
			"obsolete topics",
			rules{base, allowGroup("g", pub, "$services/statestore/_any_/command/invoke/request", "statestore/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/#", "statestore/#")},
			verified,
			[]string{
				`obsolete-request-topic: rules[1].brokerResources[0].topics[0]: write statestore/v1/`,
				`obsolete-request-topic: rules[1].brokerResources[0].topics[1]: write statestore/v1/`,
				`shadowed: rules[1].brokerResources[0].topics[1]: "statestore/#"`,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for i, f := range mqttauthz.Lint(tt.rules, tt.opt) {
				where, _, _ := strings.Cut(f.String(), ": ")
				line := f.Code + ": " + where + ": " + f.String()
				if i < len(tt.want) {
					head, words := tt.want[i][:strings.LastIndex(tt.want[i][:len(f.Code)+len(where)+4], ": ")+2], ""
					words = tt.want[i][len(head):]
					if strings.HasPrefix(line, head) && strings.Contains(f.String(), words) {
						line = tt.want[i]
					}
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestLintSafe: without what Lint calls shadowed or never matching, a policy
// decides the same; Diff is the judge.
func TestLintSafe(t *testing.T) {
	r := randomPolicy{rand.New(rand.NewPCG(41, 42))}
	removed := 0
	for range 150 {
		rules := diffRules(r, 3)
		var kept []mqttauthz.Rule
		gone := make(map[string]bool)
		for _, f := range mqttauthz.Lint(rules, mqttauthz.LintOptions{}) {
			if f.Code == "shadowed" || f.Code == "never-matches" {
				gone[string(rune('0'+f.Rule))+f.Field] = true
				removed++
			}
		}
		for i, rule := range rules {
			at := string(rune('0' + i))
			k := mqttauthz.Rule{Principals: rule.Principals}
			for j, res := range rule.BrokerResources {
				field := at + "brokerResources[" + string(rune('0'+j)) + "]"
				if !gone[field] && !gone[field+".topics[0]"] && !gone[field+".clientIds[0]"] {
					k.BrokerResources = append(k.BrokerResources, res)
				}
			}
			for j, res := range rule.StateStoreResources {
				if !gone[at+"stateStoreResources["+string(rune('0'+j))+"].keys[0]"] {
					k.StateStoreResources = append(k.StateStoreResources, res)
				}
			}
			kept = append(kept, k)
		}
		old, changed := mustCompile(t, rules), mustCompile(t, kept)
		report := mustDiff(t, old, changed)
		if len(report.Allowed)+len(report.Denied) > 0 {
			t.Fatalf("removing %v changes the policy: %+v\n%+v", gone, report, rules)
		}
	}
	if removed < 100 {
		t.Errorf("only %d patterns removed", removed)
	}
}

// TestLintLarge: each unit of a generated policy has one superfluous pattern,
// which lets a group connect with some client IDs that may use any.
func TestLintLarge(t *testing.T) {
	const units = 200
	count := make(map[string]int)
	for _, f := range mqttauthz.Lint(generatedPolicy(10*units), mqttauthz.LintOptions{}) {
		count[f.Code]++
		if f.Code == "shadowed" && f.Rule%10 != 6 {
			t.Errorf("%v", f)
		}
	}
	if count["shadowed"] != units || count["never-matches"] != 0 || count["error"] != 0 {
		t.Errorf("%v", count)
	}
}

// FuzzLint: a pattern that is said to match nothing matches nothing, and a rule
// with a mistake gets nothing but errors.
func FuzzLint(f *testing.F) {
	f.Add("$SYS/{principal.clientId}", "$SYS/a", "a")
	f.Add("*{principal.attributes.x}?", "ab", "b")
	f.Add("statestore/*/+", "a", "")
	f.Fuzz(func(t *testing.T, pattern, text, value string) {
		if len(pattern) > 100 {
			return
		}
		who := fuzzPrincipal(value)
		for i, rules := range [][]mqttauthz.Rule{oneRule(pattern), oneKey(pattern), oneConnect(pattern)} {
			policy, err := mqttauthz.Compile(rules)
			for _, finding := range mqttauthz.Lint(rules, mqttauthz.LintOptions{}) {
				if (finding.Code == "error") != (err != nil) || finding.Message == "" || finding.String() == "" {
					t.Fatalf("%q: %v, error %v", pattern, finding, err)
				}
				if finding.Code != "never-matches" {
					continue
				}
				g := policy.Grants(who)
				isID := utf8.ValidString(value) && value != "" && !strings.Contains(value, "\x00")
				if i == 0 && strings.Contains(finding.Field, "[0].topics") && g.Publish(text).Allowed() ||
					i == 0 && strings.Contains(finding.Field, "[1].topics") && g.Subscribe(text).Allowed() ||
					i == 1 && g.CanReadKey([]byte(text)) || i == 2 && isID && g.Connect().Allowed() {
					t.Errorf("%v, but %q by %q is allowed", finding, text, value)
				}
			}
		}
	})
}
