package tokenreview

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/mqttwarden/mqttwarden/sat"
)

// view is what a watch shows of the service accounts of a namespace.
type view struct {
	informer cache.SharedIndexInformer
	maxAge   time.Duration
	sign     atomic.Pointer[time.Time] // the last bookmark; nil: none yet
}

func newView(accounts metadata.ResourceInterface, client any, maxAge time.Duration, log *slog.Logger) (*view, error) {
	v := &view{maxAge: maxAge}
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return accounts.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			in, err := accounts.Watch(ctx, o)
			if err != nil {
				return nil, err
			}
			return newTap(in, v.noteBookmark), nil
		},
	}
	v.informer = cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(source, client), &metav1.PartialObjectMetadata{}, 0, cache.Indexers{})
	err := v.informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		log.Warn("watching service accounts failed, it is tried again", "error", err)
	})
	return v, errors.Join(err, v.informer.SetTransform(strip))
}

// strip keeps what is needed of an account, and copies it: the rest of what it
// was read from can go.
func strip(object any) (any, error) {
	m, ok := object.(*metav1.PartialObjectMetadata)
	if !ok {
		return object, nil
	}
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion, Annotations: m.Annotations,
	}}, nil
}

// noteBookmark notes a sign of life. A bookmark says that all before it has
// been sent. Nothing else does: other events may be of a backlog, HasSynced
// stays true in an outage, and the error handler is not called when the
// connection is merely refused.
func (v *view) noteBookmark(e watch.Event) {
	if e.Type == watch.Bookmark {
		now := time.Now()
		v.sign.Store(&now)
	}
}

// account returns the account that the view shows, if it can vouch for it.
func (v *view) account(a sat.Account, now time.Time) (sat.ServiceAccount, bool) {
	sign := v.sign.Load()
	if sign == nil || age(*sign, now) >= v.maxAge || !v.informer.HasSynced() {
		return sat.ServiceAccount{}, false
	}
	object, _, err := v.informer.GetStore().GetByKey(a.Namespace + "/" + a.Name)
	m, ok := object.(*metav1.PartialObjectMetadata)
	if err != nil || !ok || string(m.UID) != a.UID {
		return sat.ServiceAccount{}, false
	}
	return sat.ServiceAccount{UID: a.UID, Annotations: m.Annotations}, true
}

// age is the time from a sign of life to now by the clock that says more: one
// of them stops while the machine sleeps.
func age(sign, now time.Time) time.Duration {
	return max(now.Sub(sign), now.Round(0).Sub(sign.Round(0)))
}

// tap is a watch whose events are looked at when they have been taken.
type tap struct {
	in   watch.Interface
	out  chan watch.Event
	done chan struct{}
	stop sync.Once
}

func newTap(in watch.Interface, look func(watch.Event)) *tap {
	t := &tap{in: in, out: make(chan watch.Event), done: make(chan struct{})}
	go t.pass(look)
	return t
}

func (t *tap) pass(look func(watch.Event)) {
	defer close(t.out)
	for e := range t.in.ResultChan() {
		select {
		case t.out <- e:
			look(e)
		case <-t.done:
			return
		}
	}
}

func (t *tap) ResultChan() <-chan watch.Event { return t.out }

func (t *tap) Stop() {
	t.stop.Do(func() {
		close(t.done)
		t.in.Stop()
	})
}
