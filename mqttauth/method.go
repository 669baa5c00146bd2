package mqttauth

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// Method verifies one kind of credentials.
//
// Authenticate answers in one of these ways:
//
//   - a Result made by [Accept] and a nil error: the credentials are valid;
//   - an error that is [ErrNotRelevant]: they are not of this method's kind;
//   - an error that is [ErrUnavailable]: the method needs something that
//     cannot be reached;
//   - an error that is [ErrFailed]: the method could not decide for another
//     reason, as when too much waits for it already;
//   - any other error, best made by [Deny]: the credentials are not valid.
//
// Nothing a client presents and no load may lead to ErrUnavailable (AUTHN-5).
// A method honours the context's end promptly, keeps no secret, does not modify
// the credentials, and is safe for concurrent use. If c.Previous is set, the
// client is renewing that result, and the method accepts nobody else.
type Method interface {
	Authenticate(ctx context.Context, c *Credentials) (Result, error)
}

// What a method says when it does not decide. They wrap freely:
// fmt.Errorf("no token: %w", ErrNotRelevant).
var (
	ErrNotRelevant = errors.New("credentials not relevant")
	ErrUnavailable = errors.New("authentication unavailable")
	ErrFailed      = errors.New("authentication failed to decide")
)

// Outcome is what a method said. The zero value denies, and so does every
// value that is not listed here.
type Outcome byte

const (
	Denied      Outcome = iota // the credentials are relevant and not valid
	Failed                     // no decision, and no other method may be asked
	Unavailable                // no decision; the chain entry's outage setting applies
	NotRelevant                // ask the next method
	Accepted                   // the credentials are valid
)

// String returns the outcome in words.
func (o Outcome) String() string {
	switch o {
	case Denied:
		return "denied"
	case Failed:
		return "failed"
	case Unavailable:
		return "unavailable"
	case NotRelevant:
		return "not relevant"
	case Accepted:
		return "accepted"
	default:
		return "Outcome(" + strconv.Itoa(int(o)) + ")"
	}
}

// Step is one line of a decision record: what one method answered. It never
// holds a secret.
type Step struct {
	Method   string // the chain entry's name
	Outcome  Outcome
	Err      error // why; nil if accepted
	Duration time.Duration
}

// Error is how a Chain says that it did not accept. Methods make one with Deny
// to choose the reason code.
type Error struct {
	Outcome Outcome    // never Accepted; Denied if zero
	Reason  ReasonCode // what the client is told
	Steps   []Step     // set by Chain
	Err     error      // the cause, for logs; never shown to the client
}

// Deny returns the error with which a method denies. The client is told
// reason if CONNACK may carry it (AUTHN-6), otherwise NotAuthorized.
func Deny(reason ReasonCode, err error) error {
	return &Error{Outcome: Denied, Reason: reason, Err: err}
}

// Error returns the cause in words, or else the outcome. It is for logs.
func (e *Error) Error() string {
	if e == nil {
		return "mqttauth: " + Denied.String()
	}
	if e.Err == nil {
		return "mqttauth: " + e.Outcome.String()
	}
	return "mqttauth: " + e.Outcome.String() + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// Is makes errors.Is(e, ErrNotRelevant), ErrUnavailable and ErrFailed agree
// with the outcome. Since errors.Is goes on to look at the cause, it may find a
// second one there: code that branches asks OutcomeOf.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotRelevant:
		return e != nil && e.Outcome == NotRelevant
	case ErrUnavailable:
		return e != nil && e.Outcome == Unavailable
	case ErrFailed:
		return e != nil && e.Outcome == Failed
	default:
		return false
	}
}

// OutcomeOf says what the answer of a method means. An error that is several
// things at once, wrapped or joined, is the strictest of them: denied, failed,
// unavailable, not relevant. An error that is none of them denies.
func OutcomeOf(r Result, err error) Outcome {
	outcome, _ := classify(&r, err)
	return outcome
}

// classify also tells a denial that the method meant from an error that it
// did not classify.
func classify(r *Result, err error) (o Outcome, said bool) {
	switch {
	case err == ErrNotRelevant: // the most frequent answer, which wraps nothing
		return NotRelevant, true
	case err != nil:
		return strictest(err)
	case r.accepted:
		return Accepted, true
	default:
		return Denied, true
	}
}

// strictest looks through the whole tree of wrapped errors. What is neither a
// sentinel nor an *Error says nothing: it is the cause of what wraps it, or of
// what it is joined with.
func strictest(err error) (outcome Outcome, known bool) {
	outcome, known = says(err)
	consider := func(inner error) {
		if inner == nil {
			return
		}
		if o, ok := strictest(inner); ok && (!known || o < outcome) {
			outcome, known = o, true
		}
	}
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		consider(w.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range w.Unwrap() {
			consider(inner)
		}
	}
	return outcome, known
}

// says returns what err itself says, without what it wraps. It may be all
// three sentinels by an Is method of its own: the strictest comes first.
func says(err error) (o Outcome, known bool) {
	if e, ok := err.(*Error); ok {
		if e == nil || e.Outcome > NotRelevant { // an error never accepts
			return Denied, true
		}
		return e.Outcome, true
	}
	x, _ := err.(interface{ Is(error) bool })
	is := func(target error) bool { return err == target || x != nil && x.Is(target) }
	switch {
	case is(ErrFailed):
		return Failed, true
	case is(ErrUnavailable):
		return Unavailable, true
	case is(ErrNotRelevant):
		return NotRelevant, true
	default:
		return Denied, false
	}
}

// reasonOf returns the reason code that err asks for, if any.
func reasonOf(err error) ReasonCode {
	var e *Error
	if errors.As(err, &e) && e != nil {
		return e.Reason
	}
	return NotAuthorized
}

// connackReason returns the code that a refusing CONNACK or DISCONNECT may
// carry (AUTHN-6): a success code or one of another packet would confuse the
// client, or let it believe that it is in.
func connackReason(o Outcome, c ReasonCode) ReasonCode {
	if o == Unavailable || o == Failed {
		return ServerUnavailable
	}
	switch c {
	case 0x80, BadUsernameOrPassword, NotAuthorized, ServerUnavailable, 0x89, 0x8A, BadAuthenticationMethod, 0x97, 0x9F:
		return c
	default:
		return NotAuthorized
	}
}
