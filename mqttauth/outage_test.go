package mqttauth_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// answer is what one method of a generated chain says, and its outage setting.
type answer struct {
	says mqttauth.Outcome
	next bool
}

var outcomes = []mqttauth.Outcome{mqttauth.Denied, mqttauth.Failed, mqttauth.Unavailable, mqttauth.NotRelevant, mqttauth.Accepted}

// method returns a method that gives the answer. What it accepts carries its
// name.
func (a answer) method(name string) mqttauth.Method {
	errs := map[mqttauth.Outcome]error{
		mqttauth.Denied:      denied,
		mqttauth.Failed:      mqttauth.ErrFailed,
		mqttauth.Unavailable: mqttauth.ErrUnavailable,
		mqttauth.NotRelevant: mqttauth.ErrNotRelevant,
	}
	return methodFunc(func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) {
		if err := errs[a.says]; err != nil {
			return mqttauth.Result{}, err
		}
		return mqttauth.Accept(mqttauth.Principal{}, name), nil
	})
}

func (a answer) entry(i int) mqttauth.Entry {
	e := mqttauth.Entry{Name: fmt.Sprint("entry", i), Method: a.method(fmt.Sprint("name", i))}
	if a.next {
		e.OnUnavailable = mqttauth.OutageNext
	}
	return e
}

// naive is AUTHN-1 to AUTHN-4 read aloud. It returns who accepted, or -1.
func naive(list []answer) (outcome mqttauth.Outcome, by int) {
	outage := false
	for i, a := range list {
		switch a.says {
		case mqttauth.Accepted:
			return mqttauth.Accepted, i
		case mqttauth.Denied:
			return mqttauth.Denied, -1
		case mqttauth.Failed:
			return mqttauth.Failed, -1
		case mqttauth.Unavailable:
			if !a.next {
				return mqttauth.Failed, -1
			}
			outage = true
		case mqttauth.NotRelevant:
		}
	}
	if outage {
		return mqttauth.Unavailable, -1
	}
	return mqttauth.NotRelevant, -1
}

// everyList calls f with every list of up to n answers.
func everyList(n int, f func([]answer)) {
	var grow func([]answer)
	grow = func(list []answer) {
		if len(list) > 0 {
			f(list)
		}
		if len(list) == n {
			return
		}
		for _, o := range outcomes {
			for _, next := range []bool{false, true} {
				grow(append(list[:len(list):len(list)], answer{o, next}))
			}
		}
	}
	grow(nil)
}

func ask(t *testing.T, list []answer) (mqttauth.Outcome, mqttauth.Result, error) {
	t.Helper()
	entries := make([]mqttauth.Entry, len(list))
	for i, a := range list {
		entries[i] = a.entry(i)
	}
	r, err := newChain(t, "p", entries...).Authenticate(t.Context(), &mqttauth.Credentials{})
	return mqttauth.OutcomeOf(r, err), r, err
}

// AUTHN-1 to AUTHN-4: every chain of up to four methods does what the rules
// say, which depends on nothing but the order of the list.
func TestChainAgainstRules(t *testing.T) {
	chains := 0
	everyList(4, func(list []answer) {
		chains++
		want, by := naive(list)
		got, r, err := ask(t, list)
		if got != want {
			t.Errorf("%v: outcome %v, want %v", list, got, want)
		}
		if want == mqttauth.Accepted {
			if name := fmt.Sprint("name", by); r.Identity.Name != name {
				t.Errorf("%v: accepted as %q, want %q", list, r.Identity.Name, name)
			}
			return
		}
		var e *mqttauth.Error
		if !errors.As(err, &e) || r.Accepted() {
			t.Fatalf("%v: %+v, %v, want an *Error alone", list, r, err)
		}
		outage := want == mqttauth.Failed || want == mqttauth.Unavailable
		if (e.Reason == mqttauth.ServerUnavailable) != outage || !e.Reason.IsError() {
			t.Errorf("%v: reason %v for %v", list, e.Reason, want)
		}
	})
	if chains != 10+100+1000+10000 {
		t.Errorf("%d chains", chains)
	}
}

