package sat_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/authtest"
	"github.com/mqttwarden/mqttwarden/sat"
)

func newCache(t testing.TB, r sat.Reviewer, a sat.Annotator, c sat.CacheConfig) *sat.Cache {
	t.Helper()
	cache, err := sat.NewCache(r, a, c)
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

// unsigned makes a token that only a fake reviewer accepts.
func unsigned(id int, after time.Duration) string {
	return raw(`{"alg":"RS256"}`, fmt.Sprintf(`{"aud":"my-audience","exp":%s,"jti":"%d"}`, expClaim(after), id))
}

func TestCacheConformance(t *testing.T) {
	cache := newCache(t, &reviewer{review: accepted()}, annotated(), sat.CacheConfig{})
	authtest.Run(t, newMethod(t, cache, cache, nil),
		authtest.Case{Name: "token", Credentials: client(goodToken(t)), Want: mqttauth.Accepted},
		authtest.Case{Name: "garbage", Credentials: client("correct horse battery staple"), Want: mqttauth.Denied})
}

// SAT-8: min(TTL, exp), and successes only.
func TestCacheTime(t *testing.T) {
	problem := errors.New("status 500")
	other := accepted()
	other.Audiences = []string{"other"}
	tests := []struct {
		name   string
		r      *reviewer
		exp    time.Duration
		after  time.Duration
		reused bool
	}{
		{"within TTL", &reviewer{review: accepted()}, time.Hour, 10*time.Second - 1, true},
		{"TTL over", &reviewer{review: accepted()}, time.Hour, 10 * time.Second, false},
		{"exp comes first", &reviewer{review: accepted()}, 5 * time.Second, 5 * time.Second, false},
		{"before exp", &reviewer{review: accepted()}, 5 * time.Second, 5*time.Second - 1, true},
		{"refusal", &reviewer{review: sat.Review{Problem: "no"}}, time.Hour, 0, false},
		{"other audience", &reviewer{review: other}, time.Hour, 0, false},
		{"fault", &reviewer{err: problem}, time.Hour, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cache := newCache(t, tt.r, nil, sat.CacheConfig{})
				r := request(t, unsigned(1, tt.exp))
				first, err := cache.Review(t.Context(), r)
				if !errors.Is(err, tt.r.err) || first.Authenticated != tt.r.review.Authenticated {
					t.Fatalf("%+v, %v", first, err)
				}
				time.Sleep(tt.after)
				if _, err := cache.Review(t.Context(), r); !errors.Is(err, tt.r.err) {
					t.Fatal(err)
				}
				if reused := tt.r.asked.Load() == 1; reused != tt.reused {
					t.Errorf("asked %d times", tt.r.asked.Load())
				}
			})
		})
	}
}

// What is remembered lets in the same token only, until it ends (SAT-6), and
// not past what else is decided about it (SAT-10, EXP-3).
func TestCacheBeforeMethod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reviewer{review: accepted()}
		cache := newCache(t, r, annotated(), sat.CacheConfig{TTL: time.Hour})
		m := newMethod(t, cache, cache, nil)
		elsewhere := newMethod(t, cache, cache, func(c *sat.Config) { c.Namespaces = []string{"other"} })
		stranger := mqttauth.Accept(mqttauth.Principal{}, "a/b")
		token := unsigned(1, time.Minute)
		expect := func(when string, m *sat.Method, text string, previous *mqttauth.Result, want mqttauth.Outcome, asked int64) {
			t.Helper()
			c := client(text)
			c.Previous = previous
			result, err := m.Authenticate(t.Context(), &c)
			if got := mqttauth.OutcomeOf(result, err); got != want || r.asked.Load() != asked {
				t.Errorf("%s: %v (%v), asked %d times; want %v, %d times", when, got, err, r.asked.Load(), want, asked)
			}
			if want == mqttauth.Accepted && time.Until(result.Expiry) != time.Minute {
				t.Errorf("%s: expiry %v", when, result.Expiry)
			}
		}
		expect("first", m, token, nil, mqttauth.Accepted, 1)
		expect("again", m, token, nil, mqttauth.Accepted, 1)
		expect("with a newline", m, token+"\n", nil, mqttauth.Accepted, 1)
		expect("other signature", m, token[:len(token)-1]+"g", nil, mqttauth.Accepted, 2)
		expect("S-43: another text of the signature", m, token[:len(token)-1]+"R", nil, mqttauth.Denied, 2)
		expect("junk behind", m, token+" x", nil, mqttauth.Denied, 2)
		expect("namespace not accepted", elsewhere, token, nil, mqttauth.Denied, 2)
		expect("another client's", m, token, &stranger, mqttauth.Denied, 2)
		time.Sleep(time.Minute)
		expect("ended", m, token, nil, mqttauth.Denied, 2)
	})
}

