package customauth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

var (
	errQueueFull = fmt.Errorf("customauth: too many wait for the server already: %w", mqttauth.ErrFailed)
	errNoTurn    = fmt.Errorf("customauth: no turn in time: %w", mqttauth.ErrFailed)
)

// queue bounds how many use the server at a time (CUST-6), and how many a second
// begin to. Whoever it turns away gets ErrFailed: it is our load, and no reason to
// ask another method (AUTHN-5).
type queue struct {
	slots   chan struct{}
	pace    pace
	waiting atomic.Int64
	max     int64
	patient time.Duration
}

func newQueue(c Config) *queue {
	return &queue{
		slots:   make(chan struct{}, c.MaxConcurrent),
		pace:    pace{gap: time.Second / time.Duration(c.MaxPerSecond)},
		max:     int64(c.MaxWaiting),
		patient: c.MaxWait,
	}
}

// enter waits for a turn. With a nil error, leave must follow.
func (q *queue) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return ended(err)
	}
	now := time.Now()
	select {
	case q.slots <- struct{}{}:
		return q.start(ctx, now, now.Add(q.patient))
	default:
	}
	defer q.waiting.Add(-1)
	if q.waiting.Add(1) > q.max {
		return errQueueFull
	}
	patience := time.NewTimer(q.patient)
	defer patience.Stop()
	select {
	case q.slots <- struct{}{}:
		return q.start(ctx, time.Now(), now.Add(q.patient))
	case <-patience.C:
		return errNoTurn
	case <-ctx.Done():
		return ended(ctx.Err())
	}
}

// start waits in the slot that the caller has got, as the pace demands. It leaves
// the slot if it returns an error.
func (q *queue) start(ctx context.Context, now, deadline time.Time) error {
	wait, ok := q.pace.next(now, deadline)
	switch {
	case !ok:
		q.leave()
		return errNoTurn
	case wait <= 0:
		return nil
	}
	turn := time.NewTimer(wait)
	defer turn.Stop()
	select {
	case <-turn.C:
		return nil
	case <-ctx.Done():
		q.leave()
		return ended(ctx.Err())
	}
}

func (q *queue) leave() { <-q.slots }

// pace keeps the starts of requests apart. Those that start together are answered
// together, and the ones behind them start together again: whatever else the
// processors have to do would wait behind each of these waves.
type pace struct {
	gap time.Duration

	mu     sync.Mutex
	latest time.Time // start
}

// next returns how long the next request waits. If that would be beyond the
// deadline, there is none, and it reports false.
func (p *pace) next(now, deadline time.Time) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	start := p.latest.Add(p.gap)
	if start.Before(now) {
		start = now
	}
	if start.After(deadline) {
		return 0, false
	}
	p.latest = start
	return start.Sub(now), true
}

// ended is the answer when the caller's context has ended. It says nothing of
// the server: clients end their connections, and flows their time.
func ended(cause error) error {
	return errors.Join(fmt.Errorf("customauth: the request was given up: %w", mqttauth.ErrFailed), cause)
}
