package statestore_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// naive is the protocol once more, as plainly as possible: strings, maps and
// scans, on parsed words. It shares no code with the package.
type naive struct {
	now     int64
	last    stamp
	entries map[string]naiveEntry
	watch   map[string]map[string]bool // client → keys
}

type naiveEntry struct {
	value   string
	version stamp
	fence   *stamp
	expires int64
}

type stamp struct {
	wall, counter int64
	node          string
}

func (s stamp) String() string { return fmt.Sprintf("%015d:%05d:%s", s.wall, s.counter, s.node) }

// less compares the padded text, which sorts like the numbers.
func (s stamp) less(t stamp) bool { return s.String() < t.String() }

// naiveAnswer has everything that a client gets to see.
type naiveAnswer struct {
	Payload, Version string
	Notified         []string
}

func newNaive(now int64) *naive {
	return &naive{now: now, entries: map[string]naiveEntry{}, watch: map[string]map[string]bool{}}
}

// next applies the receive rule case by case, as the facts print it.
func (n *naive) next(message *stamp) stamp {
	var other stamp
	if message != nil {
		other = *message
	}
	next := stamp{node: "StateStore"}
	switch {
	case n.now > n.last.wall && n.now > other.wall:
		next.wall = n.now
	case n.last.wall == other.wall:
		next.wall, next.counter = n.last.wall, max(n.last.counter, other.counter)+1
	case n.last.wall > other.wall:
		next.wall, next.counter = n.last.wall, n.last.counter+1
	default:
		next.wall, next.counter = other.wall, other.counter+1
	}
	if next.counter > 99999 {
		next.wall, next.counter = next.wall+1, 0
	}
	n.last = next
	return next
}

func (n *naive) notify(a *naiveAnswer, key, payload string, version stamp) {
	var told []string
	for client, keys := range n.watch {
		if keys[key] {
			told = append(told, fmt.Sprintf("%s %X/%X %q %s", client, client, key, payload, version))
		}
	}
	slices.Sort(told)
	a.Notified = append(a.Notified, told...)
}

func (n *naive) remove(a *naiveAnswer, key string, version stamp) {
	delete(n.entries, key)
	n.notify(a, key, "*2\r\n$6\r\nNOTIFY\r\n$6\r\nDELETE\r\n", version)
}

// expire removes what is due in the order of deadlines, then versions.
func (n *naive) expire() naiveAnswer {
	var a naiveAnswer
	order := func(x, y string) int {
		a, b := n.entries[x], n.entries[y]
		return strings.Compare(fmt.Sprintf("%020d %s", a.expires, a.version), fmt.Sprintf("%020d %s", b.expires, b.version))
	}
	for _, key := range slices.SortedFunc(maps.Keys(n.entries), order) {
		if e := n.entries[key]; e.expires != 0 && e.expires <= n.now {
			n.remove(&a, key, n.next(nil))
		}
	}
	return a
}

// fault returns the first thing that is wrong with timestamps.
func (n *naive) fault(words []string, ts, ft *stamp) string {
	const tooFar = " is too far in the future; ensure that the client and broker system clocks are synchronized"
	far := func(s *stamp) bool { return s != nil && !s.less(stamp{n.now + 60000, 99999, ""}) }
	switch {
	case far(ts):
		return "the request timestamp" + tooFar
	case far(ft):
		return "the request fencing token timestamp" + tooFar
	case words[0] == "SET" && ts == nil:
		return "missing timestamp"
	}
	return ""
}

// do executes well-formed words.
func (n *naive) do(client string, words []string, ts, ft *stamp) naiveAnswer {
	var a naiveAnswer
	fail := func(text string) naiveAnswer {
		a.Payload = "-ERR " + text + "\r\n"
		return a
	}
	if text := n.fault(words, ts, ft); text != "" {
		return fail(text)
	}
	key := words[1]
	if words[0] == "KEYNOTIFY" {
		return n.keyNotify(client, key, len(words) == 3)
	}
	e, found := n.entries[key]
	if found && e.expires != 0 && e.expires <= n.now {
		n.remove(&a, key, n.next(nil))
		e, found = naiveEntry{}, false
	}
	if words[0] == "GET" {
		if !found {
			a.Payload = "$-1\r\n"
			return a
		}
		a.Payload, a.Version = fmt.Sprintf("$%d\r\n%s\r\n", len(e.value), e.value), e.version.String()
		return a
	}
	if found && e.fence != nil && ft == nil {
		return fail("a fencing token is required for this request")
	}
	if found && e.fence != nil && ft.less(*e.fence) {
		return fail("the request fencing token is a lower version than the fencing token protecting the resource")
	}
	if words[0] == "SET" {
		n.set(&a, words, e, found, ts, ft)
		return a
	}
	switch {
	case !found:
		a.Payload = ":0\r\n"
	case words[0] == "VDEL" && words[2] != e.value:
		a.Payload, a.Version = ":-1\r\n", e.version.String()
	default:
		version := n.next(ts)
		a.Payload, a.Version = ":1\r\n", version.String()
		n.remove(&a, key, version)
	}
	return a
}

func (n *naive) set(a *naiveAnswer, words []string, e naiveEntry, found bool, ts, ft *stamp) {
	key, value := words[1], words[2]
	if found && (slices.Contains(words[3:], "NX") || slices.Contains(words[3:], "NEX") && value != e.value) {
		a.Payload, a.Version = ":-1\r\n", e.version.String()
		return
	}
	fresh := naiveEntry{value: value, version: n.next(ts), fence: ft}
	if i := slices.Index(words[3:], "PX"); i >= 0 {
		px, _ := strconv.ParseInt(words[3+i+1], 10, 64)
		fresh.expires = n.now + px
	}
	n.entries[key] = fresh
	a.Payload, a.Version = "+OK\r\n", fresh.version.String()
	n.notify(a, key, fmt.Sprintf("*4\r\n$6\r\nNOTIFY\r\n$3\r\nSET\r\n$5\r\nVALUE\r\n$%d\r\n%s\r\n", len(value), value), fresh.version)
}

func (n *naive) keyNotify(client, key string, stop bool) naiveAnswer {
	if stop && !n.watch[client][key] {
		return naiveAnswer{Payload: ":0\r\n"}
	}
	if n.watch[client] == nil {
		n.watch[client] = map[string]bool{}
	}
	n.watch[client][key] = !stop
	return naiveAnswer{Payload: "+OK\r\n"}
}
