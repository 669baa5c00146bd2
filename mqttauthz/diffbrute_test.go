package mqttauthz_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// diffUniverse is small enough to ask everything, and has what the patterns of
// diffRules tell apart.
type diffUniverse struct {
	principals              []mqttauthz.Principal
	names, filters, anyKeys []string
}

func newDiffUniverse() diffUniverse {
	var u diffUniverse
	for _, id := range []string{"a", "b", "aa", "z", "a/z"} {
		for _, name := range []string{"", "a", "z"} {
			for _, x := range []string{"-", "", "a", "ab", "z"} {
				who := mqttauthz.Principal{ClientID: id, Username: name, Attributes: map[string]string{}}
				if x != "-" {
					who.Attributes["x"] = x
				}
				u.principals = append(u.principals, who)
				both := mqttauthz.Principal{ClientID: id, Username: name, Attributes: map[string]string{"x": x, "y": "a"}}
				u.principals = append(u.principals, both)
			}
		}
	}
	for _, n := range words([]string{"a", "b", "", "aa", "ab", "z", "za", "$x"}, 2) {
		if naiveName(n) {
			u.names = append(u.names, n)
		}
	}
	u.names = append(u.names, "a/a/a", "a/z/z", "z/z/z")
	for _, f := range words([]string{"a", "b", "", "aa", "z", "+", "#", "$x"}, 2) {
		if naiveFilter(f) {
			u.filters = append(u.filters, f)
		}
	}
	u.filters = append(u.filters, "a/+/#", "+/+/a", "/+/#", "+/+/+")
	u.anyKeys = []string{"", "a", "b", "aa", "ab", "za", "az", "a/a", "/", "\xff", "a\xff", "z", "aaa"}
	return u
}

// diffRules returns rules of few words, so that they cover one another.
func diffRules(r randomPolicy, n int) []mqttauthz.Rule {
	level := func() string {
		return r.pick("a", "b", "+", "*", "a*", "?", "*a", "[!a]*", "?*", "{principal.clientId}", "{principal.attributes.x}", "a{principal.username}", "")
	}
	topic := func() string {
		s := r.pick(level(), level(), "$x", "#")
		if s != "#" && r.IntN(2) == 0 {
			s += "/" + r.pick(level(), level(), "#")
		}
		if s == "" {
			return "a"
		}
		return s
	}
	glob := func() string {
		return r.pick("a", "a*", "*", "?", "*a", "[!a]*", "{principal.clientId}", "{principal.attributes.x}", "a{principal.username}*", "*{principal.clientId}", "{principal.username}?", "aa")
	}
	rules := make([]mqttauthz.Rule, n)
	for i := range rules {
		rules[i].Principals = [...]mqttauthz.Principals{
			{ClientIDs: []string{r.pick("a", "b")}},
			{Usernames: []string{"a"}},
			{Attributes: []map[string]string{{"x": r.pick("a", "ab", "")}}},
			{Attributes: []map[string]string{{"y": "a"}, {"x": "a", "y": "a"}}},
		}[r.IntN(4)]
		connect := mqttauthz.BrokerResource{Method: mqttauthz.Connect}
		if r.IntN(3) > 0 {
			connect.ClientIDs = []string{glob()}
		}
		rules[i].BrokerResources = []mqttauthz.BrokerResource{
			connect,
			{Method: mqttauthz.Publish, Topics: []string{topic()}},
			{Method: mqttauthz.Subscribe, Topics: []string{topic()}},
		}
		rules[i].StateStoreResources = []mqttauthz.StateStoreResource{
			{Method: mqttauthz.Read, Keys: []string{glob()}},
			{Method: mqttauthz.Write, KeyType: mqttauthz.String, Keys: []string{r.pick("a", "*", "")}},
		}
	}
	return rules
}

// requests calls do with every request of the universe.
func (u *diffUniverse) requests(do func(who mqttauthz.Principal, op mqttauthz.Operation, text string)) {
	for _, who := range u.principals {
		u.asked(who, func(op mqttauthz.Operation, text string) { do(who, op, text) })
	}
}

