package mqttauthz

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// A slot is the number of a token within one policy: what a pattern stores
// instead of the token's name, and what Grants finds the value by.
type slot uint32

const (
	clientIDSlot slot = iota
	usernameSlot
	firstAttributeSlot
)

// slots numbers the attribute names that tokens of a policy mention.
type slots map[string]slot

func (s slots) attribute(name string) slot {
	n, ok := s[name]
	if !ok {
		n = firstAttributeSlot + slot(len(s))
		s[name] = n
	}
	return n
}

const (
	tokenClientID   = "{principal.clientId}"
	tokenUsername   = "{principal.username}"
	tokenAttributes = "{principal.attributes."
)

var errBrace = errors.New("has a brace that is not part of a token; write {principal.clientId}, " +
	"{principal.username} or {principal.attributes.NAME}, other braces are not available")

// cutToken reads the token that text begins with (AUTHZ-6) and returns its slot
// and its length in bytes.
func cutToken(text string, attributes slots) (slot, int, error) {
	if strings.HasPrefix(text, tokenClientID) {
		return clientIDSlot, len(tokenClientID), nil
	}
	if strings.HasPrefix(text, tokenUsername) {
		return usernameSlot, len(tokenUsername), nil
	}
	name, ok := strings.CutPrefix(text, tokenAttributes)
	if !ok {
		return 0, 0, errBrace
	}
	end := strings.IndexByte(name, '}')
	if end <= 0 || strings.IndexByte(name[:end], '{') >= 0 {
		return 0, 0, errBrace
	}
	return attributes.attribute(name[:end]), len(tokenAttributes) + end + 1, nil
}

// uses says in which kinds of pattern a value may stand.
type uses uint8

const (
	inTopics uses = 1 << iota
	inKeys        // and client IDs
)

// value is what the acting principal puts in the place of a token.
type value struct {
	text string
	slot slot
	uses uses
	// ragged: not valid UTF-8, so that it may end within a code point of the
	// text it is compared with.
	ragged bool
}

// newValue judges text by AUTHZ-6 and STORE-3: an empty value fits nowhere, one
// with a slash or NUL would add a level, one with a topic wildcard or invalid
// UTF-8 cannot stand in a topic.
func newValue(s slot, text string) value {
	v := value{text: text, slot: s}
	if text == "" || strings.IndexByte(text, '/') >= 0 || strings.IndexByte(text, 0) >= 0 {
		return v
	}
	v.uses = inKeys
	v.ragged = !utf8.ValidString(text)
	if !v.ragged && !strings.ContainsAny(text, "+#") {
		v.uses |= inTopics
	}
	return v
}

// values are the values of one principal in ascending order of slots, each
// fit for some use. A token whose slot is missing matches nothing.
type values []value

// find returns the value for slot s where it may be used as u, else nil.
func (v values) find(s slot, u uses) *value {
	lo, hi := 0, len(v)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if v[mid].slot < s {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(v) || v[lo].slot != s || v[lo].uses&u == 0 {
		return nil
	}
	return &v[lo]
}
