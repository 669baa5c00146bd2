package broker

import (
	"errors"
	"net/netip"
	"sync"
)

// pending keeps account of the connections that are not accepted yet: how many
// there are of each source, and how many bytes they made the server hold. What
// is over a limit is closed; accepted clients do not notice (AUTHN-13, S-19).
type pending struct {
	perSource, bytes int // limits

	mu      sync.Mutex
	sources map[netip.Addr]int
	used    int // bytes
}

// pendingBytes is about what a connection takes before it has sent anything,
// TLS state included.
const pendingBytes = 16 << 10

var errPendingBytes = errors.New("too much memory is held by connections that are not accepted yet")

func (p *pending) init(l Limits) {
	p.perSource, p.bytes = l.PendingPerSource, l.PendingBytes
	p.sources = make(map[netip.Addr]int)
}

// enter counts a new connection. It fails when there is no room for it.
func (p *pending) enter(source netip.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	source = sourceOf(source)
	if p.sources[source] >= p.perSource || p.used+pendingBytes > p.bytes {
		return false
	}
	p.sources[source]++
	p.used += pendingBytes
	return true
}

// hold counts bytes that were read from a connection. It fails when they are
// too many for all of them together; they are counted all the same.
func (p *pending) hold(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used += n
	return p.used <= p.bytes
}

// leave takes back a connection and the bytes that it held.
func (p *pending) leave(source netip.Addr, held int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used -= pendingBytes + held
	source = sourceOf(source)
	if p.sources[source]--; p.sources[source] <= 0 {
		delete(p.sources, source)
	}
}
