package kube

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

const (
	retryInterval  = time.Second      // between two watches of a feed
	absentInterval = 10 * time.Second // of a kind that the cluster need not have, or of a better version
)

// feed keeps a copy of the objects of one kind in one namespace, or of a single
// one of them. It holds what it knows while the server does not answer. It is
// safe for concurrent use.
type feed struct {
	kind     kind
	name     string                      // of the single object; "": all of the kind
	versions []dynamic.ResourceInterface // as those of the kind
	notify   func()                      // something changed; must not block

	mu      sync.Mutex
	objects map[string]*unstructured.Unstructured // by name
	known   bool                                  // objects are what the server said once
	problem error                                 // why they are not known, or not followed; nil: all is well
	current int                                   // the version that is followed
	renew   context.CancelFunc                    // ends the watch of the moment
}

// snapshot returns what is known. The caller must not change the objects.
func (f *feed) snapshot() (objects []*unstructured.Unstructured, known bool, problem error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.objects)), f.known, f.problem
}

// run follows the objects until ctx ends. A reflector would by itself wait
// longer after each fault, up to a minute, and tells nobody about connections
// that are refused; so each of its runs ends with the first fault.
func (f *feed) run(ctx context.Context) {
	lw := &cache.ListWatch{ListWithContextFunc: f.list, WatchFuncWithContext: f.watch}
	r := cache.NewReflectorWithOptions(
		cache.ToListWatcherWithWatchListSemantics(lw, f.versions[0]), &unstructured.Unstructured{}, f,
		cache.ReflectorOptions{Name: "mqttwarden " + f.kind.String()},
	)
	for ctx.Err() == nil {
		err := f.follow(ctx, r.ListAndWatchWithContext)
		if ctx.Err() == nil {
			f.failed(err)
		}
		pause := retryInterval
		if f.kind.optional && apierrors.IsNotFound(err) {
			pause = absentInterval
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// restart ends the watch of the moment, which may be dead without knowing it,
// and has a new one begin.
func (f *feed) restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.renew != nil {
		f.renew()
	}
}

// failed notes why a watch ended. A kind that the server does not know, in any
// version, has no objects: that is what the deletion of its definition means.
func (f *feed) failed(err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	f.mu.Lock()
	f.problem = err
	if f.name == "" && apierrors.IsNotFound(err) {
		f.objects, f.known = nil, true
	}
	f.mu.Unlock()
	f.notify()
}

func (f *feed) list(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	f.narrow(&o)
	return f.client().List(ctx, o)
}

func (f *feed) watch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	f.narrow(&o)
	w, err := f.client().Watch(ctx, o)
	if utilnet.IsConnectionRefused(err) {
		return nil, errors.New(err.Error()) // which the reflector does not recognize: it would retry by itself
	}
	return w, err
}

func (f *feed) client() dynamic.ResourceInterface {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.versions[f.current]
}

// narrow restricts a request to the single object, so that rights to that are
// enough.
func (f *feed) narrow(o *metav1.ListOptions) {
	if f.name != "" {
		o.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, f.name).String()
	}
}

// The methods of cache.ReflectorStore.
var _ cache.ReflectorStore = (*feed)(nil)

// Add notes a new object.
func (f *feed) Add(obj any) error { return f.Update(obj) }

// Update notes an object as it is now.
func (f *feed) Update(obj any) error {
	u, err := asObject(obj)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.objects == nil {
		f.objects = make(map[string]*unstructured.Unstructured)
	}
	f.objects[u.GetName()] = u
	f.notify()
	return nil
}

// Delete forgets an object.
func (f *feed) Delete(obj any) error {
	u, err := asObject(obj)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.objects, u.GetName())
	f.notify()
	return nil
}

// Replace notes all objects that there are.
func (f *feed) Replace(list []any, _ string) error {
	objects := make(map[string]*unstructured.Unstructured, len(list))
	for _, obj := range list {
		u, err := asObject(obj)
		if err != nil {
			return err
		}
		objects[u.GetName()] = u
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.objects, f.known, f.problem = objects, true, nil
	f.notify()
	return nil
}

// Resync has nothing to do: nothing is ever forgotten on the way.
func (f *feed) Resync() error { return nil }

func asObject(obj any) (*unstructured.Unstructured, error) {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return nil, errors.New("kube: the API server sent something that is no object")
	}
	return u, nil
}
