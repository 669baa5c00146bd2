package tokenreview

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/mqttwarden/mqttwarden/sat"
)

// DefaultMaxAge is the default of a WatcherConfig. The API server gives a sign
// of life on each watch about once a minute.
const DefaultMaxAge = 90 * time.Second

// WatcherConfig configures a Watcher. The zero value is usable.
type WatcherConfig struct {
	// Namespaces are those whose service accounts are watched. Nil: all. About
	// others the server is asked each time.
	Namespaces []string

	// MaxAge is for how long after the server's last sign of life on a watch its
	// accounts are known. Zero: DefaultMaxAge.
	MaxAge time.Duration

	// Timeout bounds the reading of an account. Zero: sat.DefaultTimeout.
	Timeout time.Duration

	// Logger is told why a watch does not work. Nil discards.
	Logger *slog.Logger
}

// Watcher is a sat.Annotator that watches service accounts, while Run runs. It
// needs the right to get, list and watch them; without the last two it asks
// each time, as it does about accounts that it does not know, or not with that
// UID, and when a watch has been silent for longer than MaxAge.
//
// So its annotations are at most MaxAge older than what the API server shows,
// and usually some milliseconds: a watch that hangs is noticed, which the
// informers of client-go do not. An account that is gone is never taken for one
// without annotations.
//
// It is safe for concurrent use.
type Watcher struct {
	direct sat.Annotator
	views  map[string]*view // by namespace; "": of all
	log    *slog.Logger
}

var _ sat.Annotator = (*Watcher)(nil)

// NewWatcher returns a watcher of the API server that c says how to reach. It
// does not try to.
func NewWatcher(c *rest.Config, o WatcherConfig) (*Watcher, error) {
	if o.MaxAge < 0 {
		return nil, errors.New("tokenreview: MaxAge is negative; write 0 for the default")
	}
	if o.MaxAge == 0 {
		o.MaxAge = DefaultMaxAge
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	direct, err := NewClient(c, Options{Timeout: o.Timeout})
	if err != nil {
		return nil, err
	}
	if c, err = checked(c); err != nil {
		return nil, err
	}
	plain, err := noRedirects(c)
	if err != nil {
		return nil, fmt.Errorf("tokenreview: %w", err)
	}
	client, err := metadata.NewForConfigAndClient(c, plain)
	if err != nil {
		return nil, fmt.Errorf("tokenreview: %w", err)
	}
	if o.Namespaces == nil {
		o.Namespaces = []string{metav1.NamespaceAll}
	}
	w := &Watcher{direct: direct, views: make(map[string]*view), log: o.Logger}
	accounts := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"})
	for _, n := range o.Namespaces {
		v, err := newView(accounts.Namespace(n), client, o.MaxAge, o.Logger.With("namespace", n))
		if err != nil {
			return nil, fmt.Errorf("tokenreview: %w", err)
		}
		w.views[n] = v
	}
	return w, nil
}

// Run watches until ctx ends. It must be called once.
func (w *Watcher) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, v := range w.views {
		all.Go(func() { v.informer.RunWithContext(ctx) })
	}
}

// ServiceAccount returns the account as it was last seen, or asks.
func (w *Watcher) ServiceAccount(ctx context.Context, a sat.Account) (sat.ServiceAccount, error) {
	v := w.views[metav1.NamespaceAll]
	if v == nil {
		v = w.views[a.Namespace]
	}
	if v != nil {
		if s, ok := v.account(a, time.Now()); ok {
			return s, nil
		}
	}
	return w.direct.ServiceAccount(ctx, a)
}
