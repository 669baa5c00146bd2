package statestore_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/statestore"
)

var hundred = strings.Repeat("v", 100)

// handle runs one request again and again.
func handle(b *testing.B, s *statestore.Service[string], q *request) {
	var reply statestore.Reply
	var ns []notification
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if ns, err = s.Handle(q, epoch, &reply, ns[:0]); err != nil || reply.Payload[0] == '-' {
			b.Fatal(err, string(reply.Payload))
		}
	}
}

// Parse, execute and encode. Target: 500 ns and 2 allocations.
func BenchmarkGet(b *testing.B) {
	s := newService(b, statestore.Config{})
	do(b, s, "a", epoch, "+OK\r\n", "SET", "key", hundred)
	handle(b, s, newRequest("a", epoch, "GET", "key"))
}

func BenchmarkSet(b *testing.B) {
	handle(b, newService(b, statestore.Config{}), newRequest("a", epoch, "SET", "key", hundred))
}

func BenchmarkSetNexPx(b *testing.B) {
	handle(b, newService(b, statestore.Config{}), newRequest("a", epoch, "SET", "key", hundred, "NEX", "PX", "10000"))
}

func BenchmarkParseCommand(b *testing.B) {
	p := payload("SET", "key", hundred, "NEX", "PX", "10000")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := statestore.ParseCommand(p); err != nil {
			b.Fatal(err)
		}
	}
}

// One SET of a key that 10,000 watch.
func BenchmarkSetOf10000Watchers(b *testing.B) {
	s := newService(b, statestore.Config{})
	for i := range 10_000 {
		do(b, s, fmt.Sprint(i), epoch, "+OK\r\n", "KEYNOTIFY", "key")
	}
	handle(b, s, newRequest("a", epoch, "SET", "key", hundred))
}

// fill sets keys of 100 bytes to 100 bytes, at most px milliseconds from epoch.
func fill(b *testing.B, s *statestore.Service[string], keys int, words ...string) (longest time.Duration) {
	q := newRequest("a", epoch, append([]string{"SET", strings.Repeat("k", 100), hundred}, words...)...)
	key := q.Payload[len("*3\r\n$3\r\nSET\r\n$100\r\n"):][:8]
	var reply statestore.Reply
	for i := range keys {
		binary.BigEndian.PutUint64(key, uint64(i))
		start := time.Now()
		if _, err := s.Handle(q, epoch, &reply, nil); err != nil || string(reply.Payload) != "+OK\r\n" {
			b.Fatal(err, string(reply.Payload))
		}
		longest = max(longest, time.Since(start))
	}
	return longest
}

// Live heap of a million keys of 100 bytes with values of 100 bytes. Target: 400
// MB.
func BenchmarkMillionKeys(b *testing.B) {
	for b.Loop() {
		before := liveHeap()
		store := statestore.NewMemory(1 << 30)
		s := newService(b, statestore.Config{Store: store})
		longest := fill(b, s, 1_000_000)
		b.ReportMetric(float64(liveHeap()-before)/1e6, "MB")
		b.ReportMetric(float64(longest.Microseconds()), "µs/longest-set")
		b.ReportMetric(float64(store.Used())/1e6, "quota-MB")
	}
}

// 100,000 keys that are due in one second, among 400,000 that are not. Target: no
// pause over 5 ms. On a busy machine the longest step is that of the scheduler.
func BenchmarkExpire100000(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s := newService(b, statestore.Config{Store: statestore.NewMemory(1 << 30)})
		fill(b, s, 500_000, "PX", "100000")
		fill(b, s, 100_000, "PX", "1000")
		b.StartTimer()
		at := epoch.Add(time.Second)
		var steps []time.Duration
		for {
			if next, any := s.NextExpiry(); !any || next.After(at) {
				break
			}
			start := time.Now()
			if _, err := s.Expire(at, nil); err != nil {
				b.Fatal(err)
			}
			steps = append(steps, time.Since(start))
		}
		slices.Sort(steps)
		b.ReportMetric(float64(steps[len(steps)/2].Microseconds()), "µs/median-step")
		b.ReportMetric(float64(steps[len(steps)*99/100].Microseconds()), "µs/p99-step")
		b.ReportMetric(float64(steps[len(steps)-1].Microseconds()), "µs/longest-step")
	}
}

// TestAllocations promises what the benchmarks show.
func TestAllocations(t *testing.T) {
	s := newService(t, statestore.Config{})
	do(t, s, "a", epoch, "+OK\r\n", "KEYNOTIFY", "key")
	s.Disconnect("a") // a key that nobody watches any more costs nothing
	var reply statestore.Reply
	tests := []struct {
		words []string
		most  float64
	}{
		{[]string{"SET", "key", hundred, "NEX"}, 1}, // the text of the version
		{[]string{"GET", "key"}, 1},
		{[]string{"GET", "none"}, 0},
		{[]string{"SET", "key", hundred, "NX"}, 1},
		{[]string{"KEYNOTIFY", "key", "STOP"}, 0},
		{[]string{"PING"}, 0},
	}
	for _, test := range tests {
		q := newRequest("a", epoch, test.words...)
		got := testing.AllocsPerRun(100, func() {
			if _, err := s.Handle(q, epoch, &reply, nil); err != nil {
				t.Fatal(err)
			}
		})
		if got > test.most {
			t.Errorf("%.40q: %v allocations, want %v", test.words, got, test.most)
		}
	}
}
