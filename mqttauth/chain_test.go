package mqttauth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// methodFunc is a method made of a function.
type methodFunc func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error)

func (f methodFunc) Authenticate(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	return f(ctx, c)
}

// says returns a method that always answers err, or accepts alice if it is nil.
func says(err error) mqttauth.Method {
	return methodFunc(func(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
		if err != nil {
			return mqttauth.Result{}, err
		}
		return mqttauth.Accept(mqttauth.Principal{ClientID: c.ClientID, Username: "alice"}, "alice"), nil
	})
}

// accepts returns a method that accepts everybody under this name.
func accepts(name string) mqttauth.Method {
	return methodFunc(func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) {
		return mqttauth.Accept(mqttauth.Principal{}, name), nil
	})
}

// hangs answers only when it has to, with what its context says.
var hangs = methodFunc(func(ctx context.Context, _ *mqttauth.Credentials) (mqttauth.Result, error) {
	<-ctx.Done()
	return mqttauth.Result{}, ctx.Err()
})

// deaf returns a method that answers after d, whatever its context says.
func deaf(d time.Duration, m mqttauth.Method) mqttauth.Method {
	return methodFunc(func(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
		time.Sleep(d)
		return m.Authenticate(ctx, c)
	})
}

func newChain(t testing.TB, policy string, entries ...mqttauth.Entry) *mqttauth.Chain {
	t.Helper()
	c, err := mqttauth.NewChain(policy, entries...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var (
	errForged = errors.New("signature is wrong")
	denied    = mqttauth.Deny(mqttauth.NotAuthorized, errForged)
)

func TestChain(t *testing.T) {
	const next, stop = mqttauth.OutageNext, mqttauth.OutageStop
	entry := func(name string, err error, o mqttauth.Outage) mqttauth.Entry {
		return mqttauth.Entry{Name: name, Method: says(err), OnUnavailable: o}
	}
	enhanced := &mqttauth.Credentials{ClientID: "c", AuthMethod: "K8S-SAT", Version: mqttauth.MQTT5}
	plain := &mqttauth.Credentials{ClientID: "c", Version: mqttauth.MQTT5}
	tests := []struct {
		name    string
		entries []mqttauth.Entry
		cred    *mqttauth.Credentials
		want    mqttauth.Outcome
		reason  mqttauth.ReasonCode
		asked   string // the decision record
	}{
		{
			"AUTHN-1, AUTHN-2: the first relevant method accepts",
			[]mqttauth.Entry{entry("a", mqttauth.ErrNotRelevant, stop), entry("b", nil, stop), entry("c", denied, stop)},
			plain, mqttauth.Accepted, 0, "a not relevant, b accepted",
		},
		{
			"AUTHN-1, AUTHN-2: the first relevant method denies",
			[]mqttauth.Entry{entry("a", mqttauth.ErrNotRelevant, stop), entry("b", denied, stop), entry("c", nil, stop)},
			plain, mqttauth.Denied, mqttauth.NotAuthorized, "a not relevant, b denied",
		},
		{
			"AUTHN-2: none relevant",
			[]mqttauth.Entry{entry("a", mqttauth.ErrNotRelevant, stop), entry("b", mqttauth.ErrNotRelevant, next)},
			plain, mqttauth.NotRelevant, mqttauth.NotAuthorized, "a not relevant, b not relevant",
		},
		{
			"AUTHN-6: none knows the authentication method",
			[]mqttauth.Entry{entry("a", mqttauth.ErrNotRelevant, stop)},
			enhanced, mqttauth.NotRelevant, mqttauth.BadAuthenticationMethod, "a not relevant",
		},
		{
			"AUTHN-12: anonymous does not implement an authentication method",
			[]mqttauth.Entry{{Name: "a", Method: mqttauth.AllowAnonymous()}},
			enhanced, mqttauth.Denied, mqttauth.BadAuthenticationMethod, "a denied",
		},
		{
			"AUTHN-3: an unreachable custom server is not relevant",
			[]mqttauth.Entry{entry("custom", mqttauth.ErrUnavailable, next), entry("b", nil, stop)},
			plain, mqttauth.Accepted, 0, "custom unavailable, b accepted",
		},
		{
			"AUTHN-3: a custom server's verdict ends the flow",
			[]mqttauth.Entry{entry("custom", denied, next), entry("b", nil, stop)},
			plain, mqttauth.Denied, mqttauth.NotAuthorized, "custom denied",
		},
		{
			"AUTHN-4: stop is the zero value",
			[]mqttauth.Entry{{Name: "a", Method: says(mqttauth.ErrUnavailable)}, entry("b", nil, stop)},
			plain, mqttauth.Failed, mqttauth.ServerUnavailable, "a unavailable",
		},
		{
			"AUTHN-4: nobody decided after an outage",
			[]mqttauth.Entry{entry("custom", mqttauth.ErrUnavailable, next), entry("b", mqttauth.ErrNotRelevant, stop)},
			plain, mqttauth.Unavailable, mqttauth.ServerUnavailable, "custom unavailable, b not relevant",
		},
		{
			"AUTHN-4, AUTHN-6: an outage before an authentication method that nobody else knows",
			[]mqttauth.Entry{entry("custom", mqttauth.ErrUnavailable, next), entry("b", mqttauth.ErrNotRelevant, stop)},
			enhanced, mqttauth.Unavailable, mqttauth.ServerUnavailable, "custom unavailable, b not relevant",
		},
		{
			"AUTHN-5: the load on us never means next",
			[]mqttauth.Entry{entry("custom", mqttauth.ErrFailed, next), entry("b", nil, stop)},
			plain, mqttauth.Failed, mqttauth.ServerUnavailable, "custom failed",
		},
		{
			"AUTHN-5: an outage does not soften a later denial",
			[]mqttauth.Entry{entry("custom", mqttauth.ErrUnavailable, next), entry("b", denied, stop)},
			plain, mqttauth.Denied, mqttauth.NotAuthorized, "custom unavailable, b denied",
		},
		{
			"AUTHN-2: an unclassified error denies",
			[]mqttauth.Entry{entry("a", errForged, next), entry("b", nil, stop)},
			plain, mqttauth.Denied, mqttauth.NotAuthorized, "a denied",
		},
		{
			"AUTHN-6: the reason of a denial",
			[]mqttauth.Entry{entry("a", mqttauth.Deny(mqttauth.BadUsernameOrPassword, nil), stop)},
			plain, mqttauth.Denied, mqttauth.BadUsernameOrPassword, "a denied",
		},
		{
			"AUTHN-6: a denial cannot send a success code",
			[]mqttauth.Entry{entry("a", mqttauth.Deny(mqttauth.Success, nil), stop)},
			plain, mqttauth.Denied, mqttauth.NotAuthorized, "a denied",
		},
		{
			"an *Error that claims to accept denies",
			[]mqttauth.Entry{entry("a", &mqttauth.Error{Outcome: mqttauth.Accepted}, next), entry("b", nil, stop)},
			plain, mqttauth.Denied, mqttauth.NotAuthorized, "a denied",
		},
		{
			"an *Error that is nil denies",
			[]mqttauth.Entry{entry("a", (*mqttauth.Error)(nil), next), entry("b", nil, stop)},
			plain, mqttauth.Denied, mqttauth.NotAuthorized, "a denied",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := newChain(t, "policy", test.entries...).Authenticate(t.Context(), test.cred)
			if got := mqttauth.OutcomeOf(r, err); got != test.want {
				t.Errorf("outcome %v, want %v (%v)", got, test.want, err)
			}
			steps := r.Steps
			if err != nil {
				var e *mqttauth.Error
				if !errors.As(err, &e) {
					t.Fatalf("error is a %T, want *mqttauth.Error", err)
				}
				if e.Reason != test.reason {
					t.Errorf("reason %v, want %v", e.Reason, test.reason)
				}
				steps = e.Steps
			}
			if diff := cmp.Diff(test.asked, record(steps)); diff != "" {
				t.Errorf("decision record (-want +got):\n%s", diff)
			}
		})
	}
}

func record(steps []mqttauth.Step) string {
	var said []string
	for _, s := range steps {
		said = append(said, s.Method+" "+s.Outcome.String())
		if (s.Err == nil) != (s.Outcome == mqttauth.Accepted) || s.Duration < 0 {
			said = append(said, fmt.Sprintf("(bad step %+v)", s))
		}
	}
	return strings.Join(said, ", ")
}

// A zero Result denies, and so do the other ways to make one without Accept.
func TestChainResultWithoutAccept(t *testing.T) {
	for _, r := range []mqttauth.Result{
		{},
		{Identity: mqttauth.Identity{Policy: "policy", Method: "a", Name: "root"}},
		{Principal: mqttauth.Principal{Username: "root"}, Expiry: time.Now().Add(time.Hour)},
	} {
		method := methodFunc(func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) { return r, nil })
		chain := newChain(t, "policy", mqttauth.Entry{Name: "a", Method: method}, mqttauth.Entry{Name: "b", Method: says(nil)})
		got, err := chain.Authenticate(t.Context(), &mqttauth.Credentials{})
		if o := mqttauth.OutcomeOf(got, err); o != mqttauth.Denied || got.Accepted() || err == nil {
			t.Errorf("%+v: outcome %v, err %v, want denied with an error", r, o, err)
		}
	}
}

