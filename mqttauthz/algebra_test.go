package mqttauthz

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"testing"
)

// pattern parses a topic pattern without tokens.
func pattern(t *testing.T, text string) *automaton {
	t.Helper()
	levels, _, err := parseTopic(text, make(slots), nil)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return topicAutomaton(levels, func(slot) tokenValue { return tokenValue{} })
}

// AUTHZ-5
func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/c", false},
		{"a/b", "a/b/c", false},
		{"a/+", "a/b", true},
		{"a/+", "a/", true},
		{"a/+", "a", false},
		{"a/#", "a", true},
		{"a/#", "a/b/c", true},
		{"a/#", "ab", false},
		{"#", "a/b", true},
		{"#", "$x", false},
		{"+", "$x", false},
		{"$x/#", "$x/a", true},
		{"$*", "$x", true},
		{"*", "$x", false},
		{"+/$x", "a/$x", true},
		{"a*/b", "axy/b", true},
		{"a*/b", "a/x/b", false},
		{"?", "é", true},
		{"?", "/", false},
		{"[!a]", "/", false},
		{"/#", "/", true},
		{"/#", "a", false},
		{"a", "", false},
		{"#", "", false},
	}
	for _, tt := range tests {
		if got := match(pattern(t, tt.pattern), tt.name); got != tt.want {
			t.Errorf("match(%q, %q) = %v, want %v", tt.pattern, tt.name, got, tt.want)
		}
	}
}

// AUTHZ-7
func TestCovers(t *testing.T) {
	tests := []struct {
		pattern, filter string
		want            bool
	}{
		{"a/+", "a/b", true},
		{"a/+", "a/+", true},
		{"a/+", "a/#", false},
		{"a/#", "a/#", true},
		{"a/#", "a/+/b/#", true},
		{"a/#", "a", true},
		{"a/*", "a/+", true},
		{"a/?*", "a/+", false},
		{"?*", "+", true},
		{"?*", "+/a", false},
		{"?*/#", "+", true},
		{"#", "#", true},
		{"+/#", "#", true},
		{"/+/#", "/#", true},
		{"/#", "/#", true},
		{"+", "#", false},
		{"#", "$x", false},
		{"#", "$x/#", false},
		{"$x/#", "$x/+", true},
		{"a/[a-z]", "a/b", true},
		{"a/[a-z]", "a/+", false},
		{"a", "", false},
	}
	for _, tt := range tests {
		if got := covers(pattern(t, tt.pattern), tt.filter); got != tt.want {
			t.Errorf("covers(%q, %q) = %v, want %v", tt.pattern, tt.filter, got, tt.want)
		}
	}
}

func TestIntersects(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"a/+", "+/b", true},
		{"a/#", "a", true},
		{"a/#", "#", true},
		{"a/#", "b/#", false},
		{"a/b", "a/+/c", false},
		{"$x/#", "#", false},
		{"$x/#", "$*/a", true},
		{"a*", "*b", true},
		{"a*b", "ab", true},
		{"a?b", "ab", false},
		{"[a-c]", "[c-d]", true},
		{"[a-c]", "[!a-c]", false},
		{"+", "+/a", false},
	}
	for _, tt := range tests {
		word, got, err := intersects(pattern(t, tt.a), pattern(t, tt.b), names)
		if err != nil || got != tt.want {
			t.Errorf("intersects(%q, %q) = %q %v %v, want %v", tt.a, tt.b, spell(word), got, err, tt.want)
		}
		if got && (!match(pattern(t, tt.a), spell(word)) || !match(pattern(t, tt.b), spell(word))) {
			t.Errorf("%q is not in both %q and %q", spell(word), tt.a, tt.b)
		}
	}
}

