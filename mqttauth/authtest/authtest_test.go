package authtest_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/authtest"
)

const phrase = "correct horse battery staple"

func credentials(phrase string) mqttauth.Credentials {
	return mqttauth.Credentials{
		ClientID: "c", Username: "alice", HasUsername: true, Password: mqttauth.NewSecret([]byte(phrase)), Version: mqttauth.MQTT5,
	}
}

func cases() []authtest.Case {
	return []authtest.Case{
		{Name: "right", Credentials: credentials(phrase), Want: mqttauth.Accepted},
		{Name: "wrong", Credentials: credentials("wrong horse battery staple"), Want: mqttauth.Denied},
		{Name: "nothing", Credentials: mqttauth.Credentials{ClientID: "c", Version: mqttauth.MQTT5}, Want: mqttauth.NotRelevant},
	}
}

type methodFunc func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error)

func (f methodFunc) Authenticate(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	return f(ctx, c)
}

var errWrong = errors.New("wrong password")

// good is a method without faults.
func good(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	switch {
	case !c.Password.IsSet():
		return mqttauth.Result{}, mqttauth.ErrNotRelevant
	case ctx.Err() != nil:
		return mqttauth.Result{}, fmt.Errorf("%w: %w", mqttauth.ErrFailed, ctx.Err())
	case string(c.Password.Reveal()) != phrase:
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.BadUsernameOrPassword, errWrong)
	}
	return accept(c), nil
}

func accept(c *mqttauth.Credentials) mqttauth.Result {
	p := mqttauth.Principal{ClientID: c.ClientID, Username: c.Username, Attributes: map[string]string{"floor": "1"}}
	r := mqttauth.Accept(p, c.Username)
	r.Expiry = time.Now().Add(time.Hour)
	r.Revalidate = func(context.Context) (mqttauth.Result, error) { return mqttauth.Accept(p, p.Username), nil }
	return r
}

func TestGoodMethod(t *testing.T) {
	authtest.Run(t, methodFunc(good), cases()...)
}

// then returns good with its acceptances changed.
func then(change func(*mqttauth.Result, *mqttauth.Credentials)) mqttauth.Method {
	return methodFunc(func(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
		r, err := good(ctx, c)
		if err == nil {
			change(&r, c)
		}
		return r, err
	})
}

// denies returns good with other denials.
func denies(deny func(*mqttauth.Credentials) (mqttauth.Result, error)) mqttauth.Method {
	return methodFunc(func(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
		r, err := good(ctx, c)
		if errors.Is(err, errWrong) {
			return deny(c)
		}
		return r, err
	})
}