// An accepting Result beside an error does not accept.
func TestChainResultBesideError(t *testing.T) {
	for _, err := range []error{mqttauth.ErrNotRelevant, mqttauth.ErrUnavailable, mqttauth.ErrFailed, errForged} {
		method := methodFunc(func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) {
			return mqttauth.Accept(mqttauth.Principal{}, "alice"), err
		})
		r, got := newChain(t, "p", mqttauth.Entry{Name: "a", Method: method, OnUnavailable: mqttauth.OutageNext}).
			Authenticate(t.Context(), &mqttauth.Credentials{})
		if got == nil || r.Accepted() || mqttauth.OutcomeOf(r, got) == mqttauth.Accepted {
			t.Errorf("beside %v: accepted %t, err %v", err, r.Accepted(), got)
		}
	}
}

func TestChainNilDenies(t *testing.T) {
	var none *mqttauth.Chain
	if r, err := none.Authenticate(t.Context(), &mqttauth.Credentials{}); mqttauth.OutcomeOf(r, err) != mqttauth.Denied {
		t.Errorf("nil chain: %v, want denied", err)
	}
	if r, err := newChain(t, "p", mqttauth.Entry{Name: "a", Method: says(nil)}).Authenticate(t.Context(), nil); mqttauth.OutcomeOf(r, err) != mqttauth.Denied {
		t.Errorf("nil credentials: %v, want denied", err)
	}
}

