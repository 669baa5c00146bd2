package mqttauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Outage says what the unavailability of a chain entry means (AUTHN-4). The
// zero value is the safe one.
type Outage byte

const (
	OutageStop Outage = iota // refuse the client with ServerUnavailable; it may come back
	OutageNext               // go on as if the credentials were not relevant
)

// Entry is one place in a Chain.
type Entry struct {
	// Name tells the entry from the others of its chain, in identities,
	// records and logs. It is not empty and holds no "/".
	Name   string
	Method Method

	// OnUnavailable says whether the next entry is asked while this one is
	// unavailable. It applies to ErrUnavailable only, never to ErrFailed.
	OnUnavailable Outage

	// Timeout bounds one call of the method; running into it counts as
	// unavailable. Zero: only the deadline of the context applies.
	Timeout time.Duration
}

// Chain asks its entries in order and ends at the first that decides
// (AUTHN-1, AUTHN-2). It is itself a Method, so chains nest. It is immutable
// and safe for concurrent use.
type Chain struct {
	policy  string
	entries []Entry
	epoch   time.Time // steps are measured from here: one look at the clock each
}

var _ Method = (*Chain)(nil)

// NewChain returns the chain of these entries. The policy is the name of the
// BrokerAuthentication, or what stands for it; it becomes part of each
// client's Identity and is not empty. It is an error if there is no entry, two
// have one name, or one has no name, no method or a negative timeout.
func NewChain(policy string, entries ...Entry) (*Chain, error) {
	if policy == "" {
		return nil, errors.New("mqttauth: a chain needs a policy name")
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("mqttauth: chain %q has no methods; it needs at least one", policy)
	}
	seen := make(map[string]bool, len(entries))
	for i, e := range entries {
		switch {
		case e.Name == "" || strings.Contains(e.Name, "/"):
			return nil, fmt.Errorf("mqttauth: chain %q: entry %d: name %q must not be empty or hold a slash", policy, i, e.Name)
		case seen[e.Name]:
			return nil, fmt.Errorf("mqttauth: chain %q: two entries are named %q", policy, e.Name)
		case e.Method == nil:
			return nil, fmt.Errorf("mqttauth: chain %q: entry %q has no method", policy, e.Name)
		case e.Timeout < 0:
			return nil, fmt.Errorf("mqttauth: chain %q: entry %q: negative timeout", policy, e.Name)
		case e.OnUnavailable > OutageNext:
			return nil, fmt.Errorf("mqttauth: chain %q: entry %q: unknown outage setting %d", policy, e.Name, e.OnUnavailable)
		}
		seen[e.Name] = true
	}
	return &Chain{policy: policy, entries: append([]Entry(nil), entries...), epoch: time.Now()}, nil
}

// Authenticate asks the entries in order. A renewal (c.Previous) is put only
// to the entry that accepted the client (EXP-2). The error, if any, is an
// *Error. A nil Chain denies.
func (c *Chain) Authenticate(ctx context.Context, cred *Credentials) (Result, error) {
	if c == nil || cred == nil {
		return Result{}, Deny(NotAuthorized, errors.New("no chain or no credentials"))
	}
	if cred.Previous != nil {
		return c.renew(ctx, cred)
	}
	steps := make([]Step, len(c.entries))
	last := time.Since(c.epoch)
	var r Result
	var outage error
	for i := range c.entries {
		e, step := &c.entries[i], &steps[i]
		last = c.ask(ctx, e, cred, last, &r, step)
		switch step.Outcome {
		case Accepted:
			r.Steps = steps[:i+1]
			return r, nil
		case NotRelevant:
			continue
		case Unavailable:
			if e.OnUnavailable != OutageNext {
				return refuse(Failed, steps[:i+1], step.Err)
			}
			outage = step.Err
		case Failed:
			return refuse(Failed, steps[:i+1], step.Err)
		default:
			return refuse(Denied, steps[:i+1], step.Err)
		}
	}
	if outage != nil { // AUTHN-4: an outage after which no later method decided
		return refuse(Unavailable, steps, outage)
	}
	refusal := &Error{Outcome: NotRelevant, Reason: NotAuthorized, Steps: steps, Err: errNoMethod}
	if cred.AuthMethod != "" {
		refusal.Reason = BadAuthenticationMethod // AUTHN-6
	}
	return Result{}, refusal
}

