package mqttauthz

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"unicode/utf8"
)

// match reports whether a topic pattern without tokens, or with values for
// them, matches a topic name (AUTHZ-5).
func match(pattern *automaton, name string) bool {
	return name != "" && pattern.matches(symbols(nil, name))
}

// covers reports whether a topic pattern matches every topic that the filter,
// which is no share, matches (AUTHZ-7).
func covers(pattern *automaton, filter string) bool {
	return filter != "" && pattern.matches(symbols(nil, spelledOut(filter)))
}

// intersects returns a word that two patterns have in common.
func intersects(a, b *automaton, w words) (word []symbol, ok bool, err error) {
	s := wordSearch{words: w, want: []*automaton{a, b}, limit: defaultStates}
	return s.find(context.Background())
}

// within reports whether every word of a is one of the union of others, and
// returns a word that is not.
func within(a *automaton, others []*automaton, w words) (witness []symbol, ok bool, err error) {
	s := wordSearch{words: w, want: []*automaton{a}, avoid: others, limit: defaultStates}
	witness, found, err := s.find(context.Background())
	return witness, !found && err == nil, err
}

// words says of what kind the words are.
type words uint8

const (
	names     words = iota + 1 // topic names
	filters                    // topic filters, # spelled out as +/#
	keys                       // any bytes
	clientIDs                  // as MQTT allows them
)

// errTooMany says that a comparison of patterns was given up.
var errTooMany = errors.New("mqttauthz: the comparison of patterns needs more states than the limit")

// defaultStates bounds one comparison: some megabytes, some tens of
// milliseconds.
const defaultStates = 50_000

// wordSearch finds a shortest word that all automata of want read and none of avoid
// does, by going through the product of want with the sets of states that
// avoid can be in. There are finitely many, so it is exact; limit bounds them
// and, through the size of the sets, the memory.
type wordSearch struct {
	words    words
	want     []*automaton // one or two
	avoid    []*automaton
	except   *automaton // words of the first of avoid that are not avoided after all; may be nil
	alphabet []symbol   // set by find
	limit    int
}

// product is one place of a search.
type product struct {
	at    [2]int
	stage stage
	avoid []setState
	from  int // index of the place before, -1 at the start
	by    symbol
}

// setState is one state of one automaton of avoid; except counts as one more.
type setState struct{ automaton, state int32 }

// find returns the word; ok is false when there is none. The error is
// errTooMany or that of ctx.
func (s *wordSearch) find(ctx context.Context) (word []symbol, ok bool, err error) {
	if slices.ContainsFunc(s.want, func(a *automaton) bool { return a.never }) {
		return nil, false, nil
	}
	if s.lonePlus() {
		return []symbol{'+'}, true, nil
	}
	s.alphabet = s.letters()
	start := product{from: -1}
	for i := range s.avoid {
		start.avoid = append(start.avoid, setState{int32(i), 0})
	}
	if s.except != nil {
		start.avoid = append(start.avoid, setState{int32(len(s.avoid)), 0})
	}
	places := []product{start}
	known := map[string]bool{start.key(nil): true}
	var key []byte
	used := 0
	for i := 0; i < len(places); i++ {
		if i%256 == 0 && ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		if s.found(&places[i]) {
			return spellBack(places, i), true, nil
		}
		for _, c := range s.alphabet {
			for _, p := range s.step(&places[i], c) {
				p.from = i
				k := p.key(key[:0])
				if known[k] {
					continue
				}
				if used += 1 + len(p.avoid)/4; used > s.limit {
					return nil, false, errTooMany
				}
				known[k] = true
				places = append(places, p)
			}
		}
	}
	return nil, false, nil
}

// lonePlus reports whether the filter + is found.
func (s *wordSearch) lonePlus() bool {
	plus := []symbol{'+'}
	reads := func(a *automaton) bool { return a.matches(plus) }
	return s.words == filters && !slices.ContainsFunc(s.avoid, reads) &&
		!slices.ContainsFunc(s.want, func(a *automaton) bool { return !reads(a) })
}

// found reports whether the word that leads to p is the one.
func (s *wordSearch) found(p *product) bool {
	if !p.stage.mayEnd(s.words) {
		return false
	}
	for i, a := range s.want {
		if !a.accepts(p.at[i]) {
			return false
		}
	}
	// The filter + alone has been dealt with.
	if p.stage.lone {
		return false
	}
	first, excepted := false, false
	for _, q := range p.avoid {
		i := int(q.automaton)
		switch {
		case i == len(s.avoid):
			excepted = excepted || s.except.accepts(int(q.state))
		case !s.avoid[i].accepts(int(q.state)):
		case i == 0:
			first = true
		default:
			return false
		}
	}
	return !first || excepted && s.except != nil
}

