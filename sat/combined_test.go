package sat_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/authtest"
	"github.com/mqttwarden/mqttwarden/sat"
)

const maxDelay = 16 * time.Minute

// combine returns a Method on a Combined that asks r and a, whose key set has
// been read.
func combine(t testing.TB, r sat.Reviewer, a sat.Annotator, change func(*sat.Config)) *sat.Method {
	t.Helper()
	v := newVerifier(t, sat.VerifierConfig{KeySet: keyFile(t, published())})
	c, err := sat.NewCombined(v, r, a, sat.CombinedConfig{MaxDelay: maxDelay})
	if err != nil {
		t.Fatal(err)
	}
	return newMethod(t, c, c, change)
}

// podToken makes the token of a pod; those of one pod differ.
func podToken(t testing.TB, pod string) string {
	t.Helper()
	return mint(t, "EdDSA", nil, map[string]any{
		"exp": time.Now().Add(100 * maxDelay).Unix(), "jti": strconv.FormatInt(serial.Add(1), 10),
		"kubernetes.io": map[string]any{
			"namespace": namespace, "pod": map[string]any{"name": pod, "uid": pod + "-uid"},
			"serviceaccount": map[string]any{"name": name, "uid": uid},
		},
	})
}

var serial atomic.Int64

// outcome is what the method makes of a client with this token.
func outcome(t testing.TB, m *sat.Method, token string) mqttauth.Outcome {
	t.Helper()
	c := client(token)
	result, err := m.Authenticate(t.Context(), &c)
	if err == nil && result.Principal.Attributes["floor"] == "" {
		t.Error("accepted without its attributes")
	}
	return mqttauth.OutcomeOf(result, err)
}

func TestCombinedConformance(t *testing.T) {
	good := goodToken(t)
	authtest.Run(t, combine(t, &reviewer{review: accepted()}, annotated(), nil),
		authtest.Case{Name: "token", Credentials: client(good), Want: mqttauth.Accepted},
		authtest.Case{Name: "other signature", Credentials: client(good[:len(good)-8] + "AAAAAAAA"), Want: mqttauth.Denied},
		authtest.Case{Name: "garbage", Credentials: client("correct horse battery staple"), Want: mqttauth.Denied})
	down := combine(t, &reviewer{err: errors.New("connection refused")}, annotated(), nil)
	authtest.Run(t, down, authtest.Case{Name: "token", Credentials: client(good), Want: mqttauth.Unavailable})
}

// SAT-9: who is asked about which token.
func TestCombinedAsks(t *testing.T) {
	r, a := &reviewer{review: accepted()}, annotated()
	m := combine(t, r, a, nil)
	good := podToken(t, "pod-0")
	otherKey := mint(t, "ES256", nil, map[string]any{"kubernetes.io": map[string]any{
		"namespace": namespace, "pod": map[string]any{"name": "pod-0", "uid": "pod-0-uid"}, "serviceaccount": map[string]any{"name": name, "uid": uid},
	}})
	steps := []struct {
		name, token string
		want        mqttauth.Outcome
		asked       int64 // in all
	}{
		{"forged", good[:len(good)-8] + "AAAAAAAA", mqttauth.Denied, 0},
		{"first of a pod", good, mqttauth.Accepted, 1},
		{"again", good, mqttauth.Accepted, 1},
		{"renewed", podToken(t, "pod-0"), mqttauth.Accepted, 1},
		{"of another pod", podToken(t, "pod-1"), mqttauth.Accepted, 2},
		{"of another key", otherKey, mqttauth.Accepted, 3},
		{"of a key that nobody shows", mint(t, "EdDSA", map[string]any{"kid": "new"}, nil), mqttauth.Accepted, 4},
		{"and again: nothing stands for it", mint(t, "EdDSA", map[string]any{"kid": "new"}, nil), mqttauth.Accepted, 5},
	}
	for _, step := range steps {
		if got := outcome(t, m, step.token); got != step.want || r.asked.Load() != step.asked {
			t.Errorf("%s: %v after %d reviews, want %v after %d", step.name, got, r.asked.Load(), step.want, step.asked)
		}
	}
	if a.asked.Load() != 1 {
		t.Errorf("the account was read %d times, want once", a.asked.Load())
	}
}

// A review that is no acceptance, or of somebody else, denies (SAT-4), and is
// not remembered.
func TestCombinedRefusals(t *testing.T) {
	other, elsewhere, another := accepted(), accepted(), accepted()
	other.UID = "other"
	elsewhere.Audiences = nil
	another.Username += "2"
	for name, review := range map[string]sat.Review{
		"refused": {Problem: "[invalid bearer token]"}, "no audience": elsewhere, "other UID": other, "other account": another,
		"nobody": {Authenticated: true, Username: "system:anonymous", Audiences: []string{audience}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &reviewer{review: review}
			m := combine(t, r, annotated(), nil)
			for want := int64(1); want <= 2; want++ {
				if got := outcome(t, m, podToken(t, "pod-0")); got != mqttauth.Denied || r.asked.Load() != want {
					t.Errorf("%v after %d reviews, want %v after %d", got, r.asked.Load(), mqttauth.Denied, want)
				}
			}
		})
	}
}

