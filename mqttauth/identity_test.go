package mqttauth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// forges returns a method that claims every field that is not its to set.
func forges(id mqttauth.Identity) mqttauth.Method {
	var answer func(context.Context) (mqttauth.Result, error)
	answer = func(context.Context) (mqttauth.Result, error) {
		r := mqttauth.Accept(mqttauth.Principal{ClientID: "somebody else"}, id.Name)
		r.Identity = id
		r.Revalidate = answer
		r.Steps = []mqttauth.Step{{Method: "invented", Outcome: mqttauth.Accepted}}
		return r, nil
	}
	return methodFunc(func(ctx context.Context, _ *mqttauth.Credentials) (mqttauth.Result, error) { return answer(ctx) })
}

// AUTHN-10: the chain composes the identity; no method can forge another's.
func TestChainIdentity(t *testing.T) {
	id := func(policy, method, name string) mqttauth.Identity {
		return mqttauth.Identity{Policy: policy, Method: method, Name: name}
	}
	custom := func(m mqttauth.Method) []mqttauth.Entry {
		return []mqttauth.Entry{{Name: "custom", Method: m}}
	}
	nested := func(m mqttauth.Method) mqttauth.Method { return newChain(t, "inner", custom(m)...) }
	tests := []struct {
		name   string
		method mqttauth.Method
		want   mqttauth.Identity
	}{
		{"plain", accepts("alice"), id("ns/policy", "custom", "alice")},
		{"no name", accepts(""), id("ns/policy", "custom", "")},
		{"anonymous", mqttauth.AllowAnonymous(), id("ns/policy", "custom/anonymous", "anonymous")},
		{"forged policy", forges(id("ns/other", "", "alice")), id("ns/policy", "custom", "alice")},
		{"forged method", forges(id("", "x509", "alice")), id("ns/policy", "custom/x509", "alice")},
		{"forged path", forges(id("ns/policy", "x509/custom", "alice")), id("ns/policy", "custom/x509/custom", "alice")},
		{"nested", nested(accepts("alice")), id("ns/policy", "custom/custom", "alice")},
		{"nested twice", nested(nested(accepts("alice"))), id("ns/policy", "custom/custom/custom", "alice")},
		{"forged in a nested chain", nested(forges(id("ns/policy", "x509", "alice"))), id("ns/policy", "custom/custom/x509", "alice")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			chain := newChain(t, "ns/policy", custom(test.method)...)
			r, err := chain.Authenticate(t.Context(), &mqttauth.Credentials{ClientID: "c"})
			for range 3 { // judging again, and again, gives the same
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, r.Identity); diff != "" {
					t.Errorf("identity (-want +got):\n%s", diff)
				}
				if r.Principal.ClientID != "c" {
					t.Errorf("client ID %q, want that of the client", r.Principal.ClientID)
				}
				if r.Revalidate == nil {
					return
				}
				r, err = r.Revalidate(t.Context())
			}
		})
	}
}

func TestIdentitySame(t *testing.T) {
	alice := mqttauth.Identity{Policy: "p", Method: "m", Name: "alice"}
	tests := []struct {
		name string
		a, b mqttauth.Identity
		want bool
	}{
		{"equal", alice, alice, true},
		{"other policy", alice, mqttauth.Identity{Policy: "q", Method: "m", Name: "alice"}, false},
		{"other method", alice, mqttauth.Identity{Policy: "p", Method: "n", Name: "alice"}, false},
		{"other name", alice, mqttauth.Identity{Policy: "p", Method: "m", Name: "Alice"}, false},
		{"moved separator", mqttauth.Identity{Policy: "p", Method: "m/n", Name: "a"}, mqttauth.Identity{Policy: "p", Method: "m", Name: "n/a"}, false},
		{"no name equals nobody", mqttauth.Identity{Policy: "p", Method: "m"}, mqttauth.Identity{Policy: "p", Method: "m"}, false},
		{"zero", mqttauth.Identity{}, mqttauth.Identity{}, false},
	}
	for _, test := range tests {
		if got := test.a.Same(test.b); got != test.want {
			t.Errorf("AUTHN-10: %s: %t, want %t", test.name, got, test.want)
		}
	}
}

