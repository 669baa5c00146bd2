package resource

import (
	"fmt"
	"regexp"
	"strings"
)

// maxMQTTString is the most bytes that a string of MQTT can have (MQTT 5.0
// section 1.5.4). A longer user name could not be sent, and a longer attribute
// would fit no topic.
const maxMQTTString = 65535

// tomlObject reads a table with known fields.
func (f *field) tomlObject() *object {
	if f != nil && !f.isTOMLTable() {
		return &object{field: f, broken: true}
	}
	return f.object()
}

// tomlEntries reads a table whose keys are free and not empty.
func (f *field) tomlEntries() []*field {
	if f == nil || !f.isTOMLTable() {
		return nil
	}
	entries := f.entries()
	for _, e := range entries {
		switch {
		case e.key == "":
			e.decoder.report(e.at, e.path(), "the name must not be empty")
		case len(e.key) > maxMQTTString:
			e.decoder.report(e.at, f.path(), fmt.Sprintf("a name must have at most %d bytes", maxMQTTString))
		}
	}
	return entries
}

func (f *field) isTOMLTable() bool {
	if f.node.kind == mappingNode {
		return true
	}
	f.errorf("want a table, found %s", f.node.kind)
	return false
}

// tomlText reads a string of limited length.
func (f *field) tomlText(most int) string {
	if f == nil {
		return ""
	}
	switch n := f.node; n.kind {
	case stringNode:
		if len(n.text) > most {
			f.errorf("must have at most %d bytes", most)
			return ""
		}
		return n.text
	case mappingNode:
		f.errorf("want a string, found a table")
	case sequenceNode, nullNode:
		f.errorf("want a string, found a list")
	default:
		f.errorf("want a string; %s", f.tomlQuoted())
	}
	return ""
}

// bareKey is a key that TOML takes without quotes.
var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// tomlQuoted says how to write a number, date or boolean as a string.
func (f *field) tomlQuoted() string {
	if f.decoder.secret {
		return "put the value in quotes"
	}
	key := f.key
	if !bareKey.MatchString(key) {
		key = quote(key)
	}
	return "write " + key + " = " + quote(f.node.text)
}

// tomlAttributes reads a table of strings. Their values may be empty, their
// names not (see tomlEntries). Attributes are shown to operators, so they must
// not hold a hash that slipped there.
func (f *field) tomlAttributes() map[string]string {
	var out map[string]string
	for _, a := range f.tomlEntries() {
		if out == nil {
			out = map[string]string{}
		}
		value := a.tomlText(maxMQTTString)
		if strings.Contains(value, hashMark) {
			a.errorf("a password hash is no attribute; is a line [NAME] missing above?")
		}
		out[a.key] = value
	}
	return out
}
