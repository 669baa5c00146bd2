package mqttauthz

import (
	"cmp"
	"slices"
)

// An atom is the number of a predicate about principals: a client ID, a
// username or one attribute map. Equal predicates of different rules are one
// atom.
type atom uint32

// entry says that whoever atom is true for is allowed what the leaf's pattern
// matches, by which rule, and how the pattern is written there.
type entry struct {
	atom    atom
	rule    uint32
	pattern uint32 // index in Policy.patterns
}

// leafBuilder collects the entries of all leaves of a policy.
type leafBuilder struct {
	count uint32
	added []leafEntry
}

type leafEntry struct {
	leaf uint32
	entry
}

// get returns the leaf that slot holds, a new one if it holds none.
func (b *leafBuilder) get(slot *uint32) uint32 {
	if *slot == 0 {
		b.count++
		*slot = b.count
	}
	return *slot
}

// finish returns all entries ordered by leaf and atom, of each atom the first
// added, and where each leaf begins: leaf n is entries[starts[n]:starts[n+1]].
func (b *leafBuilder) finish() (entries []entry, starts []uint32) {
	starts = make([]uint32, b.count+2)
	for _, a := range b.added {
		starts[a.leaf+1]++
	}
	for i := 1; i < len(starts); i++ {
		starts[i] += starts[i-1]
	}
	entries = make([]entry, len(b.added))
	fill := slices.Clone(starts)
	for _, a := range b.added {
		entries[fill[a.leaf]] = a.entry
		fill[a.leaf]++
	}
	kept := uint32(0)
	for leaf := range starts[:len(starts)-1] {
		own := entries[starts[leaf]:starts[leaf+1]]
		if len(own) > 1 {
			slices.SortStableFunc(own, func(a, b entry) int { return cmp.Compare(a.atom, b.atom) })
			own = slices.CompactFunc(own, func(a, b entry) bool { return a.atom == b.atom })
		}
		starts[leaf] = kept
		kept += uint32(copy(entries[kept:], own))
	}
	starts[len(starts)-1] = kept
	return slices.Clone(entries[:kept]), starts
}

// scanned is the number of entries up to which a leaf is searched one by one.
const scanned = 8

// open returns an entry of leaf for one of the atoms of g, or nil.
func (p *Policy) open(leaf uint32, g *Grants) *entry {
	if int(leaf)+1 >= len(p.starts) {
		return nil // a policy that Compile did not make
	}
	entries := p.entries[p.starts[leaf]:p.starts[leaf+1]]
	if len(entries) > scanned {
		return search(entries, g.atoms)
	}
	for _, a := range g.atoms {
		for i := range entries {
			if entries[i].atom == a {
				return &entries[i]
			}
		}
	}
	return nil
}

// search is open for many entries: binary search, since a principal has few
// atoms.
func search(entries []entry, atoms []atom) *entry {
	for _, a := range atoms {
		lo, hi := 0, len(entries)
		for lo < hi {
			mid := int(uint(lo+hi) >> 1)
			if entries[mid].atom < a {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		if lo < len(entries) && entries[lo].atom == a {
			return &entries[lo]
		}
	}
	return nil
}
