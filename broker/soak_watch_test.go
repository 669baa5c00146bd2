package broker_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// soakActivity is something that a soak has to do.
type soakActivity int

const (
	soakConnected soakActivity = iota
	soakPublished              // and acknowledged
	soakReceived
	soakSubscribed
	soakResumed
	soakCredentialExpired
	soakSessionExpired
	soakReauthenticated
	soakSwapped
	soakActivities
)

func (a soakActivity) String() string {
	return [...]string{
		"connections accepted", "messages published and acknowledged", "messages received", "subscriptions granted",
		"sessions resumed", "credentials expired", "sessions expired", "reauthentications accepted", "policies swapped",
	}[a]
}

// soakCounts says how often each activity succeeded.
type soakCounts [soakActivities]atomic.Int64

func (c *soakCounts) add(a soakActivity) { c[a].Add(1) }

func (c *soakCounts) happened(a soakActivity) bool { return c[a].Load() > 0 }

// subscribed counts a SUBACK that grants something, and reports whether k is one.
func (c *soakCounts) subscribed(k any) bool {
	ack, ok := k.(*wire.Suback)
	if !ok || len(ack.Codes) == 0 || ack.Codes[0].IsError() {
		return false
	}
	c.add(soakSubscribed)
	return true
}

// renewed counts an AUTH that ends a reauthentication well, and reports whether k
// is one.
func (c *soakCounts) renewed(k any) bool {
	a, ok := k.(*wire.Auth)
	if !ok || a.Code != mqttauth.Success {
		return false
	}
	c.add(soakReauthenticated)
	return true
}

func (c *soakCounts) check(t *testing.T) {
	t.Helper()
	for a := range soakActivities {
		t.Logf("%s: %d", a, c[a].Load())
		if !c.happened(a) {
			t.Errorf("%s: none", a)
		}
	}
}

// soakMemory are samples in bytes, at equal intervals.
type soakMemory struct{ heap, held, resident []uint64 }

// watch samples until ctx ends.
func (m *soakMemory) watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.sample()
		}
	}
}

// sample takes what is reachable, what the runtime has from the system, and what
// the process occupies.
func (m *soakMemory) sample() {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	m.heap = append(m.heap, s.HeapAlloc)
	m.held = append(m.held, s.Sys-s.HeapReleased)
	m.resident = append(m.resident, resident(&s))
}

// resident returns the resident set, or elsewhere than on Linux what Go has from
// the system.
func resident(s *runtime.MemStats) uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return s.Sys - s.HeapReleased
	}
	var size, pages uint64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return s.Sys - s.HeapReleased
	}
	return pages * uint64(os.Getpagesize())
}

// check compares the last quarter with the second one; the first is for warming
// up. A leak of a few bytes for each message or connection of ten minutes shows.
//
// Under the race detector the resident set is not compared: it grows by what the
// detector never gives back for goroutines that have ended, with a server of the
// standard library alone as well. What the runtime holds is free of that.
func (m *soakMemory) check(t *testing.T) {
	t.Helper()
	for _, series := range []struct {
		name  string
		bytes []uint64
		noise uint64
		check bool
	}{
		{"heap", m.heap, 4 << 20, true},
		{"memory of the runtime", m.held, 8 << 20, true},
		{"resident set", m.resident, 16 << 20, !raceDetector},
	} {
		n := len(series.bytes)
		if n < 8 {
			t.Errorf("%s: %d samples are too few", series.name, n)
			continue
		}
		quarters := make([]uint64, 4)
		for i := range quarters {
			q := slices.Sorted(slices.Values(series.bytes[i*n/4 : (i+1)*n/4]))
			quarters[i] = q[len(q)/2]
		}
		t.Logf("%s, medians of the quarters of %d samples: %d, %d, %d, %d KiB", series.name, n,
			quarters[0]>>10, quarters[1]>>10, quarters[2]>>10, quarters[3]>>10)
		if early, late := quarters[1], quarters[3]; series.check && late > early+early/10+series.noise {
			t.Errorf("%s grew from %d to %d bytes", series.name, early, late)
		}
	}
}
