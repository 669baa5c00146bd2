package mqttauthz

import (
	"slices"
	"strings"
)

// A globSet finds the globs that match a text without trying all of them. A few
// are a list; more are grouped by the literal they begin with.
type globSet struct {
	few     []globTarget
	lengths []int // of the prefixes: distinct, ascending
	groups  map[string][]globTarget
}

// globTarget is a glob and what it leads to: a node of a trie or a leaf.
type globTarget struct {
	glob   *glob
	target uint32
}

// maxFew is the number of globs up to which trying each is cheaper than hashing
// the prefixes of the text.
const maxFew = 4

func (s *globSet) add(g *glob, target uint32) {
	t := globTarget{g, target}
	if s.groups == nil && len(s.few) < maxFew {
		s.few = append(s.few, t)
		return
	}
	if s.groups == nil {
		s.groups = make(map[string][]globTarget)
		for _, old := range s.few {
			s.addGrouped(old)
		}
		s.few = nil
	}
	s.addGrouped(t)
}

func (s *globSet) addGrouped(t globTarget) {
	prefix := t.glob.prefix()
	if i, found := slices.BinarySearch(s.lengths, len(prefix)); !found {
		s.lengths = slices.Insert(s.lengths, i, len(prefix))
	}
	s.groups[prefix] = append(s.groups[prefix], t)
}

// group returns the i-th group of globs that may match text; ok is false behind
// the last one.
func (s *globSet) group(text string, i int) (group []globTarget, ok bool) {
	if s.groups == nil {
		return s.few, i == 0
	}
	if i == len(s.lengths) || s.lengths[i] > len(text) {
		return nil, false
	}
	return s.groups[text[:s.lengths[i]]], true
}

// linearCost is the cost of a glob that may have to read the whole text, in
// steps of the walk.
const linearCost = 64

// worst bounds what one look-up can cost: all prefixes are hashed, and one text
// can meet all globs whose prefixes are prefixes of one another. Cost gives what
// a target costs once its glob has matched.
func (s *globSet) worst(cost func(target uint32) int) int {
	hashes := 0
	for _, n := range s.lengths {
		hashes = capped(hashes + 1 + n/64)
	}
	all := slices.Clone(s.few)
	for _, group := range s.groups {
		all = append(all, group...)
	}
	// Sorted, a prefix comes before what it begins.
	slices.SortFunc(all, func(a, b globTarget) int { return strings.Compare(a.glob.prefix(), b.glob.prefix()) })
	type link struct {
		prefix string
		cost   int
	}
	chain := []link{{}}
	worst := 0
	for _, t := range all {
		prefix := t.glob.prefix()
		for !strings.HasPrefix(prefix, chain[len(chain)-1].prefix) {
			chain = chain[:len(chain)-1]
		}
		sum := capped(chain[len(chain)-1].cost + 1 + cost(t.target))
		if t.glob.linear() {
			sum = capped(sum + linearCost)
		}
		chain = append(chain, link{prefix, sum})
		worst = max(worst, sum)
	}
	return capped(hashes + worst)
}

// maxSteps is the greatest number of steps that one decision may need in the
// worst case. A step is a node, a candidate glob or a hash: some tens of
// nanoseconds.
const maxSteps = 8192

// capped keeps sums of costs from overflowing.
func capped(cost int) int { return min(cost, maxSteps+1) }