// step returns the places that symbol c leads to from p.
func (s *wordSearch) step(p *product, c symbol) []product {
	stage, ok := p.stage.next(s.words, c)
	if !ok {
		return nil
	}
	first := p.from < 0
	var a, b []int
	if a = s.want[0].next(a, p.at[0], c, first); len(a) == 0 {
		return nil
	}
	b = []int{0}
	if len(s.want) == 2 {
		if b = s.want[1].next(b[:0], p.at[1], c, first); len(b) == 0 {
			return nil
		}
	}
	var avoid []setState
	var room [8]int
	for _, q := range p.avoid {
		aut := s.except
		if int(q.automaton) < len(s.avoid) {
			aut = s.avoid[q.automaton]
		}
		for _, to := range aut.next(room[:0], int(q.state), c, first) {
			avoid = append(avoid, setState{q.automaton, int32(to)})
		}
	}
	slices.SortFunc(avoid, func(x, y setState) int {
		return cmp.Or(cmp.Compare(x.automaton, y.automaton), cmp.Compare(x.state, y.state))
	})
	avoid = slices.Compact(avoid)
	var next []product
	for _, x := range a {
		for _, y := range b {
			next = append(next, product{at: [2]int{x, y}, stage: stage, avoid: avoid, by: c})
		}
	}
	return next
}

// key identifies the place among those of one search.
func (p *product) key(buf []byte) string {
	put := func(n int32) { buf = append(buf, byte(n), byte(n>>8), byte(n>>16), byte(n>>24)) }
	put(int32(p.at[0]))
	put(int32(p.at[1]))
	buf = append(buf, p.stage.bits())
	for _, q := range p.avoid {
		put(q.automaton)
		put(q.state)
	}
	return string(buf)
}

// spellBack returns the word that leads to place i.
func spellBack(places []product, i int) []symbol {
	var word []symbol
	for ; places[i].from >= 0; i = places[i].from {
		word = append(word, places[i].by)
	}
	slices.Reverse(word)
	return word
}

// letters returns one symbol of each kind that no automaton tells apart from
// another of the kind: what is told apart lies between the ends of ranges.
func (s *wordSearch) letters() []symbol {
	cuts := []symbol{1, '#', '$', '%', '+', ',', '/', '0', 0xD800, 0xE000, utf8.MaxRune + 1}
	var singles []symbol
	char := func(c symbol) {
		if c > utf8.MaxRune {
			singles = append(singles, c)
			return
		}
		cuts = append(cuts, c, c+1)
	}
	for _, a := range slices.Concat(s.want, s.avoid, []*automaton{s.except}) {
		if a == nil {
			continue
		}
		for i := range a.steps {
			a.steps[i].told(char, &cuts, &singles)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var letters []symbol
	if s.words == keys {
		letters = append(letters, 0)
		singles = append(singles, strayByte+0xFF)
	}
	for i := range cuts[:len(cuts)-1] {
		if c := plainest(cuts[i], cuts[i+1]); c != 0xD800 && c != 0 {
			letters = append(letters, c)
		}
	}
	slices.Sort(singles)
	letters = append(letters, slices.Compact(singles)...)
	slices.SortStableFunc(letters, func(a, b symbol) int { return oddity(a) - oddity(b) })
	return letters
}

// told reports what the step tells apart.
func (s *autoStep) told(char func(symbol), cuts, singles *[]symbol) {
	switch {
	case s.kind == oneSymbol:
		char(s.sym)
	case s.kind == symbolicValue:
		*singles = append(*singles, firstValue+symbol(s.ident))
	case s.e.kind == span:
		*cuts = append(*cuts, symbol(s.e.lo), symbol(s.e.hi)+1)
	case s.e.kind == set:
		for _, r := range s.e.text {
			char(symbol(r))
		}
	}
}

// plainest returns the symbol from lo to below hi that reads best in a witness.
func plainest(lo, hi symbol) symbol {
	for _, c := range "xa0A- " {
		if lo <= symbol(c) && symbol(c) < hi {
			return symbol(c)
		}
	}
	return lo
}

// oddity orders symbols by how well they read.
func oddity(c symbol) int {
	switch {
	case 'a' <= c && c <= 'z':
		return 0
	case '0' <= c && c <= '9', 'A' <= c && c <= 'Z':
		return 1
	case ' ' < c && c < 0x7F:
		return 2
	case c > 0xA0:
		return 3
	}
	return 4
}

// stage is what must be remembered of a word for it to be one of its kind.
type stage struct {
	some  bool // there is a symbol
	level bool // a level has begun
	plus  bool // it is +
	hash  bool // it is #
	early bool // the word so far is empty or a slash: # would have no level above
	lone  bool // the word so far is +
}

// next returns the stage behind c; ok is false where c must not stand.
func (g stage) next(w words, c symbol) (next stage, ok bool) {
	next = stage{some: true, level: true}
	switch w {
	case keys:
		return stage{}, true
	case clientIDs:
		return next, c != 0
	case names:
		return next, c != 0 && c != '+' && c != '#'
	default: // filters, which wildcards make more difficult
	}
	if g.hash || g.plus && c != '/' || c == 0 {
		return stage{}, false
	}
	switch c {
	case '/':
		return stage{some: true, early: !g.some}, true
	case '+':
		next.plus, next.lone = true, !g.some
		return next, !g.level
	case '#':
		next.hash = true
		return next, !g.level && g.some && !g.early
	default:
		return next, true
	}
}

func (g stage) mayEnd(w words) bool { return w == keys || g.some }

func (g stage) bits() byte {
	var b byte
	for i, set := range [...]bool{g.some, g.level, g.plus, g.hash, g.early, g.lone} {
		if set {
			b |= 1 << i
		}
	}
	return b
}
