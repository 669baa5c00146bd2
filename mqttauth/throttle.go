package mqttauth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Limits of a Throttle.
const (
	// MaxThrottleDelay is the longest delay. A throttle slows guessing down; it
	// must not become a way to lock somebody else out (AUTHN-14).
	MaxThrottleDelay = 2 * time.Second

	throttleFirst   = 100 * time.Millisecond // after one failure; each further one doubles it
	throttleMemory  = time.Minute            // how long a failure counts
	throttleEntries = 4096                   // failures that are remembered at once, 1 MiB or so
	throttleKeyLen  = 128                    // bytes of a claimed identity that are remembered
)

// Throttle is a Method that puts off the verification of what failed lately:
// of the same claimed identity from the same source address (AUTHN-14). It
// never refuses, and never answers without asking its method. It is safe for
// concurrent use.
type Throttle struct {
	method Method

	mu     sync.Mutex
	failed map[throttleKey]failures
}

var _ Method = (*Throttle)(nil)

type throttleKey struct {
	source   netip.Prefix
	identity string
}

type failures struct {
	count int
	last  time.Time
}

// NewThrottle returns a throttle in front of m. It is an error if m is nil.
func NewThrottle(m Method) (*Throttle, error) {
	if m == nil {
		return nil, errors.New("mqttauth: a throttle needs a method")
	}
	return &Throttle{method: m, failed: make(map[throttleKey]failures)}, nil
}

// Authenticate waits, if the same failed lately, for at most MaxThrottleDelay,
// and asks the method. If ctx ends meanwhile, it is ErrFailed.
func (t *Throttle) Authenticate(ctx context.Context, c *Credentials) (Result, error) {
	key := keyOf(c)
	if err := sleep(ctx, t.delay(key, time.Now())); err != nil {
		return Result{}, fmt.Errorf("waiting after failed attempts: %w: %w", err, ErrFailed)
	}
	r, err := t.method.Authenticate(ctx, c)
	switch OutcomeOf(r, err) {
	case Accepted:
		t.forget(key)
	case Denied:
		t.remember(key, time.Now())
	default: // no verdict about the client
	}
	return r, err
}

// keyOf names what the client claims to be. An IPv6 source is a whole /64, of
// which one host can have every address.
func keyOf(c *Credentials) throttleKey {
	addr := c.RemoteAddr.Addr().Unmap()
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	source, _ := addr.WithZone("").Prefix(bits) // the zero Prefix for no address
	identity := c.Username
	if !c.HasUsername {
		identity = c.ClientID
	}
	return throttleKey{source, identity[:min(len(identity), throttleKeyLen)]}
}

// delay returns how long an attempt has to wait.
func (t *Throttle) delay(key throttleKey, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, ok := t.failed[key]
	if !ok || now.Sub(f.last) > throttleMemory {
		return 0
	}
	d := throttleFirst
	for range f.count - 1 {
		if d *= 2; d >= MaxThrottleDelay {
			return MaxThrottleDelay
		}
	}
	return d
}

func (t *Throttle) forget(key throttleKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.failed, key)
}

func (t *Throttle) remember(key throttleKey, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, ok := t.failed[key]
	if !ok && len(t.failed) >= throttleEntries {
		t.makeRoom(now)
	}
	if now.Sub(f.last) > throttleMemory {
		f.count = 0
	}
	f.count, f.last = f.count+1, now
	t.failed[key] = f
}

// makeRoom forgets what counts no longer and, if everything still does, some
// of the rest: bounded memory matters more than a delay.
func (t *Throttle) makeRoom(now time.Time) {
	for k, f := range t.failed {
		if now.Sub(f.last) > throttleMemory {
			delete(t.failed, k)
		}
	}
	for k := range t.failed {
		if len(t.failed) < throttleEntries*3/4 {
			return
		}
		delete(t.failed, k)
	}
}

// sleep waits for d or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
