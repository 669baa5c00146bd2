package x509attr

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Rule gives attributes to the clients whose chain has a certificate with the
// subject.
type Rule struct {
	Name    string // a label in errors and in Match, nothing else (X509-8)
	Subject string // a distinguished name, see the package documentation; at most 4096 bytes

	// Attributes may be empty: such a rule ends the search with no attributes.
	// Names are not empty; names and values are UTF-8.
	Attributes map[string]string

	// Anchor, if set, is the SHA-256 fingerprint of the trust anchor that must
	// end the chain: 64 hex digits in upper or lower case, either without
	// colons or with one between every two digits, as OpenSSL prints it.
	Anchor string
}

// Match is the rule that named a certificate.
type Match struct {
	Rule       string            // Rule.Name
	Index      int               // position of the certificate in the chain; 0 is the leaf
	Attributes map[string]string // shared with the Matcher; must not be modified
}

// RuleError says which rule cannot be used, and why.
type RuleError struct {
	Index int    // of the rule in the argument of Compile
	Name  string // Rule.Name
	Field string // "subject", "anchor" or "attributes"
	Err   error  // a *SyntaxError if there is a position in the text of the field
}

// Error names the rule and the field, and says what is wrong.
func (e *RuleError) Error() string {
	return fmt.Sprintf("x509attr: rule %d (%q): %s: %v", e.Index, e.Name, e.Field, e.Err)
}

// Unwrap returns e.Err.
func (e *RuleError) Unwrap() error { return e.Err }

// Matcher holds compiled rules. It is immutable and safe for concurrent use. A
// nil or zero Matcher matches nothing.
type Matcher struct {
	rules   map[string][]compiledRule // by the key of the subject, in both orders
	longest int                       // length of the longest key in rules
}

// compiledRule is a Rule without its subject. Of the rules with one subject,
// either all are pinned, to different anchors, or there is just one.
type compiledRule struct {
	name       string
	index      int
	attributes map[string]string
	pinned     bool
	anchor     [sha256.Size]byte
}

// Compile checks the rules and makes a Matcher of them. It keeps copies only.
//
// It reports all errors at once, joined as by [errors.Join]; each is a
// *RuleError, in the order of the rules. It is an error if two rules have one
// subject, in the same or in reverse order, unless they are pinned to different
// anchors (X509-8).
func Compile(rules []Rule) (*Matcher, error) {
	m := &Matcher{rules: make(map[string][]compiledRule, 2*len(rules))}
	var errs []error
	for i, r := range rules {
		if problems := m.add(i, r); len(problems) > 0 {
			errs = append(errs, problems...)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return m, nil
}

// add compiles the rule at index, or says everything that is wrong with it.
func (m *Matcher) add(index int, r Rule) (errs []error) {
	problem := func(field string, err error) {
		if err != nil {
			errs = append(errs, &RuleError{Index: index, Name: r.Name, Field: field, Err: err})
		}
	}
	rdns, err := parseSubject(r.Subject)
	problem("subject", err)
	anchor, err := parseFingerprint(r.Anchor)
	problem("anchor", err)
	problem("attributes", checkAttributes(r.Attributes))
	if len(errs) > 0 {
		return errs
	}

	compiled := compiledRule{
		name: r.Name, index: index, attributes: maps.Clone(r.Attributes),
		pinned: r.Anchor != "", anchor: anchor,
	}
	printed := strings.Join(rdns, "")
	slices.Reverse(rdns)
	reversed := strings.Join(rdns, "")
	for _, other := range m.rules[printed] {
		if !compiled.pinned || !other.pinned || compiled.anchor == other.anchor {
			problem("subject", fmt.Errorf("the same as that of rule %d (%q); leave one out, or pin each to an anchor of its own",
				other.index, other.name))
			return errs
		}
	}
	m.rules[printed] = append(m.rules[printed], compiled)
	if reversed != printed {
		m.rules[reversed] = append(m.rules[reversed], compiled)
	}
	m.longest = max(m.longest, len(printed))
	return nil
}

// parseFingerprint parses a Rule.Anchor. Errors are of type *SyntaxError.
func parseFingerprint(text string) (sum [sha256.Size]byte, err error) {
	const (
		want  = "write the 64 hex digits of a SHA-256 fingerprint"
		plain = 2 * sha256.Size
		colon = 3*sha256.Size - 1
	)
	if text == "" {
		return sum, nil
	}
	step := 2
	if strings.Contains(text, ":") {
		step = 3
	}
	for i := range len(text) {
		isColon := i%step == 2
		if isColon != (text[i] == ':') || !isColon && !isHexDigit(text[i]) {
			return sum, fail(i, "unexpected character; "+want)
		}
	}
	if step == 2 && len(text) != plain || step == 3 && len(text) != colon {
		return sum, fail(len(text), "wrong length; "+want)
	}
	_, err = hex.Decode(sum[:], []byte(strings.ReplaceAll(text, ":", "")))
	return sum, err
}

func isHexDigit(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func checkAttributes(attributes map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		switch {
		case name == "":
			return errors.New("an attribute without a name")
		case !utf8.ValidString(name):
			return fmt.Errorf("name %q is not UTF-8", name)
		case !utf8.ValidString(attributes[name]):
			return fmt.Errorf("value of %q is not UTF-8", name)
		}
	}
	return nil
}

// stackKey is the size of a key that needs no allocation: a subject of about
// 400 characters.
const stackKey = 512

// Match returns the rule that names the first certificate of chain that any
// rule names (X509-6). The chain must be verified, with the leaf first and the
// trust anchor last. There is no match if it is empty or has a nil in it.
//
// Match does not allocate unless a subject and a rule are very long, and does
// not modify the chain.
func (m *Matcher) Match(chain []*x509.Certificate) (Match, bool) {
	if m == nil || len(chain) == 0 || slices.Contains(chain, nil) {
		return Match{}, false
	}
	anchor := chain[len(chain)-1]
	var stack [stackKey]byte
	for i, cert := range chain {
		key, ok := appendName(stack[:0], cert.RawSubject, m.longest)
		if !ok {
			continue
		}
		if r := choose(m.rules[string(key)], anchor); r != nil {
			return Match{Rule: r.name, Index: i, Attributes: r.attributes}, true
		}
	}
	return Match{}, false
}

// choose returns the one of the rules of a subject that holds with the anchor,
// or nil.
func choose(rules []compiledRule, anchor *x509.Certificate) *compiledRule {
	if len(rules) == 0 {
		return nil
	}
	if !rules[0].pinned {
		return &rules[0]
	}
	if len(anchor.Raw) == 0 { // not parsed from anything, so not that anchor
		return nil
	}
	sum := sha256.Sum256(anchor.Raw)
	for i := range rules {
		if rules[i].pinned && rules[i].anchor == sum {
			return &rules[i]
		}
	}
	return nil
}
