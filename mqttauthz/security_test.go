package mqttauthz_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// TestS02EmptyPolicyDenies: whatever says nothing allows nothing.
func TestS02EmptyPolicyDenies(t *testing.T) {
	who := mqttauthz.Principal{ClientID: "c"}
	var none *mqttauthz.Policy
	nobody := mqttauthz.Rule{BrokerResources: []mqttauthz.BrokerResource{
		{Method: mqttauthz.Connect},
		{Method: mqttauthz.Publish, Topics: []string{"#"}},
		{Method: mqttauthz.Subscribe, Topics: []string{"#"}},
	}, StateStoreResources: []mqttauthz.StateStoreResource{{Method: mqttauthz.ReadWrite, Keys: []string{"*"}}}}
	tests := map[string]*mqttauthz.Grants{
		"nil grants":  nil,
		"zero grants": {},
		"nil policy":  none.Grants(who),
		"zero policy": new(mqttauthz.Policy).Grants(who),
		"no rules":    mustCompile(t, nil).Grants(who),
		"nobody":      mustCompile(t, []mqttauthz.Rule{nobody}).Grants(mqttauthz.Principal{}),
		"no resource": mustCompile(t, []mqttauthz.Rule{{
			Principals: mqttauthz.Principals{ClientIDs: []string{"c"}},
		}}).Grants(who),
	}
	for name, g := range tests {
		t.Run(name, func(t *testing.T) {
			for _, d := range []mqttauthz.Decision{
				g.Connect(), g.Publish("a"), g.Subscribe("a"), g.Subscribe("#"), g.ReadKey([]byte("a")), g.WriteKey(nil),
			} {
				if d.Allowed() || d.Rule() != -1 || d.Pattern() != "" {
					t.Errorf("%v, rule %d", d, d.Rule())
				}
			}
		})
	}
}

// TestAllowAll: LINK-3 with AUTHZ-16.
func TestAllowAll(t *testing.T) {
	g := mqttauthz.AllowAll().Grants(mqttauthz.Principal{})
	for _, d := range []mqttauthz.Decision{
		g.Connect(), g.Publish("a/b"), g.Publish("$app"), g.Subscribe("#"), g.Subscribe("$SYS/#"),
		g.Subscribe("$share/g/a"), g.ReadKey(nil), g.WriteKey([]byte("x")),
	} {
		if !d.Allowed() || d.Rule() != -1 {
			t.Errorf("%v, rule %d", d, d.Rule())
		}
	}
	for _, d := range []mqttauthz.Decision{
		g.Publish("$SYS/a"), g.Publish("$share/g/a"), g.Publish(""), g.Publish("a/#"), g.Publish("a\x00"),
		g.Publish("a\xff"), g.Publish(strings.Repeat("a", 65536)), g.Publish("statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/x"),
		g.Subscribe(""), g.Subscribe("a/#/b"), g.Subscribe("$share/g"), g.Subscribe("a\xff"),
	} {
		if d.Allowed() {
			t.Errorf("%v", d)
		}
	}
}

// TestS01HostileIdentity: in every place of a template, a hostile value matches
// nothing but itself, and nothing at all where it would be a level or wildcard.
func TestS01HostileIdentity(t *testing.T) {
	templates := []string{
		"T", "T/x", "a/T", "a/T/x", "a/T/#", "a/pre-T", "a/T-post", "a/pre-T-post/+", "a/*-T", "a/T-*", "T/T", "a/[ab]T",
	}
	tokens := []string{"{principal.clientId}", "{principal.username}", "{principal.attributes.v}"}
	names := words([]string{"a", "b", "x", "", "pre-b", "b-post", "pre-b-post", "$SYS", "bb"}, 2)
	for _, name := range names[9:] {
		names = append(names, "a/"+name)
	}
	hostile := append([]string{strings.Repeat("a/", 32767), strings.Repeat("+", 65535)}, hostileValues...)
	for _, template := range templates {
		for _, token := range tokens {
			pattern := strings.ReplaceAll(template, "T", token)
			rules := []mqttauthz.Rule{{
				Principals: mqttauthz.Principals{Attributes: []map[string]string{{"in": "yes"}}},
				BrokerResources: []mqttauthz.BrokerResource{
					{Method: mqttauthz.Publish, Topics: []string{pattern}},
					{Method: mqttauthz.Subscribe, Topics: []string{pattern}},
				},
			}}
			policy := mustCompile(t, rules)
			for _, value := range hostile {
				who := mqttauthz.Principal{ClientID: value, Username: value, Attributes: map[string]string{"v": value, "in": "yes"}}
				g, ref := policy.Grants(who), reference{rules, who}
				for _, name := range names {
					if got, want := g.Publish(name).Allowed(), ref.publish(name); got != want {
						t.Errorf("pattern %q, value %.20q: publish %q = %v, want %v", pattern, value, name, got, want)
					}
				}
				for _, filter := range []string{"#", "+", "+/#", "+/+", "a/+", "a/#", "a/+/x", "$SYS/#", "/#"} {
					if g.Subscribe(filter).Allowed() {
						t.Errorf("pattern %q, value %.20q: subscribe %q is allowed", pattern, value, filter)
					}
				}
			}
		}
	}
}

