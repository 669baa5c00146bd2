package broker

import (
	"sync"
	"time"
)

// closer closes the connections that were sent away together, once their peers
// have closed them too: many do that at the same moment, and if each reader closed
// its own, all of that would stand before the next packet of another client.
type closer struct {
	turn sync.Mutex // of those who end connections

	mu      sync.Mutex
	waiting []func()
	running bool
	runs    sync.WaitGroup
}

// take has f, which closes one connection, called soon.
func (cl *closer) take(f func()) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	cl.waiting = append(cl.waiting, f)
	if !cl.running {
		cl.running = true
		cl.runs.Go(cl.run)
	}
}

// run calls what waits, with a pause after each lot, until nothing does.
func (cl *closer) run() {
	for lot := cl.next(); len(lot) > 0; lot = cl.next() {
		inTurn(&cl.turn, lot, func(f func()) { f() })
		time.Sleep(pause)
	}
}

// hurry calls all that waits now.
func (cl *closer) hurry() {
	cl.mu.Lock()
	lot := cl.waiting
	cl.waiting = nil
	cl.mu.Unlock()
	each(lot, func(f func()) { f() })
}

// wait returns when nothing runs any more. It comes after the last take.
func (cl *closer) wait() { cl.runs.Wait() }

// next returns a part of what waits that takes no longer than half a millisecond,
// unless much waits: it never becomes too much.
func (cl *closer) next() []func() {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	n := min(max(12, len(cl.waiting)/256), len(cl.waiting))
	lot := cl.waiting[:n:n]
	cl.waiting = cl.waiting[n:]
	if n == 0 {
		cl.waiting, cl.running = nil, false
	}
	return lot
}
