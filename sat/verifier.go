package sat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// clockSkew is how far the clock of the one who issued a token may be ahead of
// ours: as much as the API server grants. Past exp nothing is granted.
const clockSkew = time.Minute

// VerifierConfig configures a Verifier.
type VerifierConfig struct {
	// Issuer is the iss claim of the cluster's tokens, compared exactly.
	// Required.
	Issuer string

	// KeySet is where the cluster's public keys are: an https URL, such as the
	// API server's /openid/v1/jwks, or else the name of a file. Required. What
	// the issuer publishes about itself is not followed: it names addresses
	// that are good inside the cluster.
	KeySet string

	// CAFile and TokenFile are for a URL: certificates of the server's
	// authorities in PEM, and the token of a service account, since the API
	// server does not show its keys to strangers. "": the roots of the system;
	// no token.
	CAFile    string
	TokenFile string

	// Timeout bounds one reading of the key set. Zero: DefaultTimeout.
	Timeout time.Duration
}

// Verifier is a Reviewer that asks nobody: it verifies signatures with the
// cluster's public keys (SAT-9). It is a choice of its own for gateways that
// cannot reach the API server, never what to fall back to.
//
// It does not see that a service account, pod or secret is deleted: their
// tokens are accepted until they end, which is an hour as a rule and up to a
// year in some clusters. A withdrawn key counts for about 10 minutes more, and
// for as long as the key set cannot be read.
//
// It is safe for concurrent use.
type Verifier struct {
	issuer string
	keys   keyring
}

var _ Reviewer = (*Verifier)(nil)

// NewVerifier returns a verifier. The key set is read when it is first needed;
// Refresh reads it sooner.
func NewVerifier(c VerifierConfig) (*Verifier, error) {
	switch {
	case c.Issuer == "":
		return nil, errors.New("sat: verifier: no issuer; want the iss claim of the cluster's tokens")
	case c.KeySet == "":
		return nil, errors.New("sat: verifier: no key set; want a file or an https URL")
	case c.Timeout < 0:
		return nil, errors.New("sat: verifier: the timeout is negative; write 0 for the default")
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	v := &Verifier{issuer: c.Issuer}
	v.keys.flight.timeout = c.Timeout
	if !strings.Contains(c.KeySet, "://") {
		v.keys.file = c.KeySet
		if c.CAFile != "" || c.TokenFile != "" {
			return nil, errors.New("sat: verifier: CAFile and TokenFile are for a key set at a URL")
		}
		return v, nil
	}
	u, err := parseHTTPS(c.KeySet)
	if err != nil {
		return nil, fmt.Errorf("sat: verifier: key set: %w", err)
	}
	v.keys.url = u
	v.keys.link = link{caFile: c.CAFile, tokenFile: c.TokenFile, timeout: c.Timeout, maxConns: 1}
	return v, nil
}

// Refresh reads the key set now. On error the keys stay as they are.
func (v *Verifier) Refresh(ctx context.Context) error {
	_, err := v.keys.flight.do(ctx, atOnce, v.keys.read)
	return err
}

// Review verifies the token. An error means that the key set cannot be read, or
// does not have the token's key and has been read so lately that it may not
// show it yet.
func (v *Verifier) Review(ctx context.Context, r *Request) (Review, error) {
	if err := ctx.Err(); err != nil {
		return Review{}, err
	}
	k, err := v.signer(ctx, r.Token)
	if errors.Is(err, errUnknownKey) || errors.Is(err, errSigner) {
		return refuse(err)
	}
	if err != nil {
		return Review{}, err
	}
	text := string(r.Token.Secret().Reveal())
	signed := text[:strings.LastIndexByte(text, '.')]
	if err := k.method.Verify(signed, r.Token.signature, k.public); err != nil {
		return refuse(errors.New("sat: the signature is not valid"))
	}
	review, err := v.judge(r, time.Now())
	if err != nil {
		return refuse(err)
	}
	return review, nil
}

func refuse(why error) (Review, error) {
	return Review{Problem: strings.TrimPrefix(why.Error(), "sat: ")}, nil
}

var errSigner = errors.New("sat: the token header names no key, or an algorithm that is not the key's")

// signer returns the key that the token's header names, if it is for the
// algorithm that the header names too.
func (v *Verifier) signer(ctx context.Context, t *Token) (key, error) {
	var err error
	header := fields{t.header, &err}
	id, alg := header.text("kid"), header.text("alg")
	if err != nil || id == "" || alg == "" {
		return key{}, errSigner
	}
	k, err := v.keys.find(ctx, id)
	if err == nil && k.method.Alg() != alg {
		return key{}, errSigner
	}
	return k, err
}

// judge looks at the claims of a token whose signature is valid.
func (v *Verifier) judge(r *Request, now time.Time) (Review, error) {
	var err error
	claims := fields{r.Token.claims, &err}
	kubernetes := claims.object("kubernetes.io")
	account := kubernetes.object("serviceaccount")
	issuer, subject := claims.text("iss"), claims.text("sub")
	username := usernamePrefix + kubernetes.text("namespace") + ":" + account.text("name")
	uid := account.text("uid")
	if err != nil {
		return Review{}, fmt.Errorf("sat: token claims: %w", err)
	}
	switch {
	case issuer != v.issuer:
		return Review{}, errors.New("sat: the token is of another issuer")
	case subject != username:
		return Review{}, errors.New("sat: sub and kubernetes.io of the token name different service accounts")
	}
	if err := r.Token.check(now, r.Audiences); err != nil {
		return Review{}, err
	}
	if limit := now.Add(clockSkew).Unix(); claims.number("nbf") > limit || claims.number("iat") > limit {
		return Review{}, errors.New("sat: the token is not valid yet")
	}
	if err != nil {
		return Review{}, fmt.Errorf("sat: token claims: %w", err)
	}
	return Review{Authenticated: true, Username: username, UID: uid, Audiences: r.Token.meant(r.Audiences)}, nil
}
