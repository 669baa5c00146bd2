package customauth

import (
	"sync"
	"time"
)

const (
	// patience is how many requests in a row find the server unreachable before
	// it is probed, and given up if the probe does not reach it either.
	patience = 5

	// A server that was given up is probed again after firstRest, then after
	// twice that, up to longestRest.
	firstRest   = time.Second
	longestRest = 30 * time.Second
)

// breaker remembers that the server cannot be reached, so that clients need not
// wait for it one after the other. It opens only on the word of a probe, which
// carries nothing of any client: a credential that makes the server fall over
// makes its own client wait, and nobody else (AUTHN-5). Any answer closes it,
// whatever it says.
type breaker struct {
	mu      sync.Mutex
	missed  int           // requests in a row that found the server unreachable
	open    bool          // the server was given up
	probe   chan struct{} // closed when the probe under way ends; nil: there is none
	rest    time.Duration
	probeAt time.Time // while open: when the next probe is due
	opened  uint64
	probes  uint64
}

// admission is what a breaker says to a request.
type admission struct {
	refused bool
	probe   chan struct{} // not nil: the caller has to start a probe; this closes when it ends
}

// admit says whether a request may go to the server now.
func (b *breaker) admit(now time.Time) admission {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open:
		return admission{}
	case b.probe != nil || now.Before(b.probeAt):
		return admission{refused: true}
	default:
		b.begin()
		return admission{probe: b.probe}
	}
}

func (b *breaker) begin() {
	b.probe = make(chan struct{})
	b.probes++
}

// reached notes an answer of the server.
func (b *breaker) reached() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.close()
}

func (b *breaker) close() (was bool) {
	was = b.open
	b.missed, b.open, b.rest = 0, false, 0
	return was
}

// unreachable notes a request that did not reach the server, and says whether
// the caller has to start a probe now.
func (b *breaker) unreachable() (start bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.missed++
	if b.open || b.probe != nil || b.missed < patience {
		return false
	}
	b.begin()
	return true
}

// finding is what a probe found out.
type finding byte

const (
	foundNothing     finding = iota // it was given up
	foundServer                     // any answer
	foundUnreachable                // none
)

// probed ends the probe under way and says whether that changed anything.
func (b *breaker) probed(f finding, now time.Time) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.probe)
	b.probe = nil
	switch {
	case f == foundServer:
		return b.close()
	case b.open:
	case f == foundUnreachable && b.missed >= patience: // no answer has come meanwhile
		b.open, changed = true, true
		b.opened++
	default:
		b.missed = 0 // it takes as many again until the next probe
		return false
	}
	b.rest = min(max(2*b.rest, firstRest), longestRest)
	b.probeAt = now.Add(b.rest)
	return changed
}

// state is what Stats shows of a breaker.
func (b *breaker) state(s *Stats) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.Open, s.Opened, s.Probes = b.open, b.opened, b.probes
}

func (b *breaker) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}
