package sat

import (
	"sync"
	"time"
)

// memory is a bounded map whose entries end.
type memory[K comparable, V any] struct {
	max int

	mu      sync.RWMutex
	entries map[K]entry[V]
}

type entry[V any] struct {
	value V
	until time.Time // by the monotonic clock
	end   time.Time // by the wall clock; zero: never
}

func (e *entry[V]) stands(now time.Time) bool {
	return now.Before(e.until) && (e.end.IsZero() || now.Before(e.end))
}

func (m *memory[K, V]) get(key K, now time.Time) (entry[V], bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	e, ok := m.entries[key]
	if !ok || !e.stands(now) {
		return entry[V]{}, false
	}
	return e, true
}

func (m *memory[K, V]) put(key K, v V, now, until, end time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries == nil {
		m.entries = make(map[K]entry[V])
	}
	if _, ok := m.entries[key]; !ok && len(m.entries) >= m.max {
		m.makeRoom(now)
	}
	m.entries[key] = entry[V]{v, until, end}
}

// change changes the value of an entry that is there.
func (m *memory[K, V]) change(key K, f func(*V)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[key]; ok {
		f(&e.value)
		m.entries[key] = e
	}
}

func (m *memory[K, V]) len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.entries)
}

func (m *memory[K, V]) forget(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
}

// makeRoom forgets what counts no longer and, if that is not enough, some of
// the rest: to ask again costs less than memory without a bound.
func (m *memory[K, V]) makeRoom(now time.Time) {
	for k, e := range m.entries {
		if !e.stands(now) {
			delete(m.entries, k)
		}
	}
	for k := range m.entries {
		if len(m.entries) < m.max*3/4 || len(m.entries) == 0 {
			return
		}
		delete(m.entries, k)
	}
}
