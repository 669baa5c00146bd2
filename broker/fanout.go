package broker

import (
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/broker/internal/session"
	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// fanout brings one message to its subscribers. It is scratch space, used by
// one goroutine at a time; the zero value is ready.
type fanout struct {
	matches routing.Matches[*client]
	merged  []merged
	index   map[*client]int
}

// merged is what several subscriptions of one client add up to.
type merged struct {
	to *client
	d  session.Delivery
}

// publish routes a message that has been decided on. From is the publishing
// client.
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
			to.deliver(delivery(m, o), revision, now)
		}
	}
	for _, g := range f.matches.Groups() {
		if to, o, ok := g.Pick((*client).online); ok {
			to.deliver(delivery(m, o), revision, now)
		}
	}
	f.matches.Clear()
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
		f.merged[i].to.deliver(f.merged[i].d, revision, now)
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
