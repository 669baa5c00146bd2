package sat

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

const (
	// AuthMethod is the Authentication Method of tokens (SAT-1).
	AuthMethod = "K8S-SAT"

	// DefaultAnnotationPrefix begins the annotations that are attributes
	// (SAT-5). In documents of v1beta1 it is "aio-mq-broker-auth/" instead.
	DefaultAnnotationPrefix = "aio-broker-auth/"
)

// Config configures a Method. Only Audiences is required.
type Config struct {
	// Audiences are the token audiences that are accepted, compared exactly; a
	// token needs one of them. With an audience of the API server itself, every
	// token that a pod has anyway would do.
	Audiences []string

	// Namespaces are those whose service accounts are accepted (SAT-10). Nil:
	// all. A list that is not nil is not empty.
	Namespaces []string

	// AnnotationPrefix ends in "/". "": DefaultAnnotationPrefix.
	AnnotationPrefix string

	// Usernames are the forms of user name whose password is a token (SAT-2).
	Usernames UsernameForms

	// RevalidateAfter is how often a connected client is judged again (EXP-7):
	// its service account must still be there, with the same UID, and its
	// annotations replace its attributes. An outage changes nothing. Zero: only
	// when the broker asks.
	RevalidateAfter time.Duration

	// ReviewAgain makes judging again review the token again, too. Only that
	// sees that the pod or secret is deleted to which a token is bound (S-48).
	// The token is kept in memory for it, as long as its client is connected;
	// nothing else keeps a token.
	ReviewAgain bool
}

// Method accepts clients that present a service account token. It is immutable
// and safe for concurrent use.
type Method struct {
	reviewer  Reviewer
	cache     *Cache // the reviewer, if it is one
	annotator Annotator
	config    Config
}

var _ mqttauth.Method = (*Method)(nil)

// New returns the method that asks r about tokens and a about the annotations
// of their service accounts. A nil a means that clients have no attributes and
// that nobody can judge them again: it is for a [Verifier] that cannot reach
// the API server.
func New(r Reviewer, a Annotator, c Config) (*Method, error) {
	if c.AnnotationPrefix == "" {
		c.AnnotationPrefix = DefaultAnnotationPrefix
	}
	if err := c.check(r, a); err != nil {
		return nil, err
	}
	c.Audiences, c.Namespaces = slices.Clone(c.Audiences), slices.Clone(c.Namespaces)
	cache, _ := r.(*Cache)
	return &Method{reviewer: r, cache: cache, annotator: a, config: c}, nil
}

func (c *Config) check(r Reviewer, a Annotator) error {
	switch {
	case r == nil:
		return errors.New("sat: a method needs a reviewer")
	case len(c.Audiences) == 0:
		return errors.New("sat: no audiences; name those that clients request their tokens for")
	case slices.Contains(c.Audiences, ""):
		return errors.New("sat: an audience is empty")
	case c.Namespaces != nil && len(c.Namespaces) == 0:
		return errors.New("sat: an empty list of namespaces accepts nobody; write nil for all")
	case !strings.HasSuffix(c.AnnotationPrefix, "/"):
		return fmt.Errorf("sat: annotation prefix %q does not end in \"/\"", c.AnnotationPrefix)
	case c.Usernames > UsernameK8SSAT|UsernameSAT:
		return fmt.Errorf("sat: unknown forms of user names %#x", byte(c.Usernames))
	case c.RevalidateAfter < 0:
		return errors.New("sat: RevalidateAfter is negative; write 0 for never")
	case (c.RevalidateAfter > 0 || c.ReviewAgain) && a == nil:
		return errors.New("sat: clients cannot be judged again without an annotator")
	}
	for _, n := range c.Namespaces {
		if !isName(n, 63, false) {
			return fmt.Errorf("sat: %q is not the name of a namespace", n)
		}
	}
	return nil
}

// Authenticate verifies the token that c presents. Other credentials are not
// relevant (SAT-1, SAT-2).
func (m *Method) Authenticate(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	secret, reason, relevant := m.presented(c)
	if !relevant {
		return mqttauth.Result{}, mqttauth.ErrNotRelevant
	}
	account, expiry, err := m.verify(ctx, c, secret, reason)
	if err != nil {
		return mqttauth.Result{}, err
	}
	p := party{clientID: c.ClientID, account: account}
	if m.config.ReviewAgain {
		p.token, p.from = secret, c.RemoteAddr
	}
	r, err := m.result(ctx, p, reason)
	if err != nil {
		return mqttauth.Result{}, err
	}
	r.Expiry = expiry
	return r, nil
}

// presented returns the token that c holds, and the reason code of a denial.
func (m *Method) presented(c *mqttauth.Credentials) (s mqttauth.Secret, denial mqttauth.ReasonCode, relevant bool) {
	switch {
	case c == nil:
		return s, 0, false
	case c.AuthMethod == AuthMethod:
		return c.AuthData, mqttauth.NotAuthorized, true
	case c.AuthMethod == "" && c.HasUsername && m.config.Usernames.Match(c.Username):
		return c.Password, mqttauth.BadUsernameOrPassword, true
	default:
		return s, 0, false
	}
}

