package mqttauthz

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// RuleError says what is wrong with one value of one rule.
type RuleError struct {
	Rule   int    // index of the rule, -1 when the whole policy is meant
	Field  string // within the rule, such as "brokerResources[1].topics[0]"
	Offset int    // byte offset in the value, -1 when there is none
	Err    error
}

// Error returns the whole message: where, what, and what to write instead.
func (e *RuleError) Error() string {
	where := "policy"
	if e.Rule >= 0 {
		where = fmt.Sprintf("rules[%d].%s", e.Rule, e.Field)
	}
	if e.Offset < 0 {
		return fmt.Sprintf("mqttauthz: %s: %v", where, e.Err)
	}
	return fmt.Sprintf("mqttauthz: %s: %v (byte %d)", where, e.Err, e.Offset)
}

// Unwrap returns e.Err.
func (e *RuleError) Unwrap() error { return e.Err }

// maxEntries bounds the memory of a policy: each pattern of a rule costs an
// entry for each of the rule's principals.
const maxEntries = 1 << 24

// Compile makes a policy of rules, in time and space proportional to them. No
// rules make a policy that denies everything. The policy keeps no reference to
// the slices and maps of rules.
//
// The error joins a *RuleError for every mistake there is, in the order of the
// rules; with any mistake there is no policy. It also refuses rules that
// together would let one request cost more than some milliseconds: see the
// limits in the package documentation.
func Compile(rules []Rule) (*Policy, error) {
	c := newCompiler(sizeOf(rules))
	for i := range rules {
		c.compileRule(i, &rules[i])
	}
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	p := c.finish()
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	return p, nil
}

// compiler holds what Compile builds.
type compiler struct {
	attrs      slots
	principals *principalsBuilder
	leaves     *leafBuilder
	publish    *trieBuilder
	subscribe  *trieBuilder
	connect    *subjectsBuilder
	read       *subjectsBuilder
	write      *subjectsBuilder
	patterns   []string
	sources    []source
	atomStarts []uint32 // of each rule
	ruleAtoms  []atom
	errs       []error

	// Where the compiler is.
	rule     int
	section  string // of the rule
	resource int    // index in the section, -1 for principals
	atoms    []atom // of the rule's principals
	levels   []level
}

// size says how much Compile will add, so that large policies are not copied
// again and again while they grow.
type size struct{ predicates, patterns, entries int }

func sizeOf(rules []Rule) size {
	var n size
	for i := range rules {
		r := &rules[i]
		principals := len(r.Principals.ClientIDs) + len(r.Principals.Usernames) + len(r.Principals.Attributes)
		patterns := 0
		for j := range r.BrokerResources {
			patterns += max(1, len(r.BrokerResources[j].Topics), len(r.BrokerResources[j].ClientIDs))
		}
		for j := range r.StateStoreResources {
			s := &r.StateStoreResources[j]
			patterns += len(s.Keys)
			if strings.EqualFold(string(s.Method), string(ReadWrite)) {
				patterns += len(s.Keys)
			}
		}
		n.predicates += principals
		n.patterns += patterns
		if patterns > 0 && principals > (maxEntries-n.entries)/patterns {
			return size{} // too many; compileRule reports it
		}
		n.entries += principals * patterns
	}
	return n
}

func newCompiler(n size) *compiler {
	leaves := &leafBuilder{added: make([]leafEntry, 0, n.entries)}
	return &compiler{
		attrs:      make(slots),
		principals: newPrincipalsBuilder(n.predicates),
		leaves:     leaves,
		publish:    newTrieBuilder(OpPublish, leaves),
		subscribe:  newTrieBuilder(OpSubscribe, leaves),
		connect:    newSubjectsBuilder(OpConnect, leaves),
		read:       newSubjectsBuilder(OpRead, leaves),
		write:      newSubjectsBuilder(OpWrite, leaves),
		patterns:   make([]string, 0, n.patterns),
		sources:    make([]source, 0, n.patterns),
		ruleAtoms:  make([]atom, 0, n.predicates),
	}
}

