package broker

import (
	"net/netip"
	"sync"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
)

// admission bounds who gets as far as authentication: how many connections
// there are, of all sources and of one, and how fast one source sends CONNECTs.
type admission struct {
	connections, perSource, rate int // limits; rate is per second

	mu      sync.Mutex
	used    int
	sources map[netip.Addr]*sourceAccount
}

// sourceAccount is that of one source.
type sourceAccount struct {
	connections int
	connects    float64 // that may come at once
	at          time.Time
}

// admissionSources is how many sources are kept account of before those are
// looked for that need none any more.
const admissionSources = 4096

func (a *admission) init(l Limits) {
	a.connections, a.perSource, a.rate = l.Connections, l.ConnectionsPerSource, l.ConnectRate
	a.sources = make(map[netip.Addr]*sourceAccount)
}

// sourceOf returns what counts as one source: an IPv4 address, or the 64 bits
// of an IPv6 address that its user did not choose.
func sourceOf(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return addr
	}
	network, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return network.Addr()
}

// enter counts a client that sent a CONNECT, or says why it may not go on.
func (a *admission) enter(from netip.Addr, now time.Time) *refusal {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.account(sourceOf(from), now)
	switch {
	case s.connects < 1:
		return refuse(wire.ConnectionRateExceeded, "source sends more than %d CONNECT packets a second", a.rate)
	case s.connections >= a.perSource:
		return refuse(wire.QuotaExceeded, "source has %d connections", s.connections)
	case a.used >= a.connections:
		return refuse(wire.ServerBusy, "server has %d connections", a.used)
	}
	s.connects--
	s.connections++
	a.used++
	return nil
}

// account returns the account of a source, brought up to now.
func (a *admission) account(source netip.Addr, now time.Time) *sourceAccount {
	s := a.sources[source]
	if s == nil {
		if len(a.sources) >= admissionSources {
			a.forget(now)
		}
		s = &sourceAccount{connects: float64(a.rate), at: now}
		a.sources[source] = s
	}
	a.refill(s, now)
	return s
}

func (a *admission) refill(s *sourceAccount, now time.Time) {
	s.connects = min(float64(a.rate), s.connects+max(0, now.Sub(s.at).Seconds())*float64(a.rate))
	s.at = now
}

// forget drops the accounts that say nothing.
func (a *admission) forget(now time.Time) {
	for source, s := range a.sources {
		a.refill(s, now)
		if s.connections == 0 && s.connects >= float64(a.rate) {
			delete(a.sources, source)
		}
	}
}

// leave takes back a client that entered.
func (a *admission) leave(from netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used--
	a.sources[sourceOf(from)].connections--
}
