package mqttauthz

import "slices"

// maxShadows is the number of other patterns that one is compared with.
const maxShadows = 200

// shadows finds patterns that others make superfluous.
type shadows struct {
	*linter
	byAtom map[atom][]int
	gone   []int // of each pattern: what makes it superfluous, -1 if nothing does
}

// shadowed finds patterns without which the policy would allow the same: for
// each principal of the rule, one other pattern allows all that it does. It
// begins with the last one, and what it has found makes nothing else
// superfluous; so all of them can be removed together.
func (l *linter) shadowed() {
	p := l.policy
	s := shadows{l, make(map[atom][]int), make([]int, len(p.sources))}
	for i := range p.sources {
		s.gone[i] = -1
		for _, a := range p.atomsOf(int(p.sources[i].rule)) {
			s.byAtom[a] = append(s.byAtom[a], i)
		}
	}
	for i := len(p.sources) - 1; i >= 0; i-- {
		twin := s.twin(i)
		if twin > i {
			continue // has been judged with its twin
		}
		if by, other := s.superfluousBy(i), s.superfluousBy(twin); by >= 0 && other >= 0 {
			s.gone[i], s.gone[twin] = by, other
		}
	}
	for i, by := range s.gone {
		if by >= 0 {
			l.about("shadowed", i, "", "the same is allowed to the same clients by "+p.place(by).String())
		}
	}
}

// twin returns the other pattern that stands at the same place: a key with
// ReadWrite is two. It is i itself if there is none.
func (s *shadows) twin(i int) int {
	same := s.policy.sources[i]
	for _, j := range [...]int{i - 1, i + 1} {
		if j < 0 || j >= len(s.gone) {
			continue
		}
		other := s.policy.sources[j]
		if same.op+other.op == OpRead+OpWrite && same.rule == other.rule && same.resource == other.resource && same.item == other.item {
			return j
		}
	}
	return i
}

// superfluousBy returns a pattern that allows what pattern i does, -1 if there
// is none for one of its principals.
func (s *shadows) superfluousBy(i int) int {
	by := -1
	for _, a := range s.policy.atomsOf(int(s.policy.sources[i].rule)) {
		if by = s.cover(i, a); by < 0 {
			return -1
		}
	}
	return by
}

// cover returns a pattern that allows what pattern i does to the least
// principal of a.
func (s *shadows) cover(i int, a atom) int {
	p, r := s.policy, s.parse(i)
	some := func(s slot) tokenValue { return tokenValue{how: someValue, ident: int(s)} }
	every := func(s slot) tokenValue { return tokenValue{how: everyValue, ident: int(s)} }
	for _, b := range p.principals.appendAtoms(nil, p.principals.predicates[a].principal()) {
		near := s.byAtom[b]
		if at, _ := slices.BinarySearch(near, i); len(near) > maxShadows {
			near = near[max(0, at-maxShadows/2):min(len(near), at+maxShadows/2)]
		}
		for _, j := range near {
			if j == i || s.gone[j] >= 0 || p.sources[j].op != r.op || r.apart(s.parse(j)) {
				continue
			}
			others := []*automaton{s.parse(j).automaton(every)}
			if _, ok, err := within(r.automaton(some), others, r.op.words()); ok && err == nil {
				return j
			}
		}
	}
	return -1
}
