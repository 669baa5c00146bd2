package mqttauthz

import (
	"encoding/binary"
	"errors"
	"slices"
)

// Principal is the client that acts, as authentication established it. Its
// fields are those of mqttauth.Principal, so that one converts to the other. An
// empty Username means that there is no verified one (AUTHZ-3).
type Principal struct {
	ClientID   string            `json:"clientId,omitempty"`
	Username   string            `json:"username,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// predicate is what an atom says about a principal; one field is set.
type predicate struct {
	clientID string
	username string
	pairs    []pair // all must hold; ordered by name
}

// pair is one attribute with its value.
type pair struct{ name, value string }

// principals finds the atoms that are true for a principal.
type principals struct {
	predicates []predicate // by atom
	clientIDs  map[string]atom
	usernames  map[string]atom
	// byPair lists each attribute map under one of its pairs only, the one in
	// the fewest maps: a pair that everybody has leads to few candidates.
	byPair map[pair][]atom
}

// appendAtoms appends the atoms that are true for who, in ascending order.
func (p *principals) appendAtoms(atoms []atom, who Principal) []atom {
	if a, ok := p.clientIDs[who.ClientID]; ok {
		atoms = append(atoms, a)
	}
	if a, ok := p.usernames[who.Username]; ok {
		atoms = append(atoms, a)
	}
	for name, value := range who.Attributes {
		for _, a := range p.byPair[pair{name, value}] {
			if holds(p.predicates[a].pairs, who.Attributes) {
				atoms = append(atoms, a)
			}
		}
	}
	slices.Sort(atoms)
	return atoms
}

// holds reports whether the attributes have all pairs. A pair whose value is
// empty needs an attribute that is present and empty (AUTHZ-2).
func holds(pairs []pair, attributes map[string]string) bool {
	for _, p := range pairs {
		if v, ok := attributes[p.name]; !ok || v != p.value {
			return false
		}
	}
	return true
}

var (
	errEmptyClientID  = errors.New("is empty; name a client ID or leave the entry out")
	errEmptyUsername  = errors.New("is empty; name a user or leave the entry out")
	errEmptyMap       = errors.New("is an empty map; it would say nothing about the client")
	errEmptyAttribute = errors.New("has an attribute without a name")
)

// principalsBuilder numbers predicates.
type principalsBuilder struct {
	principals principals
	maps       map[string]atom // by encoded pairs
	names      []string        // room for attributes
	key        []byte          // room for attributes
}

func newPrincipalsBuilder(predicates int) *principalsBuilder {
	return &principalsBuilder{
		principals: principals{
			predicates: make([]predicate, 0, predicates),
			clientIDs:  make(map[string]atom),
			usernames:  make(map[string]atom),
			byPair:     make(map[pair][]atom),
		},
		maps: make(map[string]atom),
	}
}

func (b *principalsBuilder) clientID(id string) (atom, error) {
	if id == "" {
		return 0, errEmptyClientID
	}
	a, ok := b.principals.clientIDs[id]
	if !ok {
		a = b.add(predicate{clientID: id})
		b.principals.clientIDs[id] = a
	}
	return a, nil
}

func (b *principalsBuilder) username(name string) (atom, error) {
	if name == "" {
		return 0, errEmptyUsername
	}
	a, ok := b.principals.usernames[name]
	if !ok {
		a = b.add(predicate{username: name})
		b.principals.usernames[name] = a
	}
	return a, nil
}

func (b *principalsBuilder) attributes(m map[string]string) (atom, error) {
	if len(m) == 0 {
		return 0, errEmptyMap
	}
	if _, ok := m[""]; ok {
		return 0, errEmptyAttribute
	}
	names, key := b.names[:0], b.key[:0]
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, s := range [...]string{name, m[name]} {
			key = binary.AppendUvarint(key, uint64(len(s)))
			key = append(key, s...)
		}
	}
	b.names, b.key = names, key
	a, ok := b.maps[string(key)]
	if !ok {
		pairs := make([]pair, len(names))
		for i, name := range names {
			pairs[i] = pair{name, m[name]}
		}
		a = b.add(predicate{pairs: pairs})
		b.maps[string(key)] = a
	}
	return a, nil
}

// add returns the atom of a new predicate.
func (b *principalsBuilder) add(p predicate) atom {
	b.principals.predicates = append(b.principals.predicates, p)
	return atom(len(b.principals.predicates) - 1)
}

// finish lists every attribute map under its rarest pair.
func (b *principalsBuilder) finish() principals {
	count := make(map[pair]int)
	for _, p := range b.principals.predicates {
		for _, q := range p.pairs {
			count[q]++
		}
	}
	for a, p := range b.principals.predicates {
		if len(p.pairs) == 0 {
			continue
		}
		rarest := slices.MinFunc(p.pairs, func(x, y pair) int { return count[x] - count[y] })
		b.principals.byPair[rarest] = append(b.principals.byPair[rarest], atom(a))
	}
	return b.principals
}
