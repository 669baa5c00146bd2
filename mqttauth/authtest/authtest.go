package authtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// promptly is how soon after its context's end a method has to answer.
const promptly = 100 * time.Millisecond

// Case is one set of credentials and what the method under test says to it. The
// secrets in it should be at least 8 bytes long: shorter ones are not looked
// for in what the method prints.
type Case struct {
	Name        string
	Credentials mqttauth.Credentials
	Want        mqttauth.Outcome
}

// Violation is one rule that the method broke.
type Violation struct {
	Rule    string // one word or two, such as "cancellation"
	Case    string // the Case's name
	Problem string // what happened
	Why     string // what the rule is for
}

// String returns the violation as Run reports it.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s: %s\n\t%s", v.Rule, v.Case, v.Problem, v.Why)
}

// Run checks m with every case and reports each violation as an error of t.
func Run(t *testing.T, m mqttauth.Method, cases ...Case) {
	t.Helper()
	if len(cases) == 0 {
		t.Error("authtest: no cases, nothing is tested")
	}
	for _, v := range Check(t.Context(), m, cases...) {
		t.Error(v)
	}
}

// Check is Run for those who want the violations themselves.
func Check(ctx context.Context, m mqttauth.Method, cases ...Case) []Violation {
	var found []Violation
	for _, c := range cases {
		for _, rule := range rules {
			if problem := rule.check(ctx, m, c); problem != "" {
				found = append(found, Violation{rule.name, c.Name, problem, rule.why})
			}
		}
	}
	return found
}

type rule struct {
	name, why string
	check     func(context.Context, mqttauth.Method, Case) (problem string)
}

var rules = []rule{
	{"outcome", "a Result counts only when Accept made it and the error is nil; errors say not relevant, unavailable, failed or, all others, denied (AUTHN-2)", checkOutcome},
	{"zero result", "a Result that denies beside a nil error leaves log and client without a reason", checkZeroResult},
	{"result beside error", "an accepting Result beside an error will be taken for one by somebody who forgets to look at the error", checkResultBesideError},
	{"reason", "a denial that carries a success code would tell the client that it is in (AUTHN-6)", checkReason},
	{"expiry", "a credential that has expired is denied, not accepted (EXP-1)", checkExpiry},
	{"cancellation", "whoever waits for the answer is gone; a method that works on holds what others wait for (AUTHN-8)", checkCancellation},
	{"load", "the end of the context may be our own load, and no load may lead to the next method (AUTHN-5)", checkLoad},
	{"secret", "what errors, results and decision records hold is logged (S-18)", checkSecret},
	{"kept secret", "what is kept can be stolen later; a method keeps nothing of the credentials once it has answered (S-18)", checkKept},
	{"credentials", "the next method of the chain must see what the client presented, and nothing else", checkCredentials},
	{"result", "a Result belongs to the client it was returned for: a later call must not change it", checkResult},
	{"renewal", "a renewal never changes who the client is (EXP-3)", checkRenewal},
	{"revalidation", "judging a client again, a moment after it was accepted, accepts the same client (EXP-7)", checkRevalidation},
	{"concurrency", "many clients connect at once, and each gets its own answer", checkConcurrency},
}

// ask calls the method as if the case's client had just come.
func ask(ctx context.Context, m mqttauth.Method, c Case) (mqttauth.Result, error) {
	return m.Authenticate(ctx, presented(c))
}

// presented returns credentials of their own for one call: what a method does
// to them or to the secrets' bytes does not reach the next.
func presented(c Case) *mqttauth.Credentials {
	cred := c.Credentials
	for _, secret := range []*mqttauth.Secret{&cred.Password, &cred.AuthData} {
		if secret.IsSet() {
			*secret = mqttauth.NewSecret(secret.Reveal())
		}
	}
	return &cred
}

func checkOutcome(ctx context.Context, m mqttauth.Method, c Case) string {
	r, err := ask(ctx, m, c)
	if got := mqttauth.OutcomeOf(r, err); got != c.Want {
		return fmt.Sprintf("%v, want %v (error: %v)", got, c.Want, err)
	}
	return ""
}