// TestS23LongIdentities: identities are compared whole.
func TestS23LongIdentities(t *testing.T) {
	long := strings.Repeat("x", 65534)
	policy := mustCompile(t, []mqttauthz.Rule{{
		Principals: mqttauthz.Principals{ClientIDs: []string{long + "a"}},
		BrokerResources: []mqttauthz.BrokerResource{
			{Method: mqttauthz.Connect}, {Method: mqttauthz.Publish, Topics: []string{"{principal.clientId}"}},
		},
		StateStoreResources: []mqttauthz.StateStoreResource{{Method: mqttauthz.Read, Keys: []string{"k{principal.clientId}*"}}},
	}})
	a, b := policy.Grants(mqttauthz.Principal{ClientID: long + "a"}), policy.Grants(mqttauthz.Principal{ClientID: long + "b"})
	if !a.Connect().Allowed() || !a.Publish(long+"a").Allowed() || !a.CanReadKey([]byte("k"+long+"a!")) {
		t.Error("a long client ID is denied its own")
	}
	if b.Connect().Allowed() || b.Publish(long+"a").Allowed() || a.Publish(long+"b").Allowed() || a.CanReadKey([]byte("k"+long+"b")) {
		t.Error("two long client IDs are mixed up")
	}
}

// TestS25Shares: a share is decided like its plain filter, malformed ones are
// denied even to who may subscribe to everything.
func TestS25Shares(t *testing.T) {
	g := grantsFor(t, mqttauthz.Subscribe, "#", "$share/#", "$SHARE/#", "+/#")
	for _, f := range []string{"a", "a/+", "#", "+", "/", "$SYS/#", "a/$share/b", "$share2/a"} {
		if got, want := g.Subscribe("$share/g/"+f).Allowed(), g.Subscribe(f).Allowed(); got != want {
			t.Errorf("$share/g/%s = %v, plain %v", f, got, want)
		}
	}
	for _, f := range []string{"$share", "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/#", "$share/g/$share/g/a"} {
		if g.Subscribe(f).Allowed() {
			t.Errorf("%q is allowed", f)
		}
	}
	if !g.Subscribe("$SHARE/g/a").Allowed() {
		t.Error("$SHARE/g/a is an ordinary filter")
	}
}

// TestS54BinaryKeys: binary keys are bytes; nothing in them is a glob.
func TestS54BinaryKeys(t *testing.T) {
	g := mustCompile(t, []mqttauthz.Rule{{
		Principals: mqttauthz.Principals{ClientIDs: []string{"c"}},
		StateStoreResources: []mqttauthz.StateStoreResource{
			{Method: mqttauthz.Read, KeyType: mqttauthz.Binary, Keys: []string{"Kg==", "/wA", ""}}, // "*", FF 00, empty
		},
	}}).Grants(mqttauthz.Principal{ClientID: "c"})
	for key, want := range map[string]bool{
		"*": true, "\xff\x00": true, "": true, "a": false, "Kg==": false, "\xff": false, "\xff\x00\x00": false,
	} {
		if got := g.CanReadKey([]byte(key)); got != want {
			t.Errorf("key %q = %v, want %v", key, got, want)
		}
	}
}

