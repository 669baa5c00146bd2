package resource

import "strings"

// alternatives writes words as "a, b or c".
func alternatives(words []string) string {
	switch len(words) {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	default:
		last := len(words) - 1
		return strings.Join(words[:last], ", ") + " or " + words[last]
	}
}