// A denial says once, for the log, what the API server says.
func TestCombinedRefusalText(t *testing.T) {
	m := combine(t, &reviewer{review: sat.Review{Problem: "[invalid bearer token]"}}, annotated(), nil)
	c := client(podToken(t, "pod-0"))
	_, err := m.Authenticate(t.Context(), &c)
	var denial *mqttauth.Error
	if !errors.As(err, &denial) {
		t.Fatalf("%v, want a denial", err)
	}
	if diff := cmp.Diff("sat: the token is refused: [invalid bearer token]", denial.Err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// While the API server is away, what it confirmed counts for MaxDelay and not a
// nanosecond longer; what it did not confirm does not count at all.
func TestCombinedOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, a := &reviewer{review: accepted()}, annotated()
		m := combine(t, r, a, nil)
		if got := outcome(t, m, podToken(t, "pod-0")); got != mqttauth.Accepted {
			t.Fatal(got)
		}
		r.err, a.err = errors.New("connection refused"), errors.New("connection refused")
		for range 15 {
			time.Sleep(maxDelay / 16)
			if got := outcome(t, m, podToken(t, "pod-0")); got != mqttauth.Accepted {
				t.Fatalf("known: %v", got)
			}
			if got := outcome(t, m, podToken(t, "pod-1")); got != mqttauth.Unavailable {
				t.Fatalf("unknown: %v", got)
			}
			synctest.Wait() // for what is asked in the background
		}
		time.Sleep(maxDelay/16 - 1)
		if got := outcome(t, m, podToken(t, "pod-0")); got != mqttauth.Accepted {
			t.Errorf("just before: %v", got)
		}
		time.Sleep(time.Nanosecond)
		if got := outcome(t, m, podToken(t, "pod-0")); got != mqttauth.Unavailable {
			t.Errorf("after: %v", got)
		}
		r.err, a.err = nil, nil
		if got := outcome(t, m, podToken(t, "pod-0")); got != mqttauth.Accepted {
			t.Errorf("the API server is back: %v", got)
		}
	})
}

// A refusal in the background counts from then on; questions that fail are not
// asked again for each client.
func TestCombinedBackgroundAnswers(t *testing.T) {
	tests := []struct {
		name  string
		err   error
		want  mqttauth.Outcome
		asked int64 // in all, after a hundred more clients
	}{
		{"refused", nil, mqttauth.Denied, 102},
		{"outage", errors.New("connection refused"), mqttauth.Accepted, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &reviewer{review: accepted()}
				m := combine(t, r, annotated(), nil)
				if got := outcome(t, m, podToken(t, "pod-0")); got != mqttauth.Accepted {
					t.Fatal(got)
				}
				r.review, r.err = sat.Review{Problem: "service account token has been invalidated"}, tt.err
				time.Sleep(maxDelay / 2)
				if got := outcome(t, m, podToken(t, "pod-0")); got != mqttauth.Accepted {
					t.Fatal(got)
				}
				for range 100 {
					synctest.Wait()
					if got := outcome(t, m, podToken(t, "pod-0")); got != tt.want {
						t.Fatalf("%v, want %v", got, tt.want)
					}
				}
				synctest.Wait()
				if got := r.asked.Load(); got != tt.asked {
					t.Errorf("%d reviews, want %d", got, tt.asked)
				}
			})
		})
	}
}

// Nobody waits for a review in the background, and there is one at a time.
func TestCombinedBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{}, 1)}
		m := combine(t, g, annotated(), nil)
		g.open <- struct{}{}
		if got := outcome(t, m, podToken(t, "pod-0")); got != mqttauth.Accepted {
			t.Fatal(got)
		}
		time.Sleep(maxDelay / 2)
		start := time.Now()
		for range 100 {
			if got := outcome(t, m, podToken(t, "pod-0")); got != mqttauth.Accepted {
				t.Fatal(got)
			}
		}
		synctest.Wait()
		if waited := time.Since(start); waited != 0 || len(g.seen) != 2 {
			t.Errorf("waited %v, asked %d times in all, want 2", waited, len(g.seen))
		}
		time.Sleep(sat.DefaultFetchTime) // it gives up
		synctest.Wait()
		if g.busy.Load() != 0 {
			t.Error("a question in the background has no end")
		}
	})
}

