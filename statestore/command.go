package statestore

import (
	"math"
	"strconv"
)

// Verb is what a command does.
type Verb uint8

// The verbs. The zero Verb is none.
const (
	Set Verb = iota + 1
	Get
	Del
	VDel
	KeyNotify
)

// Condition is when a SET is applied.
type Condition uint8

// The conditions.
const (
	Always          Condition = iota
	IfAbsent                  // NX
	IfAbsentOrEqual           // NEX: the key is absent, or already has the value of this very SET
)

// Command is one request's payload.
type Command struct {
	Verb      Verb
	Key       []byte
	Value     []byte    // of SET and VDEL
	Condition Condition // of SET
	PX        int64     // of SET: life time in milliseconds; 0: no end
	Stop      bool      // of KEYNOTIFY
}

// ParseCommand reads a request's payload. The error is a *SyntaxError for what
// is not RESP3 or has a bad option, or else ErrUnknownCommand, ErrArgumentCount
// or ErrEmptyKey. Key and Value point into the payload. It allocates nothing but
// a SyntaxError.
func ParseCommand(payload []byte) (Command, error) {
	var w words
	if err := parseWords(payload, &w); err != nil {
		return Command{}, err
	}
	c := Command{}
	least, most := 2, 2
	switch string(w.text[0]) {
	case "SET":
		c.Verb, least, most = Set, 3, 6
	case "GET":
		c.Verb = Get
	case "DEL":
		c.Verb = Del
	case "VDEL":
		c.Verb, least, most = VDel, 3, 3
	case "KEYNOTIFY":
		c.Verb, most = KeyNotify, 3
	default:
		return Command{}, ErrUnknownCommand
	}
	if w.count < least || w.count > most {
		return Command{}, ErrArgumentCount
	}
	if err := c.parseArguments(&w); err != nil {
		return Command{}, err
	}
	if len(c.Key) == 0 {
		return Command{}, ErrEmptyKey
	}
	return c, nil
}

func (c *Command) parseArguments(w *words) error {
	c.Key = w.text[1]
	switch c.Verb {
	case Set:
		c.Value = w.text[2]
		return c.parseSetOptions(w)
	case VDel:
		c.Value = w.text[2]
	case KeyNotify:
		if w.count < 3 {
			return nil
		}
		if string(w.text[2]) != "STOP" {
			return &SyntaxError{w.at[2], "the only option of KEYNOTIFY is STOP"}
		}
		c.Stop = true
	case Get, Del:
	}
	return nil
}

// parseSetOptions reads [NX | NEX] [PX milliseconds], in this order.
func (c *Command) parseSetOptions(w *words) error {
	i := 3
	if i < w.count {
		switch string(w.text[i]) {
		case "NX":
			c.Condition = IfAbsent
			i++
		case "NEX":
			c.Condition = IfAbsentOrEqual
			i++
		}
	}
	if i == w.count {
		return nil
	}
	if string(w.text[i]) != "PX" {
		return &SyntaxError{w.at[i], "the options of SET are NX or NEX, then PX with milliseconds"}
	}
	if w.count != i+2 {
		return &SyntaxError{w.at[i], "PX is followed by milliseconds, and nothing else"}
	}
	px, ok := parseDecimal(w.text[i+1])
	if !ok || px == 0 {
		return &SyntaxError{w.at[i+1], "PX wants a positive decimal number of milliseconds"}
	}
	c.PX = px
	return nil
}

// parseDecimal reads ASCII digits, and nothing else, up to the largest int64.
func parseDecimal[T string | []byte](s T) (int64, bool) {
	const safe = 18 // digits that cannot overflow
	var n int64
	for i := range len(s) {
		d := int64(s[i]) - '0'
		if d < 0 || d > 9 || i >= safe && n > (math.MaxInt64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, len(s) > 0
}

// Append appends the payload that ParseCommand reads as c: the client's half. A
// Verb or Condition that is none of the constants gives a payload that is
// refused.
func (c Command) Append(b []byte) []byte {
	switch c.Verb {
	case Set:
		return c.appendSet(b)
	case Get:
		b = AppendBulk(AppendArray(b, 2), "GET")
	case Del:
		b = AppendBulk(AppendArray(b, 2), "DEL")
	case VDel:
		b = AppendBulk(AppendArray(b, 3), "VDEL")
		return AppendBulk(AppendBulk(b, c.Key), c.Value)
	case KeyNotify:
		if c.Stop {
			b = AppendBulk(AppendArray(b, 3), "KEYNOTIFY")
			return AppendBulk(AppendBulk(b, c.Key), "STOP")
		}
		b = AppendBulk(AppendArray(b, 2), "KEYNOTIFY")
	default:
		b = AppendBulk(AppendArray(b, 2), "")
	}
	return AppendBulk(b, c.Key)
}

func (c Command) appendSet(b []byte) []byte {
	n := 3
	if c.Condition != Always {
		n++
	}
	if c.PX != 0 {
		n += 2
	}
	b = AppendBulk(AppendArray(b, n), "SET")
	b = AppendBulk(AppendBulk(b, c.Key), c.Value)
	switch c.Condition {
	case Always:
	case IfAbsent:
		b = AppendBulk(b, "NX")
	case IfAbsentOrEqual:
		b = AppendBulk(b, "NEX")
	default:
		b = AppendBulk(b, "")
	}
	if c.PX == 0 {
		return b
	}
	return AppendBulk(AppendBulk(b, "PX"), strconv.FormatInt(c.PX, 10))
}
