package sat

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// DefaultMaxDelay is the default of a CombinedConfig.
const DefaultMaxDelay = 5 * time.Minute

// CombinedConfig configures a Combined. The zero value is usable: zero fields
// mean the defaults.
type CombinedConfig struct {
	// MaxDelay is for how long a confirmation of the API server counts. Zero:
	// DefaultMaxDelay.
	MaxDelay time.Duration

	// MaxEntries bounds the confirmations that are kept, and as many accounts.
	// Zero: DefaultMaxEntries.
	MaxEntries int

	// Timeout bounds a question in the background. Zero: DefaultFetchTime.
	Timeout time.Duration
}

// Combined is a Reviewer and an Annotator that verifies tokens locally and has
// the API server confirm what they are bound to (SAT-9): a service account and,
// as a rule, a pod.
//
//   - A token that the Verifier refuses is refused, and the API server does not
//     see it.
//   - A token bound to something that was confirmed within MaxDelay is accepted
//     at once. Past half of that it is reviewed in the background, and a refusal
//     counts from then on.
//   - Otherwise the client waits for a review, and for the annotations of its
//     account: it is never let in with fewer attributes than it has.
//   - When the Verifier has no key for a token, the review alone decides.
//
// While the API server is away, the old confirmations and annotations count for
// MaxDelay and the TTL of a Cache, for renewed tokens too. After that, and for what
// was never confirmed, there is no decision, and a chain says that the server
// is unavailable. Clients that are connected stay until their tokens end.
//
// While it answers, what is deleted in the cluster is accepted in a CONNECT or
// AUTH, and old annotations count, for MaxDelay and what stands behind: the TTL
// of a Cache, and the API server's own 10 s, or 70 s after its grace period for a
// pod that is terminating. A client that is connected is cut within the same time, and that
// of two reviews, if Config.ReviewAgain is set and Config.RevalidateAfter is at
// most a quarter of MaxDelay.
//
// It is safe for concurrent use.
type Combined struct {
	verifier  *Verifier
	reviewer  Reviewer
	annotator Annotator
	bindings  standing[[sha256.Size]byte, Review]
	accounts  standing[Account, ServiceAccount]
}

var (
	_ Reviewer  = (*Combined)(nil)
	_ Annotator = (*Combined)(nil)
)

// NewCombined returns a Combined that verifies with v and asks r and a, which
// had better be a [Cache]: it bounds how many are asked at a time.
func NewCombined(v *Verifier, r Reviewer, a Annotator, c CombinedConfig) (*Combined, error) {
	switch {
	case v == nil || r == nil || a == nil:
		return nil, errors.New("sat: combined: want a verifier, a reviewer and an annotator")
	case c.MaxDelay < 0 || c.MaxEntries < 0 || c.Timeout < 0:
		return nil, errors.New("sat: combined: a negative limit; write 0 for the default")
	}
	if c.MaxDelay == 0 {
		c.MaxDelay = DefaultMaxDelay
	}
	if c.MaxEntries == 0 {
		c.MaxEntries = DefaultMaxEntries
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultFetchTime
	}
	both := &Combined{verifier: v, reviewer: r, annotator: a}
	both.bindings.maxAge, both.accounts.maxAge = c.MaxDelay, c.MaxDelay
	both.bindings.flight.timeout, both.accounts.flight.timeout = c.Timeout, c.Timeout
	both.bindings.memory.max, both.accounts.memory.max = c.MaxEntries, c.MaxEntries
	return both, nil
}

// Review verifies the token, and has it reviewed unless what it is bound to is
// confirmed.
func (c *Combined) Review(ctx context.Context, r *Request) (Review, error) {
	local, err := c.verifier.Review(ctx, r)
	if err != nil && ctx.Err() == nil {
		return c.reviewer.Review(ctx, r)
	}
	if err != nil || !local.Authenticated {
		return local, err
	}
	claimed, err := local.account(r.Audiences)
	if err != nil {
		return refuse(err)
	}
	v, err := c.bindings.get(ctx, bindingOf(r.Token), func(ctx context.Context) (Review, verdict, error) {
		return c.confirm(ctx, r, claimed)
	})
	if err != nil || !v.Authenticated {
		return v, err
	}
	return local, nil // what stands may have been said of another token with the same binding
}

// confirm asks for a review that agrees with what the token claims.
func (c *Combined) confirm(ctx context.Context, r *Request, claimed Account) (Review, verdict, error) {
	v, err := c.reviewer.Review(ctx, r)
	switch {
	case err != nil:
		return Review{}, noVerdict, err
	case !v.Authenticated:
		return v, withdrawn, nil // with what the API server says is wrong, as it is
	}
	reviewed, err := v.account(r.Audiences)
	if err == nil && reviewed != claimed {
		err = fmt.Errorf("sat: the token claims to be of %s, and the API server says that it is of %s", claimed.identity(), reviewed.identity())
	}
	if err != nil {
		v, err = refuse(err)
		return v, withdrawn, err
	}
	return v, confirms, nil
}

// bindingOf stands for everything that a review looks at and a Verifier cannot:
// the objects that the token is bound to, and whether its key is still good. It
// is the whole claim, so that a kind of binding that is new is part of it.
func bindingOf(t *Token) [sha256.Size]byte {
	var err error
	id := fields{t.header, &err}.text("kid")
	b := binary.BigEndian.AppendUint64(nil, uint64(len(id)))
	b = append(b, id...)
	claim, _ := t.claims.Get("kubernetes.io")
	return sha256.Sum256(claim.AppendRaw(b))
}

// ServiceAccount returns the account as it was last confirmed.
func (c *Combined) ServiceAccount(ctx context.Context, a Account) (ServiceAccount, error) {
	return c.accounts.get(ctx, a, func(ctx context.Context) (ServiceAccount, verdict, error) {
		stored, err := c.annotator.ServiceAccount(ctx, a)
		switch {
		case errors.Is(err, ErrNoAccount):
			return stored, withdrawn, err
		case err != nil:
			return stored, noVerdict, err
		case stored.UID != a.UID:
			return stored, withdrawn, nil
		default:
			return stored, confirms, nil
		}
	})
}
