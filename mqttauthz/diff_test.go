package mqttauthz_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// ask decides a request by the public methods of Grants.
func ask(p *mqttauthz.Policy, who mqttauthz.Principal, op mqttauthz.Operation, text string) mqttauthz.Decision {
	g := p.Grants(who)
	switch op {
	case mqttauthz.OpConnect:
		return g.Connect()
	case mqttauthz.OpPublish:
		return g.Publish(text)
	case mqttauthz.OpSubscribe:
		return g.Subscribe(text)
	case mqttauthz.OpRead:
		return g.ReadKey([]byte(text))
	case mqttauthz.OpWrite:
		return g.WriteKey([]byte(text))
	}
	return mqttauthz.Decision{}
}

// allow returns a rule for one client ID.
func allow(id string, method mqttauthz.BrokerMethod, topics ...string) mqttauthz.Rule {
	return mqttauthz.Rule{
		Principals:      mqttauthz.Principals{ClientIDs: []string{id}},
		BrokerResources: []mqttauthz.BrokerResource{{Method: method, Topics: topics}},
	}
}

// allowGroup returns a rule for an attribute.
func allowGroup(group string, method mqttauthz.BrokerMethod, texts ...string) mqttauthz.Rule {
	r := mqttauthz.BrokerResource{Method: method, Topics: texts}
	if method == mqttauthz.Connect {
		r = mqttauthz.BrokerResource{Method: method, ClientIDs: texts}
	}
	return mqttauthz.Rule{
		Principals:      mqttauthz.Principals{Attributes: []map[string]string{{"group": group}}},
		BrokerResources: []mqttauthz.BrokerResource{r},
	}
}