func TestNewChainErrors(t *testing.T) {
	ok := mqttauth.Entry{Name: "a", Method: says(nil)}
	tests := []struct {
		name    string
		policy  string
		entries []mqttauth.Entry
		want    string
	}{
		{"no policy", "", []mqttauth.Entry{ok}, "needs a policy name"},
		{"no entry", "p", nil, "has no methods"},
		{"no name", "p", []mqttauth.Entry{{Method: says(nil)}}, "entry 0"},
		{"slash", "p", []mqttauth.Entry{ok, {Name: "a/b", Method: says(nil)}}, `entry 1: name "a/b"`},
		{"twice", "p", []mqttauth.Entry{ok, ok}, `two entries are named "a"`},
		{"no method", "p", []mqttauth.Entry{{Name: "a"}}, "has no method"},
		{"negative timeout", "p", []mqttauth.Entry{{Name: "a", Method: says(nil), Timeout: -1}}, "negative timeout"},
		{"outage", "p", []mqttauth.Entry{{Name: "a", Method: says(nil), OnUnavailable: 2}}, "unknown outage setting 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := mqttauth.NewChain(test.policy, test.entries...)
			if err == nil || c != nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "mqttauth: ") {
				t.Errorf("got %v, %v, want an error with %q", c, err, test.want)
			}
		})
	}
}

