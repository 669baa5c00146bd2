package statestore

import (
	"fmt"
	"time"
)

// MaxDrift is how far a client's clock may be ahead of ours.
const MaxDrift = time.Minute

// Clock is a hybrid logical clock. Each timestamp that it gives is greater than
// all before. It is not safe for concurrent use. Make one with NewClock.
//
// It stays within MaxDrift of the time that it is told, but for one millisecond
// when more than 99,999 events fall on the last one. If that time steps back, its
// timestamps do not: they wait where they are until the time has caught up.
type Clock struct {
	last Timestamp
}

// NewClock returns a clock whose timestamps carry this node ID and are after
// last, which may be zero. It is an error if node is not what a Timestamp may
// have.
func NewClock(node string, last Timestamp) (*Clock, error) {
	if !validNode(node) {
		return nil, fmt.Errorf("statestore: node ID %.256q: want 1 to %d bytes of UTF-8 without colon and control characters", node, maxNode)
	}
	return &Clock{Timestamp{Wall: last.Wall, Counter: last.Counter, Node: node}}, nil
}

// Tick returns the timestamp of a local event.
func (c *Clock) Tick(now time.Time) Timestamp {
	return c.advance(now.UnixMilli(), c.last)
}

// Receive returns the timestamp of an event that a message brought about, which
// is greater than the message's. One too far ahead is ErrFutureTimestamp, and
// changes nothing.
func (c *Clock) Receive(now time.Time, message Timestamp) (Timestamp, error) {
	if tooFarAhead(message, now) {
		return Timestamp{}, ErrFutureTimestamp
	}
	return c.advance(now.UnixMilli(), message), nil
}

// advance applies the receive rule: the latest wall clock of the three wins; a
// counter goes on if its wall clock is that one.
func (c *Clock) advance(now int64, message Timestamp) Timestamp {
	wall := max(now, c.last.Wall, message.Wall)
	next := Timestamp{Wall: wall, Node: c.last.Node}
	if c.last.Wall == wall {
		next.Counter = c.last.Counter + 1
	}
	if message.Wall == wall {
		next.Counter = max(next.Counter, message.Counter+1)
	}
	if next.Counter > maxCounter {
		next.Wall, next.Counter = wall+1, 0
	}
	c.last = next
	return next
}

// tooFarAhead reports whether t is past MaxDrift. So is the very last timestamp
// within it: none could follow.
func tooFarAhead(t Timestamp, now time.Time) bool {
	limit := now.UnixMilli() + MaxDrift.Milliseconds()
	return t.Wall > limit || t.Wall == limit && t.Counter >= maxCounter
}
