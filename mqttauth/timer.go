package mqttauth

import (
	"math/rand/v2"
	"sync"
	"time"
)

// maxNap bounds how long an ExpiryTimer sleeps before it looks at the wall
// clock again: after a clock step or a suspend, an expiry is noticed at most
// this late (EXP-1).
const maxNap = 30 * time.Second

// ExpiryTimer calls a function when one instant has come, which can be moved.
// It costs no goroutine while it waits, and a million of them do not wake
// together.
//
// An instant without a monotonic clock reading, such as the end of a
// credential, has come when the wall clock says so, steps and suspends
// included. One with such a reading, as in time.Now().Add(d), has come when
// that much time has passed.
//
// The function may start just as Reset or Stop is called from elsewhere, so it
// must look again, under its owner's lock, whether there is something to do;
// Session.Wake does. It never starts for an instant that has not come.
//
// An ExpiryTimer is safe for concurrent use.
type ExpiryTimer struct {
	f     func(now time.Time)
	mu    sync.Mutex
	at    time.Time // zero: stopped
	timer *time.Timer
}

// NewExpiryTimer returns a stopped timer that calls f in a goroutine of its
// own.
func NewExpiryTimer(f func(now time.Time)) *ExpiryTimer {
	return &ExpiryTimer{f: f}
}

// Reset moves the instant to at. The zero time stops the timer. An instant that
// has passed fires at once.
func (t *ExpiryTimer) Reset(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at = at
	if at.IsZero() {
		if t.timer != nil {
			t.timer.Stop()
		}
		return
	}
	t.arm(time.Now())
}

// Stop stops the timer; Reset starts it again.
func (t *ExpiryTimer) Stop() { t.Reset(time.Time{}) }

func (t *ExpiryTimer) arm(now time.Time) {
	d := nap(t.at.Sub(now))
	if t.timer == nil {
		t.timer = time.AfterFunc(d, t.fire)
		return
	}
	t.timer.Reset(d)
}

// nap returns how long to sleep when the instant is left away. Long naps are of
// different lengths, so that timers which were set together drift apart.
func nap(left time.Duration) time.Duration {
	if left <= maxNap/2 {
		return max(left, 0)
	}
	return min(left, maxNap/2+rand.N(maxNap/2)) //nolint:gosec // nobody gains by foreseeing a nap
}

func (t *ExpiryTimer) fire() {
	now := time.Now()
	t.mu.Lock()
	if t.at.IsZero() { // stopped while this call was on its way
		t.mu.Unlock()
		return
	}
	if now.Before(t.at) { // moved meanwhile, or only a nap
		t.arm(now)
		t.mu.Unlock()
		return
	}
	t.at = time.Time{}
	t.mu.Unlock()
	t.f(now)
}
