package session

import "strings"

// aliases are the topic aliases used towards the client on one connection (MQTT
// 5.0 section 3.3.2.3.4). The first topics get them and keep them. The zero
// value uses none.
type aliases struct {
	max   int
	known map[string]uint16
}

// aliasCost is the length of the alias property: a shorter topic gains nothing.
const aliasCost = 3

// look returns the alias to send with a topic, 0 for none, and whether the
// client knows it already. A new alias is only fixed by sent.
func (a *aliases) look(name string) (alias uint16, known bool) {
	if a.max == 0 || len(name) <= aliasCost {
		return 0, false
	}
	if alias, known = a.known[name]; known {
		return alias, true
	}
	if len(a.known) == a.max {
		return 0, false
	}
	return uint16(len(a.known) + 1), false
}

// sent says that a packet with the alias that look returned was sent.
func (a *aliases) sent(name string, alias uint16) {
	if alias == 0 || int(alias) <= len(a.known) {
		return
	}
	if a.known == nil {
		a.known = make(map[string]uint16)
	}
	a.known[strings.Clone(name)] = alias
}
