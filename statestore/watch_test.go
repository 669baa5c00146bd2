package statestore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/statestore"
)

const root = "clients/statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8"

// Many watchers of one key: each is told once, by one payload, and all can leave
// in any order.
func TestManyWatchers(t *testing.T) {
	const many = 10_000
	s := newService(t, statestore.Config{})
	for i := range many {
		do(t, s, fmt.Sprint(i), epoch, "+OK\r\n", "KEYNOTIFY", "k")
	}
	ns := do(t, s, "x", epoch, "+OK\r\n", "SET", "k", "1")
	told := map[string]bool{}
	for _, n := range ns {
		told[n.Session] = true
		if n.Topic != statestore.NotificationTopic(n.Session, []byte("k")) || &n.Payload[0] != &ns[0].Payload[0] {
			t.Fatalf("%+v", n)
		}
	}
	if len(ns) != many || len(told) != many {
		t.Fatalf("%d notifications to %d clients", len(ns), len(told))
	}
	for i := range many {
		if i%3 != 1 {
			s.Disconnect(fmt.Sprint(i))
		}
	}
	for _, n := range do(t, s, "x", epoch, ":1\r\n", "DEL", "k") {
		if !told[n.Session] {
			t.Fatalf("%s is told twice", n.Session)
		}
		delete(told, n.Session)
		if string(n.Payload) != "*2\r\n$6\r\nNOTIFY\r\n$6\r\nDELETE\r\n" {
			t.Fatalf("%+v", n)
		}
	}
	if want := many - many/3; len(told) != want {
		t.Fatalf("%d were not told, want %d", len(told), want)
	}
}

// STORE-8: registrations are bounded in number and bytes, per session and in
// total, and what is given back can be used again.
func TestWatchLimits(t *testing.T) {
	size := 1 + len(statestore.NotificationTopic("a", []byte("1"))) + 256
	tests := []struct {
		name         string
		limits       statestore.Limits
		own, another int // how many registrations a, and then b, gets
	}{
		{"number in total", statestore.Limits{Watches: 3}, 3, 0},
		{"number per session", statestore.Limits{WatchesPerSession: 3}, 3, 3},
		{"bytes in total", statestore.Limits{WatchBytes: 3*size + 1}, 3, 0},
		{"bytes per session", statestore.Limits{BytesPerSession: 3 * size}, 3, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newService(t, statestore.Config{Limits: test.limits})
			register := func(client string, n int) {
				t.Helper()
				for i := range 5 {
					want := "+OK\r\n"
					if i >= n {
						want = "-ERR the quota has been exceeded\r\n"
					}
					do(t, s, client, epoch, want, "KEYNOTIFY", fmt.Sprint(i))
				}
			}
			register("a", test.own)
			do(t, s, "a", epoch, "+OK\r\n", "KEYNOTIFY", "0") // again costs nothing
			register("b", test.another)
			s.Disconnect("a")
			s.Disconnect("b")
			register("b", test.own)
			do(t, s, "b", epoch, "+OK\r\n", "KEYNOTIFY", "0", "STOP")
			do(t, s, "b", epoch, "+OK\r\n", "KEYNOTIFY", "9")
			do(t, s, "b", epoch, "-ERR the quota has been exceeded\r\n", "KEYNOTIFY", "0")
		})
	}
}

// A notification's topic has to fit MQTT: 65,535 bytes.
func TestLongestKey(t *testing.T) {
	s := newService(t, statestore.Config{})
	longest := (65535 - len(statestore.NotificationTopic("a", nil))) / 2
	do(t, s, "a", epoch, "+OK\r\n", "KEYNOTIFY", strings.Repeat("k", longest))
	do(t, s, "a", epoch, "-ERR the quota has been exceeded\r\n", "KEYNOTIFY", strings.Repeat("k", longest+1))
	long := strings.Repeat("k", 65_000)
	value := strings.Repeat("v", 1<<20)
	do(t, s, "a", epoch, "+OK\r\n", "SET", long, value)
	do(t, s, "a", epoch, fmt.Sprintf("$%d\r\n%s\r\n", len(value), value), "GET", long)
}