// EXP-2: a renewal is put to the entry that accepted the client and to no
// other, through nested chains.
func TestChainRenewal(t *testing.T) {
	never := methodFunc(func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) {
		t.Error("another method was asked")
		return mqttauth.Result{}, denied
	})
	var seen *mqttauth.Result
	spy := func(err error) mqttauth.Method {
		return methodFunc(func(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
			seen = c.Previous
			return mqttauth.Accept(mqttauth.Principal{}, "alice"), err
		})
	}
	chain := func(err error) *mqttauth.Chain {
		inner := newChain(t, "inner", mqttauth.Entry{Name: "a", Method: never}, mqttauth.Entry{Name: "sat", Method: spy(err), OnUnavailable: mqttauth.OutageNext}, mqttauth.Entry{Name: "z", Method: never})
		return newChain(t, "p", mqttauth.Entry{Name: "a", Method: never}, mqttauth.Entry{Name: "inner", Method: inner, OnUnavailable: mqttauth.OutageNext}, mqttauth.Entry{Name: "z", Method: never})
	}
	previous := func(method string) *mqttauth.Result {
		r := mqttauth.Accept(mqttauth.Principal{ClientID: "c"}, "alice")
		r.Identity.Policy, r.Identity.Method = "p", method
		return &r
	}
	tests := []struct {
		name   string
		method string
		err    error
		want   mqttauth.Outcome
		asked  bool
	}{
		{"accepted", "inner/sat", nil, mqttauth.Accepted, true},
		{"denied", "inner/sat", denied, mqttauth.Denied, true},
		{"not relevant is not valid", "inner/sat", mqttauth.ErrNotRelevant, mqttauth.Denied, true},
		{"outage does not go on", "inner/sat", mqttauth.ErrUnavailable, mqttauth.Unavailable, true},
		{"failed", "inner/sat", mqttauth.ErrFailed, mqttauth.Failed, true},
		{"the inner method is gone", "inner/gone", nil, mqttauth.Denied, false},
		{"the method is gone", "gone", nil, mqttauth.Denied, false},
		{"never named", "", nil, mqttauth.Denied, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			seen = nil
			before := previous(test.method)
			r, err := chain(test.err).Authenticate(t.Context(), &mqttauth.Credentials{ClientID: "c", Previous: before})
			if got := mqttauth.OutcomeOf(r, err); got != test.want {
				t.Errorf("outcome %v, want %v (%v)", got, test.want, err)
			}
			if (seen != nil) != test.asked {
				t.Errorf("asked: %t, want %t", seen != nil, test.asked)
			}
			if seen != nil && seen.Identity.Method != "" {
				t.Errorf("the method sees itself as %q, want what it said of itself", seen.Identity.Method)
			}
			if diff := cmp.Diff(test.method, before.Identity.Method); diff != "" {
				t.Errorf("the previous result was modified (-want +got):\n%s", diff)
			}
			if test.want == mqttauth.Accepted && !r.Identity.Same(before.Identity) {
				t.Errorf("identity %+v, want that of before", r.Identity)
			}
		})
	}
}

// EXP-7: an outage and a denial of a judgement pass through the chain.
func TestChainRevalidateError(t *testing.T) {
	method := methodFunc(func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) {
		r := mqttauth.Accept(mqttauth.Principal{}, "alice")
		r.Expiry = time.Unix(1, 0)
		r.Revalidate = func(context.Context) (mqttauth.Result, error) {
			return mqttauth.Result{}, mqttauth.ErrUnavailable
		}
		return r, nil
	})
	r, err := newChain(t, "p", mqttauth.Entry{Name: "a", Method: method}).Authenticate(t.Context(), &mqttauth.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.Revalidate(t.Context()); again.Accepted() || !errors.Is(err, mqttauth.ErrUnavailable) {
		t.Errorf("got %+v, %v, want unavailable", again, err)
	}
}

func TestAllowAnonymous(t *testing.T) {
	m := mqttauth.AllowAnonymous()
	r, err := m.Authenticate(t.Context(), &mqttauth.Credentials{
		ClientID: "c", Username: "root", HasUsername: true, Password: mqttauth.NewSecret([]byte("x")),
	})
	if err != nil || !r.Accepted() {
		t.Fatalf("LINK-2: got %v, %v, want accepted", r, err)
	}
	if diff := cmp.Diff(mqttauth.Principal{ClientID: "c"}, r.Principal); diff != "" {
		t.Errorf("LINK-2: principal (-want +got):\n%s", diff)
	}
	other, err := m.Authenticate(t.Context(), &mqttauth.Credentials{ClientID: "d"})
	if err != nil || !r.Identity.Same(other.Identity) {
		t.Errorf("AUTHN-10: anonymous does not equal anonymous: %v", err)
	}
}