// Each broken method is caught by the rule that it breaks.
func TestBrokenMethods(t *testing.T) {
	shared := map[string]string{}
	var last atomic.Pointer[mqttauth.Credentials]
	var leaked atomic.Pointer[mqttauth.Secret]
	var calls atomic.Int64
	var busy atomic.Int64
	tests := []struct {
		name   string
		rule   string
		method mqttauth.Method
	}{
		{"accepts everybody", "outcome", methodFunc(func(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
			return accept(c), nil
		})},
		{"denies what is not its kind", "outcome", methodFunc(func(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
			if !c.Password.IsSet() {
				return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, nil)
			}
			return good(ctx, c)
		})},
		{"calls a denial an outage", "outcome", denies(func(*mqttauth.Credentials) (mqttauth.Result, error) {
			return mqttauth.Result{}, mqttauth.ErrUnavailable
		})},
		{"says nothing", "zero result", denies(func(*mqttauth.Credentials) (mqttauth.Result, error) {
			return mqttauth.Result{}, nil
		})},
		{"accepts beside an error", "result beside error", denies(func(c *mqttauth.Credentials) (mqttauth.Result, error) {
			return accept(c), mqttauth.Deny(mqttauth.NotAuthorized, errWrong)
		})},
		{"denies with success", "reason", denies(func(*mqttauth.Credentials) (mqttauth.Result, error) {
			return mqttauth.Result{}, mqttauth.Deny(mqttauth.Success, errWrong)
		})},
		{"denies with a nil *Error", "reason", denies(func(*mqttauth.Credentials) (mqttauth.Result, error) {
			return mqttauth.Result{}, (*mqttauth.Error)(nil)
		})},
		{"accepts what has expired", "expiry", then(func(r *mqttauth.Result, _ *mqttauth.Credentials) {
			r.Expiry = time.Now().Add(-time.Second)
		})},
		{"does not look at its context", "cancellation", methodFunc(func(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
			if ctx.Err() != nil || hasDeadline(ctx) {
				<-time.After(300 * time.Millisecond)
			}
			return good(context.WithoutCancel(ctx), c)
		})},
		{"goes on to the next under load", "load", methodFunc(func(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
			if ctx.Err() != nil {
				return mqttauth.Result{}, mqttauth.ErrNotRelevant
			}
			return good(ctx, c)
		})},
		{"accepts under load", "load", methodFunc(func(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
			if ctx.Err() != nil && c.Password.IsSet() {
				return accept(c), nil
			}
			return good(ctx, c)
		})},
		{"quotes the password", "secret", denies(func(c *mqttauth.Credentials) (mqttauth.Result, error) {
			return mqttauth.Result{}, mqttauth.Deny(mqttauth.BadUsernameOrPassword, fmt.Errorf("not the password: %q", c.Password.Reveal()))
		})},
		{"quotes the password in hexadecimal, deep below", "secret", denies(func(c *mqttauth.Credentials) (mqttauth.Result, error) {
			return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, hiddenError{fmt.Errorf("%s: %w", hex.EncodeToString(c.Password.Reveal()), errWrong)})
		})},
		{"has the password as an attribute", "secret", then(func(r *mqttauth.Result, c *mqttauth.Credentials) {
			r.Principal.Attributes["password"] = string(c.Password.Reveal())
		})},
		{"has the password as a name", "secret", then(func(r *mqttauth.Result, c *mqttauth.Credentials) {
			r.Identity.Name += string(c.Password.Reveal())
		})},
		{"keeps the secret", "kept secret", then(func(_ *mqttauth.Result, c *mqttauth.Credentials) {
			s := c.Password
			leaked.Store(&s)
		})},
		{"keeps the credentials", "kept secret", then(func(_ *mqttauth.Result, c *mqttauth.Credentials) {
			last.Store(c)
		})},
		{"keeps the secret for judging", "kept secret", then(func(r *mqttauth.Result, c *mqttauth.Credentials) {
			judge, secret := r.Revalidate, c.Password
			r.Revalidate = func(ctx context.Context) (mqttauth.Result, error) {
				if !secret.IsSet() {
					return mqttauth.Result{}, errWrong
				}
				return judge(ctx)
			}
		})},
		{"normalises the username in place", "credentials", then(func(_ *mqttauth.Result, c *mqttauth.Credentials) {
			c.Username = strings.ToUpper(c.Username)
		})},
		{"removes the secret", "credentials", then(func(_ *mqttauth.Result, c *mqttauth.Credentials) {
			c.Password = mqttauth.Secret{}
		})},
		{"wipes the secret", "credentials", then(func(_ *mqttauth.Result, c *mqttauth.Credentials) {
			clear(c.Password.Reveal())
		})},
		{"changes what it returned", "result", then(func(r *mqttauth.Result, _ *mqttauth.Credentials) {
			if busy.Add(1) == 1 {
				shared[fmt.Sprint(calls.Add(1))] = "more" // one map for everybody
				r.Principal.Attributes = shared
			}
			busy.Add(-1)
		})},
		{"renews anybody", "renewal", then(func(r *mqttauth.Result, c *mqttauth.Credentials) {
			if c.Previous != nil {
				r.Identity = c.Previous.Identity
			}
		})},
		{"renews anybody without a name", "renewal", then(func(r *mqttauth.Result, _ *mqttauth.Credentials) { r.Identity.Name = "" })},
		{"judges somebody else", "revalidation", then(func(r *mqttauth.Result, _ *mqttauth.Credentials) {
			r.Revalidate = func(context.Context) (mqttauth.Result, error) {
				return mqttauth.Accept(mqttauth.Principal{}, "bob"), nil
			}
		})},
		{"judges wrongly", "revalidation", then(func(r *mqttauth.Result, _ *mqttauth.Credentials) {
			r.Revalidate = func(context.Context) (mqttauth.Result, error) { return mqttauth.Result{}, nil }
		})},
		{"serves one at a time", "concurrency", oneAtATime()},
		{"mixes clients up", "concurrency", mixesUp()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found := authtest.Check(t.Context(), test.method, cases()...)
			caught := slices.ContainsFunc(found, func(v authtest.Violation) bool { return v.Rule == test.rule })
			if !caught {
				t.Errorf("not caught by %q; found %v", test.rule, found)
			}
			for _, v := range found {
				if v.Problem == "" || v.Why == "" || v.Case == "" || !strings.HasPrefix(v.String(), v.Rule+": "+v.Case) {
					t.Errorf("a violation without an explanation: %+v", v)
				}
			}
		})
	}
}

// hiddenError prints nothing of what it wraps.
type hiddenError struct{ cause error }

func (hiddenError) Error() string   { return "no" }
func (h hiddenError) Unwrap() error { return h.cause }

// hasDeadline tells the calls of the cancellation check from the others.
func hasDeadline(ctx context.Context) bool {
	_, ok := ctx.Deadline()
	return ok
}

// oneAtATime fails while another call is under way.
func oneAtATime() mqttauth.Method {
	var busy atomic.Bool
	return methodFunc(func(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
		if !busy.CompareAndSwap(false, true) {
			return mqttauth.Result{}, errors.New("busy")
		}
		defer busy.Store(false)
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
		return good(ctx, c)
	})
}

// mixesUp answers with the client ID of whoever came last.
func mixesUp() mqttauth.Method {
	var id atomic.Value
	return methodFunc(func(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
		id.Store(c.ClientID)
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
		r, err := good(ctx, c)
		r.Principal.ClientID, _ = id.Load().(string)
		return r, err
	})
}

// A chain is a method, and so is one that lets everybody in.
func TestOwnMethods(t *testing.T) {
	authtest.Run(t, mqttauth.AllowAnonymous(),
		authtest.Case{Name: "password", Credentials: credentials(phrase), Want: mqttauth.Accepted},
		authtest.Case{Name: "enhanced", Credentials: mqttauth.Credentials{AuthMethod: "X", Version: mqttauth.MQTT5}, Want: mqttauth.Denied})
	chain, err := mqttauth.NewChain("p", mqttauth.Entry{Name: "good", Method: methodFunc(good)})
	if err != nil {
		t.Fatal(err)
	}
	authtest.Run(t, chain, cases()...)
}

func ExampleCheck() {
	violations := authtest.Check(context.Background(), methodFunc(good),
		authtest.Case{Name: "right password", Credentials: credentials(phrase), Want: mqttauth.Accepted},
		authtest.Case{Name: "wrong password", Credentials: credentials("guess"), Want: mqttauth.Denied},
		authtest.Case{Name: "no password", Credentials: mqttauth.Credentials{}, Want: mqttauth.NotRelevant},
	)
	fmt.Println(len(violations), "rules broken")
	// Output:
	// 0 rules broken
}
