package kube

import (
	"context"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/dynamic"

	"github.com/mqttwarden/mqttwarden/internal/peertext"
)

const (
	contactInterval = 2 * time.Second // between two questions
	contactTimeout  = 3 * time.Second // for an answer
	contactReminder = time.Minute     // between two lines about one outage
)

// contact knows when the API server last answered, since it asks. It is safe
// for concurrent use.
type contact struct {
	ask   func(context.Context) error // nil: the server answered
	log   *slog.Logger
	renew func() // the server is back after an outage; must not block

	mu   sync.Mutex
	last time.Time // of the last answer; zero: there was none
	lost time.Time // when the outage was noticed; zero: there is none
	told time.Time // when the last line about it was written
}

// run asks until ctx ends.
func (c *contact) run(ctx context.Context) {
	tick := time.NewTicker(contactInterval)
	defer tick.Stop()
	for {
		err := c.askInTime(ctx)
		if ctx.Err() != nil {
			return
		}
		c.note(err, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (c *contact) askInTime(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, contactTimeout)
	defer cancel()
	return c.ask(ctx)
}

// question returns what a contact asks: for a list of one entry at most. Whoever
// can answer that has its store, knows us, and lets us read.
func question(versions []dynamic.ResourceInterface) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := served(ctx, versions)
		if apierrors.IsNotFound(err) { // the kind is not installed, says the server
			return nil
		}
		return err
	}
}

// note writes a line when an outage begins, each minute while it lasts, and when
// it ends.
func (c *contact) note(err error, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		if !c.lost.IsZero() {
			c.log.Info("the API server answers again", keyAge, c.age(now))
			c.renew()
		}
		c.last, c.lost, c.told = now, time.Time{}, time.Time{}
		return
	}
	if c.lost.IsZero() {
		c.lost = now
	}
	if !c.told.IsZero() && now.Sub(c.told) < contactReminder {
		return
	}
	c.told = now
	reason := peertext.Clean(err.Error())
	if c.last.IsZero() {
		c.log.Error("the API server has not answered yet; no port opens before it does", keyError, reason)
		return
	}
	c.log.Error("the API server does not answer; the last good set stays in force", keyAge, c.age(now), keyError, reason)
}

// age is how old the last answer is, or how long there was none at all.
func (c *contact) age(now time.Time) string {
	since := c.last
	if since.IsZero() {
		since = c.lost
	}
	return now.Sub(since).Round(100 * time.Millisecond).String()
}

// state returns when the server last answered, and whether it does now.
func (c *contact) state() (last time.Time, lost bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last, !c.lost.IsZero()
}
