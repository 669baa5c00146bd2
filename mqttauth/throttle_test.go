package mqttauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// throttleStep is one CONNECT in front of a throttle.
type throttleStep struct {
	name   string
	from   string
	user   string
	ok     bool // the password is right
	waits  time.Duration
	before time.Duration // time that passes first
}

// AUTHN-14: a throttle delays what failed lately, by two seconds at most, and
// nothing else.
func TestThrottle(t *testing.T) {
	const guesser, other = "192.0.2.1:1000", "192.0.2.2:1000"
	steps := []throttleStep{
		{"the first guess is not delayed", guesser, "alice", false, 0, 0},
		{"the second is", guesser, "alice", false, 100 * time.Millisecond, 0},
		{"each further one twice as long", guesser, "alice", false, 200 * time.Millisecond, 0},
		{"from another port as well", "192.0.2.1:2000", "alice", false, 400 * time.Millisecond, 0},
		{"", guesser, "alice", false, 800 * time.Millisecond, 0},
		{"", guesser, "alice", false, 1600 * time.Millisecond, 0},
		{"at most two seconds", guesser, "alice", false, 2 * time.Second, 0},
		{"", guesser, "alice", false, 2 * time.Second, 0},
		{"alice elsewhere does not notice", other, "alice", true, 0, 0},
		{"bob at the same address does not notice", guesser, "bob", true, 0, 0},
		{"alice at the same address is delayed, not refused", guesser, "alice", true, 2 * time.Second, 0},
		{"and then forgiven", guesser, "alice", false, 0, 0},
		{"a failure is forgotten after a minute", guesser, "alice", false, 0, time.Minute + time.Second},
		{"an IPv6 host has many addresses", "[2001:db8::1]:1", "carol", false, 0, 0},
		{"in one network", "[2001:db8::2]:1", "carol", false, 100 * time.Millisecond, 0},
		{"others are other networks", "[2001:db8:0:1::1]:1", "carol", false, 0, 0},
		{"an IPv4 address written as IPv6 is the same", "[::ffff:192.0.2.1]:7", "alice", false, 100 * time.Millisecond, 0},
	}
	synctest.Test(t, func(t *testing.T) {
		throttle := newThrottle(t, func(c *mqttauth.Credentials) (mqttauth.Result, error) {
			if string(c.Password.Reveal()) != "right" {
				return mqttauth.Result{}, mqttauth.Deny(mqttauth.BadUsernameOrPassword, errors.New("wrong password"))
			}
			return mqttauth.Accept(mqttauth.Principal{Username: c.Username}, c.Username), nil
		})
		for i, s := range steps {
			time.Sleep(s.before) // of the bubble's clock
			password := "wrong"
			if s.ok {
				password = "right"
			}
			start := time.Now()
			r, err := throttle.Authenticate(t.Context(), &mqttauth.Credentials{
				Username: s.user, HasUsername: true, Password: mqttauth.NewSecret([]byte(password)),
				RemoteAddr: netip.MustParseAddrPort(s.from),
			})
			if got := time.Since(start); got != s.waits {
				t.Errorf("step %d (%s): waited %v, want %v", i, s.name, got, s.waits)
			}
			if accepted := mqttauth.OutcomeOf(r, err) == mqttauth.Accepted; accepted != s.ok {
				t.Errorf("step %d (%s): accepted %v, want %v", i, s.name, accepted, s.ok)
			}
		}
	})
}

func newThrottle(t *testing.T, f func(*mqttauth.Credentials) (mqttauth.Result, error)) *mqttauth.Throttle {
	t.Helper()
	throttle, err := mqttauth.NewThrottle(methodFunc(func(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) { return f(c) }))
	if err != nil {
		t.Fatal(err)
	}
	return throttle
}

// Outages and irrelevant credentials are nobody's failure.
func TestThrottleCountsDenialsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, err := range []error{mqttauth.ErrNotRelevant, mqttauth.ErrUnavailable, mqttauth.ErrFailed} {
			throttle := newThrottle(t, func(*mqttauth.Credentials) (mqttauth.Result, error) { return mqttauth.Result{}, err })
			start := time.Now()
			for range 5 {
				if _, got := throttle.Authenticate(t.Context(), &mqttauth.Credentials{ClientID: "c"}); !errors.Is(got, err) {
					t.Errorf("error %v, want %v", got, err)
				}
			}
			if waited := time.Since(start); waited != 0 {
				t.Errorf("%v: waited %v", err, waited)
			}
		}
	})
}

// The end of the context ends the wait, and is no verdict about the client.
func TestThrottleContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := newThrottle(t, func(*mqttauth.Credentials) (mqttauth.Result, error) {
			return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, nil)
		})
		c := &mqttauth.Credentials{ClientID: "c"}
		for range 6 {
			_, _ = throttle.Authenticate(t.Context(), c)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if r, err := throttle.Authenticate(ctx, c); mqttauth.OutcomeOf(r, err) != mqttauth.Failed || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("outcome %v, error %v", mqttauth.OutcomeOf(r, err), err)
		}
	})
	if _, err := mqttauth.NewThrottle(nil); err == nil {
		t.Error("a throttle without a method can be made")
	}
}

// Memory is bounded however many identities are tried.
func TestThrottleMemory(t *testing.T) {
	throttle := newThrottle(t, func(*mqttauth.Credentials) (mqttauth.Result, error) {
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, nil)
	})
	for i := range 20_000 {
		_, _ = throttle.Authenticate(t.Context(), &mqttauth.Credentials{ClientID: fmt.Sprint(i)})
	}
	if n := throttle.Remembered(); n > 4096 {
		t.Errorf("%d failures are remembered", n)
	}
}
