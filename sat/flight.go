package sat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// flight lets callers that want the same thing share one attempt to get it.
// The attempt belongs to none of them: it goes on when its first caller is
// gone, and has a timeout of its own.
type flight[K comparable, V any] struct {
	timeout time.Duration

	mu    sync.Mutex
	calls map[K]*attempt[V]
}

type attempt[V any] struct {
	done  chan struct{} // closed when value and err are there
	value V
	err   error
}

// errNoReturn is for those who wait for an attempt that ended its goroutine.
var errNoReturn = errors.New("sat: the attempt did not return")

// start returns the attempt under way for key, or begins one.
func (f *flight[K, V]) start(ctx context.Context, key K, get func(context.Context) (V, error)) *attempt[V] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a := f.calls[key]; a != nil {
		return a
	}
	if f.calls == nil {
		f.calls = make(map[K]*attempt[V])
	}
	a := &attempt[V]{done: make(chan struct{}), err: errNoReturn}
	f.calls[key] = a
	go f.run(context.WithoutCancel(ctx), key, a, get)
	return a
}

func (f *flight[K, V]) run(ctx context.Context, key K, a *attempt[V], get func(context.Context) (V, error)) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.calls, key)
		close(a.done)
	}()
	a.value, a.err = get(ctx)
}

// do waits for the attempt, or for the end of the caller's context.
func (f *flight[K, V]) do(ctx context.Context, key K, get func(context.Context) (V, error)) (V, error) {
	a := f.start(ctx, key, get)
	select {
	case <-a.done:
		return a.value, a.err
	case <-ctx.Done():
		var none V
		return none, fmt.Errorf("sat: given up: %w: %w", mqttauth.ErrFailed, ctx.Err())
	}
}
