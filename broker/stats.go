package broker

import (
	"slices"
	"sync"

	"github.com/mqttwarden/mqttwarden/statestore"
)

// Stats are figures of a server at one moment. Counts begin at zero with the
// server and never fall.
type Stats struct {
	Connections      int // accepted or not yet
	Sessions         int // with and without a connection
	RetainedMessages int
	RetainedBytes    int
	StateStore       statestore.Counts
	Counts           Counts

	// Categories holds what each of Options.Categories has of the Counts, and
	// under "" what all other clients have.
	Categories map[string]Counts
}

// Counts counts decisions on packets of accepted clients.
type Counts struct {
	PublishAllowed, PublishDenied     uint64
	SubscribeAllowed, SubscribeDenied uint64 // filters, not packets
	KeyAllowed, KeyDenied             uint64 // of the state store
}

func (c *Counts) add(other Counts) {
	c.PublishAllowed += other.PublishAllowed
	c.PublishDenied += other.PublishDenied
	c.SubscribeAllowed += other.SubscribeAllowed
	c.SubscribeDenied += other.SubscribeDenied
	c.KeyAllowed += other.KeyAllowed
	c.KeyDenied += other.KeyDenied
}

// Stats returns the figures of the server. It looks at every connection, so
// that packets need not touch a counter that all connections share.
func (s *Server) Stats() Stats {
	st := Stats{Connections: int(s.conns.Load()), Sessions: s.clients.count()}
	st.RetainedMessages, st.RetainedBytes = s.retained.size()
	st.StateStore = s.store.counts()
	s.ended.Lock()
	defer s.ended.Unlock()
	all := slices.Clone(s.ended.counts)
	for _, l := range s.allListeners() {
		for _, c := range l.all() {
			category, counts := c.counted()
			all[category].add(counts)
		}
	}
	st.Categories = make(map[string]Counts, len(all))
	for i, counts := range all {
		st.Categories[s.categories[i]] = counts
		st.Counts.add(counts)
	}
	return st
}

// endedCounts sums up connections that are no more. Its lock comes before that
// of a connection: while it is held, no connection moves from the one sum to
// the other.
type endedCounts struct {
	sync.Mutex
	counts []Counts // by category
}

// take moves the counts of a connection that has ended.
func (e *endedCounts) take(c *conn) {
	e.Lock()
	defer e.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	e.counts[c.category].add(c.count)
	c.count = Counts{}
}

func (c *conn) counted() (category uint8, counts Counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.category, c.count
}
