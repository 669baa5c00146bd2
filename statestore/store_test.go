package statestore_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/statestore"
)

// faulty is a store whose disk is broken.
type faulty struct {
	*statestore.Memory
	get, put, del error
}

func (f *faulty) Get(key []byte) (statestore.Entry, bool, error) {
	if f.get != nil {
		return statestore.Entry{}, false, f.get
	}
	return f.Memory.Get(key)
}

func (f *faulty) Put(key []byte, e statestore.Entry) error {
	if f.put != nil {
		return f.put
	}
	return f.Memory.Put(key, e)
}

func (f *faulty) Delete(key []byte, version statestore.Timestamp) error {
	if f.del != nil {
		return f.del
	}
	return f.Memory.Delete(key, version)
}

// A fault of the store is status 500 without a word of what it was, tells no
// watcher, and is there for the log.
func TestStoreFault(t *testing.T) {
	disk := errors.New("disk on fire")
	tests := []struct {
		name  string
		fault faulty
		words []string
	}{
		{"get", faulty{get: disk}, []string{"GET", "k"}},
		{"set", faulty{put: disk}, []string{"SET", "k", "2"}},
		{"set, reading", faulty{get: disk}, []string{"SET", "k", "2"}},
		{"del", faulty{del: disk}, []string{"DEL", "k"}},
		{"vdel", faulty{del: disk}, []string{"VDEL", "k", "1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store := &faulty{Memory: statestore.NewMemory(0)}
			s := newService(t, statestore.Config{Store: store})
			do(t, s, "a", epoch, "+OK\r\n", "KEYNOTIFY", "k")
			do(t, s, "a", epoch, "+OK\r\n", "SET", "k", "1", "PX", "5")
			store.get, store.put, store.del = test.fault.get, test.fault.put, test.fault.del
			var reply statestore.Reply
			ns, err := s.Handle(newRequest("a", epoch, test.words...), epoch, &reply, nil)
			if err != nil || len(ns) != 0 || len(reply.Payload) != 0 || !errors.Is(reply.Fault, disk) {
				t.Fatalf("%v, %+v, %+v", err, ns, reply)
			}
			want := []property{{Name: "__stat", Value: "500"}, {Name: "__protVer", Value: "1.0"}, {Name: "__stMsg", Value: "internal error"}}
			if diff := cmp.Diff(want, reply.Properties); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("expire", func(t *testing.T) {
		store := &faulty{Memory: statestore.NewMemory(0)}
		s := newService(t, statestore.Config{Store: store})
		do(t, s, "a", epoch, "+OK\r\n", "SET", "k", "1", "PX", "5")
		store.del = disk
		if _, err := s.Expire(epoch.Add(statestore.MaxDrift), nil); !errors.Is(err, disk) {
			t.Errorf("got %v", err)
		}
	})
}

// A service over the store of an earlier one goes on where that one ended, also
// when the clock has stepped back.
func TestRestart(t *testing.T) {
	store := statestore.NewMemory(0)
	s := newService(t, statestore.Config{Store: store})
	do(t, s, "a", epoch, "+OK\r\n", "SET", "k", "1")
	do(t, s, "a", epoch, ":1\r\n", "DEL", "k")
	last := store.LastVersion()
	if want := (statestore.Timestamp{Wall: epoch.UnixMilli(), Counter: 2, Node: "StateStore"}); last != want {
		t.Fatalf("the deletion's version is %v, want %v", last, want)
	}
	s = newService(t, statestore.Config{Store: store, NodeID: "other"})
	do(t, s, "a", epoch.Add(-1e9), "+OK\r\n", "SET", "k", "1")
	e, _, _ := store.Get([]byte("k"))
	if e.Version.Compare(last) <= 0 || e.Version.Node != "other" {
		t.Errorf("%v after %v", e.Version, last)
	}
}

// The store keeps nothing of a request's memory, and a reply nothing of the
// store's.
func TestMemoryIsCopied(t *testing.T) {
	s := newService(t, statestore.Config{})
	q := newRequest("a", epoch, "SET", "key", "value")
	var reply statestore.Reply
	if _, err := s.Handle(q, epoch, &reply, nil); err != nil {
		t.Fatal(err)
	}
	clear(q.Payload)
	if _, err := s.Handle(newRequest("a", epoch, "GET", "key"), epoch, &reply, nil); err != nil {
		t.Fatal(err)
	}
	clear(reply.Payload)
	do(t, s, "a", epoch, "$5\r\nvalue\r\n", "GET", "key")
}

// A Reply that is handed in again has nothing of the last one.
func TestReplyIsReused(t *testing.T) {
	s := newService(t, statestore.Config{})
	do(t, s, "a", epoch, "+OK\r\n", "SET", "key", "value")
	reply := statestore.Reply{Fault: errors.New("old")}
	for _, words := range [][]string{{"GET", "key"}, {"PING"}, {"GET", "none"}, {"GET", "key"}} {
		fresh := statestore.Reply{}
		for _, r := range []*statestore.Reply{&reply, &fresh} {
			if _, err := s.Handle(newRequest("a", epoch, words...), epoch, r, nil); err != nil {
				t.Fatal(err)
			}
		}
		if string(reply.Payload) != string(fresh.Payload) || !slices.Equal(reply.Properties, fresh.Properties) || reply.Fault != nil {
			t.Errorf("%q: got %+v, want %+v", words, reply, fresh)
		}
	}
}

// Earliest is the least of all, whatever was put, changed and deleted before.
func TestEarliest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	m := statestore.NewMemory(0)
	type due struct {
		expires int64
		wall    int64
	}
	all := map[string]due{}
	for i := range 10_000 {
		key := strconv.Itoa(r.IntN(300))
		d := due{expires: int64(r.IntN(100)), wall: int64(i + 1)}
		delete(all, key)
		var err error
		if r.IntN(3) == 0 {
			err = m.Delete([]byte(key), statestore.Timestamp{})
		} else {
			err = m.Put([]byte(key), statestore.Entry{Expires: d.expires, Version: statestore.Timestamp{Wall: d.wall, Node: "n"}})
			if d.expires != 0 {
				all[key] = d
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		for key, d := range all {
			least := all[want]
			if want == "" || d.expires < least.expires || d.expires == least.expires && d.wall < least.wall {
				want = key
			}
		}
		got, expires, found := m.Earliest(nil)
		if string(got) != want || found != (want != "") || expires != all[want].expires {
			t.Fatalf("step %d: got %s at %d, want %s at %d", i, got, expires, want, all[want].expires)
		}
		if i%500 < 250 { // the heap empties, the heap fills
			if err := m.Delete(got, statestore.Timestamp{}); err != nil {
				t.Fatal(err)
			}
			delete(all, want)
		}
	}
}

// A value that shrinks gives its memory back: the quota does not count it.
func TestShrunkValue(t *testing.T) {
	m := statestore.NewMemory(1 << 30)
	large := make([]byte, 1<<20)
	before := liveHeap()
	for _, size := range []int{len(large), 1} {
		for i := range 50 {
			if err := m.Put([]byte{byte(i)}, statestore.Entry{Value: large[:size]}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if grown := liveHeap() - before; grown > 5<<20 {
		t.Errorf("50 entries of a byte hold %d bytes", grown)
	}
	runtime.KeepAlive(m)
	runtime.KeepAlive(large)
}

// aio-persistence reaches the store, and each SET says it anew.
func TestPersist(t *testing.T) {
	store := statestore.NewMemory(0)
	s := newService(t, statestore.Config{Store: store})
	for _, value := range []string{"true", "false", "TRUE", ""} {
		q := newRequest("a", epoch, "SET", "k", value)
		q.Properties = append(q.Properties, property{Name: "aio-persistence", Value: value})
		if _, err := s.Handle(q, epoch, &statestore.Reply{}, nil); err != nil {
			t.Fatal(err)
		}
		if e, _, _ := store.Get([]byte("k")); e.Persist != (value == "true") {
			t.Errorf("%q: got %v", value, e.Persist)
		}
	}
}

func TestMemoryCountsBytes(t *testing.T) {
	m := statestore.NewMemory(0)
	fence := statestore.Timestamp{Wall: 1, Node: "node"}
	steps := []struct {
		key   string
		entry statestore.Entry
		want  int64
	}{
		{"a", statestore.Entry{Value: []byte("12345")}, 192 + 6},
		{"bb", statestore.Entry{Value: []byte("1"), Fence: fence}, 192 + 6 + 192 + 3 + 36},
		{"a", statestore.Entry{Expires: 7, Persist: true}, 192 + 1 + 192 + 3 + 36},
		{"bb", statestore.Entry{}, 192 + 1 + 192 + 2},
	}
	for _, step := range steps {
		if err := m.Put([]byte(step.key), step.entry); err != nil || m.Used() != step.want {
			t.Fatalf("%s: %d bytes, %v, want %d", step.key, m.Used(), err, step.want)
		}
		got, found, _ := m.Get([]byte(step.key))
		if !found || !bytes.Equal(got.Value, step.entry.Value) || got.Fence != step.entry.Fence || got.Expires != step.entry.Expires || got.Persist != step.entry.Persist {
			t.Fatalf("%s: got %+v, want %+v", step.key, got, step.entry)
		}
	}
	for _, key := range []string{"a", "bb", "a", "none"} {
		if err := m.Delete([]byte(key), statestore.Timestamp{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, found := m.Earliest(nil); m.Used() != 0 || m.Len() != 0 || found {
		t.Errorf("%d bytes and %d entries are left", m.Used(), m.Len())
	}
}

// A million entries of 100 and 100 bytes take less than 400 MB: 400 bytes each.
// The map's slack changes with its size, so this looks at several.
func TestBytesPerEntry(t *testing.T) {
	m := statestore.NewMemory(1 << 30)
	key := []byte(strings.Repeat("k", 100))
	value := bytes.Repeat([]byte("v"), 100)
	before := liveHeap()
	for i := range 120_000 {
		copy(key, []byte{byte(i), byte(i >> 8), byte(i >> 16)})
		if err := m.Put(key, statestore.Entry{Value: value, Expires: int64(i + 1), Version: statestore.Timestamp{Wall: 1, Node: "n"}}); err != nil {
			t.Fatal(err)
		}
		if n := m.Len(); n%20_000 == 0 {
			if each := (liveHeap() - before) / int64(n); each > 400 {
				t.Errorf("%d entries: %d bytes each", n, each)
			}
		}
	}
	if each := m.Used() / int64(m.Len()); each != 392 {
		t.Errorf("the quota counts %d bytes each", each)
	}
	runtime.KeepAlive(m)
}

func liveHeap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