func TestWithin(t *testing.T) {
	tests := []struct {
		name    string
		a       string
		others  []string
		words   words
		want    bool
		witness string
	}{
		{"itself", "a/+", []string{"a/+"}, names, true, ""},
		{"wider", "a/#", []string{"a/+"}, names, false, "a"},
		{"narrower", "a/+", []string{"a/#"}, filters, true, ""},
		{"a union of names", "+", []string{"[!a]*", "a*", ""}, names, true, ""},
		{"not of filters", "b/+", []string{"b/[!a]*", "b/a*", "b/"}, filters, false, "b/+"},
		{"nothing", "a", nil, names, false, "a"},
		{"hash spelled out", "#", []string{"+/#"}, filters, true, ""},
		{"below a slash", "/#", []string{"/+/#", "/"}, filters, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var others []*automaton
			for _, o := range tt.others {
				if o != "" {
					others = append(others, pattern(t, o))
				}
			}
			witness, got, err := within(pattern(t, tt.a), others, tt.words)
			if err != nil || got != tt.want || spell(witness) != tt.witness {
				t.Errorf("within = %v, witness %q, %v; want %v, %q", got, spell(witness), err, tt.want, tt.witness)
			}
		})
	}
	s := wordSearch{words: names, want: []*automaton{pattern(t, "a/*a*")}, avoid: []*automaton{pattern(t, "a/*a*")}, limit: 2}
	if _, _, err := s.find(t.Context()); !errors.Is(err, errTooMany) {
		t.Errorf("error %v, want %v", err, errTooMany)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.find(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// bruteMatch matches level by level, with path.Match for globs.
func bruteMatch(pattern, name string) bool {
	if name[0] == '$' && pattern[0] != '$' {
		return false
	}
	want, have := strings.Split(pattern, "/"), strings.Split(name, "/")
	for i, level := range want {
		if level == "#" {
			return len(have) >= i
		}
		if i >= len(have) {
			return false
		}
		if level == "+" {
			level = "*"
		}
		if ok, err := path.Match(level, have[i]); err != nil || !ok {
			return false
		}
	}
	return len(want) == len(have)
}

// TestAlgebraExhaustive compares all four functions with brute force, for all
// patterns and filters of two levels over an alphabet with every kind of level,
// and topics of three.
func TestAlgebraExhaustive(t *testing.T) {
	topics := combine([]string{"a", "b", "", "ab", "$x", "z", "zz"}, 3)
	patterns := combine([]string{"a", "", "+", "#", "$x", "a*", "*b", "?*"}, 2)
	filterTexts := combine([]string{"a", "b", "", "+", "#", "$x"}, 2)
	patterns = slices.DeleteFunc(patterns, func(p string) bool { return strings.HasPrefix(p, "#/") })
	filterTexts = slices.DeleteFunc(filterTexts, func(p string) bool { return strings.HasPrefix(p, "#/") || p == "$share" })
	matched := func(text string) map[string]bool {
		set := make(map[string]bool)
		for _, name := range topics {
			if bruteMatch(text, name) {
				set[name] = true
			}
		}
		return set
	}
	sets := make(map[string]map[string]bool)
	for _, p := range append(slices.Clone(patterns), filterTexts...) {
		sets[p] = matched(p)
	}
	includes := func(big, small map[string]bool) bool {
		for name := range small {
			if !big[name] {
				return false
			}
		}
		return true
	}
	for _, p := range patterns {
		a := pattern(t, p)
		for _, name := range topics {
			if got := match(a, name); got != sets[p][name] {
				t.Errorf("match(%q, %q) = %v", p, name, got)
			}
		}
		for _, f := range filterTexts {
			if got, want := covers(a, f), includes(sets[p], sets[f]); got != want {
				t.Errorf("covers(%q, %q) = %v, want %v", p, f, got, want)
			}
		}
		for _, q := range patterns {
			b := pattern(t, q)
			common := slices.ContainsFunc(topics, func(name string) bool { return sets[p][name] && sets[q][name] })
			if _, got, err := intersects(a, b, names); got != common || err != nil {
				t.Errorf("intersects(%q, %q) = %v, want %v (%v)", p, q, got, common, err)
			}
			want := includes(sets[q], sets[p])
			if witness, got, err := within(a, []*automaton{b}, names); got != want || err != nil {
				t.Errorf("within(%q, %q) = %v, want %v (%q, %v)", p, q, got, want, spell(witness), err)
			}
			// As filters go, one pattern is within another if it covers no
			// filter that the other does not.
			want = !slices.ContainsFunc(filterTexts, func(f string) bool {
				return includes(sets[p], sets[f]) && !includes(sets[q], sets[f])
			})
			if witness, got, err := within(a, []*automaton{b}, filters); got && !want || err != nil {
				t.Errorf("filters: within(%q, %q) = %v, want %v (%q, %v)", p, q, got, want, spell(witness), err)
			}
		}
	}
}

// combine returns all texts of up to depth levels, none empty.
func combine(alphabet []string, depth int) []string {
	all, last := slices.Clone(alphabet), alphabet
	for range depth - 1 {
		var next []string
		for _, w := range last {
			for _, a := range alphabet {
				next = append(next, w+"/"+a)
			}
		}
		all, last = append(all, next...), next
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}
