package mqttauthz_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// plantRules are those of the example, and more.
func plantRules() []mqttauthz.Rule {
	return []mqttauthz.Rule{
		{
			Principals: mqttauthz.Principals{Attributes: []map[string]string{{"building": "17"}}},
			BrokerResources: []mqttauthz.BrokerResource{
				{Method: mqttauthz.Connect, ClientIDs: []string{"pump-*"}},
				{Method: mqttauthz.Publish, Topics: []string{"sensors/{principal.clientId}/+", "alarms/{principal.username}"}},
				{Method: mqttauthz.Subscribe, Topics: []string{"commands/{principal.attributes.building}/*", "all/a*"}},
			},
			StateStoreResources: []mqttauthz.StateStoreResource{
				{Method: mqttauthz.Read, Keys: []string{"shared/*"}},
				{Method: mqttauthz.Write, KeyType: mqttauthz.String, Keys: []string{"shared/a"}},
			},
		},
		{
			Principals:      mqttauthz.Principals{Usernames: []string{"operator"}, ClientIDs: []string{"panel"}},
			BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Connect}, {Method: mqttauthz.Subscribe, Topics: []string{"#"}}},
		},
	}
}

// TestExplain: the lines an operator reads, each said once.
func TestExplain(t *testing.T) {
	policy := mustCompile(t, plantRules())
	pump := mqttauthz.Principal{ClientID: "pump-1", Attributes: map[string]string{"building": "17"}}
	odd := mqttauthz.Principal{ClientID: "pump\x1b[2J", Attributes: map[string]string{"building": "17"}}
	tests := []struct {
		name string
		who  mqttauthz.Principal
		op   mqttauthz.Operation
		text string
		want []string // lines
	}{
		{"allowed", pump, mqttauthz.OpPublish, "sensors/pump-1/heat", []string{
			`client ID "pump-1", attribute "building" = "17" publish "sensors/pump-1/heat"`,
			`allowed by rules[0]: "sensors/{principal.clientId}/+"`,
			`  {principal.clientId} is "pump-1"`,
			`  {principal.username} has no value: there is no verified username`,
			`rules[0] applies: attribute "building" = "17"`,
			`  + "sensors/{principal.clientId}/+": matches the topic`,
			`  - "alarms/{principal.username}": {principal.username} has no value: there is no verified username`,
			`1 more rules do not apply to this client`,
		}},
		{"somebody else's sandbox", pump, mqttauthz.OpPublish, "sensors/pump-2/heat", []string{
			`denied: no rule allows it`,
			`  - "sensors/{principal.clientId}/+": level 2: "pump-2" is not the client's own value of {principal.clientId}`,
			`* rules[0].brokerResources[1].topics[0] "sensors/{principal.clientId}/+" would match if {principal.clientId} were "pump-2"`,
			`* allowed to client ID "pump-2", attribute "building" = "17", by rules[0].brokerResources[1].topics[0] "sensors/{principal.clientId}/+"`,
		}},
		{"too wide a filter", pump, mqttauthz.OpSubscribe, "commands/17/#", []string{
			`  - "commands/{principal.attributes.building}/*": level 3: the # of the filter matches more than "*"`,
			`* allowed to username "operator", by rules[1].brokerResources[1].topics[0] "#"`,
		}},
		{"the widest filter", pump, mqttauthz.OpSubscribe, "#", []string{
			`  - "all/a*": level 1: the # of the filter matches more than "all"`,
		}},
		{"a plus", pump, mqttauthz.OpSubscribe, "all/+", []string{
			`  - "all/a*": level 2: the + of the filter matches more than "a*"`,
		}},
		{"too short and too long", pump, mqttauthz.OpSubscribe, "all", []string{
			`  - "all/a*": ends before level 2, where the pattern has "a*"`,
			`  - "commands/{principal.attributes.building}/*": level 1: "all" is not "commands"`,
		}},
		{"too long", pump, mqttauthz.OpSubscribe, "all/ab/c", []string{
			`  - "all/a*": goes on behind level 2, where the pattern ends`,
		}},
		{"another level", pump, mqttauthz.OpSubscribe, "all/b", []string{
			`  - "all/a*": level 2: "b" does not match "a*"`,
		}},
		{"system topics", mqttauthz.Principal{ClientID: "panel"}, mqttauthz.OpSubscribe, "$SYS/#", []string{
			`  - "#": a topic that begins with $ is matched only by a written $`,
			`* no client is allowed to, by any rule`,
		}},
		{"connect", pump, mqttauthz.OpConnect, "ignored", []string{
			`client ID "pump-1", attribute "building" = "17" connect`,
			`  + "pump-*": matches the text`,
		}},
		{"any client ID", mqttauthz.Principal{ClientID: "x", Username: "operator"}, mqttauthz.OpConnect, "", []string{
			`  + any client ID: any client ID may connect`,
		}},
		{"no connect", mqttauthz.Principal{ClientID: "x"}, mqttauthz.OpConnect, "", []string{
			`* no rule about this client has a pattern for connect`,
			`* allowed to client ID "x", username "operator", by rules[1].brokerResources[0]`,
		}},
		{"a key", pump, mqttauthz.OpRead, "shared/x/y", []string{`  + "shared/*": matches the text`}},
		{"not a key", pump, mqttauthz.OpRead, "secret", []string{`  - "shared/*": does not match the text`}},
		{"a written key", pump, mqttauthz.OpWrite, "shared/b", []string{`  - "shared/a": another text`}},
		{"the same key", pump, mqttauthz.OpWrite, "shared/a", []string{`  + "shared/a": the same text`}},
		{"reserved", pump, mqttauthz.OpPublish, "$SYS/x", []string{
			`denied: the topic belongs to the broker`,
			`* no policy can allow this: the topic belongs to the broker: no policy allows publishing there`,
		}},
		{"malformed", pump, mqttauthz.OpSubscribe, "a#", []string{
			`denied: malformed topic`,
			`* no policy can allow this: topic: topic filter has a # that is not alone in the last level; write a/# (byte 1)`,
		}},
		{"text of the peer is escaped", odd, mqttauthz.OpPublish, "a\n* forged \"line\"", []string{
			`client ID "pump\u{1b}[2J", attribute "building" = "17" publish "a\u{a}* forged \"line\""`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := policy.Explain(tt.who, tt.op, tt.text)
			for _, want := range tt.want {
				if n := strings.Count("\n"+e.String(), "\n"+want+"\n"); n != 1 {
					t.Errorf("%d lines %q in:\n%s", n, want, e)
				}
			}
			if e.Decision != ask(policy, tt.who, tt.op, tt.text) {
				t.Errorf("explains %v", e.Decision)
			}
		})
	}
}