// An account is remembered under its UID: the old one's annotations say
// nothing of the new one.
func TestCacheAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := annotated()
		cache := newCache(t, &reviewer{}, a, sat.CacheConfig{})
		steps := []struct {
			account sat.Account
			asked   int64
		}{{mqttClient, 1}, {mqttClient, 1}, {sat.Account{Namespace: namespace, Name: name, UID: "other"}, 2}, {sat.Account{Namespace: namespace, Name: name, UID: "other"}, 3}, {mqttClient, 3}}
		for i, step := range steps {
			s, err := cache.ServiceAccount(t.Context(), step.account)
			if err != nil || s.UID != uid || a.asked.Load() != step.asked {
				t.Errorf("step %d: %+v, %v, asked %d times, want %d", i, s, err, a.asked.Load(), step.asked)
			}
		}
		a.err = sat.ErrNoAccount
		if _, err := cache.ServiceAccount(t.Context(), mqttClient); err != nil {
			t.Errorf("within TTL: %v", err)
		}
		time.Sleep(sat.DefaultTTL)
		for range 2 {
			if _, err := cache.ServiceAccount(t.Context(), mqttClient); !errors.Is(err, sat.ErrNoAccount) {
				t.Errorf("deleted: %v, want %v", err, sat.ErrNoAccount)
			}
		}
		if a.asked.Load() != 5 {
			t.Errorf("asked %d times, want 5: an absence is not remembered", a.asked.Load())
		}
	})
}

// Tokens and audiences tell entries apart, however they are cut.
func TestCacheKeys(t *testing.T) {
	r := &reviewer{review: accepted()}
	cache := newCache(t, r, nil, sat.CacheConfig{})
	token, other := parse(t, unsigned(1, time.Hour)), parse(t, unsigned(2, time.Hour))
	requests := []*sat.Request{
		{Token: token, Audiences: []string{audience}},
		{Token: other, Audiences: []string{audience}},
		{Token: token, Audiences: []string{audience, "a", "bc"}},
		{Token: token, Audiences: []string{audience, "ab", "c"}},
		{Token: token, Audiences: []string{audience, "abc"}},
	}
	for range 2 {
		for _, request := range requests {
			if _, err := cache.Review(t.Context(), request); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := r.asked.Load(); got != int64(len(requests)) {
		t.Errorf("asked %d times, want %d", got, len(requests))
	}
}

// gate is a Reviewer that answers when it is let to, and notes whom it is
// asked about.
type gate struct {
	open chan struct{}
	mu   sync.Mutex
	seen []string
	busy atomic.Int64
	most atomic.Int64
}

func (g *gate) Review(ctx context.Context, r *sat.Request) (sat.Review, error) {
	g.mu.Lock()
	g.seen = append(g.seen, fmt.Sprint(r.Source.Unmap(), " ", r.Renewal))
	g.mu.Unlock()
	busy := g.busy.Add(1)
	defer g.busy.Add(-1)
	for most := g.most.Load(); busy > most && !g.most.CompareAndSwap(most, busy); most = g.most.Load() {
	}
	select {
	case <-g.open:
		return accepted(), nil
	case <-ctx.Done():
		return sat.Review{}, ctx.Err()
	}
}

// 10,000 clients with 100 tokens cause 100 reviews, 16 at a time.
func TestCacheStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		cache := newCache(t, g, annotated(), sat.CacheConfig{})
		m := newMethod(t, cache, cache, nil)
		var all sync.WaitGroup
		var failed atomic.Int64
		for i := range 10_000 {
			c := client(unsigned(i%100, time.Hour))
			all.Go(func() {
				if _, err := m.Authenticate(t.Context(), &c); err != nil {
					failed.Add(1)
				}
			})
		}
		synctest.Wait()
		close(g.open)
		all.Wait()
		if len(g.seen) != 100 || g.most.Load() > sat.DefaultConcurrency || failed.Load() != 0 {
			t.Errorf("%d reviews, %d at a time, %d failed", len(g.seen), g.most.Load(), failed.Load())
		}
		again := client(unsigned(7, time.Hour))
		if _, err := m.Authenticate(t.Context(), &again); err != nil {
			t.Error(err)
		}
		want := sat.CacheStats{Hits: 1, Reviews: 100, Entries: 100}
		if diff := cmp.Diff(want, cache.Stats()); diff != "" {
			t.Errorf("figures (-want +got):\n%s", diff)
		}
	})
}

