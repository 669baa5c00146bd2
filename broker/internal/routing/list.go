package routing

import "sync/atomic"

// list is a set of T in order of arrival, each with one word of data. Readers
// take a snapshot without a lock; all other methods belong to the writer. The
// zero list is empty.
type list[T comparable] struct {
	run atomic.Pointer[run[T]]
}

// run is the array of a list. The writer appends within its capacity and then
// raises n, so a reader that took fewer entries is not disturbed. An entry that
// is removed only loses its live bit; its place is never used again, and when
// half of the entries are gone a new run is published.
type run[T comparable] struct {
	n       atomic.Uint32
	dead    uint32       // the writer's
	index   map[T]uint32 // the writer's; nil when the run is short
	entries []entry[T]
}

type entry[T comparable] struct {
	who  T
	bits atomic.Uint64
}

// scanned is the length up to which a run is searched instead of indexed.
const scanned = 16

// snapshot returns the entries of now, dead ones included. Any goroutine may
// call it.
func (l *list[T]) snapshot() []entry[T] {
	r := l.run.Load()
	if r == nil {
		return nil
	}
	return r.entries[:r.n.Load()]
}

// empty reports whether nothing lives in l. Any goroutine may call it.
func (l *list[T]) empty() bool { return l.run.Load() == nil }

// find returns the live entry of who, or nil.
func (r *run[T]) find(who T) *entry[T] {
	if r.index != nil {
		i, ok := r.index[who]
		if !ok {
			return nil
		}
		return &r.entries[i]
	}
	for i := range r.entries[:r.n.Load()] {
		e := &r.entries[i]
		if e.who == who && e.bits.Load()&bitLive != 0 {
			return e
		}
	}
	return nil
}

// put adds who or replaces its data, and reports whether it was there.
func (l *list[T]) put(who T, bits uint64) (existed bool) {
	r := l.run.Load()
	if r == nil {
		r = l.publish(nil, 1)
	}
	if e := r.find(who); e != nil {
		e.bits.Store(bits | bitLive)
		return true
	}
	if n := r.n.Load(); int(n) == len(r.entries) {
		r = l.publish(r, 2*(n-r.dead))
	}
	r.add(who, bits|bitLive)
	return false
}

// add appends an entry that is not in r. There is room.
func (r *run[T]) add(who T, bits uint64) {
	n := r.n.Load()
	r.entries[n].who = who
	r.entries[n].bits.Store(bits)
	if r.index != nil {
		r.index[who] = n
	}
	r.n.Store(n + 1)
}

// remove takes who out and reports whether it was there.
func (l *list[T]) remove(who T) bool {
	r := l.run.Load()
	if r == nil {
		return false
	}
	e := r.find(who)
	if e == nil {
		return false
	}
	e.bits.Store(0)
	if r.index != nil {
		delete(r.index, who)
	}
	r.dead++
	n := r.n.Load()
	if r.dead == n {
		l.run.Store(nil)
		return true
	}
	if r.dead*2 >= n {
		l.publish(r, n-r.dead)
	}
	return true
}

// publish replaces old by a run of the given capacity with its live entries.
func (l *list[T]) publish(old *run[T], capacity uint32) *run[T] {
	r := &run[T]{entries: make([]entry[T], capacity)}
	if capacity > scanned {
		r.index = make(map[T]uint32, capacity)
	}
	if old != nil {
		for i := range old.entries[:old.n.Load()] {
			e := &old.entries[i]
			if bits := e.bits.Load(); bits&bitLive != 0 {
				r.add(e.who, bits)
			}
		}
	}
	l.run.Store(r)
	return r
}
