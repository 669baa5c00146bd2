package tokenreview_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/sat"
	"github.com/mqttwarden/mqttwarden/sat/tokenreview"
)

const getPath = "GET /api/v1/namespaces/" + namespace + "/serviceaccounts/" + name

func runWatcher(t *testing.T, s *apiServer, c tokenreview.WatcherConfig) *tokenreview.Watcher {
	t.Helper()
	w, err := tokenreview.NewWatcher(s.config(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return w
}

// floor asks for the account, and says what floor it has and whether the server
// was asked for it.
func floor(t *testing.T, s *apiServer, w *tokenreview.Watcher) (floor string, asked bool) {
	t.Helper()
	before := s.asked(getPath)
	stored, err := w.ServiceAccount(t.Context(), mqttClient)
	if err != nil || stored.UID != uid {
		t.Fatalf("%+v, %v", stored, err)
	}
	return stored.Annotations["aio-broker-auth/floor"], s.asked(getPath) > before
}

// until waits for something that happens in the background.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for start := time.Now(); !happened(); runtime.Gosched() {
		if time.Since(start) > 20*time.Second {
			t.Fatalf("never: %s", what)
		}
	}
}

func changed(floor string) event {
	return event{"MODIFIED", partial(metadata{name, namespace, uid, "2", map[string]string{"aio-broker-auth/floor": floor}})}
}

var bookmark = event{"BOOKMARK", partial(metadata{ResourceVersion: "3"})}

func TestWatcher(t *testing.T) {
	for label, namespaces := range map[string][]string{"all namespaces": nil, "one namespace": {namespace}} {
		t.Run(label, func(t *testing.T) {
			s := serve(t)
			w := runWatcher(t, s, tokenreview.WatcherConfig{Namespaces: namespaces})
			until(t, "an answer from the watch", func() bool {
				got, asked := floor(t, s, w)
				if got != "1" {
					t.Fatalf("floor %q", got)
				}
				return !asked
			})
			s.tell(t, changed("2"))
			until(t, "a change", func() bool {
				got, asked := floor(t, s, w)
				return got == "2" && !asked
			})
			// What the watch does not show, somebody else is asked about.
			other := mqttClient
			other.UID = "of the next one"
			before := s.asked(getPath)
			if stored, err := w.ServiceAccount(t.Context(), other); err != nil || stored.UID != uid || s.asked(getPath) != before+1 {
				t.Errorf("another UID: %+v, %v", stored, err)
			}
			s.change(func() { s.account = nil })
			s.tell(t, event{"DELETED", partial(metadata{name, namespace, uid, "3", nil})})
			until(t, "the deletion", func() bool {
				_, err := w.ServiceAccount(t.Context(), mqttClient)
				return errors.Is(err, sat.ErrNoAccount)
			})
		})
	}
}

// A watch that says nothing for MaxAge is not believed, however healthy it
// looks; nor is one that has only sent events, which may be of a backlog.
func TestWatcherStale(t *testing.T) {
	const maxAge = time.Second
	s := serve(t)
	w := runWatcher(t, s, tokenreview.WatcherConfig{MaxAge: maxAge})
	until(t, "an answer from the watch", func() bool { _, asked := floor(t, s, w); return !asked })
	s.change(func() { s.account.Annotations = map[string]string{"aio-broker-auth/floor": "2"} }) // and the watch hangs
	until(t, "the server is asked", func() bool { got, asked := floor(t, s, w); return got == "2" && asked })
	s.tell(t, changed("3"))
	for range 100 { // while the event arrives
		if got, asked := floor(t, s, w); got != "2" || !asked {
			t.Fatalf("after an event of a watch that was silent: floor %q, asked %v", got, asked)
		}
	}
	until(t, "it is believed again after a bookmark", func() bool {
		s.tell(t, bookmark)
		got, asked := floor(t, s, w)
		return got == "3" && !asked
	})
}

// Without the right to watch, and before Run, the server is asked.
func TestWatcherCannotWatch(t *testing.T) {
	s := serve(t)
	s.refuse = true
	w := runWatcher(t, s, tokenreview.WatcherConfig{})
	until(t, "an attempt", func() bool { return s.asked("watch")+s.asked("GET /api/v1/serviceaccounts") > 0 })
	for range 3 {
		if got, asked := floor(t, s, w); got != "1" || !asked {
			t.Errorf("floor %q, asked %v", got, asked)
		}
	}
	idle, err := tokenreview.NewWatcher(s.config(), tokenreview.WatcherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if got, asked := floor(t, s, idle); got != "1" || !asked {
		t.Errorf("not running: floor %q, asked %v", got, asked)
	}
}

// About a namespace that is not watched the server is asked.
func TestWatcherOtherNamespace(t *testing.T) {
	s := serve(t)
	w := runWatcher(t, s, tokenreview.WatcherConfig{Namespaces: []string{"other"}})
	until(t, "a watch", func() bool { return s.asked("watch") > 0 })
	stored, err := w.ServiceAccount(t.Context(), mqttClient)
	want := sat.ServiceAccount{UID: uid, Annotations: map[string]string{"aio-broker-auth/floor": "1"}}
	if diff := cmp.Diff(want, stored); err != nil || diff != "" || s.asked(getPath) != 1 {
		t.Errorf("%v, asked %d times (-want +got):\n%s", err, s.asked(getPath), diff)
	}
}
