package sat

import (
	"context"
	"time"
)

// standing remembers what has been confirmed and has it confirmed again, in the
// background, before it is too old to count.
type standing[K comparable, V any] struct {
	maxAge time.Duration
	flight flight[K, V]
	memory memory[K, confirmed[V]]
}

type confirmed[V any] struct {
	value V
	again time.Time // when to ask again
}

// verdict is what an answer means for what is remembered.
type verdict byte

const (
	noVerdict verdict = iota // what is remembered stays
	withdrawn                // what is remembered goes
	confirms
)

// question asks once.
type question[V any] func(context.Context) (V, verdict, error)

// get returns what stands, at once. When nothing does, it asks and waits.
func (s *standing[K, V]) get(ctx context.Context, key K, ask question[V]) (V, error) {
	now := time.Now()
	e, ok := s.memory.get(key, now)
	if !ok {
		return s.confirm(ctx, key, ask)
	}
	if !now.Before(e.value.again) && s.claim(key, now) {
		s.flight.start(ctx, key, func(ctx context.Context) (V, error) { return s.confirm(ctx, key, ask) })
	}
	return e.value.value, nil
}

// claim reports whether the caller is the one to ask again. The next is due
// after a pause, in case this one gets no answer.
func (s *standing[K, V]) claim(key K, now time.Time) (mine bool) {
	s.memory.change(key, func(c *confirmed[V]) {
		if mine = !now.Before(c.again); mine {
			c.again = now.Add(s.maxAge / 16)
		}
	})
	return mine
}

// confirm asks. A confirmation is as old as its question: what happened after
// that, the answer need not know.
func (s *standing[K, V]) confirm(ctx context.Context, key K, ask question[V]) (V, error) {
	asked := time.Now()
	v, is, err := ask(ctx)
	switch is {
	case confirms:
		until := asked.Add(s.maxAge)
		s.memory.put(key, confirmed[V]{v, asked.Add(s.maxAge / 2)}, time.Now(), until, until.Round(0)) // by both clocks: one stops while the machine sleeps
	case withdrawn:
		s.memory.forget(key)
	case noVerdict:
	}
	return v, err
}