// AUTHN-5, S-21: no set of outages turns a denial into an acceptance unless a
// later method itself verifies the credentials.
func TestChainOutagesNeverAccept(t *testing.T) {
	everyList(4, func(list []answer) {
		for _, a := range list { // the truth, without outages
			if a.says == mqttauth.Unavailable || a.says == mqttauth.Failed {
				return
			}
		}
		calm, _ := naive(list)
		for outages := range 1 << len(list) {
			disturbed := make([]answer, len(list))
			copy(disturbed, list)
			for i := range disturbed {
				if outages>>i&1 == 1 {
					disturbed[i].says = mqttauth.Unavailable
				}
			}
			got, r, _ := ask(t, disturbed)
			if got != mqttauth.Accepted {
				continue
			}
			var by int
			if _, err := fmt.Sscanf(r.Identity.Name, "name%d", &by); err != nil {
				t.Fatal(err)
			}
			if list[by].says != mqttauth.Accepted || outages>>by&1 == 1 {
				t.Errorf("%v with outages %b: accepted by %d, which did not verify", list, outages, by)
			}
			for i := range by {
				if outages>>i&1 == 1 && !list[i].next {
					t.Errorf("%v with outages %b: went on after %d, which stops", list, outages, i)
				}
				if outages>>i&1 == 0 && list[i].says != mqttauth.NotRelevant {
					t.Errorf("%v with outages %b: went on after %d, which decided (calm: %v)", list, outages, i, calm)
				}
			}
		}
	})
}

// Putting a part of a chain into a chain of its own never lets anybody in whom
// the flat chain would not let in, and never under another name.
func TestChainNestingNeverAccepts(t *testing.T) {
	everyList(3, func(list []answer) {
		want, by := naive(list)
		for from := range list {
			for to := from + 1; to <= len(list); to++ {
				for _, setting := range []mqttauth.Outage{mqttauth.OutageStop, mqttauth.OutageNext} {
					var inner, entries []mqttauth.Entry
					for i, a := range list {
						switch {
						case i >= from && i < to:
							inner = append(inner, a.entry(i))
						default:
							entries = append(entries, a.entry(i))
						}
						if i == to-1 {
							entries = append(entries, mqttauth.Entry{Name: "inner", Method: newChain(t, "q", inner...), OnUnavailable: setting})
						}
					}
					r, err := newChain(t, "p", entries...).Authenticate(t.Context(), &mqttauth.Credentials{})
					if mqttauth.OutcomeOf(r, err) == mqttauth.Accepted && (want != mqttauth.Accepted || r.Identity.Name != fmt.Sprint("name", by)) {
						t.Errorf("%v nested %d:%d: accepted %+v, flat %v by %d", list, from, to, r.Identity, want, by)
					}
				}
			}
		}
	})
}

// isBoth claims by its Is method to be several sentinels at once.
type isBoth struct{}

func (isBoth) Error() string { return "both" }
func (isBoth) Is(target error) bool {
	return target == mqttauth.ErrNotRelevant || target == mqttauth.ErrFailed
}

