package customauth_test

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// CUST-6: a thousand clients at once, a server that answers in 20 ms.
func TestThousandClients(t *testing.T) {
	for name, test := range map[string]struct {
		limits customauth.Config
		want   time.Duration
	}{
		"one each 4 ms": {customauth.Config{MaxPerSecond: 250}, (999*4 + 20) * time.Millisecond},
		"64 at a time":  {customauth.Config{MaxPerSecond: 1e9}, 16 * 20 * time.Millisecond}, // 1000 / 64, rounded up
	} {
		t.Run(name, func(t *testing.T) {
			inBubbleWith(t, test.limits, func(t *testing.T, b *bubble) {
				b.mode.Store(int32(slow))
				answers := b.crowd(t, 1000)
				if last := answers[0].after.Round(time.Millisecond); last != test.want {
					t.Errorf("the last after %v, want %v", last, test.want)
				}
				for _, a := range answers {
					if a.outcome != mqttauth.Accepted {
						t.Errorf("%v after %v", a.outcome, a.after)
					}
				}
				if got := b.dials.Load(); got > customauth.DefaultMaxConcurrent {
					t.Errorf("%d connections", got)
				}
			})
		})
	}
}

// The more processors, the more requests a second.
func TestDefaultPace(t *testing.T) {
	for processors, apart := range map[int]time.Duration{1: 8 * time.Millisecond, 8: time.Millisecond} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		inBubble(t, func(t *testing.T, b *bubble) {
			want := []told{{2 * apart, mqttauth.Accepted}, {apart, mqttauth.Accepted}, {0, mqttauth.Accepted}}
			if diff := gocmp.Diff(want, b.crowd(t, 3), gocmp.AllowUnexported(told{})); diff != "" {
				t.Errorf("%d processors (-want +got)\n%s", processors, diff)
			}
		})
	}
}

// told is what a client was told, and how long after it asked.
type told struct {
	after   time.Duration
	outcome mqttauth.Outcome
}

// crowd lets n clients ask at once. The one that was told last comes first.
func (b *bubble) crowd(t *testing.T, n int) []told {
	var mu sync.Mutex
	var answers []told
	begun := time.Now()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			outcome := b.ask(t, "alice")
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, told{time.Since(begun), outcome})
		})
	}
	all.Wait()
	slices.SortFunc(answers, func(x, y told) int {
		return cmp.Or(cmp.Compare(y.after, x.after), cmp.Compare(x.outcome.String(), y.outcome.String()))
	})
	return answers
}

// Requests start one by one. Whoever could not start in time is told so at once,
// and does not put off those who come later.
func TestPace(t *testing.T) {
	inBubbleWith(t, customauth.Config{MaxPerSecond: 10, MaxWait: 300 * time.Millisecond}, func(t *testing.T, b *bubble) {
		for range 2 {
			got := b.crowd(t, 6)
			want := []told{
				{300 * time.Millisecond, mqttauth.Accepted},
				{200 * time.Millisecond, mqttauth.Accepted},
				{100 * time.Millisecond, mqttauth.Accepted},
				{0, mqttauth.Accepted},
				{0, mqttauth.Failed},
				{0, mqttauth.Failed},
			}
			if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(told{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if s := b.Stats(); s.InFlight != 0 {
				t.Errorf("%d in flight when all were told", s.InFlight)
			}
			time.Sleep(100 * time.Millisecond) // until the next may start
		}
	})
}

// MaxWait bounds both waits together: for a place, 20 ms here, and for the pace,
// which would let the second start after 100.
func TestPaceBehindQueue(t *testing.T) {
	limits := customauth.Config{MaxConcurrent: 1, MaxPerSecond: 10, MaxWait: 90 * time.Millisecond}
	inBubbleWith(t, limits, func(t *testing.T, b *bubble) {
		b.mode.Store(int32(slow))
		want := []told{{20 * time.Millisecond, mqttauth.Accepted}, {20 * time.Millisecond, mqttauth.Failed}}
		if diff := gocmp.Diff(want, b.crowd(t, 2), gocmp.AllowUnexported(told{})); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// A client that gives up while the pace holds it back leaves its place.
func TestGivesUpBeforeStart(t *testing.T) {
	inBubbleWith(t, customauth.Config{MaxPerSecond: 1}, func(t *testing.T, b *bubble) {
		b.wants(t, 1, mqttauth.Accepted)
		ctx, cancel := context.WithCancel(t.Context())
		var outcome mqttauth.Outcome
		var second sync.WaitGroup
		second.Go(func() {
			c := login()
			r, err := b.Authenticate(ctx, &c)
			outcome = mqttauth.OutcomeOf(r, err)
		})
		synctest.Wait()
		if s := b.Stats(); s.InFlight != 1 {
			t.Errorf("%d in flight, want the one that is held back", s.InFlight)
		}
		begun := time.Now()
		cancel()
		second.Wait()
		if took := time.Since(begun); took > 0 {
			t.Errorf("took %v", took)
		}
		if s := b.Stats(); outcome != mqttauth.Failed || s.InFlight != 0 || b.requests.Load() != 1 {
			t.Errorf("%v, %d in flight, %d requests; want failed, 0, 1", outcome, s.InFlight, b.requests.Load())
		}
	})
}