// SAT-8: the shared question outlives whoever asked first, and nobody waits
// for it longer than he wants.
func TestCacheDetached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		cache := newCache(t, g, nil, sat.CacheConfig{})
		r := request(t, unsigned(1, time.Hour))
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var first, second error
		var all sync.WaitGroup
		all.Go(func() { _, first = cache.Review(impatient, r) })
		synctest.Wait()
		all.Go(func() { _, second = cache.Review(t.Context(), r) })
		time.Sleep(2 * time.Second)
		close(g.open)
		all.Wait()
		if !errors.Is(first, mqttauth.ErrFailed) || !errors.Is(first, context.DeadlineExceeded) || second != nil || len(g.seen) != 1 {
			t.Errorf("first %v, second %v, %d reviews", first, second, len(g.seen))
		}
	})
}

func TestCacheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := newCache(t, &gate{}, nil, sat.CacheConfig{Timeout: 3 * time.Second})
		begun := time.Now()
		_, err := cache.Review(t.Context(), request(t, unsigned(1, time.Hour)))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

// SAT-8, AUTHN-5: sources take turns, the one with most gives way, and
// renewals have slots of their own.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		cache := newCache(t, g, nil, sat.CacheConfig{Concurrency: 4, MaxWaiting: 6, Timeout: time.Hour})
		var all sync.WaitGroup
		var full atomic.Int64
		id := 0
		ask := func(n int, source string, renewal bool) {
			for range n {
				id++
				r := request(t, unsigned(id, 2*time.Hour))
				r.Source, r.Renewal = netip.MustParseAddr(source), renewal
				all.Go(func() {
					if _, err := cache.Review(t.Context(), r); errors.Is(err, mqttauth.ErrFailed) {
						full.Add(1)
					}
				})
				synctest.Wait()
			}
		}
		expect := func(when string, seen int, turnedAway int64) {
			t.Helper()
			if len(g.seen) != seen || full.Load() != turnedAway {
				t.Errorf("%s: %d seen, %d turned away; want %d, %d", when, len(g.seen), full.Load(), seen, turnedAway)
			}
		}
		ask(9, "10.0.0.1", false) // three under way, since one slot is kept; six wait
		expect("a crowd", 3, 0)
		ask(1, "10.0.0.1", false)
		expect("one more of it", 3, 1)
		ask(2, "::ffff:10.0.0.2", false) // take the place of two of the crowd
		expect("two others", 3, 3)
		ask(1, "10.0.0.1", true)
		expect("a renewal", 4, 3)
		ask(1, "10.0.0.1", true)
		expect("another renewal", 4, 3)
		for range 8 { // one at a time, for the order
			g.open <- struct{}{}
			synctest.Wait()
		}
		close(g.open)
		all.Wait()
		want := []string{
			"10.0.0.1 false", "10.0.0.1 false", "10.0.0.1 false", "10.0.0.1 true",
			"10.0.0.1 false", "10.0.0.1 true", "10.0.0.2 false", "10.0.0.1 false", "10.0.0.2 false", "10.0.0.1 false", "10.0.0.1 false",
		}
		if diff := cmp.Diff(want, g.seen); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