var (
	errNoMethod = errors.New("no method knows what to do with these credentials")
	errNobody   = errors.New("the method accepted nobody")
)

// renew asks the entry that accepted the client before. Credentials that are
// not relevant to it are not valid for a renewal.
func (c *Chain) renew(ctx context.Context, cred *Credentials) (Result, error) {
	name, inner, _ := strings.Cut(cred.Previous.Identity.Method, "/")
	for i := range c.entries {
		e := &c.entries[i]
		if e.Name != name {
			continue
		}
		previous := *cred.Previous
		previous.Identity.Method = inner
		renewal := *cred
		renewal.Previous = &previous
		var r Result
		steps := make([]Step, 1)
		c.ask(ctx, e, &renewal, time.Since(c.epoch), &r, &steps[0])
		switch o := steps[0].Outcome; o {
		case Accepted:
			r.Steps = steps
			return r, nil
		case Unavailable, Failed:
			return refuse(o, steps, steps[0].Err)
		default:
			return refuse(Denied, steps, steps[0].Err)
		}
	}
	return refuse(Denied, nil, errors.New("the method that accepted the client is gone"))
}

// ask runs one entry, names its identity, and writes the record of it. It
// takes and returns the time since the epoch at which the step began and ended,
// and fills in what it is given: to look at the clock, and to copy results, is
// most of what a chain costs.
func (c *Chain) ask(ctx context.Context, e *Entry, cred *Credentials, began time.Duration, r *Result, step *Step) (ended time.Duration) {
	outcome, err := e.ask(ctx, cred, r)
	if err == nil && outcome == Denied {
		err = errNobody
	}
	if outcome == Accepted {
		c.name(e, cred.ClientID, r)
	}
	ended = time.Since(c.epoch)
	step.Method, step.Outcome, step.Err, step.Duration = e.Name, outcome, err, ended-began
	return ended
}

// ask runs the entry's method within the deadlines of the flow and of the entry.
func (e *Entry) ask(flow context.Context, cred *Credentials, r *Result) (Outcome, error) {
	ctx := flow
	if e.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(flow, e.Timeout)
		defer cancel()
	}
	var err error
	*r, err = e.Method.Authenticate(ctx, cred)
	outcome, said := classify(r, err)
	if decided := said && outcome == Denied || outcome == Failed; decided {
		return outcome, err
	}
	return inTime(flow, ctx, outcome, said, err)
}

// inTime makes an outage of what comes after a deadline, an acceptance included
// (AUTHN-8). The whole flow's deadline always stops. An entry's own may lead to
// the next entry, so it does not excuse an error that nobody classified, which
// may have been a denial.
func inTime(flow, entry context.Context, o Outcome, said bool, err error) (Outcome, error) {
	switch {
	case flow.Err() != nil:
		return Failed, errors.Join(flow.Err(), err)
	case entry.Err() == nil:
		return o, err
	case said || errors.Is(err, context.DeadlineExceeded):
		return Unavailable, errors.Join(entry.Err(), err)
	default:
		return Failed, errors.Join(entry.Err(), err)
	}
}

// name composes the identity, so that no method can claim to be another
// (AUTHN-10), nor give the client another client ID. A nested chain's entries
// stay below the entry that holds it; names hold no "/", so two paths are never
// equal by accident.
func (c *Chain) name(e *Entry, clientID string, r *Result) {
	r.Principal.ClientID = clientID
	r.Identity.Policy = c.policy
	if r.Identity.Method == "" {
		r.Identity.Method = e.Name
	} else {
		r.Identity.Method = e.Name + "/" + r.Identity.Method
	}
	judge := r.Revalidate
	if judge == nil {
		return
	}
	r.Revalidate = func(ctx context.Context) (Result, error) {
		again, err := judge(ctx)
		if OutcomeOf(again, err) == Accepted {
			c.name(e, clientID, &again)
		}
		return again, err
	}
}

// refuse makes the chain's error out of the deciding step's. Its text is not
// said twice; the step keeps the whole.
func refuse(o Outcome, steps []Step, cause error) (Result, error) {
	refusal := &Error{Outcome: o, Reason: connackReason(o, reasonOf(cause)), Steps: steps, Err: cause}
	if inner, ok := cause.(*Error); ok {
		refusal.Err = inner.Unwrap()
	}
	return Result{}, refusal
}
