package mqttauthz

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// An automaton is a pattern as a row of steps that read a word symbol by
// symbol: what the queries compare patterns with. Decisions do not use it.
//
// A word is a topic name, a key, a client ID, or a topic filter. A filter is
// read as text in which only + and stars take a +, and only # takes a #: then
// the words of a pattern are exactly the filters that it covers (AUTHZ-7), and
// the questions about topics and about filters are one.
type automaton struct {
	steps []autoStep
	tail  bool // #: when all steps are done, the word may end or go on with a slash
	all   bool // nothing but #: any word
	never bool // a token without a value: no word

	topics   bool // words are topics: the first symbol $ needs a written one
	dollar   bool // the pattern begins with a written $
	lonePlus bool // the filter + is covered, though only as a whole (takesSome)
}

// autoStep takes one symbol, or any number of them when it is a loop.
type autoStep struct {
	kind  stepKind
	loop  bool
	ident int     // of a symbolic value
	e     element // of a class
	sym   symbol  // of a single symbol
}

type stepKind uint8

const (
	oneSymbol     stepKind = iota
	anyInKey               // any unit
	anyInLevel             // any unit but a slash
	wildLevel              // the same, and the + of a filter
	classInKey             // ? or class
	classInLevel           // ? or class, within one level
	valueInKey             // what a value of the principal can consist of
	symbolicValue          // the value itself, whatever it is
)

// symbol is a code point, a byte that is no part of one, or a value of the
// principal that nothing is known about.
type symbol int32

const (
	strayByte  symbol = utf8.MaxRune + 1
	firstValue symbol = strayByte + 256
)

// symbols appends the symbols of text.
func symbols(to []symbol, text string) []symbol {
	for text != "" {
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 {
			to = append(to, strayByte+symbol(text[0]))
		} else {
			to = append(to, symbol(r))
		}
		text = text[size:]
	}
	return to
}

// spell returns the text of symbols that are no values.
func spell(word []symbol) string {
	var b strings.Builder
	for _, s := range word {
		if s >= strayByte {
			b.WriteByte(byte(s - strayByte))
		} else {
			b.WriteRune(rune(s))
		}
	}
	return b.String()
}

// takes reports whether one symbol can be read at s.
func (s *autoStep) takes(c symbol) bool {
	inLevel := c != '/' && c != '+' && c != '#'
	isValue := c >= firstValue
	switch s.kind {
	case oneSymbol:
		return c == s.sym
	case anyInKey:
		return true
	case anyInLevel:
		return inLevel
	case wildLevel:
		return inLevel || c == '+'
	case classInKey:
		return !isValue && s.takesUnit(c)
	case classInLevel:
		return !isValue && inLevel && s.takesUnit(c)
	case valueInKey:
		return c != '/' && c != 0 && !isValue
	case symbolicValue:
		return c == firstValue+symbol(s.ident)
	}
	return false
}

func (s *autoStep) takesUnit(c symbol) bool { return s.e.takes(spell([]symbol{c})) }

// next appends the states that symbol c leads to from state at. State n means
// that the first n steps are done; the state behind them all is the end, and
// one more is within the tail.
func (a *automaton) next(to []int, at int, c symbol, first bool) []int {
	if a.never || first && a.topics && c == '$' && !a.dollar {
		return to
	}
	end := len(a.steps)
	if at > end || a.all {
		return append(to, end+1)
	}
	for ; at < end; at++ {
		s := &a.steps[at]
		if takes := s.takes(c) || c >= firstValue && a.takesValue(at); takes && s.loop {
			to = append(to, at)
		} else if takes {
			to = append(to, at+1)
		}
		if !s.loop {
			return to
		}
	}
	if a.tail && c == '/' {
		to = append(to, end+1)
	}
	return to
}

// takesValue reports whether step at is a ? beside a star: together they take
// every value, since no value is empty.
func (a *automaton) takesValue(at int) bool {
	s := &a.steps[at]
	isAny := (s.kind == classInKey || s.kind == classInLevel) && s.e.kind == anyUnit
	return isAny && (at+1 < len(a.steps) && a.steps[at+1].loop || at > 0 && a.steps[at-1].loop)
}

// accepts reports whether a word may end at state at.
func (a *automaton) accepts(at int) bool {
	if a.never {
		return false
	}
	for at < len(a.steps) && a.steps[at].loop {
		at++
	}
	return at >= len(a.steps)
}

// matches reports whether the automaton reads the whole word.
func (a *automaton) matches(word []symbol) bool {
	if len(word) == 1 && word[0] == '+' && a.lonePlus {
		return true
	}
	states, next := []int{0}, []int(nil)
	seen := make([]int, len(a.steps)+2) // the length of the word when it was reached
	for i, c := range word {
		next = next[:0]
		for _, at := range states {
			next = a.next(next, at, c, i == 0)
		}
		states = states[:0]
		for _, at := range next {
			if seen[at] != i+1 {
				seen[at] = i + 1
				states = append(states, at)
			}
		}
		if len(states) == 0 {
			return false
		}
	}
	return slices.ContainsFunc(states, a.accepts)
}