func checkZeroResult(ctx context.Context, m mqttauth.Method, c Case) string {
	if r, err := ask(ctx, m, c); err == nil && !r.Accepted() {
		return "a Result that Accept did not make, and no error"
	}
	return ""
}

func checkResultBesideError(ctx context.Context, m mqttauth.Method, c Case) string {
	if r, err := ask(ctx, m, c); err != nil && r.Accepted() {
		return fmt.Sprintf("an accepting Result beside the error %v", err)
	}
	return ""
}

func checkReason(ctx context.Context, m mqttauth.Method, c Case) string {
	_, err := ask(ctx, m, c)
	var e *mqttauth.Error
	if errors.As(err, &e) && (e == nil || e.Outcome == mqttauth.Accepted || e.Outcome == mqttauth.Denied && !e.Reason.IsError()) {
		return fmt.Sprintf("the error %#v", e)
	}
	return ""
}

func checkExpiry(ctx context.Context, m mqttauth.Method, c Case) string {
	r, err := ask(ctx, m, c)
	if err == nil && r.Accepted() && !r.Expiry.IsZero() && !time.Now().Before(r.Expiry) {
		return fmt.Sprintf("accepted a credential that expired at %v", r.Expiry)
	}
	return ""
}

// checkCancellation asks with a context that has ended, and with one that ends
// while the method works. A busy machine may be late itself: only a method that
// is late three times is.
func checkCancellation(ctx context.Context, m mqttauth.Method, c Case) string {
	for _, after := range []time.Duration{0, time.Millisecond} {
		late := 0
		for late < 3 && !answersPromptly(ctx, m, c, after) {
			late++
		}
		if late == 3 {
			return fmt.Sprintf("no answer within %v of the end of its context", promptly)
		}
	}
	return ""
}

func answersPromptly(ctx context.Context, m mqttauth.Method, c Case, after time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, after)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = ask(ctx, m, c)
	}()
	<-ctx.Done()
	select {
	case <-done:
		return true
	case <-time.After(promptly):
		return false
	}
}

// checkLoad looks for a method that answers ErrNotRelevant, which goes on to
// the next, only because its context has ended.
func checkLoad(ctx context.Context, m mqttauth.Method, c Case) string {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	r, err := ask(ctx, m, c)
	switch got := mqttauth.OutcomeOf(r, err); {
	case got == mqttauth.NotRelevant && c.Want != mqttauth.NotRelevant:
		return "not relevant once its context has ended"
	case got == mqttauth.Accepted && c.Want != mqttauth.Accepted:
		return "accepted once its context has ended"
	}
	return ""
}

func checkRenewal(ctx context.Context, m mqttauth.Method, c Case) string {
	if c.Want != mqttauth.Accepted {
		return ""
	}
	stranger := mqttauth.Accept(mqttauth.Principal{ClientID: c.Credentials.ClientID, Attributes: map[string]string{"authtest": "stranger"}}, "a stranger to authtest")
	c.Credentials.Previous = &stranger
	r, err := ask(ctx, m, c)
	if mqttauth.OutcomeOf(r, err) == mqttauth.Accepted && (r.Identity.Name == "" || r.Identity.Name == stranger.Identity.Name) {
		return fmt.Sprintf("renewed a stranger's credential, as %q", r.Identity.Name)
	}
	return ""
}

func checkRevalidation(ctx context.Context, m mqttauth.Method, c Case) string {
	r, err := ask(ctx, m, c)
	if err != nil || r.Revalidate == nil {
		return ""
	}
	again, err := r.Revalidate(ctx)
	switch mqttauth.OutcomeOf(again, err) {
	case mqttauth.Unavailable, mqttauth.Failed:
		return ""
	case mqttauth.Accepted:
	default:
		return fmt.Sprintf("the client no longer stands, a moment after it was accepted: %v", err)
	}
	if again.Identity != r.Identity {
		return fmt.Sprintf("judged as %+v, accepted as %+v", again.Identity, r.Identity)
	}
	return ""
}
