package mqttauthz_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// TestCoverage says who keeps all that it had (AUTHZ-13).
func TestCoverage(t *testing.T) {
	users := func(names []string, resources ...mqttauthz.BrokerResource) []mqttauthz.Rule {
		connect := mqttauthz.BrokerResource{Method: mqttauthz.Connect}
		return []mqttauthz.Rule{{Principals: mqttauthz.Principals{Usernames: names}, BrokerResources: append(resources, connect)}}
	}
	topics := func(t ...string) mqttauthz.BrokerResource {
		return mqttauthz.BrokerResource{Method: mqttauthz.Publish, Topics: t}
	}
	filters := func(t ...string) mqttauthz.BrokerResource {
		return mqttauthz.BrokerResource{Method: mqttauthz.Subscribe, Topics: t}
	}
	both := []string{"alice", "bob"}
	alice := mqttauthz.Principal{ClientID: "c1", Username: "alice", Attributes: map[string]string{"site": "1"}}
	tests := []struct {
		name     string
		old, new []mqttauthz.Rule
		who      mqttauthz.Principal
		want     bool
	}{
		{"another user is removed from the rule", users(both, topics("a/#")), users(both[:1], topics("a/#")), alice, true},
		{"this user is removed", users(both, topics("a/#")), users(both[1:], topics("a/#")), alice, false},
		{"a wider pattern", users(both, topics("a/b")), users(both, topics("a/+")), alice, true},
		{"a narrower pattern", users(both, topics("a/+")), users(both, topics("a/b")), alice, false},
		{"two patterns that add up", users(both, topics("a/#")), users(both, topics("a", "a/+", "a/+/+/#", "a/+/+")), alice, true},
		{"filters do not add up", users(both, filters("a/#")), users(both, filters("a", "a/+", "a/+/+/#", "a/+/+")), alice, false},
		{"the token's value written out", users(both, topics("d/{principal.clientId}")), users(both, topics("d/c1")), alice, true},
		{"another value written out", users(both, topics("d/{principal.clientId}")), users(both, topics("d/c2")), alice, false},
		{"a pattern that was void", users(both, topics("d/{principal.attributes.none}")), users(both), alice, true},
		{"a pattern that becomes void", users(both, topics("d/1")), users(both, topics("d/{principal.attributes.none}")), alice, false},
		{"nothing before", nil, users(both), alice, true},
		{"nothing after", users(both), nil, alice, false},
		{
			"a value that some patterns do not take", users(both, topics("a")), users(both, topics("#")),
			mqttauthz.Principal{ClientID: strings.Repeat("x", 200), Username: "alice"},
			false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := mqttauthz.NewCoverage(mustCompile(t, tt.old), mustCompile(t, tt.new), mqttauthz.DiffOptions{})
			if got := c.Of(t.Context(), tt.who); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if mqttauthz.NewCoverage(mustCompile(t, users(both, topics("a"))), mustCompile(t, users(both, topics("#"))), mqttauthz.DiffOptions{}).Of(ended, alice) {
		t.Error("true although the context has ended")
	}
	if mqttauthz.NewCoverage(mqttauthz.AllowAll(), mustCompile(t, users(both, topics("#"))), mqttauthz.DiffOptions{}).Of(t.Context(), alice) ||
		!mqttauthz.NewCoverage(nil, mqttauthz.AllowAll(), mqttauthz.DiffOptions{}).Of(t.Context(), alice) {
		t.Error("wrong about policies that allow everything, or nothing")
	}
}

// TestCoverageAgainstBruteForce: who keeps everything loses no request of the
// universe, and who does not can be shown one that is lost.
func TestCoverageAgainstBruteForce(t *testing.T) {
	r := randomPolicy{rand.New(rand.NewPCG(13, 14))}
	u := newDiffUniverse()
	runs := 150
	if testing.Short() || raceEnabled {
		runs = 25
	}
	kept, lost := 0, 0
	for range runs {
		rules := diffRules(r, 1+r.IntN(4))
		other := append(diffRules(r, 1), rules[r.IntN(2):]...)
		old, changed := mustCompile(t, rules), mustCompile(t, other)
		c := mqttauthz.NewCoverage(old, changed, mqttauthz.DiffOptions{})
		covered := make(map[*mqttauthz.Principal]bool)
		for i := range u.principals {
			who := &u.principals[i]
			op, text, shrinks := c.Loss(t.Context(), *who)
			covered[who] = !shrinks
			if !shrinks {
				kept++
				continue
			}
			lost++
			if !mqttauthz.Ask(old.Grants(*who), op, text) || mqttauthz.Ask(changed.Grants(*who), op, text) {
				t.Errorf("%+v loses nothing by %v %q\nold %+v\nnew %+v", *who, op, text, rules, other)
			}
		}
		for i := range u.principals {
			who := &u.principals[i]
			if !covered[who] {
				continue
			}
			was, is := old.Grants(*who), changed.Grants(*who)
			u.asked(*who, func(op mqttauthz.Operation, text string) {
				if mqttauthz.Ask(was, op, text) && !mqttauthz.Ask(is, op, text) {
					t.Fatalf("%+v loses %v %q\nold %+v\nnew %+v", *who, op, text, rules, other)
				}
			})
		}
	}
	if kept < runs || lost < runs {
		t.Errorf("%d kept and %d lost: not much was tried", kept, lost)
	}
}
