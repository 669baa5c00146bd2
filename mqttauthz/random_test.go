package mqttauthz_test

import (
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// A soak run: go test -run TestRandom -timeout 0 ./mqttauthz -random 10000000.
var randomCases = flag.Int("random", 30_000, "number of random differential cases")

// hostileValues are identity values that would change a pattern if they were
// put into one (S-01, S-52).
var hostileValues = []string{
	"", "+", "#", "*", "?", "[a", "[a-z]", "a/b", "a/+", "/", "$SYS", "$share", "$x", "\\", "\\*", "!a",
	"{principal.username}", "{principal.clientId}", "{a,b}", "a\x00", "\xff", "\xe2\x82", "a", "b", "ab", "é", "v",
}

// randomPolicy makes rules from few words, so that they meet often.
type randomPolicy struct{ *rand.Rand }

func (r randomPolicy) pick(words ...string) string { return words[r.IntN(len(words))] }

func (r randomPolicy) value() string { return hostileValues[r.IntN(len(hostileValues))] }

func (r randomPolicy) principal() mqttauthz.Principal {
	who := mqttauthz.Principal{ClientID: r.value(), Username: r.value(), Attributes: map[string]string{}}
	for _, name := range []string{"x", "y", "p/q"} {
		if r.IntN(3) > 0 {
			who.Attributes[name] = r.value()
		}
	}
	return who
}

// piece is one element of a level or key pattern.
func (r randomPolicy) piece() string {
	return r.pick("a", "b", "*", "?", "[ab]", "[!a]", "[a-c]", "[!b-z]", `\*`, `\\`, `\é`, "é", "**", "-",
		"{principal.clientId}", "{principal.username}", "{principal.attributes.x}", "{principal.attributes.p/q}")
}

func (r randomPolicy) level() string {
	switch r.IntN(8) {
	case 0:
		return "+"
	case 1:
		return r.piece() + r.piece()
	case 2:
		return r.piece()
	case 3:
		return r.pick("{principal.clientId}", "{principal.attributes.y}")
	case 4:
		return r.pick("", "$x", "$*", "${principal.clientId}", "?*")
	}
	return r.pick("a", "b", "ab")
}

func (r randomPolicy) topic() string {
	levels := []string{r.level()}
	for r.IntN(3) > 0 && len(levels) < 3 {
		levels = append(levels, r.level())
	}
	if r.IntN(4) == 0 {
		levels[len(levels)-1] = "#"
	}
	return strings.Join(levels, "/")
}

func (r randomPolicy) keyPattern() string {
	s := ""
	for range r.IntN(6) {
		s += r.pick(r.piece(), r.piece(), "/", "k")
	}
	return s
}

func (r randomPolicy) rule() mqttauthz.Rule {
	var rule mqttauthz.Rule
	switch r.IntN(3) {
	case 0:
		rule.Principals.ClientIDs = []string{r.pick("a", "b", "v", "*", "+")}
	case 1:
		rule.Principals.Usernames = []string{r.pick("a", "#", "ab")}
	default:
		rule.Principals.Attributes = []map[string]string{
			{"x": r.value()}, {"x": r.value(), "y": r.value()},
		}
	}
	rule.BrokerResources = []mqttauthz.BrokerResource{
		{Method: mqttauthz.Publish, Topics: []string{r.topic(), r.topic()}},
		{Method: mqttauthz.Subscribe, Topics: []string{r.topic(), r.topic()}},
		{Method: mqttauthz.Connect, ClientIDs: []string{"a" + r.keyPattern()}},
	}
	rule.StateStoreResources = []mqttauthz.StateStoreResource{
		{Method: mqttauthz.Read, Keys: []string{r.keyPattern()}},
		{Method: mqttauthz.ReadWrite, Keys: []string{r.keyPattern()}},
		{Method: mqttauthz.Write, KeyType: mqttauthz.String, Keys: []string{r.key()}},
	}
	return rule
}

func (r randomPolicy) key() string {
	s := ""
	for range r.IntN(6) {
		s += r.pick("a", "b", "k", "/", "é", "*", "\xff", "\xe2", "\x82", "-", r.value())
	}
	return s
}

func (r randomPolicy) request(alphabet []string) string {
	levels := make([]string, 1+r.IntN(3))
	for i := range levels {
		levels[i] = alphabet[r.IntN(len(alphabet))]
	}
	return strings.Join(levels, "/")
}

// TestRandom compares random policies with the reference, for hostile
// principals (S-01, S-52, S-53), and each policy with its rules in another
// order (S-14).
func TestRandom(t *testing.T) {
	parts := []string{"a", "b", "ab", "", "$x", "z", "+", "#", "*", "é", "v", "aé", "-a"}
	universe := slices.DeleteFunc(words([]string{"a", "b", "ab", "", "$x", "z", "*", "é", "v", "aé", "-a", "zz"}, 3),
		func(s string) bool { return !naiveName(s) })
	r := randomPolicy{rand.New(rand.NewPCG(7, 8))}
	compiled, allowed := 0, 0
	for cases := 0; cases < *randomCases; {
		rules := []mqttauthz.Rule{r.rule(), r.rule(), r.rule(), r.rule()}
		policy, err := mqttauthz.Compile(rules)
		if err != nil {
			cases++
			continue
		}
		compiled++
		reversed := copyRules(rules)
		slices.Reverse(reversed)
		other := mustCompile(t, reversed)
		for range 4 {
			who := r.principal()
			ref := reference{rules, who}
			for _, g := range []*mqttauthz.Grants{policy.Grants(who), other.Grants(who)} {
				name, key := r.request(parts), r.key()
				filter := r.request(parts)
				checks := []struct {
					op, text  string
					got, want bool
				}{
					{"connect", "", g.Connect().Allowed(), ref.connect()},
					{"publish", name, g.Publish(name).Allowed(), ref.publish(name)},
					{"read", key, g.CanReadKey([]byte(key)), ref.key(mqttauthz.Read, key)},
					{"write", key, g.CanWriteKey([]byte(key)), ref.key(mqttauthz.Write, key)},
				}
				if cases%16 == 0 {
					checks = append(checks, struct {
						op, text  string
						got, want bool
					}{"subscribe", filter, g.Subscribe(filter).Allowed(), ref.subscribe(filter, universe)})
				}
				for _, c := range checks {
					if c.got != c.want {
						t.Fatalf("%s %q by %+q: allowed = %v, want %v; rules:\n%+q", c.op, c.text, who, c.got, c.want, rules)
					}
					if c.got {
						allowed++
					}
				}
				cases += len(checks)
			}
		}
	}
	if compiled < *randomCases/1000 || allowed < *randomCases/100 {
		t.Errorf("only %d policies compiled and %d requests were allowed", compiled, allowed)
	}
}