// A chain keeps its own copy of the entries.
func TestNewChainCopies(t *testing.T) {
	entries := []mqttauth.Entry{{Name: "a", Method: says(denied)}}
	chain := newChain(t, "p", entries...)
	entries[0].Method = says(nil)
	if r, err := chain.Authenticate(t.Context(), &mqttauth.Credentials{}); mqttauth.OutcomeOf(r, err) != mqttauth.Denied {
		t.Errorf("got %v, want denied", err)
	}
}

func TestChainErrorText(t *testing.T) {
	inner := newChain(t, "inner", mqttauth.Entry{Name: "sat", Method: says(denied)})
	outer := newChain(t, "outer", mqttauth.Entry{Name: "all", Method: inner})
	_, err := outer.Authenticate(t.Context(), &mqttauth.Credentials{})
	if got, want := err.Error(), "mqttauth: denied: signature is wrong"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, errForged) {
		t.Error("the cause is lost")
	}
	var e *mqttauth.Error
	if !errors.As(err, &e) || len(e.Steps) != 1 {
		t.Fatalf("got %#v, want one step", err)
	}
	var nested *mqttauth.Error
	if !errors.As(e.Steps[0].Err, &nested) || record(nested.Steps) != "sat denied" {
		t.Errorf("the nested chain's record is lost: %v", e.Steps[0].Err)
	}
}

// The chain is asked by many at once. Run with -race.
func TestChainConcurrent(t *testing.T) {
	chain := newChain(t, "p", mqttauth.Entry{Name: "a", Method: says(mqttauth.ErrNotRelevant)}, mqttauth.Entry{Name: "b", Method: says(nil)})
	names := make(chan string)
	for i := range 8 {
		go func() {
			r, err := chain.Authenticate(t.Context(), &mqttauth.Credentials{ClientID: fmt.Sprint("client", i)})
			names <- fmt.Sprint(r.Principal.ClientID, " ", err)
		}()
	}
	var got []string
	for range 8 {
		got = append(got, <-names)
	}
	slices.Sort(got)
	for i, name := range got {
		if want := fmt.Sprint("client", i, " <nil>"); name != want {
			t.Errorf("got %q, want %q", name, want)
		}
	}
}

func BenchmarkChainOfThree(b *testing.B) {
	result := mqttauth.Accept(mqttauth.Principal{Username: "alice"}, "alice")
	last := methodFunc(func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) { return result, nil })
	none := says(mqttauth.ErrNotRelevant)
	chain := newChain(b, "p", mqttauth.Entry{Name: "custom", Method: none}, mqttauth.Entry{Name: "sat", Method: none}, mqttauth.Entry{Name: "x509", Method: last})
	cred := &mqttauth.Credentials{ClientID: "c", Version: mqttauth.MQTT5}
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := chain.Authenticate(ctx, cred); err != nil {
			b.Fatal(err)
		}
	}
}

func TestChainAllocations(t *testing.T) {
	result := mqttauth.Accept(mqttauth.Principal{Username: "alice"}, "alice")
	last := methodFunc(func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) { return result, nil })
	none := says(mqttauth.ErrNotRelevant)
	chain := newChain(t, "p", mqttauth.Entry{Name: "a", Method: none}, mqttauth.Entry{Name: "b", Method: none}, mqttauth.Entry{Name: "c", Method: last})
	cred := &mqttauth.Credentials{ClientID: "c"}
	ctx := t.Context()
	got := testing.AllocsPerRun(100, func() {
		if _, err := chain.Authenticate(ctx, cred); err != nil {
			t.Fatal(err)
		}
	})
	if got > 3 {
		t.Errorf("%v allocations, want at most 3", got)
	}
}

// What the methods of BenchmarkChainOfThree cost by themselves.
func BenchmarkChainOfThreeMethodsAlone(b *testing.B) {
	result := mqttauth.Accept(mqttauth.Principal{Username: "alice"}, "alice")
	last := mqttauth.Method(methodFunc(func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) { return result, nil }))
	none := says(mqttauth.ErrNotRelevant)
	cred := &mqttauth.Credentials{ClientID: "c", Version: mqttauth.MQTT5}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		for _, m := range []mqttauth.Method{none, none, last} {
			if r, err := m.Authenticate(ctx, cred); err == nil && !r.Accepted() {
				b.Fatal("not accepted")
			}
		}
	}
}
