package mqttauth_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

func TestExpiryTimer(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		name string
		set  func(*mqttauth.ExpiryTimer, time.Time)
		want []time.Duration // when it fires, from the start
	}{
		{"never set", func(*mqttauth.ExpiryTimer, time.Time) {}, nil},
		{"an hour", func(x *mqttauth.ExpiryTimer, t0 time.Time) { x.Reset(t0.Add(time.Hour)) }, []time.Duration{time.Hour}},
		{"many naps and a bit", func(x *mqttauth.ExpiryTimer, t0 time.Time) { x.Reset(t0.Add(9*time.Hour + time.Nanosecond)) }, []time.Duration{9*time.Hour + 1}},
		{"by the wall clock", func(x *mqttauth.ExpiryTimer, t0 time.Time) { x.Reset(t0.Round(0).Add(time.Hour)) }, []time.Duration{time.Hour}},
		{"now", func(x *mqttauth.ExpiryTimer, t0 time.Time) { x.Reset(t0) }, []time.Duration{0}},
		{"long past", func(x *mqttauth.ExpiryTimer, t0 time.Time) { x.Reset(t0.Add(-day)) }, []time.Duration{0}},
		{"the beginning of time", func(x *mqttauth.ExpiryTimer, _ time.Time) { x.Reset(time.Time{}.Add(1)) }, []time.Duration{0}},
		{"later", func(x *mqttauth.ExpiryTimer, t0 time.Time) {
			x.Reset(t0.Add(time.Minute))
			x.Reset(t0.Add(time.Hour))
		}, []time.Duration{time.Hour}},
		{"earlier", func(x *mqttauth.ExpiryTimer, t0 time.Time) {
			x.Reset(t0.Add(time.Hour))
			x.Reset(t0.Add(time.Second))
		}, []time.Duration{time.Second}},
		{"stopped", func(x *mqttauth.ExpiryTimer, t0 time.Time) {
			x.Reset(t0.Add(time.Second))
			x.Stop()
		}, nil},
		{"stopped before it was set", func(x *mqttauth.ExpiryTimer, _ time.Time) { x.Stop() }, nil},
		{"stopped and set again", func(x *mqttauth.ExpiryTimer, t0 time.Time) {
			x.Reset(t0.Add(time.Second))
			x.Stop()
			x.Reset(t0.Add(time.Minute))
		}, []time.Duration{time.Minute}},
		{"set again after it fired", func(x *mqttauth.ExpiryTimer, t0 time.Time) {
			x.Reset(t0.Add(time.Second))
			time.Sleep(time.Minute)
			x.Reset(t0.Add(time.Hour))
		}, []time.Duration{time.Second, time.Hour}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var mu sync.Mutex
				var fired []time.Duration
				x := mqttauth.NewExpiryTimer(func(now time.Time) {
					mu.Lock()
					defer mu.Unlock()
					fired = append(fired, now.Sub(start))
				})
				test.set(x, start)
				time.Sleep(day)
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				if len(fired) != len(test.want) {
					t.Fatalf("fired at %v, want %v", fired, test.want)
				}
				for i := range fired {
					if fired[i] != test.want[i] {
						t.Errorf("fired at %v, want %v", fired, test.want)
					}
				}
			})
		})
	}
}

// EXP-1: however far away the instant is, the wall clock is looked at at least
// every 30 seconds; and timers that are set together do not stay together.
func TestExpiryTimerNap(t *testing.T) {
	for _, left := range []time.Duration{-1 << 63, -1, 0} {
		if got := mqttauth.Nap(left); got != 0 {
			t.Errorf("Nap(%v) = %v, want 0", left, got)
		}
	}
	for _, left := range []time.Duration{1, time.Second, 15 * time.Second} {
		if got := mqttauth.Nap(left); got != left {
			t.Errorf("Nap(%v) = %v, want all of it", left, got)
		}
	}
	for _, left := range []time.Duration{15*time.Second + 1, 20 * time.Second, 30 * time.Second, time.Hour, 1<<63 - 1} {
		different := make(map[time.Duration]bool)
		for range 100 {
			got := mqttauth.Nap(left)
			if got > 30*time.Second || got > left || got < 15*time.Second {
				t.Errorf("Nap(%v) = %v, want between 15s and the lesser of 30s and that", left, got)
			}
			different[got] = true
		}
		if left > 30*time.Second && len(different) < 50 {
			t.Errorf("Nap(%v): only %d different lengths of 100", left, len(different))
		}
	}
}

// The function may start while Reset runs, but never for an instant that has
// not come, and the last Reset is never lost. Run with -race.
func TestExpiryTimerResetRace(t *testing.T) {
	var fired atomic.Int64
	last := make(chan time.Time, 100)
	var final atomic.Bool
	x := mqttauth.NewExpiryTimer(func(now time.Time) {
		fired.Add(1)
		if final.Load() {
			last <- now
		}
	})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 2000 {
				switch i % 4 {
				case 0:
					x.Reset(time.Now())
				case 1:
					x.Reset(time.Now().Add(time.Microsecond))
				case 2:
					x.Reset(time.Now().Add(time.Hour))
				default:
					x.Stop()
				}
				runtime.Gosched()
			}
		})
	}
	wg.Wait()
	final.Store(true)
	at := time.Now().Add(time.Millisecond)
	x.Reset(at)
	for now := range last { // calls for earlier instants may still be on their way
		if !now.Before(at) {
			break
		}
	}
	if fired.Load() == 0 {
		t.Error("never fired while it was reset")
	}
}

// A call that was on its way when the timer was stopped or moved finds out.
func TestExpiryTimerFiredWhileReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var fired, last atomic.Int64
		x := mqttauth.NewExpiryTimer(func(now time.Time) {
			fired.Add(1)
			last.Store(int64(now.Sub(start)))
		})
		x.Reset(start.Add(time.Second))
		x.Stop()
		x.Fire()
		if fired.Load() != 0 {
			t.Error("fired after it was stopped")
		}
		x.Reset(start.Add(time.Minute))
		x.Fire()
		if fired.Load() != 0 {
			t.Error("fired before the instant that it was moved to")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		x.Fire()
		if at := time.Duration(last.Load()); fired.Load() != 1 || at != time.Minute {
			t.Errorf("fired %d times, at last after %v, want once after a minute", fired.Load(), at)
		}
	})
}

// A hundred thousand live timers cost at most 200 bytes of heap each.
func TestExpiryTimerMemory(t *testing.T) {
	if got := bytesPerTimer(100_000); got > 200 {
		t.Errorf("%.0f bytes of heap a live timer, want at most 200", got)
	}
}

func BenchmarkExpiryTimerMemory(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		b.ReportMetric(bytesPerTimer(100_000), "B/timer")
	}
}

func bytesPerTimer(n int) float64 {
	at := time.Now().Add(24 * time.Hour)
	f := func(time.Time) {}
	timers := make([]*mqttauth.ExpiryTimer, n)
	before := liveHeap()
	for i := range timers {
		timers[i] = mqttauth.NewExpiryTimer(f)
		timers[i].Reset(at)
	}
	after := liveHeap()
	for _, x := range timers {
		x.Stop()
	}
	return float64(after-before) / float64(n)
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkExpiryTimerReset(b *testing.B) {
	x := mqttauth.NewExpiryTimer(func(time.Time) {})
	at := time.Now().Add(time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		x.Reset(at)
	}
	x.Stop()
}
