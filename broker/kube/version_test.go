package kube

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// apiServer shows one object in those versions that it serves.
type apiServer struct {
	mu      sync.Mutex
	served  []string // versions
	refused bool     // to us
	watches []*watch.FakeWatcher
}

// serve changes what is served, which ends all watches.
func (s *apiServer) serve(versions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served = versions
	for _, w := range s.watches {
		w.Stop()
	}
	s.watches = nil
}

// add serves one more version, and leaves the watches alone.
func (s *apiServer) add(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served = append(slices.Clone(s.served), version)
}

// feed returns one of the listeners there.
func (s *apiServer) feed() *feed {
	f := &feed{kind: brokerKinds()[0], notify: func() {}}
	for _, r := range f.kind.versions {
		f.versions = append(f.versions, client{server: s, GroupVersionResource: r})
	}
	return f
}

// runFeed has a feed run until end is called, which returns when it does not
// run any more.
func runFeed(t *testing.T, f *feed) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// client is one version of the kind there.
type client struct {
	dynamic.ResourceInterface // is nil: nothing else is called

	server *apiServer
	schema.GroupVersionResource
}

func (c client) IsWatchListSemanticsUnSupported() bool { return true }

func (c client) refusal() error {
	if c.server.refused {
		return apierrors.NewForbidden(c.GroupResource(), "", nil)
	}
	if !slices.Contains(c.server.served, c.Version) {
		return apierrors.NewGenericServerResponse(http.StatusNotFound, "list", c.GroupResource(), "", "404 page not found", 0, true)
	}
	return nil
}

func (c client) List(context.Context, metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if err := c.refusal(); err != nil {
		return nil, err
	}
	object := map[string]any{
		"apiVersion": c.GroupVersion().String(), "kind": nameListener,
		"metadata": map[string]any{"name": "edge", "namespace": "ns", "resourceVersion": "1"},
	}
	return &unstructured.UnstructuredList{
		Object: map[string]any{"metadata": map[string]any{"resourceVersion": "1"}},
		Items:  []unstructured.Unstructured{{Object: object}},
	}, nil
}

func (c client) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if err := c.refusal(); err != nil {
		return nil, err
	}
	w := watch.NewFake()
	c.server.watches = append(c.server.watches, w)
	return w, nil
}

// One version of a kind is followed, the best that is served, whatever becomes
// of the others. Only if none is left are there no objects (LINK-6, LINK-7).
func TestVersionFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &apiServer{}
		f := server.feed()
		end := runFeed(t, f)
		// A watch that ends is begun anew by the reflector, with pauses of its own.
		const soon = 10 * time.Second
		expect := func(what, want string, objects int) {
			t.Helper()
			time.Sleep(soon + absentInterval)
			synctest.Wait()
			list, known, _ := f.snapshot()
			if got := f.version(); got != want || !known || len(list) != objects {
				t.Errorf("%s: %d objects of %q are followed, known = %v, want %d of %q", what, len(list), got, known, objects, want)
			}
			for _, u := range list {
				if u.GetAPIVersion() != want {
					t.Errorf("%s: the object is one of %s", what, u.GetAPIVersion())
				}
			}
		}
		expect("nothing", "", 0)
		server.serve("v1beta1")
		expect("v1beta1 appears", group+"/v1beta1", 1)
		server.add("v1")
		expect("v1 appears, and no watch ends", group+"/v1", 1)
		server.serve("v1beta1")
		expect("v1 disappears", group+"/v1beta1", 1)
		server.serve("v1", "v1beta1")
		expect("v1 is back", group+"/v1", 1)
		server.serve()
		expect("the definition is deleted", "", 0)
		server.serve("v1")
		expect("it is back", group+"/v1", 1)
		end()
	})
}

// While one version replaces another, the objects are never gone.
func TestVersionChangeLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &apiServer{served: []string{"v1beta1"}}
		f := server.feed()
		fewest := 1
		f.notify = func() { fewest = min(fewest, len(f.objects)) } // while f.mu is held, but by failed
		end := runFeed(t, f)
		for _, versions := range [][]string{{"v1", "v1beta1"}, {"v1"}, {"v1beta1"}, {"v1", "v1beta1"}} {
			time.Sleep(time.Minute)
			synctest.Wait()
			server.serve(versions...)
		}
		time.Sleep(time.Minute)
		end()
		if fewest != 1 {
			t.Error("the objects were gone for a while")
		}
	})
}

// Each answer but a refusal is a sign of life, also that the kind is not there.
func TestQuestion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		server  *apiServer
		refused bool
	}{
		{"no version", &apiServer{}, false},
		{"an older version", &apiServer{served: []string{"v1beta1"}}, false},
		{"all versions", &apiServer{served: []string{"v1", "v1beta1"}}, false},
		{"refused", &apiServer{served: []string{"v1"}, refused: true}, true},
	} {
		err := question(tt.server.feed().versions)(t.Context())
		if apierrors.IsForbidden(err) != tt.refused || (err != nil) != tt.refused {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// A refusal says nothing about what there is.
func TestVersionRefused(t *testing.T) {
	t.Parallel()
	server := &apiServer{served: []string{"v1"}, refused: true}
	f := server.feed()
	err := f.follow(t.Context(), func(context.Context) error {
		t.Error("it is followed")
		return nil
	})
	if !apierrors.IsForbidden(err) {
		t.Errorf("error %v", err)
	}
	f.failed(err)
	if _, known, problem := f.snapshot(); known || !apierrors.IsForbidden(problem) {
		t.Errorf("known = %v, problem %v", known, problem)
	}
}