// asked calls do with every request of one client.
func (u *diffUniverse) asked(who mqttauthz.Principal, do func(op mqttauthz.Operation, text string)) {
	do(mqttauthz.OpConnect, who.ClientID)
	for _, n := range u.names {
		do(mqttauthz.OpPublish, n)
	}
	for _, f := range u.filters {
		do(mqttauthz.OpSubscribe, f)
	}
	for _, k := range u.anyKeys {
		do(mqttauthz.OpRead, k)
		do(mqttauthz.OpWrite, k)
	}
}

// TestDiffAgainstBruteForce: every witness differs, and every request of the
// universe that differs does so by a pattern that the report names.
func TestDiffAgainstBruteForce(t *testing.T) {
	r := randomPolicy{rand.New(rand.NewPCG(11, 12))}
	u := newDiffUniverse()
	runs := 80
	if testing.Short() || raceEnabled {
		runs = 15
	}
	runs = max(runs, *randomCases/10_000) // a soak run
	changes, undecided, same := 0, 0, 0
	for range runs {
		rules := diffRules(r, 1+r.IntN(4))
		other := diffRules(r, 1)
		if r.IntN(2) == 0 {
			other = append(other, rules[1:]...)
		} else {
			other = append(rules[:len(rules):len(rules)], other...)
		}
		old, changed := mustCompile(t, rules), mustCompile(t, other)
		report := mustDiff(t, old, changed)
		wantWitnesses(t, old, changed, report)
		changes += len(report.Allowed) + len(report.Denied)
		undecided += len(report.Undecided)
		if report.Same() {
			same++
		}
		reported := make(map[string]bool)
		for _, c := range report.Allowed {
			reported[fmt.Sprint(true, c.Operation, c.Pattern)] = true
		}
		for _, c := range report.Denied {
			reported[fmt.Sprint(false, c.Operation, c.Pattern)] = true
		}
		for _, c := range report.Undecided {
			reported[fmt.Sprint(c.New, c.Operation, c.Pattern)] = true
		}
		oldGrants, newGrants := bindAll(old, u.principals), bindAll(changed, u.principals)
		u.requests(func(who mqttauthz.Principal, op mqttauthz.Operation, text string) {
			was, is := decide(oldGrants, who, op, text), decide(newGrants, who, op, text)
			if was.Allowed() == is.Allowed() {
				return
			}
			if d := [...]mqttauthz.Decision{was, is}[b2i(is.Allowed())]; !reported[fmt.Sprint(is.Allowed(), op, d.Pattern())] {
				t.Fatalf("%+v %v %q: old %v, new %v, not in the report:\n%+v\nold: %+v\nnew: %+v", who, op, text, was, is, report, rules, other)
			}
		})
	}
	t.Logf("%d policies: %d changes, %d undecided, %d the same", runs, changes, undecided, same)
	if changes < runs {
		t.Errorf("only %d changes in %d runs", changes, runs)
	}
	if undecided > changes/20 {
		t.Errorf("%d undecided beside %d changes: too many", undecided, changes)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bindAll binds a policy to principals, by their address-free key.
func bindAll(p *mqttauthz.Policy, principals []mqttauthz.Principal) map[string]*mqttauthz.Grants {
	m := make(map[string]*mqttauthz.Grants)
	for _, who := range principals {
		m[fmt.Sprint(who)] = p.Grants(who)
	}
	return m
}

func decide(grants map[string]*mqttauthz.Grants, who mqttauthz.Principal, op mqttauthz.Operation, text string) mqttauthz.Decision {
	g := grants[fmt.Sprint(who)]
	switch op {
	case mqttauthz.OpConnect:
		return g.Connect()
	case mqttauthz.OpPublish:
		return g.Publish(text)
	case mqttauthz.OpSubscribe:
		return g.Subscribe(text)
	case mqttauthz.OpRead:
		return g.ReadKey([]byte(text))
	default:
		return g.WriteKey([]byte(text))
	}
}
