package customauth

import (
	"sync/atomic"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// Stats are the figures of a Method since it was made.
type Stats struct {
	Accepted, Denied, Failed, Unavailable uint64 // answers to callers, by outcome

	InFlight int // requests and probes under way, or about to start
	Waiting  int // clients that wait for their turn

	// Open says that the server was given up for now: clients get
	// mqttauth.ErrUnavailable without being asked about. Opened counts how
	// often that came about, Probes the attempts to reach the server again.
	Open   bool
	Opened uint64
	Probes uint64
}

type counters struct {
	accepted, denied, failed, unavailable atomic.Uint64
}

// Stats returns the present figures.
func (m *Method) Stats() Stats {
	s := Stats{
		Accepted:    m.counters.accepted.Load(),
		Denied:      m.counters.denied.Load(),
		Failed:      m.counters.failed.Load(),
		Unavailable: m.counters.unavailable.Load(),
		InFlight:    len(m.queue.slots),
		Waiting:     int(m.queue.waiting.Load()),
	}
	m.breaker.state(&s)
	return s
}

func (c *counters) count(o mqttauth.Outcome) {
	switch o {
	case mqttauth.Accepted:
		c.accepted.Add(1)
	case mqttauth.Failed:
		c.failed.Add(1)
	case mqttauth.Unavailable:
		c.unavailable.Add(1)
	default:
		c.denied.Add(1)
	}
}