// S-48: whose pod is deleted is refused, and cut if connected, within MaxDelay,
// whenever that happens.
func TestCombinedDeletedPod(t *testing.T) {
	for deleted := time.Duration(0); deleted <= 2*maxDelay; deleted += maxDelay / 8 {
		synctest.Test(t, func(t *testing.T) {
			pod := &mortal{}
			m := combine(t, pod, annotated(), func(c *sat.Config) { c.ReviewAgain, c.RevalidateAfter = true, maxDelay/4 })
			c := client(podToken(t, "pod-0"))
			result, err := m.Authenticate(t.Context(), &c)
			if err != nil {
				t.Fatal(err)
			}
			pod.end = time.Now().Add(deleted)
			for {
				time.Sleep(maxDelay / 4)
				again, err := result.Revalidate(t.Context())
				synctest.Wait()
				if mqttauth.OutcomeOf(again, err) == mqttauth.Denied {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				result = again
			}
			if late := time.Since(pod.end); late < 0 || late > maxDelay {
				t.Errorf("deleted after %v: cut %v later", deleted, late)
			}
			if got := outcome(t, m, podToken(t, "pod-0")); got != mqttauth.Denied {
				t.Errorf("deleted after %v: CONNECT %v", deleted, got)
			}
		})
	}
}

// mortal is a Reviewer that accepts until an end.
type mortal struct{ end time.Time }

func (m *mortal) Review(context.Context, *sat.Request) (sat.Review, error) {
	if !m.end.IsZero() && !time.Now().Before(m.end) {
		return sat.Review{Problem: "service account token has been invalidated"}, nil
	}
	return accepted(), nil
}

// Annotations follow within MaxDelay; an account that is gone, or another of
// its name, denies (SAT-5).
func TestCombinedAccounts(t *testing.T) {
	tests := []struct {
		name   string
		stored sat.ServiceAccount
		err    error
		want   mqttauth.Outcome
	}{
		{"deleted", sat.ServiceAccount{}, sat.ErrNoAccount, mqttauth.Denied},
		{"made again", sat.ServiceAccount{UID: "other"}, nil, mqttauth.Denied},
		{"annotated", sat.ServiceAccount{UID: uid, Annotations: map[string]string{"aio-broker-auth/floor": "2"}}, nil, mqttauth.Accepted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := annotated()
				m := combine(t, &reviewer{review: accepted()}, a, nil)
				c := client(podToken(t, "pod-0"))
				floor := func(want string) {
					t.Helper()
					result, err := m.Authenticate(t.Context(), &c)
					if diff := cmp.Diff(want, result.Principal.Attributes["floor"]); err != nil || diff != "" {
						t.Fatalf("%v (-want +got):\n%s", err, diff)
					}
				}
				floor("1")
				a.stored, a.err = tt.stored, tt.err
				time.Sleep(maxDelay/2 - 1)
				floor("1")
				time.Sleep(time.Nanosecond)
				floor("1") // and asks again
				synctest.Wait()
				result, err := m.Authenticate(t.Context(), &c)
				if got := mqttauth.OutcomeOf(result, err); got != tt.want {
					t.Fatalf("%v (%v), want %v", got, err, tt.want)
				}
				if tt.want == mqttauth.Accepted && result.Principal.Attributes["floor"] != "2" {
					t.Errorf("attributes %v", result.Principal.Attributes)
				}
			})
		})
	}
}

func TestNewCombinedRefuses(t *testing.T) {
	v := newVerifier(t, sat.VerifierConfig{KeySet: "none.json"})
	r, a := &reviewer{}, annotated()
	for name, f := range map[string]func() (*sat.Combined, error){
		"no verifier":     func() (*sat.Combined, error) { return sat.NewCombined(nil, r, a, sat.CombinedConfig{}) },
		"no reviewer":     func() (*sat.Combined, error) { return sat.NewCombined(v, nil, a, sat.CombinedConfig{}) },
		"no annotator":    func() (*sat.Combined, error) { return sat.NewCombined(v, r, nil, sat.CombinedConfig{}) },
		"negative delay":  func() (*sat.Combined, error) { return sat.NewCombined(v, r, a, sat.CombinedConfig{MaxDelay: -1}) },
		"negative number": func() (*sat.Combined, error) { return sat.NewCombined(v, r, a, sat.CombinedConfig{MaxEntries: -1}) },
		"negative time":   func() (*sat.Combined, error) { return sat.NewCombined(v, r, a, sat.CombinedConfig{Timeout: -1}) },
	} {
		if c, err := f(); c != nil || err == nil {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	if _, err := sat.NewCombined(v, r, a, sat.CombinedConfig{}); err != nil {
		t.Error(err)
	}
}
