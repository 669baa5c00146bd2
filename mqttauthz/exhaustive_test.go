package mqttauthz_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// bitset has one bit for each topic of a universe.
type bitset []uint64

func newBitset(universe []string, in func(i int) bool) bitset {
	b := make(bitset, (len(universe)+63)/64)
	for i := range universe {
		if in(i) {
			b[i/64] |= 1 << (i % 64)
		}
	}
	return b
}

func (b bitset) includes(other bitset) bool {
	for i, w := range other {
		if w&^b[i] != 0 {
			return false
		}
	}
	return true
}

// TestS15Exhaustive compares all patterns with all topics and all filters of up
// to three levels, four without -short, over an alphabet with every kind of
// level. A pattern covers a filter if and only if it matches every topic that
// the filter matches (AUTHZ-5, AUTHZ-7, S-15). A policy holds many
// patterns, each for a principal of its own, so that they share one trie.
func TestS15Exhaustive(t *testing.T) {
	depth := 4
	if testing.Short() || raceEnabled {
		depth = 3
	}
	const token = "{principal.attributes.t}"
	attributes := map[string]string{"t": "v"}
	var patterns, filters, universe []string
	for _, p := range words([]string{"a", "b", "", "+", "#", "$x", "a*", token}, depth) {
		if p != "" && naiveFilter(p) {
			patterns = append(patterns, p)
		}
	}
	// The universe is one level deeper than any filter, for the sake of #.
	for _, f := range words([]string{"a", "b", "", "+", "#", "$x", "a*", "v"}, depth) {
		if naiveFilter(f) {
			filters = append(filters, f)
		}
	}
	for _, name := range words(nameLevels, depth+1) {
		if naiveName(name) {
			universe = append(universe, name)
		}
	}
	grants, matched := exhaustiveGrants(t, patterns, attributes, universe)
	names := splitAll(universe)
	equal := newLevelTable(func(level, part string) bool { return level == "+" || level == part })
	for _, f := range filters {
		levels := equal.levels(f)
		wanted := newBitset(universe, func(i int) bool {
			return (universe[i][0] != '$' || f[0] == '$') && equal.match(levels, names[i])
		})
		for i, p := range patterns {
			if got, want := grants[i].Subscribe(f).Allowed(), matched[i].includes(wanted); got != want {
				t.Fatalf("pattern %q, filter %q: Subscribe allowed = %v, want %v", p, f, got, want)
			}
		}
	}
	t.Logf("%d patterns, %d filters, %d topics", len(patterns), len(filters), len(universe))
}

// exhaustiveGrants compares Publish with the reference for each pattern and
// topic, and returns each pattern's grants and topics.
func exhaustiveGrants(t *testing.T, patterns []string, attributes map[string]string, universe []string) (
	grants []*mqttauthz.Grants, matched []bitset,
) {
	names := splitAll(universe)
	r := reference{who: mqttauthz.Principal{Attributes: attributes}}
	table := newLevelTable(r.matchLevel)
	for group := range slices.Chunk(patterns, patternsPerPolicy) {
		policy := mustCompile(t, oneRuleEach(group))
		for i, p := range group {
			g := policy.Grants(mqttauthz.Principal{ClientID: strconv.Itoa(i), Attributes: attributes})
			levels := table.levels(p)
			m := newBitset(universe, func(i int) bool {
				return (universe[i][0] != '$' || p[0] == '$') && table.match(levels, names[i])
			})
			grants, matched = append(grants, g), append(matched, m)
			for j, name := range universe {
				want := m[j/64]>>(j%64)&1 == 1
				d := g.Publish(name)
				if d.Allowed() != want || want && (d.Rule() != i || d.Pattern() != p) {
					t.Fatalf("pattern %q of rule %d, topic %q: Publish %v, want allowed = %v", p, i, name, d, want)
				}
			}
		}
	}
	return grants, matched
}

// patternsPerPolicy is enough for patterns to share and compete for nodes, and
// little enough for four levels: a walk visits all that match the same topic.
const patternsPerPolicy = 64

// oneRuleEach allows client i pattern i.
func oneRuleEach(patterns []string) []mqttauthz.Rule {
	rules := make([]mqttauthz.Rule, len(patterns))
	for i, p := range patterns {
		rules[i] = mqttauthz.Rule{
			Principals: mqttauthz.Principals{ClientIDs: []string{strconv.Itoa(i)}},
			BrokerResources: []mqttauthz.BrokerResource{
				{Method: mqttauthz.Publish, Topics: []string{p}},
				{Method: mqttauthz.Subscribe, Topics: []string{p}},
			},
		}
	}
	return rules
}