// Renewals that never end do not shut out who connects, nor the other way.
func TestQueueShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		cache := newCache(t, g, nil, sat.CacheConfig{Concurrency: 4, Timeout: time.Hour})
		var all sync.WaitGroup
		for i := range 80 {
			r := request(t, unsigned(i, 2*time.Hour))
			r.Renewal = i < 40
			all.Go(func() { _, _ = cache.Review(t.Context(), r) })
			synctest.Wait()
		}
		for range 20 {
			g.open <- struct{}{}
			synctest.Wait()
		}
		renewals := 0
		for _, s := range g.seen[4:] {
			if strings.HasSuffix(s, "true") {
				renewals++
			}
		}
		if renewals != 10 {
			t.Errorf("%d of the 20 that came after the first four are renewals, want 10", renewals)
		}
		close(g.open)
		all.Wait()
	})
}

// Any number of distinct tokens leaves no more behind than the cache may hold,
// and asks no more than the queue lets through.
func TestCacheBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		cache := newCache(t, g, nil, sat.CacheConfig{Concurrency: 1, MaxWaiting: 10, Timeout: 5 * time.Second})
		var all sync.WaitGroup
		var failed, ended atomic.Int64
		for i := range 2_000 {
			r := request(t, unsigned(i, time.Hour))
			all.Go(func() {
				switch _, err := cache.Review(t.Context(), r); {
				case errors.Is(err, mqttauth.ErrFailed):
					failed.Add(1)
				case errors.Is(err, context.DeadlineExceeded):
					ended.Add(1)
				}
			})
		}
		all.Wait()
		if failed.Load()+ended.Load() != 2_000 || len(g.seen) > 11 {
			t.Errorf("%d failed, %d ended, %d reviews", failed.Load(), ended.Load(), len(g.seen))
		}
	})
	r := &reviewer{review: accepted()}
	cache := newCache(t, r, nil, sat.CacheConfig{MaxEntries: 8, TTL: time.Hour})
	requests := make([]*sat.Request, 1000)
	for i := range requests {
		requests[i] = request(t, unsigned(i, time.Hour))
		if _, err := cache.Review(t.Context(), requests[i]); err != nil {
			t.Fatal(err)
		}
	}
	r.asked.Store(0)
	for _, request := range slices.Backward(requests) {
		if _, err := cache.Review(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	if kept := int64(len(requests)) - r.asked.Load(); kept < 1 || kept > 8 {
		t.Errorf("%d entries were kept, want 1 to 8", kept)
	}
}

func TestNewCacheRefuses(t *testing.T) {
	if _, err := sat.NewCache(nil, nil, sat.CacheConfig{}); err == nil {
		t.Error("no reviewer: no error")
	}
	for _, c := range []sat.CacheConfig{{TTL: -1}, {MaxEntries: -1}, {Timeout: -1}, {Concurrency: -1}, {MaxWaiting: -1}} {
		if _, err := sat.NewCache(&reviewer{}, nil, c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
	if _, err := newCache(t, &reviewer{}, nil, sat.CacheConfig{}).ServiceAccount(t.Context(), mqttClient); err == nil {
		t.Error("no annotator: no error")
	}
}
