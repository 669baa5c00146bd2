package main

import (
	"sync"
	"sync/atomic"
)

// gate holds publishers back while a subscriber is too far behind, so that no
// queue of a broker has to overflow, and counts exactly.
type gate struct {
	window   int64
	received []atomic.Int64 // by subscriber
	waiting  atomic.Bool

	mu     sync.Mutex
	moved  sync.Cond
	sent   int64
	floor  int64 // what all subscribers had received when it was last looked at
	closed bool
}

func newGate(window, subscribers int) *gate {
	g := &gate{window: int64(window), received: make([]atomic.Int64, subscribers)}
	g.moved.L = &g.mu
	return g
}

// reserve waits until n more messages may be sent and counts them as sent. It
// fails once the gate is closed.
func (g *gate) reserve(n int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.closed && g.sent+int64(n)-g.floor > g.window {
		g.waiting.Store(true)
		if g.floor = g.least(); g.sent+int64(n)-g.floor > g.window {
			g.moved.Wait()
		}
	}
	if g.closed {
		return false
	}
	g.sent += int64(n)
	return true
}

// report counts n messages that a subscriber received.
func (g *gate) report(subscriber, n int) {
	g.received[subscriber].Add(int64(n))
	if g.waiting.CompareAndSwap(true, false) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.moved.Broadcast()
	}
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.moved.Broadcast()
}

// least returns what the slowest subscriber has received.
func (g *gate) least() int64 {
	least := g.received[0].Load()
	for i := range g.received {
		least = min(least, g.received[i].Load())
	}
	return least
}

// account returns how many deliveries are due and how many have come.
func (g *gate) account() (due, come int64) {
	g.mu.Lock()
	due = g.sent * int64(len(g.received))
	g.mu.Unlock()
	for i := range g.received {
		come += g.received[i].Load()
	}
	return due, come
}
