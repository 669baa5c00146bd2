package mqttauthz_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// TestCrowded compares policies with the reference in which nodes have many
// literal, glob and token edges, leaves have many principals, and globs have
// prefixes of one another: the paths that small policies do not take.
func TestCrowded(t *testing.T) {
	r := randomPolicy{rand.New(rand.NewPCG(3, 4))}
	word := func() string {
		s := ""
		for range 1 + r.IntN(4) {
			s += r.pick("a", "b", "c")
		}
		return s
	}
	pattern := func() string {
		s := word() + r.pick("", "", "*", "?", "*"+word(), "[ab]*", "{principal.clientId}", "*{principal.attributes.x}")
		return s + r.pick("", "/"+word(), "/*", "/+", "/#", "/"+word()+"*")
	}
	allowed, denied := 0, 0
	for range 5 {
		var rules []mqttauthz.Rule
		for i := range 400 {
			rule := mqttauthz.Rule{Principals: mqttauthz.Principals{
				ClientIDs:  []string{"c" + strconv.Itoa(i%40)},
				Attributes: []map[string]string{{"x": word()}, {"x": word(), "y": word()}},
			}}
			p := pattern()
			rule.BrokerResources = []mqttauthz.BrokerResource{
				{Method: mqttauthz.Publish, Topics: []string{p, "shared/" + r.pick("a", "b")}},
				{Method: mqttauthz.Connect, ClientIDs: []string{"c*" + strconv.Itoa(i), "c" + strconv.Itoa(i) + "?"}},
			}
			rule.StateStoreResources = []mqttauthz.StateStoreResource{{Method: mqttauthz.Read, Keys: []string{"k" + word() + "*" + word()}}}
			rules = append(rules, rule)
		}
		policy := mustCompile(t, rules)
		for range 60 {
			who := mqttauthz.Principal{ClientID: "c" + strconv.Itoa(r.IntN(60)), Attributes: map[string]string{"x": word(), "y": word()}}
			g, ref := policy.Grants(who), reference{rules, who}
			for range 20 {
				name, key := word()+r.pick("", "/")+word(), "k"+word()+word()+word()
				if r.IntN(10) == 0 {
					name = "shared/" + r.pick("a", "b", "c")
				}
				for what, pair := range map[string][2]bool{
					"publish " + name: {g.Publish(name).Allowed(), ref.publish(name)},
					"read " + key:     {g.CanReadKey([]byte(key)), ref.key(mqttauthz.Read, key)},
					"connect":         {g.Connect().Allowed(), ref.connect()},
				} {
					if pair[0] != pair[1] {
						t.Fatalf("%s by %+v: allowed = %v, want %v", what, who, pair[0], pair[1])
					}
					if pair[0] {
						allowed++
					} else {
						denied++
					}
				}
			}
		}
	}
	if allowed < 500 || denied < 500 {
		t.Errorf("%d allowed, %d denied: too few of one to mean something", allowed, denied)
	}
}

// TestDecisionNamesItsRule: the decision names a rule that applies and its
// pattern as written, and binding the same principal again names the same.
func TestDecisionNamesItsRule(t *testing.T) {
	policy := mustCompile(t, []mqttauthz.Rule{
		{
			Principals:      mqttauthz.Principals{ClientIDs: []string{"other"}},
			BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Publish, Topics: []string{"a/+"}}},
		},
		{
			Principals:      mqttauthz.Principals{Attributes: []map[string]string{{"x": "1", "y": "2"}}},
			BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Publish, Topics: []string{"a/*"}}},
		},
		{
			Principals:      mqttauthz.Principals{Usernames: []string{"u"}},
			BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Publish, Topics: []string{"a/{principal.username}"}}},
		},
	})
	who := mqttauthz.Principal{ClientID: "c", Attributes: map[string]string{"x": "1", "y": "2", "z": "3"}}
	for range 20 {
		d := policy.Grants(who).Publish("a/b")
		if d.Rule() != 1 || d.Pattern() != "a/*" {
			t.Fatalf("%v", d)
		}
	}
	who = mqttauthz.Principal{ClientID: "c", Username: "u"}
	if d := policy.Grants(who).Publish("a/u"); d.Rule() != 2 || d.Pattern() != "a/{principal.username}" {
		t.Errorf("%v", d)
	}
	who.Username = ""
	if d := policy.Grants(who).Publish("a/u"); d.Allowed() || d.Rule() != -1 {
		t.Errorf("%v", d)
	}
}