// AUTHZ-12: registrations are decided again when the rights change.
func TestReauthorize(t *testing.T) {
	s := newService(t, statestore.Config{})
	for _, key := range []string{"r/1", "r/2", "x/1"} {
		do(t, s, "a", epoch, "+OK\r\n", "KEYNOTIFY", key)
	}
	if n := s.Reauthorize("a", keysFrom{read: "r/"}); n != 1 {
		t.Errorf("%d ended, want 1", n)
	}
	if ns := do(t, s, "b", epoch, "+OK\r\n", "SET", "x/1", ""); len(ns) != 0 {
		t.Errorf("told of a key that it may not read: %+v", ns)
	}
	if ns := do(t, s, "b", epoch, "+OK\r\n", "SET", "r/2", ""); len(ns) != 1 {
		t.Errorf("not told of a key that it may read")
	}
	if n := s.Reauthorize("a", nil); n != 2 {
		t.Errorf("%d ended without keys, want 2", n)
	}
	if n := s.Reauthorize("nobody", allKeys{}); n != 0 {
		t.Errorf("%d ended of nobody", n)
	}
}

// The zero Keys of a request deny everything.
func TestNoKeys(t *testing.T) {
	s := newService(t, statestore.Config{})
	for _, words := range [][]string{{"GET", "k"}, {"SET", "k", ""}, {"DEL", "k"}, {"VDEL", "k", ""}, {"KEYNOTIFY", "k"}} {
		q := newRequest("a", epoch, words...)
		q.Keys = nil
		var reply statestore.Reply
		if _, err := s.Handle(q, epoch, &reply, nil); err != nil || string(reply.Payload) != "-ERR not authorized\r\n" {
			t.Errorf("%q: %q, %v", words, reply.Payload, err)
		}
	}
}

func TestOwnNotificationFilter(t *testing.T) {
	tests := []struct {
		filter, client string
		want           bool
	}{
		{root + "/61/command/notify/+", "a", true},
		{root + "/61/command/notify/6B", "a", true},
		{root + "/a/command/notify", "a", true},
		{root + "/a/b/command/notify", "a/b", true},
		{root + "/62/command/notify/+", "a", false},
		{root + "/b/command/notify", "a", false},
		{root + "/6a/command/notify/+", "j", false}, // lower case
		{root + "/61/command/notify/6b", "a", false},
		{root + "/61/command/notify/", "a", false},
		{root + "/61/command/notify/#", "a", false},
		{root + "/61/command/notify/6B/6B", "a", false},
		{root + "/61/#", "a", false},
		{root + "/+/command/notify", "+", false},
		{root + "/2B/command/notify/+", "+", true},
		{root + "//command/notify", "", false},
		{root + "//command/notify/+", "", false},
		{root, "a", false},
		{"#", "a", false},
		{"$share/g/" + root + "/61/command/notify/+", "a", false},
	}
	for _, test := range tests {
		if got := statestore.IsOwnNotificationFilter(test.filter, test.client); got != test.want {
			t.Errorf("%s of %q: got %v", test.filter, test.client, got)
		}
	}
}

// Expire takes short steps, in the order of the deadlines, and misses nothing.
func TestExpireInSteps(t *testing.T) {
	const many = 1000
	s := newService(t, statestore.Config{})
	if _, any := s.NextExpiry(); any {
		t.Error("an empty store has a deadline")
	}
	for i := range many {
		key := fmt.Sprint(i)
		do(t, s, "a", epoch, "+OK\r\n", "KEYNOTIFY", key)
		do(t, s, "a", epoch, "+OK\r\n", "SET", key, "", "PX", fmt.Sprint(1+i*7919%many))
	}
	at, any := s.NextExpiry()
	if !any || !at.Equal(epoch.Add(time.Millisecond)) {
		t.Fatalf("next at %v", at)
	}
	if ns, err := s.Expire(epoch, nil); err != nil || len(ns) != 0 {
		t.Fatalf("expired early: %+v, %v", ns, err)
	}
	var all []notification
	for steps := 0; ; steps++ {
		ns, err := s.Expire(epoch.Add(time.Second), nil)
		if err != nil || len(ns) > 128 || steps > many/128+1 {
			t.Fatalf("step %d: %d notifications, %v", steps, len(ns), err)
		}
		if len(ns) == 0 {
			break
		}
		all = append(all, ns...)
	}
	if len(all) != many {
		t.Fatalf("%d expired, want %d", len(all), many)
	}
	for i := range many - 1 {
		if all[i].Properties[0].Value >= all[i+1].Properties[0].Value {
			t.Fatalf("versions are not in order at %d", i)
		}
	}
}
