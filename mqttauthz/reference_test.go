package mqttauthz_test

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// This file is the contract (AUTHZ-1 to AUTHZ-8, AUTHZ-16, STORE-3) written
// down as plainly as possible, without an idea in common with the package: it
// goes through all rules and all patterns, and decides a subscription by trying
// topics. It expects rules that Compile accepts.

// reference decides for one principal by brute force.
type reference struct {
	rules []mqttauthz.Rule
	who   mqttauthz.Principal
}

func (r reference) applies(p mqttauthz.Principals) bool {
	if slices.Contains(p.ClientIDs, r.who.ClientID) || slices.Contains(p.Usernames, r.who.Username) {
		return true
	}
	return slices.ContainsFunc(p.Attributes, func(m map[string]string) bool {
		for name, want := range m {
			if have, ok := r.who.Attributes[name]; !ok || have != want {
				return false
			}
		}
		return true
	})
}

// patterns returns the patterns of all rules that apply, for one method.
func (r reference) patterns(method mqttauthz.BrokerMethod) []string {
	var all []string
	for _, rule := range r.rules {
		if !r.applies(rule.Principals) {
			continue
		}
		for _, res := range rule.BrokerResources {
			if res.Method == method && method == mqttauthz.Connect && len(res.ClientIDs) == 0 {
				all = append(all, "*")
			}
			if res.Method == method {
				all = append(all, res.ClientIDs...)
				all = append(all, res.Topics...)
			}
		}
	}
	return all
}

func (r reference) connect() bool {
	return slices.ContainsFunc(r.patterns(mqttauthz.Connect), func(p string) bool {
		return r.matchText(p, r.who.ClientID)
	})
}

func (r reference) publish(name string) bool {
	const id = "statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8"
	for _, root := range []string{"$share", "$SYS", "clients/" + id, id} {
		if strings.HasPrefix(name+"/", root+"/") && name != id+"/command/invoke" {
			return false
		}
	}
	return naiveName(name) && slices.ContainsFunc(r.patterns(mqttauthz.Publish), func(p string) bool {
		return r.matchTopic(p, name)
	})
}

// subscribe decides by trying: one pattern must match all topics of universe
// that the filter matches. The universe must be rich enough.
func (r reference) subscribe(filter string, universe []string) bool {
	if levels := strings.Split(filter, "/"); levels[0] == "$share" {
		if len(levels) < 3 || levels[1] == "" || strings.ContainsAny(levels[1], "+#") || levels[2] == "$share" {
			return false
		}
		filter = strings.Join(levels[2:], "/")
	}
	if !naiveFilter(filter) {
		return false
	}
	patterns := r.patterns(mqttauthz.Subscribe)
	for _, name := range universe {
		if !naiveMatch(filter, name) {
			continue
		}
		patterns = slices.DeleteFunc(patterns, func(p string) bool { return !r.matchTopic(p, name) })
	}
	return len(patterns) > 0
}

func (r reference) key(method mqttauthz.StateStoreMethod, key string) bool {
	for _, rule := range r.rules {
		if !r.applies(rule.Principals) {
			continue
		}
		for _, res := range rule.StateStoreResources {
			if res.Method != method && res.Method != mqttauthz.ReadWrite {
				continue
			}
			for _, k := range res.Keys {
				if res.KeyType == mqttauthz.String && k == key || res.KeyType != mqttauthz.String && r.matchText(k, key) {
					return true
				}
			}
		}
	}
	return false
}

// value returns what a token stands for, and whether it stands for anything.
func (r reference) value(token, forbidden string) (string, bool) {
	v, ok := "", true
	switch token {
	case "{principal.clientId}":
		v = r.who.ClientID
	case "{principal.username}":
		v = r.who.Username
	default:
		name := strings.TrimSuffix(strings.TrimPrefix(token, "{principal.attributes."), "}")
		v, ok = r.who.Attributes[name]
	}
	return v, ok && v != "" && !strings.ContainsAny(v, forbidden)
}

// matchText is STORE-3: glob over a whole text.
func (r reference) matchText(pattern, text string) bool {
	steps, ok := r.steps(pattern, true, "/\x00")
	return ok && walkSteps(steps, unitsOf(text))
}

// matchTopic is AUTHZ-5.
func (r reference) matchTopic(pattern, name string) bool {
	if strings.HasPrefix(name, "$") && !strings.HasPrefix(pattern, "$") && !strings.HasPrefix(pattern, `\$`) {
		return false
	}
	want, have := splitLevels(pattern), strings.Split(name, "/")
	for i, level := range want {
		if level == "#" {
			return len(have) >= i
		}
		if i >= len(have) || !r.matchLevel(level, have[i]) {
			return false
		}
	}
	return len(want) == len(have)
}

