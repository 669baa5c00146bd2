package session

import (
	"iter"
	"maps"

	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// Subscribe remembers a subscription and reports whether there was one to the
// same filter, whose options are replaced. The routing table is the broker's to
// change as well.
func (s *Session) Subscribe(f topic.Filter, o routing.Options) (existed bool) {
	if s.subscriptions == nil {
		s.subscriptions = make(map[topic.Filter]routing.Options)
	}
	_, existed = s.subscriptions[f]
	s.subscriptions[f] = o
	return existed
}

// Unsubscribe forgets a subscription and reports whether there was one.
func (s *Session) Unsubscribe(f topic.Filter) bool {
	_, existed := s.subscriptions[f]
	delete(s.subscriptions, f)
	if len(s.subscriptions) == 0 {
		s.subscriptions = nil
	}
	return existed
}

// Subscription returns the options of a filter that is subscribed.
func (s *Session) Subscription(f topic.Filter) (o routing.Options, ok bool) {
	o, ok = s.subscriptions[f]
	return o, ok
}

// Subscriptions yields all subscriptions in no particular order. The loop body
// may call Unsubscribe.
func (s *Session) Subscriptions() iter.Seq2[topic.Filter, routing.Options] {
	return maps.All(s.subscriptions)
}

// SubscriptionCount returns the number of subscriptions.
func (s *Session) SubscriptionCount() int { return len(s.subscriptions) }

// Subscribed reports whether any subscription matches a topic name, for Purge.
// It takes time in proportion to the number of subscriptions.
func (s *Session) Subscribed(name string) bool {
	for f := range s.subscriptions {
		if topic.Match(f.Filter, name) {
			return true
		}
	}
	return false
}

// Receives reports whether a subscription that is not shared matches a topic
// name, and returns the identifiers of those that do. It takes time in proportion
// to the number of subscriptions.
func (s *Session) Receives(name string) (ids []uint32, ok bool) {
	for f, o := range s.subscriptions {
		if f.Share != "" || !topic.Match(f.Filter, name) {
			continue
		}
		ok = true
		if o.ID != 0 {
			ids = append(ids, o.ID)
		}
	}
	return ids, ok
}
