package broker

import (
	"slices"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/broker/internal/session"
	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// fanout brings messages to their subscribers. It is scratch space, used by one
// goroutine at a time; the zero value is ready.
//
// What is published waits until wake: so one write carries all that one read
// brought.
type fanout struct {
	matches routing.Matches[*client]
	merged  []merged
	index   map[*client]int
	due     []*client // whose writers wake tells
	queued  int       // deliveries since wake
}

// wakeEvery is the number of deliveries after which wake need not be waited for.
const wakeEvery = 4096

// flush is wake that writes at once what can be written without blocking. The
// caller holds no lock. Where many are due, other goroutines take their share.
func (f *fanout) flush() {
	due := f.due
	for ; len(due) > flushShare; due = due[flushShare:] {
		share := slices.Clone(due[:flushShare])
		go flushAll(share)
	}
	flushAll(due)
	f.forget()
}

// flushShare is how many clients one goroutine writes to.
const flushShare = 64

func flushAll(due []*client) {
	for _, to := range due {
		if c := to.attached.Load(); c != nil {
			c.out.flush()
		}
	}
}

// keptDue is the capacity of due that a publisher keeps while it is idle.
const keptDue = 64

// wake tells the writers that something waits. Whoever publishes calls it before
// it waits for anything itself.
func (f *fanout) wake() {
	for _, to := range f.due {
		if c := to.attached.Load(); c != nil {
			c.out.signal()
		}
	}
	f.forget()
}

func (f *fanout) forget() {
	f.queued = 0
	if cap(f.due) > keptDue {
		f.due = nil
	}
	clear(f.due)
	f.due = f.due[:0]
}

// deliver queues a message, which was matched at a revision of the server's.
func (f *fanout) deliver(to *client, d session.Delivery, revision uint64, now time.Time) {
	if to.enqueue(d, revision, now) {
		f.due = append(f.due, to)
	}
	f.queued++
}

// merged is what several subscriptions of one client add up to.
type merged struct {
	to *client
	d  session.Delivery
}

// publish routes a message that has been decided on. From is the publishing
// client. What is queued is sent after f.wake at the latest.
func (s *Server) publish(m *message.Message, from *client, f *fanout, now time.Time) {
	if m.Topic() == topic.StateStoreRequest { // only handleRequest has a use for it (AUTHZ-16)
		return
	}
	if m.Retain() {
		s.retained.store(m)
	}
	revision := s.revision.Load()
	s.table.Match(m.Topic(), &f.matches)
	if f.matches.Overlapping() {
		f.mergeAll(m, from, revision, now)
	} else {
		for to, o := range f.matches.Subscribers() {
			if o.NoLocal && to == from {
				continue
			}
			f.deliver(to, delivery(m, o), revision, now)
		}
	}
	for _, g := range f.matches.Groups() {
		if to, o, ok := g.Pick((*client).online); ok {
			f.deliver(to, delivery(m, o), revision, now)
		}
	}
	f.matches.Clear()
	if f.queued >= wakeEvery {
		f.wake()
	}
}

// mergeAll sends one message to a client with several matching subscriptions:
// at the highest of their QoS, with all their identifiers [MQTT-3.3.4-2,
// MQTT-3.3.4-3].
func (f *fanout) mergeAll(m *message.Message, from *client, revision uint64, now time.Time) {
	if f.index == nil {
		f.index = make(map[*client]int)
	}
	for to, o := range f.matches.Subscribers() {
		if o.NoLocal && to == from {
			continue
		}
		d := delivery(m, o)
		i, known := f.index[to]
		if !known {
			f.index[to] = len(f.merged)
			f.merged = append(f.merged, merged{to, d})
			continue
		}
		sum := &f.merged[i].d
		sum.QoS = max(sum.QoS, d.QoS)
		sum.Retain = sum.Retain || d.Retain
		sum.SubscriptionIDs = append(sum.SubscriptionIDs, d.SubscriptionIDs...)
	}
	for i := range f.merged {
		f.deliver(f.merged[i].to, f.merged[i].d, revision, now)
	}
	clear(f.index)
	clear(f.merged)
	f.merged = f.merged[:0]
}

// delivery is what a subscription makes of a message.
func delivery(m *message.Message, o routing.Options) session.Delivery {
	d := session.Delivery{
		Message: m,
		QoS:     min(m.QoS(), o.QoS),
		Retain:  m.Retain() && o.RetainAsPublished,
	}
	if o.ID != 0 {
		d.SubscriptionIDs = []uint32{o.ID}
	}
	return d
}
