package topic_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// naiveMatch is MQTT 5.0 section 4.7 written down as plainly as possible.
func naiveMatch(filter, name string) bool {
	f, n := strings.Split(filter, "/"), strings.Split(name, "/")
	if strings.HasPrefix(name, "$") && (f[0] == "+" || f[0] == "#") {
		return false
	}
	for i, level := range f {
		if level == "#" {
			return len(n) >= i
		}
		if i >= len(n) || level != "+" && level != n[i] {
			return false
		}
	}
	return len(f) == len(n)
}

// naiveFilter says whether s is a valid filter, levels first.
func naiveFilter(s string) bool {
	if s == "" || len(s) > 65535 || !utf8.ValidString(s) || strings.Contains(s, "\x00") {
		return false
	}
	levels := strings.Split(s, "/")
	for i, level := range levels {
		if strings.Contains(level, "+") && level != "+" {
			return false
		}
		if strings.Contains(level, "#") && (level != "#" || i != len(levels)-1) {
			return false
		}
	}
	return true
}

// naiveParse is AUTHZ-8 on a list of levels.
func naiveParse(s string) (group, filter string, ok bool) {
	levels := strings.Split(s, "/")
	if levels[0] != "$share" {
		return "", s, naiveFilter(s)
	}
	if len(s) > 65535 || len(levels) < 3 || levels[1] == "" || strings.ContainsAny(levels[1], "+#\x00") ||
		!utf8.ValidString(levels[1]) || levels[2] == "$share" {
		return "", "", false
	}
	filter = strings.Join(levels[2:], "/")
	return levels[1], filter, naiveFilter(filter)
}

// words returns all joins of 1 to depth levels from alphabet.
func words(alphabet []string, depth int) []string {
	all := append([]string(nil), alphabet...)
	last := all
	for range depth - 1 {
		var next []string
		for _, w := range last {
			for _, a := range alphabet {
				next = append(next, w+"/"+a)
			}
		}
		all = append(all, next...)
		last = next
	}
	return all
}

func FuzzTopic(f *testing.F) {
	for _, seed := range [][2]string{
		{"a/+/#", "a/b"},
		{"$share/g/a", "a"},
		{"#", "$x"},
		{"+", ""},
		{"$share/g/$share/h/a", "/"},
		{"a/\xff", "\x00"},
		{"$share//#", "$share"},
		{"/#", "/"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, filter, name string) {
		if got := topic.CheckFilter(filter) == nil; got != naiveFilter(filter) {
			t.Errorf("CheckFilter(%q) = %v", filter, got)
		}
		nameOK := naiveFilter(name) && !strings.ContainsAny(name, "+#")
		if got := topic.CheckName(name) == nil; got != nameOK {
			t.Errorf("CheckName(%q) = %v", name, got)
		}
		group, plain, ok := naiveParse(filter)
		got, err := topic.ParseFilter(filter)
		if (err == nil) != ok || ok && (got.Share != group || got.Filter != plain) {
			t.Errorf("ParseFilter(%q) = %+v, %v; want %q, %q, %v", filter, got, err, group, plain, ok)
		}
		matched := topic.Match(filter, name) // must not panic on anything
		if naiveFilter(filter) && nameOK && matched != naiveMatch(filter, name) {
			t.Errorf("Match(%q, %q) = %v", filter, name, matched)
		}
	})
}
