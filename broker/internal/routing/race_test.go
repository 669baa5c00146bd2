package routing_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// TestConcurrent runs readers against writers. Whoever stays subscribed must be
// found by every Match, and nobody twice by one filter, whatever the writers do
// to the same nodes (E17).
func TestConcurrent(t *testing.T) {
	table, retained := routing.NewTable[*subscriber](), routing.NewRetained[*subscriber]()
	fixed := &subscriber{name: "fixed", online: true}
	fixedFilters := []string{"a/b", "a/+", "#", "$share/g/a/b"}
	for _, f := range fixedFilters {
		table.Subscribe(filter(t, f), fixed, routing.Options{QoS: 1})
	}
	retained.Set("a/b", fixed)

	var stop atomic.Bool
	var writers, readers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() { change(table, retained, rand.New(rand.NewPCG(uint64(w), 1))) })
	}
	for range 2 {
		readers.Go(func() {
			var m routing.Matches[*subscriber]
			for !stop.Load() && !t.Failed() {
				checkFixed(t, table, retained, &m, fixed)
			}
		})
	}
	writers.Wait()
	stop.Store(true)
	readers.Wait()
	if table.Len() != len(fixedFilters) || retained.Len() != 1 {
		t.Errorf("%d subscriptions and %d messages are left", table.Len(), retained.Len())
	}
}

// change adds and removes subscriptions and messages on and around a/b, and
// leaves none.
func change(table *routing.Table[*subscriber], retained *routing.Retained[*subscriber], r *rand.Rand) {
	type sub struct {
		f topic.Filter
		s *subscriber
	}
	var mine []sub
	for range 1500 {
		s := sub{topic.Filter{Filter: randomFilter(r, "a", "b", "c", "+", "#")}, &subscriber{}}
		if r.IntN(3) == 0 {
			s.f.Share = "g"
		}
		if r.IntN(3) == 0 {
			s.f.Filter = fmt.Sprint("a/", r.IntN(50))
		}
		table.Subscribe(s.f, s.s, routing.Options{})
		mine = append(mine, s)
		if len(mine) > 60 {
			i := r.IntN(len(mine))
			table.Unsubscribe(mine[i].f, mine[i].s)
			mine = append(mine[:i], mine[i+1:]...)
		}
		name := fmt.Sprint("a/", r.IntN(40), "/x")
		retained.Set(name, s.s)
		retained.Delete(fmt.Sprint("a/", r.IntN(40), "/x"))
	}
	for _, s := range mine {
		table.Unsubscribe(s.f, s.s)
	}
	for i := range 40 {
		retained.Delete(fmt.Sprint("a/", i, "/x"))
	}
}

func checkFixed(
	t *testing.T, table *routing.Table[*subscriber], retained *routing.Retained[*subscriber],
	m *routing.Matches[*subscriber], fixed *subscriber,
) {
	table.Match("a/b", m)
	n := 0
	for s, o := range m.Subscribers() {
		if s == fixed && o.QoS == 1 {
			n++
		}
	}
	if n != 3 {
		t.Errorf("the subscriber that stays is found %d times, want 3", n)
	}
	for _, g := range m.Groups() {
		g.Pick(func(s *subscriber) bool { return s == fixed })
	}
	n = 0
	for name, s := range retained.Match("+/#") {
		if name == "a/b" && s == fixed {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the message that stays is found %d times, want once", n)
	}
}
