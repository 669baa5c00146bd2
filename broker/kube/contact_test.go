package kube

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// An outage is noticed though nothing else reports it, is told once a minute
// with the age of what is in force, and its end has the watches begin anew
// (LINK-11).
func TestContact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var down atomic.Bool
		down.Store(true)
		renewed := 0
		c := &contact{log: plainLog(&log), renew: func() { renewed++ }, ask: func(context.Context) error {
			if down.Load() {
				return errors.New("connection refused\x1b[2J")
			}
			return nil
		}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.run(ctx)
		}()
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }

		pass(5 * time.Second)
		if last, lost := c.state(); !last.IsZero() || !lost {
			t.Errorf("before the first answer: last %v, lost %v", last, lost)
		}
		down.Store(false)
		pass(2 * time.Second)
		back := time.Now()
		down.Store(true)
		pass(70 * time.Second)
		last, lost := c.state()
		if age := back.Sub(last); age < 0 || age > contactInterval || !lost {
			t.Errorf("in the outage: the last answer was %v before it, lost %v", age, lost)
		}
		down.Store(false)
		pass(3 * time.Second)
		if _, lost := c.state(); lost {
			t.Error("after the outage it is still lost")
		}
		if renewed != 2 {
			t.Errorf("watches were renewed %d times, want 2", renewed)
		}
		cancel()
		<-done
		want := []string{
			`level=ERROR msg="the API server has not answered yet; no port opens before it does" error="connection refused\\u{1b}[2J"`,
			`level=INFO msg="the API server answers again" age=6s`,
			`level=ERROR msg="the API server does not answer; the last good set stays in force" age=2s error="connection refused\\u{1b}[2J"`,
			`level=ERROR msg="the API server does not answer; the last good set stays in force" age=1m2s error="connection refused\\u{1b}[2J"`,
			`level=INFO msg="the API server answers again" age=1m12s`,
		}
		if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(log.String()), "\n")); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

// A server that takes the question and never answers is an outage, too.
func TestContactHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &contact{log: slog.New(slog.DiscardHandler), ask: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		ctx, cancel := context.WithTimeout(t.Context(), contactTimeout+time.Second)
		defer cancel()
		c.run(ctx)
		if _, lost := c.state(); !lost {
			t.Error("not noticed")
		}
	})
}

// plainLog returns a logger whose lines have no time.
func plainLog(b *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}
