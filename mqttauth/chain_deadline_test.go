package mqttauth_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// AUTHN-8: what comes after a deadline is an outage, except a denial.
func TestChainDeadline(t *testing.T) {
	second := mqttauth.Entry{Name: "second", Method: says(nil)}
	slow := func(m mqttauth.Method, entryTimeout time.Duration) []mqttauth.Entry {
		return []mqttauth.Entry{{Name: "first", Method: m, OnUnavailable: mqttauth.OutageNext, Timeout: entryTimeout}, second}
	}
	overloaded := fmt.Errorf("queue is full: %w", mqttauth.ErrFailed)
	tests := []struct {
		name    string
		entries []mqttauth.Entry
		want    mqttauth.Outcome
		took    time.Duration
	}{
		{"the entry's deadline is an outage of the entry", slow(hangs, time.Second), mqttauth.Accepted, time.Second},
		{"the flow's deadline always stops", slow(hangs, 0), mqttauth.Failed, 10 * time.Second},
		{"the flow's deadline comes before the entry's", slow(hangs, time.Hour), mqttauth.Failed, 10 * time.Second},
		{"an acceptance in time", slow(deaf(time.Second, says(nil)), 2*time.Second), mqttauth.Accepted, time.Second},
		{"an acceptance too late for the flow", slow(deaf(11*time.Second, says(nil)), 0), mqttauth.Failed, 11 * time.Second},
		{"not relevant, too late for the flow", slow(deaf(11*time.Second, says(mqttauth.ErrNotRelevant)), 0), mqttauth.Failed, 11 * time.Second},
		{"a denial too late for the flow", slow(deaf(11*time.Second, says(denied)), 0), mqttauth.Denied, 11 * time.Second},
		{"AUTHN-5: a denial too late for the entry", slow(deaf(2*time.Second, says(denied)), time.Second), mqttauth.Denied, 2 * time.Second},
		{"AUTHN-5: an unclassified error too late for the entry", slow(deaf(2*time.Second, says(errForged)), time.Second), mqttauth.Failed, 2 * time.Second},
		{"AUTHN-5: overload until the entry's deadline is no outage", slow(deaf(2*time.Second, says(overloaded)), time.Second), mqttauth.Failed, 2 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), mqttauth.DefaultDeadline)
				defer cancel()
				start := time.Now()
				r, err := newChain(t, "p", test.entries...).Authenticate(ctx, &mqttauth.Credentials{})
				if got := mqttauth.OutcomeOf(r, err); got != test.want {
					t.Errorf("outcome %v, want %v (%v)", got, test.want, err)
				}
				if took := time.Since(start); took != test.took {
					t.Errorf("took %v, want %v", took, test.took)
				}
				var e *mqttauth.Error
				if test.want == mqttauth.Failed && (!errors.As(err, &e) || e.Reason != mqttauth.ServerUnavailable) {
					t.Errorf("reason of %v, want %v", err, mqttauth.ServerUnavailable)
				}
			})
		})
	}
}

// AUTHN-8: after the flow's deadline no further entry is asked.
func TestChainDeadlineAsksNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := false
		chain := newChain(t, "p",
			mqttauth.Entry{Name: "slow", Method: hangs, OnUnavailable: mqttauth.OutageNext},
			mqttauth.Entry{Name: "next", Method: methodFunc(func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) {
				asked = true
				return mqttauth.Result{}, denied
			})})
		ctx, cancel := context.WithTimeout(t.Context(), mqttauth.DefaultDeadline)
		defer cancel()
		if _, err := chain.Authenticate(ctx, &mqttauth.Credentials{}); asked || !errors.Is(err, mqttauth.ErrFailed) {
			t.Errorf("asked the next: %t; error %v", asked, err)
		}
	})
}

// A late acceptance is not let in by the next entry's outage setting either:
// the second entry has to verify by itself.
func TestChainLateAcceptanceIsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chain := newChain(t, "p",
			mqttauth.Entry{Name: "late", Method: deaf(2*time.Second, accepts("root")), Timeout: time.Second, OnUnavailable: mqttauth.OutageNext},
			mqttauth.Entry{Name: "none", Method: says(mqttauth.ErrNotRelevant)})
		r, err := chain.Authenticate(t.Context(), &mqttauth.Credentials{})
		if mqttauth.OutcomeOf(r, err) != mqttauth.Unavailable || r.Accepted() {
			t.Errorf("got %+v, %v, want unavailable", r, err)
		}
	})
}