// TestExplainJSON: what a tool gets.
func TestExplainJSON(t *testing.T) {
	got, err := json.Marshal(mustCompile(t, plantRules()).Explain(mqttauthz.Principal{ClientID: "panel"}, mqttauthz.OpSubscribe, "a/#"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"operation":"subscribe","text":"a/#","principal":{"clientId":"panel"},` +
		`"allowed":true,"reason":"allowed by rules[1]: \"#\"","rules":[{"rule":1,"because":["client ID \"panel\""],` +
		`"patterns":[{"rule":1,"field":"brokerResources[1].topics[0]","pattern":"#","matches":true,"because":"matches every topic of the filter"}]}],"others":1}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestExplainWithout: nothing to explain is no panic.
func TestExplainWithout(t *testing.T) {
	var none *mqttauthz.Policy
	for _, p := range []*mqttauthz.Policy{none, {}, mustCompile(t, nil)} {
		for op := range mqttauthz.Operation(9) {
			if e := p.Explain(mqttauthz.Principal{}, op, "a"); e.Allowed || e.String() == "" {
				t.Errorf("%v: %v", op, e)
			}
		}
	}
	if e := mqttauthz.AllowAll().Explain(mqttauthz.Principal{}, mqttauthz.OpRead, "a"); !e.Allowed || len(e.Advice) != 0 {
		t.Errorf("%v", e)
	}
}

// TestOperation: names and back.
func TestOperation(t *testing.T) {
	for op := mqttauthz.OpConnect; op <= mqttauthz.OpWrite; op++ {
		var back mqttauthz.Operation
		if err := back.UnmarshalText([]byte(strings.ToUpper(op.String()))); err != nil || back != op {
			t.Errorf("%v: %v, %v", op, back, err)
		}
	}
	var op mqttauthz.Operation
	if err := op.UnmarshalText([]byte("none")); err == nil {
		t.Error("none is an operation")
	}
}

// wantExplained fails unless the explanation of a request agrees with its
// decision, and the queries with both.
func wantExplained(t *testing.T, p *mqttauthz.Policy, who mqttauthz.Principal, op mqttauthz.Operation, text string) {
	t.Helper()
	if op == mqttauthz.OpConnect {
		text = who.ClientID
	}
	d := ask(p, who, op, text)
	e := p.Explain(who, op, text)
	if e.Decision != d || e.Allowed != d.Allowed() || e.Reason != d.String() {
		t.Fatalf("%+q %v %q: explains %v, decision %v", who, op, text, e.Decision, d)
	}
	matches, named := 0, false
	for _, r := range e.Rules {
		for _, m := range r.Patterns {
			if m.Matches {
				matches++
				named = named || m.Rule == d.Rule() && m.Pattern == d.Pattern()
			}
		}
	}
	if reserved := len(e.Advice) > 0 && strings.HasPrefix(e.Advice[0], "no policy"); !reserved && (matches > 0 != d.Allowed() || named != d.Allowed()) {
		t.Fatalf("%+q %v %q: %v, but %d patterns match:\n%s", who, op, text, d, matches, e)
	}
	h := p.WhoCan(op, text)
	for _, holder := range h.Holders {
		able := holder.Principal
		if able.ClientID == "" {
			able.ClientID = "a client that no rule names"
		}
		if !ask(p, able, op, text).Allowed() {
			t.Fatalf("%v %q: %v is denied", op, text, holder)
		}
	}
	if d.Allowed() && !slices.ContainsFunc(h.Holders, func(h mqttauthz.Holder) bool { return has(who, h.Principal) }) && len(h.Undecided) == 0 {
		t.Fatalf("%+q %v %q: allowed by %v, not among %v", who, op, text, d, h)
	}
}

// has reports whether who has what the least principal has, tokens that can
// take several values aside.
func has(who, least mqttauthz.Principal) bool {
	return (least.ClientID == "" || who.ClientID != "") && (least.Username == "" || who.Username != "") &&
		len(least.Attributes) <= len(who.Attributes)
}

// TestExplainAgrees: explanations and queries agree with decisions.
func TestExplainAgrees(t *testing.T) {
	r := randomPolicy{rand.New(rand.NewPCG(21, 22))}
	parts := []string{"a", "b", "ab", "", "$x", "z", "+", "#", "*", "é", "v", "aé", "-a"}
	runs := 1500
	if testing.Short() || raceEnabled {
		runs = 200
	}
	for range runs {
		policy, err := mqttauthz.Compile([]mqttauthz.Rule{r.rule(), r.rule(), r.rule()})
		if err != nil {
			continue
		}
		for range 4 {
			who := r.principal()
			wantExplained(t, policy, who, mqttauthz.OpConnect, "")
			wantExplained(t, policy, who, mqttauthz.OpPublish, r.request(parts))
			wantExplained(t, policy, who, mqttauthz.OpSubscribe, r.request(parts))
			wantExplained(t, policy, who, mqttauthz.OpRead, r.key())
			wantExplained(t, policy, who, mqttauthz.OpWrite, r.key())
		}
	}
}

// FuzzExplain: the explanation agrees with the decision for any pattern.
func FuzzExplain(f *testing.F) {
	f.Add("a/{principal.clientId}/#", "a/b/c", "b", uint8(2))
	f.Add("?*/#", "+", "", uint8(3))
	f.Add("*{principal.attributes.x}?{principal.attributes.x}", "aabab", "a", uint8(4))
	f.Add("[!a]*", "b\x1b", "\xff", uint8(1))
	f.Fuzz(func(t *testing.T, pattern, text, value string, op uint8) {
		if len(pattern) > 200 || len(text) > 200 {
			return
		}
		who := fuzzPrincipal(value)
		for _, rules := range [][]mqttauthz.Rule{oneRule(pattern), oneKey(pattern)} {
			policy, err := mqttauthz.Compile(rules)
			if err != nil {
				continue
			}
			wantExplained(t, policy, who, mqttauthz.Operation(op%6), text)
			if s := policy.Explain(who, mqttauthz.Operation(op%6), text).String(); strings.ContainsAny(s, "\x00\x1b\u202e") {
				t.Errorf("%q is not fit to be shown", s)
			}
		}
	})
}