// verify returns whose the token is, and when it ends.
func (m *Method) verify(ctx context.Context, c *mqttauth.Credentials, s mqttauth.Secret, denial mqttauth.ReasonCode) (Account, time.Time, error) {
	review, expiry, err := m.review(ctx, c, s, denial)
	if err != nil {
		return Account{}, expiry, err
	}
	a, err := m.accept(&review, expiry, c.Previous)
	if err != nil {
		return Account{}, expiry, mqttauth.Deny(denial, err)
	}
	return a, expiry, nil
}

// review returns a verdict about a token, and when the token ends.
func (m *Method) review(ctx context.Context, c *mqttauth.Credentials, s mqttauth.Secret, denial mqttauth.ReasonCode) (v Review, expiry time.Time, err error) {
	if m.cache != nil { // what it remembers has been read before
		if v, expiry, ok := m.cache.recall(s, m.config.Audiences); ok {
			return v, expiry, nil
		}
	}
	token, err := ParseToken(s)
	if err == nil {
		err = token.check(time.Now(), m.config.Audiences)
	}
	if err != nil {
		return v, expiry, mqttauth.Deny(denial, err)
	}
	v, err = m.reviewer.Review(ctx, &Request{
		Token: token, Audiences: m.config.Audiences,
		Source: c.RemoteAddr.Addr(), Renewal: c.Previous != nil,
	})
	if err != nil {
		return v, expiry, outage(ctx, "token not reviewed", err)
	}
	return v, token.Expiry(), nil
}

// accept applies SAT-4, SAT-6, SAT-10 and EXP-3 to a verdict.
func (m *Method) accept(v *Review, expiry time.Time, previous *mqttauth.Result) (Account, error) {
	a, err := v.account(m.config.Audiences)
	if err != nil {
		return Account{}, err
	}
	switch {
	case m.config.Namespaces != nil && !slices.Contains(m.config.Namespaces, a.Namespace):
		return Account{}, fmt.Errorf("sat: service accounts of namespace %s are not accepted", a.Namespace)
	case previous != nil && previous.Identity.Name != a.identity():
		return Account{}, fmt.Errorf("sat: the new token is of service account %s: %w", a.identity(), mqttauth.ErrOtherIdentity)
	case !time.Now().Before(expiry): // the review took its time
		return Account{}, fmt.Errorf("sat: %w", mqttauth.ErrExpired)
	}
	return a, nil
}

// identity names the account among all (AUTHN-10). Neither part holds a "/".
func (a Account) identity() string { return a.Namespace + "/" + a.Name }

// party is a client as it is judged again.
type party struct {
	clientID string
	account  Account
	token    mqttauth.Secret // only with ReviewAgain, as is from
	from     netip.AddrPort
}

// result lets a client in, if its account still stands.
func (m *Method) result(ctx context.Context, p party, denial mqttauth.ReasonCode) (mqttauth.Result, error) {
	a := p.account
	if m.annotator == nil {
		return mqttauth.Accept(mqttauth.Principal{ClientID: p.clientID}, a.identity()), nil
	}
	stored, err := m.annotator.ServiceAccount(ctx, a)
	switch {
	case errors.Is(err, ErrNoAccount):
		return mqttauth.Result{}, mqttauth.Deny(denial, fmt.Errorf("sat: service account %s: %w", a.identity(), err))
	case err != nil:
		return mqttauth.Result{}, outage(ctx, "service account "+a.identity()+" not read", err)
	case stored.UID != a.UID:
		return mqttauth.Result{}, mqttauth.Deny(denial, fmt.Errorf("sat: service account %s is not the one that the token was made for", a.identity()))
	}
	// SAT-7: no username.
	principal := mqttauth.Principal{ClientID: p.clientID, Attributes: m.attributes(stored.Annotations)}
	r := mqttauth.Accept(principal, a.identity())
	r.RevalidateAfter = m.config.RevalidateAfter
	r.Revalidate = func(ctx context.Context) (mqttauth.Result, error) { return m.judge(ctx, p) }
	return r, nil
}

// judge judges a client again (EXP-7).
func (m *Method) judge(ctx context.Context, p party) (mqttauth.Result, error) {
	if m.config.ReviewAgain {
		c := mqttauth.Credentials{RemoteAddr: p.from} // takes its turn with those who connect: they can come again
		a, _, err := m.verify(ctx, &c, p.token, mqttauth.NotAuthorized)
		if err != nil {
			return mqttauth.Result{}, err
		}
		if a != p.account {
			return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, errors.New("sat: the token is of another service account now"))
		}
	}
	return m.result(ctx, p, mqttauth.NotAuthorized)
}

// attributes returns the annotations that are meant for us (SAT-5).
func (m *Method) attributes(annotations map[string]string) map[string]string {
	attributes := make(map[string]string)
	for key, value := range annotations {
		if name, ours := strings.CutPrefix(key, m.config.AnnotationPrefix); ours && name != "" {
			attributes[name] = value
		}
	}
	return attributes
}

// outage says that there is no decision. Whose time is up cannot blame the API
// server: it may be our load (AUTHN-5).
func outage(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("sat: %s: given up: %w: %w", what, mqttauth.ErrFailed, ctx.Err())
	}
	return fmt.Errorf("sat: %s: %w: %w", what, mqttauth.ErrUnavailable, err)
}
