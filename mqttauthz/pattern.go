package mqttauthz

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// level is one level of a topic pattern (AUTHZ-5).
type level struct {
	kind levelKind
	text string // as written; of literal levels what it stands for
	slot slot   // of token levels
	glob *glob  // of glob levels
}

type levelKind uint8

const (
	literalLevel levelKind = iota
	plusLevel              // +, and globs of nothing but stars
	hashLevel              // the last one
	tokenLevel             // nothing but one token
	globLevel              // glob, or tokens with text around them
)

var (
	errTopicEmpty = errors.New("is empty; write a topic such as a/b, or # for all topics")
	errTopicNUL   = errors.New("contains the null character")
	errTopicUTF8  = errors.New("is not valid UTF-8")
	errTopicPlus  = errors.New("has a + that does not fill its level; write a/+/b, or a* for a part of a level")
	errTopicHash  = errors.New("has a # that is not alone in the last level; write a/#")
)

// parseTopic reads a topic pattern and appends its levels to buf. Tokens are
// read before levels, since an attribute's name may contain a slash. On error
// it returns the offset.
func parseTopic(text string, attrs slots, buf []level) ([]level, int, error) {
	if text == "" {
		return nil, 0, errTopicEmpty
	}
	if len(text) > maxPattern {
		return nil, maxPattern, errPatternLong
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return nil, i, errTopicNUL
	}
	if !utf8.ValidString(text) {
		return nil, -1, errTopicUTF8
	}
	for start := 0; start <= len(text); {
		end, at, err := levelEnd(text, start, attrs)
		if err != nil {
			return nil, at, err
		}
		l, at, err := parseLevel(text[start:end], attrs)
		if err != nil {
			return nil, start + max(at, 0), err
		}
		if l.kind == hashLevel && end != len(text) {
			return nil, start, errTopicHash
		}
		buf = append(buf, l)
		start = end + 1
	}
	return buf, 0, nil
}

// levelEnd returns the end of the level that begins at start. It refuses a
// wildcard of MQTT that has company, and braces that are no token.
func levelEnd(text string, start int, attrs slots) (end, at int, err error) {
	i := start
	for i < len(text) && text[i] != '/' {
		switch text[i] {
		case '{':
			_, n, err := cutToken(text[i:], attrs)
			if err != nil {
				return 0, i, err
			}
			i += n - 1
		case '}':
			return 0, i, errBrace
		case '+', '#':
			alone := i == start && (i+1 == len(text) || text[i+1] == '/')
			if !alone && text[i] == '+' {
				return 0, i, errTopicPlus
			}
			if !alone {
				return 0, i, errTopicHash
			}
		}
		i++
	}
	return i, 0, nil
}

// parseLevel reads one level, without slashes but in attribute names.
func parseLevel(text string, attrs slots) (l level, at int, err error) {
	switch text {
	case "+":
		return level{kind: plusLevel, text: text}, 0, nil
	case "#":
		return level{kind: hashLevel, text: text}, 0, nil
	}
	if !strings.ContainsAny(text, "*?[{") {
		return level{kind: literalLevel, text: text}, 0, nil
	}
	elements, at, err := parseElements(text, attrs)
	if err != nil {
		return level{}, at, err
	}
	if len(elements) == 1 && elements[0].kind == literal {
		return level{kind: literalLevel, text: elements[0].text}, 0, nil
	}
	if len(elements) == 1 && elements[0].kind == token {
		return level{kind: tokenLevel, text: text, slot: elements[0].slot}, 0, nil
	}
	g, err := newGlob(elements)
	if err != nil {
		return level{}, 0, err
	}
	if g.isStar() {
		return level{kind: plusLevel, text: text}, 0, nil
	}
	return level{kind: globLevel, text: text, glob: g}, 0, nil
}

// parseElements reads a level with tokens. Only in a level that is a glob is
// the backslash special.
func parseElements(text string, attrs slots) (elements []element, at int, err error) {
	if hasMeta(text, attrs) {
		return parseGlob(text, attrs)
	}
	for pos := 0; pos < len(text); {
		if text[pos] == '{' {
			s, n, err := cutToken(text[pos:], attrs)
			if err != nil {
				return nil, pos, err
			}
			elements = append(elements, element{kind: token, slot: s})
			pos += n
			continue
		}
		end := len(text)
		if i := strings.IndexByte(text[pos:], '{'); i >= 0 {
			end = pos + i
		}
		if end < len(text) && text[end-1] == '\\' {
			return nil, end, errBrace
		}
		elements = append(elements, element{kind: literal, text: text[pos:end]})
		pos = end
	}
	return elements, 0, nil
}

// hasMeta reports whether text has a * ? or [ outside of tokens.
func hasMeta(text string, attrs slots) bool {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '*', '?', '[':
			return true
		case '{':
			if _, n, err := cutToken(text[i:], attrs); err == nil {
				i += n - 1
			}
		}
	}
	return false
}

// takesSome reports whether g takes every level that is not empty and does not
// begin with $. A filter that is a lone + matches exactly those levels as whole
// topics, because no topic is empty; so ?* covers it though it does not cover
// the + of a longer filter.
func (g *glob) takesSome() bool {
	if len(g.segments) < 2 {
		return false
	}
	var only *element
	where := 0
	for i, s := range g.segments {
		if len(s) > 1 || len(s) == 1 && only != nil {
			return false
		}
		if len(s) == 1 {
			only, where = &s[0], i
		}
	}
	if only == nil {
		return true
	}
	// Not a suffix: the first unit is free of $, the last one may be one.
	impossible := "+#/\x00"
	if where < len(g.segments)-1 {
		impossible += "$"
	}
	switch only.kind {
	case anyUnit:
		return true
	case set:
		return only.not && strings.Trim(only.text, impossible) == ""
	case span:
		return only.not && spanWithin(only.lo, only.hi, impossible) ||
			!only.not && only.lo <= 1 && only.hi == utf8.MaxRune
	default:
		return false
	}
}

// spanWithin reports whether all characters from lo to hi are in chars.
func spanWithin(lo, hi rune, chars string) bool {
	for r := lo; r <= hi; r++ {
		if !strings.ContainsRune(chars, r) {
			return false
		}
	}
	return true
}

// spelledOut returns the filter with the same meaning whose # has a parent that
// exists: no topic is empty, so # is +/#, and /# is /+/#.
func spelledOut(filter string) string {
	switch filter {
	case "#":
		return "+/#"
	case "/#":
		return "/+/#"
	}
	return filter
}

// prefix returns the literal that g begins with.
func (g *glob) prefix() string {
	if len(g.segments[0]) > 0 && g.segments[0][0].kind == literal {
		return g.segments[0][0].text
	}
	return ""
}