// plainLetters are tried first where any of them may stand.
const plainLetters = "xa0A-b1B_"

// example returns a short word that reads well, if it is plain what that is:
// most patterns need no search. It is never empty.
func (a *automaton) example() (word []symbol, ok bool) {
	if a.never {
		return nil, false
	}
	for i := range a.steps {
		s := &a.steps[i]
		if s.loop && s.kind != wildLevel {
			continue
		}
		if s.kind == oneSymbol {
			word = append(word, s.sym)
			continue
		}
		at := strings.IndexFunc(plainLetters, func(r rune) bool { return s.takes(symbol(r)) })
		if at < 0 {
			return nil, false
		}
		word = append(word, symbol(plainLetters[at]))
	}
	if len(word) == 0 {
		word = append(word, symbol(plainLetters[0]))
	}
	return word, a.matches(word)
}

// tokenValue says what stands in the place of a token.
type tokenValue struct {
	text  string
	how   valueKind
	ident int // of someValue and everyValue: which one
}

type valueKind uint8

const (
	noValue    valueKind = iota // the pattern matches nothing
	knownValue                  // text
	anyValue                    // each place of the token takes any value it may have
	someValue                   // the same value everywhere, but none in particular
	everyValue                  // the same; the pattern takes only what it takes for every value
)

// assignment gives the value of each token.
type assignment func(slot) tokenValue

// topicAutomaton builds the automaton of a parsed topic pattern.
func topicAutomaton(levels []level, assign assignment) *automaton {
	a := &automaton{topics: true}
	for i := range levels {
		l := &levels[i]
		if l.kind == hashLevel {
			a.tail, a.all = true, i == 0
			break
		}
		if i > 0 {
			a.steps = append(a.steps, autoStep{sym: '/'})
		}
		switch l.kind {
		case literalLevel:
			a.literal(l.text)
			a.dollar = a.dollar || i == 0 && strings.HasPrefix(l.text, "$")
		case plusLevel:
			a.steps = append(a.steps, autoStep{kind: wildLevel, loop: true})
		case tokenLevel:
			a.token(l.slot, assign)
		case globLevel:
			a.glob(l.glob, assign, anyInLevel, classInLevel)
			a.dollar = a.dollar || i == 0 && strings.HasPrefix(l.glob.prefix(), "$")
			a.lonePlus = a.lonePlus || i == 0 && l.glob.takesSome() && isLone(levels)
		default:
			a.never = true
		}
	}
	return a
}

// isLone reports whether levels match topics of one level.
func isLone(levels []level) bool {
	return len(levels) == 1 || len(levels) == 2 && levels[1].kind == hashLevel
}

// globAutomaton builds the automaton of a glob over a whole text.
func globAutomaton(g *glob, assign assignment) *automaton {
	a := new(automaton)
	a.glob(g, assign, anyInKey, classInKey)
	return a
}

// textAutomaton builds the automaton of one text.
func textAutomaton(text string) *automaton {
	a := new(automaton)
	a.literal(text)
	return a
}

func (a *automaton) literal(text string) {
	for _, c := range symbols(nil, text) {
		a.steps = append(a.steps, autoStep{sym: c})
	}
}

func (a *automaton) token(s slot, assign assignment) {
	one := autoStep{kind: valueInKey}
	if a.topics {
		one.kind = anyInLevel
	}
	loop := one
	loop.loop = true
	switch v := assign(s); v.how {
	case knownValue:
		a.literal(v.text)
	case anyValue:
		a.steps = append(a.steps, one, loop)
	case someValue, everyValue:
		a.steps = append(a.steps, autoStep{kind: symbolicValue, ident: v.ident})
	default:
		a.never = true
	}
}

func (a *automaton) glob(g *glob, assign assignment, star, class stepKind) {
	for i, segment := range g.segments {
		if i > 0 {
			a.steps = append(a.steps, autoStep{kind: star, loop: true})
		}
		inner := i > 0 && i < len(g.segments)-1
		for _, e := range segment {
			switch e.kind {
			case literal:
				a.literal(e.text)
			case token:
				v := assign(e.slot)
				a.never = a.never || inner && tooLong(v, segment, a.topics)
				a.token(e.slot, assign)
			default:
				a.steps = append(a.steps, autoStep{kind: class, e: e})
			}
		}
	}
}

// tooLong reports whether a value matches nothing between two stars because of
// its length; see maxInnerValue.
func tooLong(v tokenValue, segment []element, topics bool) bool {
	if v.how == everyValue {
		return len(segment) > 1 || !topics
	}
	plain := len(segment) == 1 && utf8.ValidString(v.text)
	return v.how == knownValue && !plain && len(v.text) > maxInnerValue
}
