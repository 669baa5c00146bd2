package customauth

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

var (
	errQueueFull = fmt.Errorf("customauth: too many wait for the server already: %w", mqttauth.ErrFailed)
	errNoTurn    = fmt.Errorf("customauth: no turn in time: %w", mqttauth.ErrFailed)
)

// queue bounds how many use the server at a time (CUST-6). Whoever it turns
// away gets ErrFailed: it is our load, and no reason to ask another method
// (AUTHN-5).
type queue struct {
	slots   chan struct{}
	waiting atomic.Int64
	max     int64
	patient time.Duration
}

func newQueue(c Config) *queue {
	return &queue{slots: make(chan struct{}, c.MaxConcurrent), max: int64(c.MaxWaiting), patient: c.MaxWait}
}

// enter waits for a turn. With a nil error, leave must follow.
func (q *queue) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return ended(err)
	}
	select {
	case q.slots <- struct{}{}:
		return nil
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
		return nil
	case <-patience.C:
		return errNoTurn
	case <-ctx.Done():
		return ended(ctx.Err())
	}
}

func (q *queue) leave() { <-q.slots }

// ended is the answer when the caller's context has ended. It says nothing of
// the server: clients end their connections, and flows their time.
func ended(cause error) error {
	return errors.Join(fmt.Errorf("customauth: the request was given up: %w", mqttauth.ErrFailed), cause)
}
