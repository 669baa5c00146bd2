package statestore_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/statestore"
)

// Counts are of what happened, not of what was asked for.
func TestCounts(t *testing.T) {
	s := newService(t, statestore.Config{})
	handle := func(client string, at time.Time, words ...string) {
		t.Helper()
		var reply statestore.Reply
		if _, err := s.Handle(newRequest(client, at, words...), at, &reply, nil); err != nil {
			t.Fatal(err)
		}
	}
	handle("watcher", epoch, "KEYNOTIFY", "k")
	handle("other", epoch, "KEYNOTIFY", "k")
	handle("a", epoch, "SET", "k", "1")                // insertion, two notifications
	handle("a", epoch, "SET", "k", "2")                // modification, two notifications
	handle("a", epoch, "SET", "k", "3", "NX")          // nothing
	handle("a", epoch, "GET", "k")                     // retrieval
	handle("a", epoch, "GET", "absent")                // retrieval
	handle("a", epoch, "VDEL", "k", "other")           // nothing
	handle("a", epoch, "DEL", "absent")                // nothing
	handle("a", epoch, "DEL", "k")                     // deletion, two notifications
	handle("a", epoch, "SET", "brief", "1", "PX", "5") // insertion
	handle("other", epoch, "KEYNOTIFY", "k", "STOP")
	if _, err := s.Expire(epoch.Add(time.Second), nil); err != nil { // deletion
		t.Fatal(err)
	}
	want := statestore.Counts{Retrievals: 2, Insertions: 2, Modifications: 1, Deletions: 2, NotifyRequests: 2, NotificationsSent: 6}
	if diff := cmp.Diff(want, s.Counts()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