// TestS28DeepTopics and large keys cost little, whatever the pattern.
func TestS28DeepTopics(t *testing.T) {
	slashes := strings.Repeat("/", 65535)
	ugly := []string{
		"#", "+/#", "/////////////////", strings.Repeat("+/", 2000) + "#", strings.Repeat("/*", 1000) + "/x",
		strings.Repeat("*a", 1000) + "*b", strings.Repeat("?", 4000), "*" + strings.Repeat("?a", 7) + "[b]*c",
		"*" + strings.Repeat("a", 15) + "[b]*c", "*" + strings.Repeat("a", 4000) + "b*", strings.Repeat("*a", 1000) + "[b]", "*" + strings.Repeat("[!b]", 16) + "[b]",
		"*{principal.clientId}?*", "*{principal.clientId}b*", strings.Repeat("*{principal.clientId}", 100) + "b",
	}
	texts := []string{
		slashes, strings.Repeat("a", 65535), strings.Repeat("a", 65534) + "b", strings.Repeat("ab", 32767),
		strings.Repeat("é", 32767), strings.Repeat("aaaaaaaab", 7000),
	}
	for _, pattern := range ugly {
		for _, n := range []int{1, 256, 4096} {
			who := mqttauthz.Principal{ClientID: strings.Repeat("a", n)}
			g := mustCompile(t, []mqttauthz.Rule{{
				Principals: mqttauthz.Principals{ClientIDs: []string{who.ClientID}},
				BrokerResources: []mqttauthz.BrokerResource{
					{Method: mqttauthz.Publish, Topics: []string{pattern}},
					{Method: mqttauthz.Subscribe, Topics: []string{pattern}},
				},
				StateStoreResources: []mqttauthz.StateStoreResource{{Method: mqttauthz.Read, Keys: []string{pattern}}},
			}}).Grants(who)
			for _, text := range texts {
				wantFast(t, pattern, text, func() { g.Publish(text) })
				wantFast(t, pattern, text, func() { g.Subscribe(text) })
				wantFast(t, pattern, text, func() { g.CanReadKey([]byte(text)) })
			}
		}
	}
}

// wantFast fails when a decision always takes far more processor time than the
// millisecond that is promised for the longest texts. One that is fast once is
// fast: the clock is the whole process's, and counts the collector too. The
// margin is for machines that are slow or measured by a race detector; a
// pattern that backtracks is beyond it by far.
func wantFast(t *testing.T, pattern, text string, decide func()) {
	t.Helper()
	const promised, margin, attempts = time.Millisecond, 20, 20
	var least time.Duration
	for i := range attempts {
		start := cpuTime(t)
		decide()
		took := cpuTime(t) - start
		if i == 0 || took < least {
			least = took
		}
		if least <= promised {
			return
		}
	}
	if least > margin*promised {
		t.Errorf("pattern %.20q, text %.20q: never less than %v for one decision", pattern, text, least)
	}
}

// TestS80EmptyLevels: empty levels are levels.
func TestS80EmptyLevels(t *testing.T) {
	all := []string{"a/b", "a//b", "/a/b", "a/b/", "//a/b", "a/b//"}
	for _, allowed := range all {
		pub, sub := grantsFor(t, mqttauthz.Publish, allowed), grantsFor(t, mqttauthz.Subscribe, allowed)
		for _, s := range all {
			if pub.Publish(s).Allowed() != (s == allowed) || sub.Subscribe(s).Allowed() != (s == allowed) {
				t.Errorf("pattern %q decides %q wrongly", allowed, s)
			}
		}
	}
}

func TestNoAllocation(t *testing.T) {
	const n = 1000
	policy := mustCompile(t, generatedPolicy(n))
	requests := generatedRequests(policy, n, 256)
	allocs := testing.AllocsPerRun(10, func() {
		for i := range requests {
			requests[i].decide()
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations in %d decisions, want 0", allocs, len(requests))
	}
	if allocs := testing.AllocsPerRun(100, func() { policy.Grants(generatedPrincipal(1, n)) }); allocs > 20 {
		t.Errorf("%v allocations to make a principal and bind it", allocs)
	}
}