func (c *compiler) finish() *Policy {
	p := &Policy{
		principals: c.principals.finish(),
		attributes: c.attrs,
		patterns:   c.patterns,
		sources:    c.sources,
		atomStarts: append(c.atomStarts, uint32(len(c.ruleAtoms))),
		ruleAtoms:  c.ruleAtoms,
	}
	var steps int
	p.publish, steps = c.publish.finish()
	c.limit("Publish topics", steps)
	p.subscribe, steps = c.subscribe.finish()
	c.limit("Subscribe topics", steps)
	p.connect, steps = c.connect.finish()
	c.limit("Connect clientIds", steps)
	p.read, steps = c.read.finish()
	c.limit("keys to read", steps)
	p.write, steps = c.write.finish()
	c.limit("keys to write", steps)
	p.entries, p.starts = c.leaves.finish()
	return p
}

// limit refuses patterns that are too expensive together.
func (c *compiler) limit(what string, steps int) {
	if steps <= maxSteps {
		return
	}
	c.errs = append(c.errs, &RuleError{Rule: -1, Offset: -1, Err: fmt.Errorf(
		"the patterns for %s can need more than %d steps for one decision; "+
			"too many of them match the same text, use fewer + and globs beside each other", what, maxSteps)})
}

// fail reports a mistake in element i of a list of the current resource, or in
// a field that is no list when i is negative.
func (c *compiler) fail(field string, i, offset int, err error) {
	if i >= 0 {
		field = fmt.Sprintf("%s[%d]", field, i)
	}
	field = c.section + "." + field
	if c.resource >= 0 {
		field = fmt.Sprintf("%s[%d].%s", c.section, c.resource, field[len(c.section)+1:])
	}
	c.errs = append(c.errs, &RuleError{Rule: c.rule, Field: field, Offset: offset, Err: err})
}

// allow opens leaf for the principals of the current rule, by pattern i of the
// current resource.
func (c *compiler) allow(op Operation, f form, i int, leaf uint32, pattern string) {
	if len(c.leaves.added)+len(c.atoms) > maxEntries {
		return // compileRule reports it
	}
	c.patterns = append(c.patterns, pattern)
	c.sources = append(c.sources, source{uint32(c.rule), uint32(c.resource), uint32(i), op, f})
	for _, a := range c.atoms {
		c.leaves.added = append(c.leaves.added, leafEntry{leaf, entry{
			atom: a, rule: uint32(c.rule), pattern: uint32(len(c.patterns) - 1),
		}})
	}
}

func (c *compiler) compileRule(i int, r *Rule) {
	c.rule, c.section, c.resource = i, "principals", -1
	c.compilePrincipals(&r.Principals)
	c.atomStarts = append(c.atomStarts, uint32(len(c.ruleAtoms)))
	c.ruleAtoms = append(c.ruleAtoms, c.atoms...)
	patterns := 0
	c.section = "brokerResources"
	for j := range r.BrokerResources {
		res := &r.BrokerResources[j]
		patterns += 1 + len(res.Topics) + len(res.ClientIDs)
		c.resource = j
		c.compileBroker(res)
	}
	c.section = "stateStoreResources"
	for j := range r.StateStoreResources {
		res := &r.StateStoreResources[j]
		patterns += 2 * len(res.Keys)
		c.resource = j
		c.compileStateStore(res)
	}
	if len(c.leaves.added)+patterns*len(c.atoms) > maxEntries {
		c.errs = append(c.errs, &RuleError{Rule: i, Field: "principals", Offset: -1, Err: fmt.Errorf(
			"brings the policy over %d combinations of principal and pattern", maxEntries)})
	}
}

func (c *compiler) compilePrincipals(p *Principals) {
	c.atoms = c.atoms[:0]
	for i, id := range p.ClientIDs {
		a, err := c.principals.clientID(id)
		c.principal("clientIds", i, a, err)
	}
	for i, name := range p.Usernames {
		a, err := c.principals.username(name)
		c.principal("usernames", i, a, err)
	}
	for i, m := range p.Attributes {
		a, err := c.principals.attributes(m)
		c.principal("attributes", i, a, err)
	}
}

func (c *compiler) principal(kind string, i int, a atom, err error) {
	if err != nil {
		c.fail(kind, i, -1, err)
		return
	}
	c.atoms = append(c.atoms, a)
}

var (
	errBrokerMethod   = errors.New("is no method; write Connect, Publish or Subscribe")
	errConnectTopics  = errors.New("has no meaning with Connect; move topics to Publish or Subscribe")
	errTopicClientIDs = errors.New("only restricts Connect; name clients in principals.clientIds")
	errNoTopics       = errors.New("is missing; write at least one topic")
	errEmptyGlob      = errors.New("is empty and matches no client ID; write * for any")
	errStoreMethod    = errors.New("is no method; write Read, Write or ReadWrite")
	errKeyType        = errors.New("is no key type; write Pattern, String or Binary")
	errNoKeys         = errors.New("is missing; write at least one key")
	errBase64         = errors.New("is not canonical standard base64")
)