// nameLevels is the alphabet of topics: what patterns name, and "z" for what
// they do not.
var nameLevels = []string{"a", "b", "", "$x", "a*", "v", "z"}

// splitAll returns topics as indices of nameLevels.
func splitAll(topics []string) [][]int {
	split := make([][]int, len(topics))
	for i, s := range topics {
		for _, part := range strings.Split(s, "/") {
			split[i] = append(split[i], slices.Index(nameLevels, part))
		}
	}
	return split
}

// levelTable remembers which levels of patterns match which of nameLevels; the
// row of # is nil.
type levelTable struct {
	matches func(level, part string) bool
	rows    map[string][]bool
}

func newLevelTable(matches func(level, part string) bool) *levelTable {
	return &levelTable{matches, map[string][]bool{"#": nil}}
}

// levels returns the rows of the levels of a pattern.
func (l *levelTable) levels(pattern string) [][]bool {
	var rows [][]bool
	for _, level := range splitLevels(pattern) {
		if _, ok := l.rows[level]; !ok {
			for _, part := range nameLevels {
				l.rows[level] = append(l.rows[level], l.matches(level, part))
			}
		}
		rows = append(rows, l.rows[level])
	}
	return rows
}

func (l *levelTable) match(rows [][]bool, name []int) bool {
	for i, row := range rows {
		if row == nil {
			return len(name) >= i
		}
		if i >= len(name) || !row[name[i]] {
			return false
		}
	}
	return len(rows) == len(name)
}

// TestSubscribeLonePlus: no topic is empty, so a pattern for one level that is
// not empty covers the filter +, though not +/a.
func TestSubscribeLonePlus(t *testing.T) {
	tests := []struct {
		pattern string
		want    bool
	}{
		{"+", true},
		{"*", true},
		{"#", true},
		{"+/#", true},
		{"?*", true},
		{"*?", true},
		{"*?*/#", true},
		{"[!$]*", true},
		{"*[!$]*", true},
		{"[!\x01-\x02]*", false},
		{"*[!$]", false}, // a$
		{"?", false},
		{"??*", false},
		{"?*?", false},
		{"[!a]*", false},
		{"[a-z]*", false},
		{"a*", false},
		{"?*/a", false},
		{"?*/+", false},
		{"?*/+/#", false},
		{"a", false},
	}
	for _, tt := range tests {
		g := grantsFor(t, mqttauthz.Subscribe, tt.pattern)
		if got := g.Subscribe("+").Allowed(); got != tt.want {
			t.Errorf("%q covers + = %v, want %v", tt.pattern, got, tt.want)
		}
		if tt.pattern[0] != '+' && tt.pattern != "*" && tt.pattern != "#" && g.Subscribe("+/a").Allowed() {
			t.Errorf("%q covers +/a", tt.pattern)
		}
	}
}

// grantsFor returns the grants of a client that is allowed one operation on
// topics.
func grantsFor(t *testing.T, method mqttauthz.BrokerMethod, topics ...string) *mqttauthz.Grants {
	t.Helper()
	who := mqttauthz.Principal{ClientID: "c", Username: "u", Attributes: map[string]string{"x": "y"}}
	return mustCompile(t, []mqttauthz.Rule{{
		Principals:      mqttauthz.Principals{ClientIDs: []string{"c"}},
		BrokerResources: []mqttauthz.BrokerResource{{Method: method, Topics: topics}},
	}}).Grants(who)
}

func ExampleDecision_String() {
	policy, err := mqttauthz.Compile([]mqttauthz.Rule{{
		Principals: mqttauthz.Principals{ClientIDs: []string{"pump"}},
		BrokerResources: []mqttauthz.BrokerResource{
			{Method: mqttauthz.Connect},
			{Method: mqttauthz.Publish, Topics: []string{"telemetry/{principal.clientId}/#"}},
		},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	grants := policy.Grants(mqttauthz.Principal{ClientID: "pump"})
	fmt.Println(grants.Connect())
	fmt.Println(grants.Publish("telemetry/pump/pressure"))
	fmt.Println(grants.Publish("telemetry/valve/pressure"))
	fmt.Println(grants.Publish("$SYS/uptime"))
	fmt.Println(grants.Subscribe("telemetry/#"))
	// Output:
	// allowed by rules[0]
	// allowed by rules[0]: "telemetry/{principal.clientId}/#"
	// denied: no rule allows it
	// denied: the topic belongs to the broker
	// denied: no rule allows it
}
