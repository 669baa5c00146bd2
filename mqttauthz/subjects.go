package mqttauthz

// subjects finds the patterns that match a whole text: a client ID at CONNECT
// or a key of the state store.
type subjects struct {
	any   uint32            // leaf of rules that name no pattern
	exact map[string]uint32 // text to leaf
	globs globSet           // to leaves
}

// lookup finds an entry that opens text for g. Whether a glob concerns this
// principal is asked first: that is cheaper than matching.
func (p *Policy) lookup(t *subjects, g *Grants, text string) *entry {
	if e := p.open(t.any, g); e != nil {
		return e
	}
	if leaf, ok := t.exact[text]; ok {
		if e := p.open(leaf, g); e != nil {
			return e
		}
	}
	for i := 0; ; i++ {
		group, ok := t.globs.group(text, i)
		if !ok {
			return nil
		}
		for _, c := range group {
			if e := p.open(c.target, g); e != nil && c.glob.match(text, g.values, inKeys) {
				return e
			}
		}
	}
}

// subjectsBuilder adds patterns to subjects.
type subjectsBuilder struct {
	op       Operation
	subjects subjects
	byText   map[string]uint32 // globs to leaves
	leaves   *leafBuilder
}

func newSubjectsBuilder(op Operation, leaves *leafBuilder) *subjectsBuilder {
	return &subjectsBuilder{
		op:       op,
		subjects: subjects{exact: make(map[string]uint32)},
		byText:   make(map[string]uint32),
		leaves:   leaves,
	}
}

// insertExact returns the leaf of text that is no pattern.
func (b *subjectsBuilder) insertExact(text string) uint32 {
	leaf := b.subjects.exact[text]
	b.subjects.exact[text] = b.leaves.get(&leaf)
	return leaf
}

// insertGlob returns the leaf of the pattern that is written as text. On error
// it returns the offset.
func (b *subjectsBuilder) insertGlob(text string, attrs slots) (leaf uint32, offset int, err error) {
	if leaf, ok := b.byText[text]; ok {
		return leaf, 0, nil
	}
	elements, offset, err := parseGlob(text, attrs)
	if err != nil {
		return 0, offset, err
	}
	if len(elements) == 0 {
		return b.insertExact(""), 0, nil
	}
	if len(elements) == 1 && elements[0].kind == literal {
		return b.insertExact(elements[0].text), 0, nil
	}
	g, err := newGlob(elements)
	if err != nil {
		return 0, -1, err
	}
	b.byText[text] = b.leaves.get(&leaf)
	b.subjects.globs.add(g, leaf)
	return leaf, 0, nil
}

// finish returns the subjects and a bound on the steps of one look-up.
func (b *subjectsBuilder) finish() (subjects, int) {
	return b.subjects, b.subjects.globs.worst(func(uint32) int { return 1 })
}