func (c *compiler) compileBroker(r *BrokerResource) {
	switch strings.ToLower(string(r.Method)) {
	case "connect":
		c.compileConnect(r)
	case "publish":
		c.compileTopics(r, c.publish)
	case "subscribe":
		c.compileTopics(r, c.subscribe)
	default:
		c.fail("method", -1, -1, errBrokerMethod)
	}
}

func (c *compiler) compileConnect(r *BrokerResource) {
	if len(r.Topics) > 0 {
		c.fail("topics", -1, -1, errConnectTopics)
	}
	if len(r.ClientIDs) == 0 {
		c.allow(OpConnect, anyForm, 0, c.leaves.get(&c.connect.subjects.any), "")
	}
	for i, text := range r.ClientIDs {
		if text == "" {
			c.fail("clientIds", i, -1, errEmptyGlob)
			continue
		}
		c.compileGlob("clientIds", i, text, c.connect)
	}
}

func (c *compiler) compileTopics(r *BrokerResource, b *trieBuilder) {
	if len(r.ClientIDs) > 0 {
		c.fail("clientIds", -1, -1, errTopicClientIDs)
	}
	if len(r.Topics) == 0 {
		c.fail("topics", -1, -1, errNoTopics)
	}
	for i, text := range r.Topics {
		levels, offset, err := parseTopic(text, c.attrs, c.levels[:0])
		if err != nil {
			c.fail("topics", i, offset, err)
			continue
		}
		c.levels = levels
		if len(c.atoms) > 0 { // else nobody could pass the nodes
			c.allow(b.op, topicForm, i, b.insert(levels), text)
		}
	}
}

func (c *compiler) compileStateStore(r *StateStoreResource) {
	var to []*subjectsBuilder
	switch strings.ToLower(string(r.Method)) {
	case "read":
		to = []*subjectsBuilder{c.read}
	case "write":
		to = []*subjectsBuilder{c.write}
	case "readwrite":
		to = []*subjectsBuilder{c.read, c.write}
	default:
		c.fail("method", -1, -1, errStoreMethod)
		to = []*subjectsBuilder{c.read} // to check the keys all the same
	}
	if len(r.Keys) == 0 {
		c.fail("keys", -1, -1, errNoKeys)
	}
	var compile func(i int, text string, to []*subjectsBuilder)
	switch strings.ToLower(string(r.KeyType)) {
	case "", "pattern":
		compile = c.compilePatternKey
	case "string":
		compile = c.compileStringKey
	case "binary":
		compile = c.compileBinaryKey
	default:
		c.fail("keyType", -1, -1, errKeyType)
		return
	}
	for i, text := range r.Keys {
		compile(i, text, to)
	}
}

func (c *compiler) compilePatternKey(i int, text string, to []*subjectsBuilder) {
	c.compileGlob("keys", i, text, to...)
}

func (c *compiler) compileStringKey(i int, text string, to []*subjectsBuilder) {
	for _, b := range to {
		c.allow(b.op, textForm, i, b.insertExact(text), text)
	}
}

func (c *compiler) compileBinaryKey(i int, text string, to []*subjectsBuilder) {
	key, err := decodeKey(text)
	if err != nil {
		c.fail("keys", i, -1, err)
		return
	}
	for _, b := range to {
		c.allow(b.op, binaryForm, i, b.insertExact(key), text)
	}
}

func (c *compiler) compileGlob(field string, i int, text string, to ...*subjectsBuilder) {
	for _, b := range to {
		leaf, offset, err := b.insertGlob(text, c.attrs)
		if err != nil {
			c.fail(field, i, offset, err)
			return
		}
		c.allow(b.op, globForm, i, leaf, text)
	}
}

// decodeKey reads a binary key (STORE-2). Bits that decode to nothing and line
// breaks, which the decoder skips, would be second spellings of a key (S-54).
func decodeKey(text string) (string, error) {
	key, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return "", errBase64
	}
	padded := base64.StdEncoding.EncodeToString(key)
	if text != padded && text != strings.TrimRight(padded, "=") {
		return "", errBase64
	}
	return string(key), nil
}
