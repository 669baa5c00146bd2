package topic

import "strings"

// Match reports whether filter, which is not a share, matches name (MQTT 5.0
// section 4.7). + matches one level, also an empty one; # matches its parent
// and everything below. A wildcard in the first level does not match a name
// that begins with $ (section 4.7.2).
//
// Both must have been checked; an empty filter or name matches nothing.
func Match(filter, name string) bool {
	if filter == "" || name == "" {
		return false
	}
	if name[0] == '$' && (filter[0] == '+' || filter[0] == '#') {
		return false
	}
	for {
		want, filterRest, moreFilter := Next(filter)
		if want == "#" && !moreFilter {
			return true
		}
		have, nameRest, moreName := Next(name)
		if want != "+" && want != have {
			return false
		}
		if !moreName {
			return !moreFilter || filterRest == "#" // the parent of a final #
		}
		if !moreFilter {
			return false
		}
		filter, name = filterRest, nameRest
	}
}

// Levels returns the number of levels of s: one more than it has slashes.
func Levels(s string) int { return strings.Count(s, "/") + 1 }

// Next cuts the first level off s. More says that a slash followed it, so that
// rest holds at least one more level, which may be empty:
//
//	for rest, more := s, true; more; {
//		level, rest, more = topic.Next(rest)
//	}
func Next(s string) (level, rest string, more bool) {
	i := strings.IndexByte(s, '/')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
