package mqttauthz_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

func TestWhoCan(t *testing.T) {
	policy := mustCompile(t, append(plantRules(),
		allowGroup("ops", mqttauthz.Publish, "x/{principal.attributes.line}/{principal.attributes.line}", "x/{principal.attributes.group}/+"),
		mqttauthz.Rule{
			Principals:          mqttauthz.Principals{ClientIDs: []string{"a", "b"}},
			StateStoreResources: []mqttauthz.StateStoreResource{{Method: mqttauthz.ReadWrite, Keys: []string{"own/{principal.clientId}-*"}}},
		}))
	tests := []struct {
		op   mqttauthz.Operation
		text string
		want []string
	}{
		{mqttauthz.OpConnect, "pump-1", []string{
			`client ID "pump-1", attribute "building" = "17", by rules[0].brokerResources[0].clientIds[0] "pump-*"`,
			`client ID "pump-1", username "operator", by rules[1].brokerResources[0]`,
		}},
		{mqttauthz.OpConnect, "panel", []string{
			`client ID "panel", by rules[1].brokerResources[0]`,
			`client ID "panel", username "operator", by rules[1].brokerResources[0]`,
		}},
		{mqttauthz.OpPublish, "sensors/valve/x", []string{
			`client ID "valve", attribute "building" = "17", by rules[0].brokerResources[1].topics[0] "sensors/{principal.clientId}/+"`,
		}},
		{mqttauthz.OpPublish, "alarms/operator", []string{
			`username "operator", attribute "building" = "17", by rules[0].brokerResources[1].topics[1] "alarms/{principal.username}"`,
		}},
		{mqttauthz.OpPublish, "x/1/1", []string{
			`attribute "group" = "ops", attribute "line" = "1", by rules[2].brokerResources[0].topics[0] "x/{principal.attributes.line}/{principal.attributes.line}"`,
		}},
		{mqttauthz.OpPublish, "x/1/2", nil},
		{mqttauthz.OpPublish, "x/ops/2", []string{
			`attribute "group" = "ops", by rules[2].brokerResources[0].topics[1] "x/{principal.attributes.group}/+"`,
		}},
		{mqttauthz.OpSubscribe, "$share/g/commands/17/+", []string{
			`attribute "building" = "17", by rules[0].brokerResources[2].topics[0] "commands/{principal.attributes.building}/*"`,
			`client ID "panel", by rules[1].brokerResources[1].topics[0] "#"`,
			`username "operator", by rules[1].brokerResources[1].topics[0] "#"`,
		}},
		{mqttauthz.OpSubscribe, "commands/18/+", []string{
			`client ID "panel", by rules[1].brokerResources[1].topics[0] "#"`,
			`username "operator", by rules[1].brokerResources[1].topics[0] "#"`,
		}},
		{mqttauthz.OpRead, "own/b-1", []string{`client ID "b", by rules[3].stateStoreResources[0].keys[0] "own/{principal.clientId}-*"`}},
		{mqttauthz.OpWrite, "own/c-1", nil},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.op, " ", tt.text), func(t *testing.T) {
			var got []string
			for _, h := range policy.WhoCan(tt.op, tt.text).Holders {
				got = append(got, h.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if h := policy.WhoCan(mqttauthz.OpPublish, "$SYS/x"); h.Nobody == "" || len(h.Holders) != 0 {
		t.Errorf("%+v", h)
	}
	if h := policy.WhoCan(0, "x"); h.Nobody == "" {
		t.Errorf("%+v", h)
	}
	if h := mqttauthz.AllowAll().WhoCan(mqttauthz.OpPublish, "x"); !h.Everybody {
		t.Errorf("%+v", h)
	}
}

// TestWhoCanGivesUp: what is too ambiguous is said to be undecided.
func TestWhoCanGivesUp(t *testing.T) {
	tokens := ""
	for i := range 12 {
		tokens += fmt.Sprintf("*{principal.attributes.%c}", 'a'+i)
	}
	policy := mustCompile(t, []mqttauthz.Rule{allowGroup("g", mqttauthz.Publish, tokens+"!")})
	h := policy.WhoCan(mqttauthz.OpPublish, strings.Repeat("a", 60))
	if len(h.Undecided) != 1 || len(h.Holders) != 0 || h.Undecided[0].Field != "brokerResources[0].topics[0]" {
		t.Errorf("%+v", h)
	}
}

func TestWhatCan(t *testing.T) {
	policy := mustCompile(t, append(plantRules(), allowGroup("g", mqttauthz.Publish, "a/x-{principal.clientId}", "a*{principal.clientId}[!a-c]?[\\]b]/#")))
	who := mqttauthz.Principal{ClientID: `p*\1`, Attributes: map[string]string{"building": "17", "group": "g"}}
	var got []string
	for _, r := range policy.WhatCan(who) {
		got = append(got, r.String())
	}
	want := []string{
		`connect "pump-*", by rules[0].brokerResources[0].clientIds[0] "pump-*"`,
		`publish "sensors/p\\*\\\\1/+", by rules[0].brokerResources[1].topics[0] "sensors/{principal.clientId}/+"`,
		`publish nothing: {principal.username} has no value: there is no verified username, by rules[0].brokerResources[1].topics[1] "alarms/{principal.username}"`,
		`subscribe "commands/17/+", by rules[0].brokerResources[2].topics[0] "commands/{principal.attributes.building}/*"`,
		`subscribe "all/a*", by rules[0].brokerResources[2].topics[1] "all/a*"`,
		`read "shared/*", by rules[0].stateStoreResources[0].keys[0] "shared/*"`,
		`write "shared/a", by rules[0].stateStoreResources[1].keys[0] "shared/a"`,
		`publish "a/x-p\\*\\\\1", by rules[2].brokerResources[0].topics[0] "a/x-{principal.clientId}"`,
		`publish "a*p\\*\\\\1[!a-c]?[\\]b]/#", by rules[2].brokerResources[0].topics[1] "a*{principal.clientId}[!a-c]?[\\]b]/#"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := mqttauthz.AllowAll().WhatCan(who); len(got) != 5 || got[1].String() != "publish everything, by the policy that allows everything" {
		t.Errorf("%v", got)
	}
}

// TestWhatCanIsEnough: the filled-in patterns, given to a principal without
// anything else, allow what the tokens allowed.
func TestWhatCanIsEnough(t *testing.T) {
	r := randomPolicy{rand.New(rand.NewPCG(31, 32))}
	parts := []string{"a", "b", "ab", "", "$x", "z", "*", "é", "v", "aé", "-a", "\\*", "[a"}
	compared, allowed := 0, 0
	for range 400 {
		policy, err := mqttauthz.Compile([]mqttauthz.Rule{r.rule(), r.rule()})
		if err != nil {
			continue
		}
		who := r.principal()
		filled := mqttauthz.Rule{Principals: mqttauthz.Principals{ClientIDs: []string{"c"}}}
		for _, right := range policy.WhatCan(who) {
			switch {
			case right.Void != "":
			case right.Operation == mqttauthz.OpPublish:
				filled.BrokerResources = append(filled.BrokerResources, mqttauthz.BrokerResource{Method: mqttauthz.Publish, Topics: []string{right.Filled}})
			case right.Operation == mqttauthz.OpRead:
				filled.StateStoreResources = append(filled.StateStoreResources, mqttauthz.StateStoreResource{Method: mqttauthz.Read, Keys: []string{right.Filled}})
			}
		}
		same, err := mqttauthz.Compile([]mqttauthz.Rule{filled})
		if err != nil {
			continue // braces and bytes of a value cannot stand in a pattern
		}
		g, f := policy.Grants(who), same.Grants(mqttauthz.Principal{ClientID: "c"})
		for range 30 {
			name, key := r.request(parts), r.key()
			if got, want := f.Publish(name).Allowed(), g.Publish(name).Allowed(); got != want {
				t.Fatalf("publish %q: filled in %v, with tokens %v: %+q\n%+q", name, got, want, who, filled)
			}
			if got, want := f.CanReadKey([]byte(key)), g.CanReadKey([]byte(key)); got != want {
				t.Fatalf("read %q: filled in %v, with tokens %v: %+q\n%+q", key, got, want, who, filled)
			}
			compared++
			if g.Publish(name).Allowed() {
				allowed++
			}
		}
	}
	if compared < 1000 || allowed < 50 {
		t.Errorf("only %d compared, %d allowed", compared, allowed)
	}
}