// TestDiff says which patterns of two policies differ; the witnesses are
// checked by wantWitnesses.
func TestDiff(t *testing.T) {
	const pub, sub, connect = mqttauthz.Publish, mqttauthz.Subscribe, mqttauthz.Connect
	type rules = []mqttauthz.Rule
	tests := []struct {
		name            string
		old, new        rules
		allowed, denied []string // patterns
	}{
		{"both empty", nil, nil, nil, nil},
		{"the same in another order", rules{allow("a", pub, "x"), allow("b", sub, "y/#")}, rules{allow("b", sub, "y/#"), allow("a", pub, "x")}, nil, nil},
		{"another principal", rules{allow("a", pub, "x")}, rules{allow("b", pub, "x")}, []string{"x"}, []string{"x"}},
		{"wider", rules{allow("a", pub, "x/+")}, rules{allow("a", pub, "x/#")}, []string{"x/#"}, nil},
		{"other words, same meaning", rules{allow("a", pub, "x/*")}, rules{allow("a", pub, "x/+")}, nil, nil},
		{"a union covers publishes", rules{allow("a", pub, "x/[!a]*", "x/a*", "x/")}, rules{allow("a", pub, "x/+")}, nil, nil},
		{"but not subscriptions", rules{allow("a", sub, "x/[!a]*", "x/a*", "x/")}, rules{allow("a", sub, "x/+")}, []string{"x/+"}, nil},
		{"a rest of the union", rules{allow("a", pub, "x/[!a]*", "x/a*")}, rules{allow("a", pub, "x/+")}, []string{"x/+"}, nil},
		{"reserved topics are no change", nil, rules{allow("a", pub, "$SYS/#", "$share/+", "clients/statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/x")}, nil, nil},
		{
			"but the request topic is", nil,
			rules{allow("a", pub, "statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/command/+")},
			[]string{"statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/command/+"},
			nil,
		},
		{"a lone plus needs no more", rules{allow("a", sub, "?*")}, rules{allow("a", sub, "+")}, nil, nil},
		{"a plus of two levels does", rules{allow("a", sub, "?*/a")}, rules{allow("a", sub, "+/a")}, []string{"+/a"}, nil},
		{"hash and its parts", rules{allow("a", sub, "#")}, rules{allow("a", sub, "+/#")}, nil, nil},
		{"share names no filter", nil, rules{allow("a", sub, "$share/#")}, nil, nil},
		{"a pinned token is a word", rules{allow("a", pub, "x/a")}, rules{allow("a", pub, "x/{principal.clientId}")}, nil, nil},
		{"a free token is not", rules{allowGroup("g", pub, "x/a")}, rules{allowGroup("g", pub, "x/{principal.clientId}")}, []string{"x/{principal.clientId}"}, []string{"x/a"}},
		{"a plus covers a token", rules{allowGroup("g", pub, "x/+")}, rules{allowGroup("g", pub, "x/{principal.clientId}")}, nil, []string{"x/+"}},
		{"a glob covers a token in part", rules{allowGroup("g", pub, "x/?")}, rules{allowGroup("g", pub, "x/{principal.clientId}")}, []string{"x/{principal.clientId}"}, []string{"x/?"}},
		{"a token covers itself with less", rules{allowGroup("g", pub, "x/{principal.clientId}/#")}, rules{allowGroup("g", pub, "x/{principal.clientId}/+")}, nil, []string{"x/{principal.clientId}/#"}},
		{"negated class against a token", rules{allowGroup("g", pub, "[!a]*")}, rules{allowGroup("g", pub, "{principal.clientId}")}, []string{"{principal.clientId}"}, []string{"[!a]*"}},
		{
			"any value is one character and more",
			rules{allowGroup("g", pub, "{principal.clientId}/?*", "{principal.username}/*?")},
			rules{allowGroup("g", pub, "{principal.clientId}/{principal.username}", "{principal.username}/{principal.clientId}", "{principal.clientId}/?*", "{principal.username}/*?")},
			nil, nil,
		},
		{
			"a value that a class leaves out",
			rules{allowGroup("g", pub, "{principal.clientId}/[!q]*")},
			rules{allowGroup("g", pub, "{principal.clientId}/[!q]*", "{principal.clientId}/{principal.username}")},
			[]string{"{principal.clientId}/{principal.username}"},
			nil,
		},
		{"any client ID", rules{allowGroup("g", connect)}, rules{allowGroup("g", connect, "*")}, nil, nil},
		{"its own client ID", rules{allowGroup("g", connect)}, rules{allowGroup("g", connect, "{principal.clientId}")}, nil, []string{""}},
		{"its own, but for slashes", rules{allowGroup("g", connect, "{principal.clientId}", "*/*")}, rules{allowGroup("g", connect)}, nil, nil},
		{"never its own", nil, rules{allowGroup("g", connect, "a{principal.clientId}", "{principal.clientId}{principal.clientId}")}, nil, nil},
		{"named beside matched", rules{allow("client", connect)}, rules{allow("client", connect), allowGroup("g", connect, "client*")}, []string{"client*"}, nil},
		{"named are all that is matched", rules{allow("a", connect), allow("b", connect)}, rules{allow("a", connect), allow("b", connect), allowGroup("g", connect, "[ab]")}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old, changed := mustCompile(t, tt.old), mustCompile(t, tt.new)
			r := mustDiff(t, old, changed)
			wantWitnesses(t, old, changed, r)
			got := [][]string{patternsOf(r.Allowed), patternsOf(r.Denied)}
			if diff := cmp.Diff([][]string{tt.allowed, tt.denied}, got); diff != "" {
				t.Errorf("allowed and denied patterns (-want +got):\n%s", diff)
			}
			if len(r.Undecided) > 0 {
				t.Errorf("undecided: %+v", r.Undecided)
			}
			if want := len(tt.allowed)+len(tt.denied) == 0; r.Same() != want {
				t.Errorf("Same = %v, want %v", r.Same(), want)
			}
		})
	}
}

func patternsOf(changes []mqttauthz.Change) []string {
	var patterns []string
	for _, c := range changes {
		patterns = append(patterns, c.Pattern)
	}
	return patterns
}

