package customauth

import (
	"context"
	"sync"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// prober runs one probe at a time.
type prober struct {
	mu     sync.Mutex
	closed bool
	stop   context.CancelFunc // of the probe under way
	wait   sync.WaitGroup
}

// start runs f in a goroutine, unless p is closed.
func (p *prober) start(f func(), stop context.CancelFunc) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.stop = stop
	p.wait.Go(f)
	return true
}

// close ends the probe under way.
func (p *prober) close() {
	p.mu.Lock()
	p.closed = true
	if p.stop != nil {
		p.stop()
	}
	p.mu.Unlock()
	p.wait.Wait()
}

// startProbe runs the probe that the breaker asked for, in the place in the
// queue that the caller has, or in one of its own. It goes on when the caller's
// context ends: clients that come and go do not keep the server from being
// found again.
func (m *Method) startProbe(w where) {
	ctx, cancel := context.WithTimeout(context.Background(), m.config.MaxWait+m.config.Timeout)
	run := func() {
		defer cancel()
		f := foundNothing
		if w == inPlace || m.queue.enter(ctx) == nil {
			f = m.probe(ctx)
			m.queue.leave()
		}
		if m.breaker.probed(f, time.Now()) {
			m.journal.changed(f == foundServer)
		}
	}
	if !m.prober.start(run, cancel) { // closed: it ends at once
		cancel()
		run()
	}
}

// where is the place in the queue that a probe takes.
type where byte

const (
	queueing where = iota // one of its own
	inPlace               // its caller's
)

// probe sends what a client without any credentials would have sent. Whatever
// the server says to it, it is there.
func (m *Method) probe(ctx context.Context) finding {
	p, err := newPayload(&mqttauth.Credentials{}, m.config.PlainMethod)
	if err != nil {
		return foundNothing
	}
	defer p.release()
	ctx, cancel := context.WithTimeout(ctx, m.config.Timeout)
	defer cancel()
	a, err := m.client.Load().post(ctx, APIVersion, p)
	f, _ := find(ctx, a, err)
	return f
}
