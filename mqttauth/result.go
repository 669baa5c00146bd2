package mqttauth

import (
	"context"
	"maps"
	"time"
)

// Principal is what authorization knows about a client. It has the fields of
// mqttauthz.Principal, so that one converts into the other.
type Principal struct {
	ClientID   string
	Username   string            // verified; "" if no method verified one (AUTHZ-3)
	Attributes map[string]string // not to be modified once the Principal is handed out
}

// Identity is who a client is, for the question whose session it is
// (AUTHN-10). It is comparable with ==.
type Identity struct {
	Policy string // the chain that accepted the client
	Method string // the chain entry that did
	Name   string // unique within that entry; "" equals nobody
}

// Same reports whether i and other are the same somebody. An identity without
// a name is not even the same as itself.
func (i Identity) Same(other Identity) bool { return i.Name != "" && i == other }

// Result is the answer of a method that decided. The zero Result denies.
type Result struct {
	Principal Principal
	Identity  Identity  // Policy and Method are set by Chain, whatever a method put there
	Expiry    time.Time // when the credential ends, by the wall clock; zero: never

	// Revalidate, if not nil, judges the client again without its secret
	// (EXP-7), every RevalidateAfter if that is positive, and whenever the
	// broker asks for it. An outage keeps the old result. A judgement that
	// leaves Expiry or Revalidate out leaves it as it was.
	Revalidate      func(context.Context) (Result, error)
	RevalidateAfter time.Duration

	// Steps says what each method of the chain answered. Set by Chain.
	Steps []Step

	accepted bool
}

// Accept returns the result that lets a client in as p. The name identifies
// the client among all clients of the same method and must not be something
// that a client can choose; "" means that the client has no name and cannot
// own a session.
func Accept(p Principal, name string) Result {
	return Result{Principal: p, Identity: Identity{Name: name}, accepted: true}
}

// Accepted reports whether r was made by Accept.
func (r *Result) Accepted() bool { return r.accepted }

// expired reports whether the credential has ended at now (EXP-1).
func (r *Result) expired(now time.Time) bool {
	return !r.Expiry.IsZero() && !now.Before(r.Expiry)
}

func (p Principal) equal(q Principal) bool {
	return p.ClientID == q.ClientID && p.Username == q.Username && maps.Equal(p.Attributes, q.Attributes)
}