// An error that is several things at once is the strictest of them.
func TestOutcomeOf(t *testing.T) {
	var (
		notRelevant, unavailable, failed = mqttauth.ErrNotRelevant, mqttauth.ErrUnavailable, mqttauth.ErrFailed
		plain                            = errors.New("no route to host")
	)
	tests := []struct {
		name string
		err  error
		want mqttauth.Outcome
	}{
		{"nobody", nil, mqttauth.Denied},
		{"plain", plain, mqttauth.Denied},
		{"context", context.DeadlineExceeded, mqttauth.Denied},
		{"denied", denied, mqttauth.Denied},
		{"not relevant", notRelevant, mqttauth.NotRelevant},
		{"unavailable", unavailable, mqttauth.Unavailable},
		{"failed", failed, mqttauth.Failed},
		{"wrapped", fmt.Errorf("a: %w", fmt.Errorf("b: %w", notRelevant)), mqttauth.NotRelevant},
		{"with a cause", fmt.Errorf("%w: %w", unavailable, plain), mqttauth.Unavailable},
		{"joined with a cause", errors.Join(plain, notRelevant), mqttauth.NotRelevant},
		{"two, strict last", errors.Join(notRelevant, unavailable), mqttauth.Unavailable},
		{"two, strict first", errors.Join(unavailable, notRelevant), mqttauth.Unavailable},
		{"failed and unavailable", fmt.Errorf("%w, %w", unavailable, failed), mqttauth.Failed},
		{"denied beside not relevant", errors.Join(notRelevant, denied), mqttauth.Denied},
		{"denied deep beside not relevant", errors.Join(fmt.Errorf("x: %w", notRelevant), fmt.Errorf("y: %w", errors.Join(plain, denied))), mqttauth.Denied},
		{"denied under not relevant", &mqttauth.Error{Outcome: mqttauth.NotRelevant, Err: denied}, mqttauth.Denied},
		{"not relevant under denied", mqttauth.Deny(mqttauth.NotAuthorized, notRelevant), mqttauth.Denied},
		{"failed under unavailable", &mqttauth.Error{Outcome: mqttauth.Unavailable, Err: failed}, mqttauth.Failed},
		{"claims two", isBoth{}, mqttauth.Failed},
		{"claims to accept", &mqttauth.Error{Outcome: mqttauth.Accepted}, mqttauth.Denied},
		{"unknown outcome", &mqttauth.Error{Outcome: 99}, mqttauth.Denied},
		{"nil *Error", (*mqttauth.Error)(nil), mqttauth.Denied},
		{"nil *Error joined", errors.Join(notRelevant, (*mqttauth.Error)(nil)), mqttauth.Denied},
		{"zero *Error", &mqttauth.Error{}, mqttauth.Denied},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := mqttauth.OutcomeOf(mqttauth.Result{}, test.err); got != test.want {
				t.Errorf("alone: %v, want %v", got, test.want)
			}
			if test.err == nil {
				return
			}
			accepted := mqttauth.Accept(mqttauth.Principal{}, "x")
			if got := mqttauth.OutcomeOf(accepted, test.err); got != test.want {
				t.Errorf("beside an acceptance: %v, want %v", got, test.want)
			}
			if test.err.Error() == "" {
				t.Error("says nothing")
			}
		})
	}
	if got := mqttauth.OutcomeOf(mqttauth.Accept(mqttauth.Principal{}, ""), nil); got != mqttauth.Accepted {
		t.Errorf("Accept without a name: %v, want accepted", got)
	}
}

func TestErrorIs(t *testing.T) {
	sentinels := map[mqttauth.Outcome]error{
		mqttauth.NotRelevant: mqttauth.ErrNotRelevant,
		mqttauth.Unavailable: mqttauth.ErrUnavailable,
		mqttauth.Failed:      mqttauth.ErrFailed,
	}
	for _, o := range outcomes {
		err := fmt.Errorf("wrapped: %w", &mqttauth.Error{Outcome: o, Err: errForged})
		for of, sentinel := range sentinels {
			if got := errors.Is(err, sentinel); got != (o == of) {
				t.Errorf("errors.Is(%v, %v) = %t", o, sentinel, got)
			}
		}
		var e *mqttauth.Error
		if !errors.Is(err, errForged) || !errors.As(err, &e) || e.Outcome != o {
			t.Errorf("%v: the cause or the *Error is lost", o)
		}
	}
}

func TestOutcomeString(t *testing.T) {
	for o, want := range map[mqttauth.Outcome]string{
		mqttauth.Denied: "denied", mqttauth.Failed: "failed", mqttauth.Unavailable: "unavailable",
		mqttauth.NotRelevant: "not relevant", mqttauth.Accepted: "accepted", 77: "Outcome(77)",
	} {
		if got := o.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	var zero mqttauth.Outcome
	if zero != mqttauth.Denied {
		t.Error("the zero Outcome does not deny")
	}
}