func (r reference) matchLevel(level, part string) bool {
	if level == "+" {
		return true
	}
	outside := level // the level without its tokens
	for strings.Contains(outside, "{") {
		open := strings.Index(outside, "{")
		outside = outside[:open] + outside[open+strings.Index(outside[open:], "}")+1:]
	}
	steps, ok := r.steps(level, strings.ContainsAny(outside, "*?["), "/+#\x00")
	for _, s := range steps {
		ok = ok && utf8.ValidString(s.text)
	}
	return ok && walkSteps(steps, unitsOf(part))
}

// step takes one unit that wanted approves, or any number of them.
type step struct {
	star   bool
	text   string // only to be checked for validity
	wanted func(unit string) bool
}

// steps translates a pattern; ok is false when a token stands for nothing.
func (r reference) steps(pattern string, isGlob bool, forbidden string) (steps []step, ok bool) {
	literal := func(text string) {
		for _, u := range unitsOf(text) {
			steps = append(steps, step{text: text, wanted: func(unit string) bool { return unit == u }})
		}
	}
	for pattern != "" {
		c, size := utf8.DecodeRuneInString(pattern)
		switch {
		case c == '{':
			size = strings.Index(pattern, "}") + 1
			v, ok := r.value(pattern[:size], forbidden)
			if !ok {
				return nil, false
			}
			literal(v)
		case isGlob && c == '*':
			steps = append(steps, step{star: true})
		case isGlob && c == '?':
			steps = append(steps, step{wanted: func(string) bool { return true }})
		case isGlob && c == '[':
			var wanted func(string) bool
			wanted, size = class(pattern)
			steps = append(steps, step{wanted: wanted})
		case isGlob && c == '\\':
			_, next := utf8.DecodeRuneInString(pattern[1:])
			literal(pattern[1 : 1+next])
			size = 1 + next
		default:
			literal(pattern[:size])
		}
		pattern = pattern[size:]
	}
	return steps, true
}

// class reads the class that pattern begins with.
func class(pattern string) (wanted func(unit string) bool, size int) {
	var members []rune
	i, not := 1, false
	if pattern[i] == '!' {
		i, not = 2, true
	}
	first := i
	for pattern[i] != ']' {
		if pattern[i] == '\\' {
			i++
		}
		c, n := utf8.DecodeRuneInString(pattern[i:])
		members = append(members, c)
		i += n
	}
	isRange := len(members) == 3 && members[1] == '-' && !strings.Contains(pattern[first:i], `\`)
	return func(unit string) bool {
		c, n := utf8.DecodeRuneInString(unit)
		if c == utf8.RuneError && n == 1 {
			return not
		}
		if isRange {
			return (members[0] <= c && c <= members[2]) != not
		}
		return slices.Contains(members, c) != not
	}, i + 1
}

// walkSteps tries everything a star could take: reached[n] says that the steps
// so far can take the first n units.
func walkSteps(steps []step, units []string) bool {
	reached := make([]bool, len(units)+1)
	reached[0] = true
	for _, s := range steps {
		next := make([]bool, len(units)+1)
		for n := range reached {
			switch {
			case !reached[n]:
			case s.star:
				for m := n; m <= len(units); m++ {
					next[m] = true
				}
			case n < len(units) && s.wanted(units[n]):
				next[n+1] = true
			}
		}
		reached = next
	}
	return reached[len(units)]
}

// unitsOf splits text into code points and stray bytes.
func unitsOf(text string) []string {
	var units []string
	for text != "" {
		_, n := utf8.DecodeRuneInString(text)
		units = append(units, text[:n])
		text = text[n:]
	}
	return units
}

// splitLevels splits a pattern at the slashes that are not within a token.
func splitLevels(pattern string) []string {
	levels, inToken := []string{""}, false
	for _, c := range pattern {
		inToken = c == '{' || inToken && c != '}'
		if c == '/' && !inToken {
			levels = append(levels, "")
			continue
		}
		levels[len(levels)-1] += string(c)
	}
	return levels
}

// naiveName and naiveFilter are MQTT 5.0 section 4.7.
func naiveName(s string) bool { return naiveFilter(s) && !strings.ContainsAny(s, "+#") }

func naiveFilter(s string) bool {
	if s == "" || len(s) > 65535 || !utf8.ValidString(s) || strings.Contains(s, "\x00") {
		return false
	}
	levels := strings.Split(s, "/")
	for i, l := range levels {
		if strings.Contains(l, "+") && l != "+" || strings.Contains(l, "#") && (l != "#" || i+1 < len(levels)) {
			return false
		}
	}
	return true
}

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

// words returns all topics, filters or patterns of up to depth levels.
func words(alphabet []string, depth int) []string {
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
	return all
}

// copyRules returns rules whose maps the caller may change.
func copyRules(rules []mqttauthz.Rule) []mqttauthz.Rule {
	out := slices.Clone(rules)
	for i := range out {
		out[i].Principals.Attributes = slices.Clone(out[i].Principals.Attributes)
		for j, m := range out[i].Principals.Attributes {
			out[i].Principals.Attributes[j] = maps.Clone(m)
		}
	}
	return out
}
