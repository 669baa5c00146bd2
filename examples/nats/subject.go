package nats

import (
	"strings"
	"unicode"
)

// subjects returns the NATS subjects that together match what a topic pattern
// does, as mqttauthz.Right.Filled has it. It is not ok if no list of subjects
// can, without matching more.
func subjects(pattern string) (list []string, ok bool) {
	levels := strings.Split(pattern, "/")
	tokens := make([]string, len(levels))
	for i, level := range levels {
		token, ok := tokenOf(level)
		last := i == len(levels)-1
		switch {
		case !ok, token == ">" && !last:
			return nil, false
		case i == 0 && (token == ">" || token == "*"):
			// It would match the system's own subjects, which begin with a $
			// that only a written one may match (AUTHZ-5).
			return nil, false
		}
		tokens[i] = token
	}
	list = []string{strings.Join(tokens, ".")}
	if tokens[len(tokens)-1] == ">" { // the parent is included
		list = append(list, strings.Join(tokens[:len(tokens)-1], "."))
	}
	return list, true
}

// tokenOf returns the token of a subject that matches what a level does.
func tokenOf(level string) (token string, ok bool) {
	switch level {
	case "+", "*": // of which * does not match an empty level, which no subject has
		return "*", true
	case "#":
		return ">", true
	case "":
		return "", false
	}
	unfit := strings.ContainsFunc(level, func(r rune) bool {
		// Globs and escapes, what means something in a subject, and what no
		// subject may hold.
		return strings.ContainsRune(`*?[]\+#.>`, r) || unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar
	})
	return level, !unfit
}
