package mqttauthz

import (
	"slices"
	"strings"

	"github.com/mqttwarden/mqttwarden/internal/peertext"
)

// parsed is one pattern of a policy, read again: a policy keeps patterns only
// in the form in which it decides.
type parsed struct {
	op     Operation
	form   form
	levels []level // of topicForm
	glob   *glob   // of globForm
	text   string  // of textForm and binaryForm
}

// parse reads pattern i of p. Compile took it, so it cannot fail; were it to,
// the result matches nothing.
func (p *Policy) parse(i int) parsed {
	src, text := p.sources[i], p.patterns[i]
	r := parsed{op: src.op, form: src.form, text: text}
	var err error
	switch src.form {
	case topicForm:
		r.levels, _, err = parseTopic(text, p.attributes, nil)
	case globForm:
		var elements []element
		if elements, _, err = parseGlob(text, p.attributes); err == nil {
			r.glob, err = newGlob(elements)
		}
	case binaryForm:
		r.text, err = decodeKey(text)
	default: // the text is the text
	}
	if err != nil {
		return parsed{op: src.op, form: globForm, glob: nil}
	}
	return r
}

// automaton builds the automaton of r.
func (r *parsed) automaton(assign assignment) *automaton {
	switch {
	case r.form == topicForm:
		return topicAutomaton(r.levels, assign)
	case r.form == globForm && r.glob != nil:
		return globAutomaton(r.glob, assign)
	case r.isText():
		return textAutomaton(r.text)
	case r.form == anyForm:
		return &automaton{all: true}
	}
	return &automaton{never: true}
}

// parts returns the elements of each part of r that is matched as one: the
// levels of a topic, or the whole.
func (r *parsed) parts() [][]element {
	if r.form == globForm && r.glob != nil {
		return [][]element{r.glob.elements()}
	}
	if r.form != topicForm {
		return nil
	}
	parts := make([][]element, len(r.levels))
	for i := range r.levels {
		switch l := &r.levels[i]; l.kind {
		case literalLevel:
			parts[i] = []element{{kind: literal, text: l.text}}
		case plusLevel:
			parts[i] = []element{{kind: star}}
		case tokenLevel:
			parts[i] = []element{{kind: token, slot: l.slot}}
		case globLevel:
			parts[i] = l.glob.elements()
		default: // # is no part
		}
	}
	return parts
}

// elements joins the segments of g again.
func (g *glob) elements() []element {
	var all []element
	for i, segment := range g.segments {
		if i > 0 {
			all = append(all, element{kind: star})
		}
		all = append(all, segment...)
	}
	return all
}

// apart reports whether it is plain that two patterns have nothing in common.
func (r *parsed) apart(other *parsed) bool {
	if r.isText() && other.isText() {
		return r.text != other.text
	}
	if r.form == globForm && other.form == globForm && r.glob != nil && other.glob != nil {
		a, b := r.glob.prefix(), other.glob.prefix()
		return !strings.HasPrefix(a, b) && !strings.HasPrefix(b, a)
	}
	if r.form != topicForm || other.form != topicForm {
		return false
	}
	for i := range min(len(r.levels), len(other.levels)) {
		a, b := &r.levels[i], &other.levels[i]
		if a.kind == literalLevel && b.kind == literalLevel && a.text != b.text {
			return true
		}
	}
	return false
}

func (r *parsed) isText() bool { return r.form == textForm || r.form == binaryForm }

// tokens returns the slots of the tokens in r, each once, in order.
func (r *parsed) tokens() []slot {
	var all []slot
	for _, part := range r.parts() {
		for _, e := range part {
			if e.kind == token && !slices.Contains(all, e.slot) {
				all = append(all, e.slot)
			}
		}
	}
	return all
}

// words returns of what kind the requests are that patterns for o match.
func (o Operation) words() words {
	switch o {
	case OpPublish:
		return names
	case OpSubscribe:
		return filters
	case OpConnect:
		return clientIDs
	default:
		return keys
	}
}

// tokenName returns the token of slot s as it is written.
func (p *Policy) tokenName(s slot) string {
	switch s {
	case clientIDSlot:
		return tokenClientID
	case usernameSlot:
		return tokenUsername
	default:
		return tokenAttributes + p.attributeName(s) + "}"
	}
}

// shownToken is tokenName for operators: escaped, for rules are text too.
func (p *Policy) shownToken(s slot) string { return peertext.Clean(p.tokenName(s)) }

// attributeName returns the attribute of slot s.
func (p *Policy) attributeName(s slot) string {
	for name, have := range p.attributes {
		if have == s {
			return name
		}
	}
	return ""
}