func mustDiff(t *testing.T, old, changed *mqttauthz.Policy) mqttauthz.Report {
	t.Helper()
	r, err := mqttauthz.Diff(t.Context(), old, changed, mqttauthz.DiffOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantWitnesses fails unless every witness is decided differently.
func wantWitnesses(t *testing.T, old, changed *mqttauthz.Policy, r mqttauthz.Report) {
	t.Helper()
	check := func(c mqttauthz.Change, yes, no *mqttauthz.Policy) {
		t.Helper()
		if c.Principal.ClientID == "" || c.Operation == mqttauthz.OpConnect && c.Principal.ClientID != c.Text {
			t.Errorf("%v: no client", c)
		}
		if !ask(yes, c.Principal, c.Operation, c.Text).Allowed() || ask(no, c.Principal, c.Operation, c.Text).Allowed() {
			t.Errorf("%v: no difference", c)
		}
	}
	for _, c := range r.Allowed {
		check(c, changed, old)
	}
	for _, c := range r.Denied {
		check(c, old, changed)
	}
}

// TestDiffAll: a policy that allows everything, and none at all.
func TestDiffAll(t *testing.T) {
	all, some := mqttauthz.AllowAll(), mustCompile(t, []mqttauthz.Rule{allow("client", mqttauthz.Publish, "#")})
	if r := mustDiff(t, all, all); !r.Same() {
		t.Errorf("%+v", r)
	}
	if r := mustDiff(t, nil, nil); !r.Same() {
		t.Errorf("%+v", r)
	}
	for _, p := range []*mqttauthz.Policy{some, nil} {
		r := mustDiff(t, p, all)
		wantWitnesses(t, p, all, r)
		if len(r.Allowed) != 5 || len(r.Denied) != 0 {
			t.Errorf("to all: %+v", r)
		}
		r = mustDiff(t, all, p)
		wantWitnesses(t, all, p, r)
		if len(r.Allowed) != 0 || len(r.Denied) != 5 {
			t.Errorf("from all: %+v", r)
		}
	}
}

func TestDiffBounds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := mustCompile(t, []mqttauthz.Rule{allow("c", mqttauthz.Publish, "a/+")})
	b := mustCompile(t, []mqttauthz.Rule{allow("c", mqttauthz.Publish, "a/*a*", "a/*b*", "a/*")})
	if _, err := mqttauthz.Diff(ctx, a, b, mqttauthz.DiffOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	r, err := mqttauthz.Diff(t.Context(), a, b, mqttauthz.DiffOptions{MaxStates: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Undecided) != 4 || r.Same() {
		t.Errorf("with one state: %+v", r)
	}
	if !r.Undecided[0].New || r.Undecided[0].Reason == "" || r.Undecided[0].Operation != mqttauthz.OpPublish || r.Undecided[3].New {
		t.Errorf("%+v", r.Undecided)
	}
	if r := mustDiff(t, a, b); !r.Same() {
		t.Errorf("without a bound: %+v", r)
	}
}

// TestDiffUndecided: what is neither proved nor refuted is said.
func TestDiffUndecided(t *testing.T) {
	// The difference needs a client ID with r and a username with q.
	old := mustCompile(t, []mqttauthz.Rule{allowGroup("g", mqttauthz.Publish, "{principal.clientId}/[!q]*", "[!r]*/{principal.username}")})
	changed := mustCompile(t, []mqttauthz.Rule{allowGroup("g", mqttauthz.Publish, "{principal.clientId}/{principal.username}")})
	r := mustDiff(t, old, changed)
	wantWitnesses(t, old, changed, r)
	want := []mqttauthz.Undecided{{
		Place:     mqttauthz.Place{Field: "brokerResources[0].topics[0]", Pattern: "{principal.clientId}/{principal.username}"},
		Operation: mqttauthz.OpPublish,
		Principal: mqttauthz.Principal{Attributes: map[string]string{"group": "g"}},
		New:       true,
		Reason:    "tokens beside wildcards: no proof and no witness was found",
	}}
	if diff := cmp.Diff(want, r.Undecided); diff != "" {
		t.Errorf("undecided (-want +got):\n%s", diff)
	}
}

// FuzzDiff compares policies of one pattern each: witnesses differ, and a
// request that is decided differently is in the report.
func FuzzDiff(f *testing.F) {
	f.Add("a/+", "a/{principal.clientId}", "a/b", "b")
	f.Add("?*/#", "+/*a*", "+", "")
	f.Add("{principal.attributes.x}[!a]*", "*{principal.clientId}?", "ab", "a")
	f.Add("$x/[a-c]", "$x/?", "$x/d", "\xff")
	f.Fuzz(func(t *testing.T, a, b, text, value string) {
		if len(a)+len(b) > 60 {
			return
		}
		for i, make := range []func(string) []mqttauthz.Rule{oneRule, oneKey, oneConnect} {
			old, err := mqttauthz.Compile(make(a))
			if err != nil {
				continue
			}
			changed, err := mqttauthz.Compile(make(b))
			if err != nil {
				continue
			}
			r, err := mqttauthz.Diff(t.Context(), old, changed, mqttauthz.DiffOptions{MaxStates: 5000})
			if err != nil {
				t.Fatal(err)
			}
			wantWitnesses(t, old, changed, r)
			who := fuzzPrincipal(value)
			ops := [][]mqttauthz.Operation{{mqttauthz.OpPublish, mqttauthz.OpSubscribe}, {mqttauthz.OpRead}, {mqttauthz.OpConnect}}[i]
			for _, op := range ops {
				if op == mqttauthz.OpConnect && (!utf8.ValidString(value) || value == "" || strings.Contains(value, "\x00")) {
					continue // no client ID of MQTT
				}
				if was, is := ask(old, who, op, text), ask(changed, who, op, text); was.Allowed() != is.Allowed() && !reports(r, op, is.Allowed()) {
					t.Errorf("%q, %q: %v %q by %q is %v, was %v; not in %+v", a, b, op, text, value, is, was, r)
				}
			}
		}
	})
}

// oneConnect allows clients to connect whose ID matches.
func oneConnect(pattern string) []mqttauthz.Rule {
	return []mqttauthz.Rule{{
		Principals:      mqttauthz.Principals{Attributes: []map[string]string{{"in": "yes"}}},
		BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Connect, ClientIDs: []string{pattern}}},
	}}
}

// reports reports whether r says that more, or less, is allowed.
func reports(r mqttauthz.Report, op mqttauthz.Operation, more bool) bool {
	list := r.Denied
	if more {
		list = r.Allowed
	}
	return slices.ContainsFunc(list, func(c mqttauthz.Change) bool { return c.Operation == op }) ||
		slices.ContainsFunc(r.Undecided, func(u mqttauthz.Undecided) bool { return u.Operation == op && u.New == more })
}

// TestDiffLarge: a large policy against itself with one rule changed.
func TestDiffLarge(t *testing.T) {
	rules := generatedPolicy(2000)
	other := copyRules(rules)
	other[1000] = allow("intruder", mqttauthz.Publish, "#")
	r := mustDiff(t, mustCompile(t, rules), mustCompile(t, other))
	if len(r.Allowed) != 1 || r.Allowed[0].Rule != 1000 || len(r.Denied) == 0 || len(r.Undecided) != 0 {
		t.Errorf("%+v", r)
	}
	for _, c := range r.Denied {
		if c.Rule != 1000 {
			t.Errorf("%v", c)
		}
	}
	slices.Reverse(other)
	if s := fmt.Sprint(r.Allowed[0]); !strings.HasPrefix(s, `client ID "intruder" publish "`) {
		t.Error(s)
	}
}
