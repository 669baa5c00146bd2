package mqttauthz

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mqttwarden/mqttwarden/internal/peertext"
	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// Place is a pattern of a policy and where it stands.
type Place struct {
	Rule    int    `json:"rule"`    // -1 for a policy that allows everything
	Field   string `json:"field"`   // within the rule, such as "brokerResources[1].topics[0]"
	Pattern string `json:"pattern"` // as the rule has it, "" when it names none
}

// String returns the place in one line.
func (p Place) String() string {
	if p.Rule < 0 {
		return "the policy that allows everything"
	}
	if p.Pattern == "" {
		return fmt.Sprintf("rules[%d].%s", p.Rule, p.Field)
	}
	return fmt.Sprintf("rules[%d].%s %s", p.Rule, p.Field, quote(p.Pattern))
}

// quote returns text as it may be shown to an operator (OPS-1).
func quote(text string) string { return quoteClean(peertext.Clean(text)) }

// quoteClean is quote for text that peertext.Clean has seen.
func quoteClean(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }

func (p *Policy) place(i int) Place {
	return Place{Rule: int(p.sources[i].rule), Field: p.sources[i].field(), Pattern: p.patterns[i]}
}

// Holder is one kind of client that may do something.
type Holder struct {
	Place

	// Principal is the least that such a client has: empty fields do not matter
	// to the rule, but for an attribute that must be there and be empty.
	Principal Principal `json:"principal"`
}

// String returns the holder in one line.
func (h Holder) String() string { return describe(h.Principal, quote) + ", by " + h.Place.String() }

// describe names the fields of a least principal, each text shown by quote.
func describe(who Principal, quote func(string) string) string {
	var parts []string
	if who.ClientID != "" {
		parts = append(parts, "client ID "+quote(who.ClientID))
	}
	if who.Username != "" {
		parts = append(parts, "username "+quote(who.Username))
	}
	for _, name := range slices.Sorted(maps.Keys(who.Attributes)) {
		parts = append(parts, "attribute "+quote(name)+" = "+quote(who.Attributes[name]))
	}
	if len(parts) == 0 {
		return "everybody"
	}
	return strings.Join(parts, ", ")
}

// Holders is the answer to WhoCan. Nobody else can, if Undecided is empty.
type Holders struct {
	Holders []Holder `json:"holders,omitempty"` // in the order of the rules

	// Everybody is set when the policy allows everything.
	Everybody bool `json:"everybody,omitempty"`

	// Nobody says why no policy could allow this, "" when one could.
	Nobody string `json:"nobody,omitempty"`

	// Undecided are patterns with several tokens beside wildcards for which the
	// search for values was given up.
	Undecided []Place `json:"undecided,omitempty"`
}

// WhoCan returns which clients can do op with text, by the rules of p alone:
// for each rule and each of its principals that can, the least such client,
// with the attributes that the tokens of the pattern need. The text of
// OpConnect is a client ID. It reads every pattern of the policy once.
func (p *Policy) WhoCan(op Operation, text string) Holders {
	word, nobody := canonical(op, text)
	if nobody != "" {
		return Holders{Nobody: nobody}
	}
	if p == nil {
		return Holders{}
	}
	h := Holders{Everybody: p.all}
	for i := range p.sources {
		if p.sources[i].op == op {
			p.appendHolders(&h, i, op, text, word)
		}
	}
	return h
}

// canonical returns the word that patterns for op are compared with, and why
// there is none.
func canonical(op Operation, text string) (word, nobody string) {
	switch op {
	case OpConnect, OpRead, OpWrite:
		return text, ""
	case OpPublish:
		if err := topic.CheckName(text); err != nil {
			return "", err.Error()
		}
		if topic.ReservedForPublish(text) {
			return "", "the topic belongs to the broker: no policy allows publishing there"
		}
		return text, ""
	case OpSubscribe:
		f, err := topic.ParseFilter(text)
		if err != nil {
			return "", err.Error()
		}
		return spelledOut(f.Filter), ""
	}
	return "", errOperation.Error()
}

// appendHolders adds the holders of pattern i.
func (p *Policy) appendHolders(h *Holders, i int, op Operation, text, word string) {
	r := p.parse(i)
	for _, a := range p.atomsOf(int(p.sources[i].rule)) {
		fixed := p.pinned(a)
		if id, ok := fixed[clientIDSlot]; op == OpConnect && ok && id != text {
			continue
		}
		if op == OpConnect {
			fixed[clientIDSlot] = text
		}
		bound, ok, known := bind(&r, word, fixed)
		if !known {
			h.Undecided = append(h.Undecided, p.place(i))
		}
		if !ok {
			continue
		}
		who := p.least(a, bound)
		asks := who
		if asks.ClientID == "" {
			asks.ClientID = p.freshClientID()
		}
		// Limits on long values between stars can still deny it.
		if p.Grants(asks).ask(op, text).Allowed() {
			h.Holders = append(h.Holders, Holder{p.place(i), who})
		}
	}
}

// atomsOf returns the atoms of a rule.
func (p *Policy) atomsOf(rule int) []atom {
	return p.ruleAtoms[p.atomStarts[rule]:p.atomStarts[rule+1]]
}

// pinned returns the values of tokens that are known when a holds.
func (p *Policy) pinned(a atom) map[slot]string {
	fixed := make(map[slot]string)
	pred := &p.principals.predicates[a]
	if pred.clientID != "" {
		fixed[clientIDSlot] = pred.clientID
	}
	if pred.username != "" {
		fixed[usernameSlot] = pred.username
	}
	for _, q := range pred.pairs {
		if s, ok := p.attributes[q.name]; ok {
			fixed[s] = q.value
		}
	}
	return fixed
}

// least returns the least principal for which a holds and tokens have values.
func (p *Policy) least(a atom, bound map[slot]string) Principal {
	who := p.principals.predicates[a].principal()
	for s, value := range bound {
		switch s {
		case clientIDSlot:
			who.ClientID = value
		case usernameSlot:
			who.Username = value
		default:
			if who.Attributes == nil {
				who.Attributes = make(map[string]string)
			}
			who.Attributes[p.attributeName(s)] = value
		}
	}
	return who
}

// principal returns the least principal for which p is true.
func (p *predicate) principal() Principal {
	who := Principal{ClientID: p.clientID, Username: p.username}
	if len(p.pairs) > 0 {
		who.Attributes = make(map[string]string, len(p.pairs))
	}
	for _, q := range p.pairs {
		who.Attributes[q.name] = q.value
	}
	return who
}

// freshClientID returns a client ID that no rule names.
func (p *Policy) freshClientID() string {
	return fresh("client", func(id string) bool {
		_, named := p.principals.clientIDs[id]
		return named
	})
}

// fresh returns word, or word with a number so that it is not taken.
func fresh(word string, taken func(string) bool) string {
	text := word
	for n := 2; taken(text); n++ {
		text = fmt.Sprintf("%s%d", word, n)
	}
	return text
}
