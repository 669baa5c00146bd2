package sat

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

var (
	errQueueFull = fmt.Errorf("sat: too many wait for a review already: %w", mqttauth.ErrFailed)
	errNoTurn    = fmt.Errorf("sat: no turn for a review in time: %w", mqttauth.ErrFailed)
)

// queue bounds how many reviews are under way and how many wait (SAT-8).
// Sources take turns, so one that sends many waits for itself. Some slots are
// kept for renewals, and for the others both take turns: neither a crowd that
// connects nor one that renews shuts out the other.
type queue struct {
	mu       sync.Mutex
	free     int // slots
	connects line
	renewals line
	turn     bool // the next slot goes to a renewal first
}

func newQueue(slots, waiting int) *queue {
	return &queue{
		free:     slots,
		connects: line{slots: slots - slots/4, room: waiting, of: make(map[netip.Prefix][]*waiter)},
		renewals: line{slots: slots, room: waiting, of: make(map[netip.Prefix][]*waiter)},
	}
}

type waiter struct {
	source  netip.Prefix
	ready   chan struct{} // closed when it has a slot, or is turned away
	refused bool
}

// enter waits for a turn. With a nil error, leave must follow.
func (q *queue) enter(ctx context.Context, r *Request) error {
	l := q.lineOf(r)
	w := &waiter{source: sourceOf(r.Source), ready: make(chan struct{})}
	if !q.join(l, w) {
		return errQueueFull
	}
	select {
	case <-w.ready:
	case <-ctx.Done():
		if q.quit(l, w) {
			return errNoTurn
		}
	}
	if w.refused {
		return errQueueFull
	}
	return nil
}

func (q *queue) lineOf(r *Request) *line {
	if r.Renewal {
		return &q.renewals
	}
	return &q.connects
}

// quit reports whether w had still waited. If not, it is ready.
func (q *queue) quit(l *line, w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return l.remove(w)
}

func (q *queue) join(l *line, w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !l.add(w) {
		return false
	}
	q.grant()
	return true
}

func (q *queue) leave(r *Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free++
	q.lineOf(r).busy--
	q.grant()
}

// grant hands out the free slots.
func (q *queue) grant() {
	for q.free > 0 {
		l := &q.connects
		if !l.eligible() || q.turn && q.renewals.eligible() {
			l = &q.renewals
		}
		if !l.eligible() {
			return
		}
		q.turn = l == &q.connects
		q.free--
		l.busy++
		close(l.pop().ready)
	}
}

// sourceOf groups addresses: an IPv6 source is a whole /64, of which one host
// can have every address.
func sourceOf(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits) // the zero Prefix for no address
	return p
}

// line holds those who wait, each behind the others of its source.
type line struct {
	slots, busy int // how many it may use, and does
	room, len   int // how many may wait, and do
	of          map[netip.Prefix][]*waiter
	turns       []netip.Prefix // the sources in of, next first
}

// eligible reports whether somebody waits who may have a slot.
func (l *line) eligible() bool { return l.len > 0 && l.busy < l.slots }

// add appends w. When the line is full, the last one of the source that has
// most of it makes room, unless that is w's own.
func (l *line) add(w *waiter) bool {
	if l.len >= l.room && !l.shorten(len(l.of[w.source])) {
		return false
	}
	if l.of[w.source] == nil {
		l.turns = append(l.turns, w.source)
	}
	l.of[w.source] = append(l.of[w.source], w)
	l.len++
	return true
}

// shorten turns somebody away from a source that has at least two more than
// own: with one more they would only change places.
func (l *line) shorten(own int) bool {
	var longest netip.Prefix
	for _, s := range l.turns {
		if len(l.of[s]) > len(l.of[longest]) {
			longest = s
		}
	}
	list := l.of[longest]
	if len(list) < own+2 {
		return false
	}
	last := list[len(list)-1]
	l.remove(last)
	last.refused = true
	close(last.ready)
	return true
}

// pop takes the first of the source whose turn it is. Somebody must wait.
func (l *line) pop() *waiter {
	source := l.turns[0]
	w := l.of[source][0]
	l.remove(w)
	if l.of[source] != nil { // to the end of the turns
		l.turns = append(l.turns[1:], source)
	}
	return w
}

// remove takes w out and reports whether it was there.
func (l *line) remove(w *waiter) bool {
	list := l.of[w.source]
	i := slices.Index(list, w)
	if i < 0 {
		return false
	}
	l.len--
	if len(list) > 1 {
		l.of[w.source] = slices.Delete(list, i, i+1)
		return true
	}
	delete(l.of, w.source)
	at := slices.Index(l.turns, w.source)
	l.turns = slices.Delete(l.turns, at, at+1)
	return true
}
