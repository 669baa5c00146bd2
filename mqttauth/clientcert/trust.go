package clientcert

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Anchors is what client certificates are verified against.
type Anchors struct {
	// Certificates are trust anchors, roots or intermediates (X509-2). At
	// least one; each must be a certificate authority.
	Certificates []*x509.Certificate

	// CRLs are complete revocation lists. One counts for the certificates
	// whose issuer signed it. From then on that issuer's certificates are
	// refused when its list is expired, older than one that was used before,
	// or gone (X509-11).
	CRLs []*x509.RevocationList

	// AllowStaleCRLs accepts certificates although the list of their issuer is
	// not current. What it revokes stays refused.
	AllowStaleCRLs bool
}

// Trust holds the anchors of a port. They can be replaced at any time. It is
// safe for concurrent use; the zero Trust trusts nobody.
type Trust struct {
	now  atomic.Pointer[snapshot]
	seen seenCRLs
}

// snapshot is one set of anchors. One handshake sees one snapshot.
type snapshot struct {
	pool       *x509.CertPool
	anchors    map[[sha256.Size]byte]bool
	crls       []*crl
	allowStale bool
	seen       *seenCRLs // of the Trust
}

// NewTrust returns a Trust with these anchors. Errors are as those of Replace.
func NewTrust(a Anchors) (*Trust, error) {
	t := new(Trust)
	if err := t.Replace(a); err != nil {
		return nil, err
	}
	return t, nil
}

// Replace puts other anchors and revocation lists in the place of all that were.
// On error the old ones stay: there is no certificate, one is no authority, or a
// list is a delta, indirect or partial one, has no end, or is not signed by the
// anchor that it names as its issuer.
func (t *Trust) Replace(a Anchors) error {
	if len(a.Certificates) == 0 {
		return errors.New("clientcert: no trust anchor; give at least one CA certificate")
	}
	s := &snapshot{
		pool: x509.NewCertPool(), anchors: make(map[[sha256.Size]byte]bool),
		allowStale: a.AllowStaleCRLs, seen: &t.seen,
	}
	for i, c := range a.Certificates {
		if c == nil || !c.BasicConstraintsValid || !c.IsCA {
			return fmt.Errorf("clientcert: trust anchor %d%s is not a CA certificate", i+1, quotedSubject(c))
		}
		s.pool.AddCert(c)
		s.anchors[sha256.Sum256(c.Raw)] = true
	}
	for i, l := range a.CRLs {
		c, err := newCRL(l)
		if err == nil {
			err = c.checkForged(a.Certificates)
		}
		if err != nil {
			return fmt.Errorf("clientcert: revocation list %d: %w", i+1, err)
		}
		s.crls = append(s.crls, c)
	}
	t.now.Store(s)
	return nil
}

func quotedSubject(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf(" (%q)", c.Subject)
}

// Config returns a TLS configuration that asks for client certificates and
// verifies them. It is base in all else. One handshake uses one set of anchors
// throughout, also if Replace is called meanwhile.
//
// base.GetConfigForClient, if set, chooses the configuration that is used in
// place of base. The base configurations may be shared, and are not modified;
// nobody else may modify them either.
func (t *Trust) Config(base *tls.Config) *tls.Config {
	outer := base.Clone()
	var last atomic.Pointer[derived]
	outer.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		inner := base
		if base.GetConfigForClient != nil {
			c, err := base.GetConfigForClient(hello)
			if err != nil {
				return nil, err
			}
			if c != nil {
				inner = c
			}
		}
		return t.handshake(&last, inner), nil
	}
	return outer
}

// RequestUnverified returns base with one difference: clients are asked for a
// certificate, and what they present is not verified at all. It is for a port
// whose methods forward the presented chain to somebody who verifies it
// (X509-12). A Method of this package still verifies what it is given.
func RequestUnverified(base *tls.Config) *tls.Config {
	c := base.Clone()
	c.ClientAuth = tls.RequestClientCert
	return c
}

// derived is the configuration that handshakes use until the base or the anchors
// are others. A connection keeps the one that it began with: one for all is half
// a kilobyte less for each.
type derived struct {
	base    *tls.Config
	anchors *snapshot
	config  *tls.Config
}

// handshake returns the configuration of one handshake, which is the last one if
// that still fits.
func (t *Trust) handshake(last *atomic.Pointer[derived], base *tls.Config) *tls.Config {
	s := t.now.Load()
	if d := last.Load(); d != nil && d.base == base && d.anchors == s {
		return d.config
	}
	c := s.config(base)
	last.Store(&derived{base, s, c})
	return c
}

// config returns a configuration that verifies clients against s.
func (s *snapshot) config(base *tls.Config) *tls.Config {
	c := base.Clone()
	c.GetConfigForClient = nil
	c.ClientAuth = tls.VerifyClientCertIfGiven
	c.ClientCAs = x509.NewCertPool()
	if s != nil {
		c.ClientCAs = s.pool
	}
	verify := base.VerifyConnection
	c.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) > 0 {
			if _, err := s.choose(state.VerifiedChains, time.Now()); err != nil {
				return &ChainError{Certificate: state.PeerCertificates[0], Err: err}
			}
		}
		if verify != nil {
			return verify(state)
		}
		return nil
	}
	return c
}

// ChainError says that a client's certificate chain is refused, and whose.
type ChainError struct {
	Certificate *x509.Certificate // the leaf, unverified
	Err         error
}

// Error names the subject; it is text of the peer's and quoted.
func (e *ChainError) Error() string {
	return fmt.Sprintf("clientcert: certificate of %q refused: %v", e.Certificate.Subject, e.Err)
}

// Unwrap returns the cause.
func (e *ChainError) Unwrap() error { return e.Err }

// Reasons for refusing a chain that the standard verification lets pass.
var (
	ErrAnchorRemoved = errors.New("its trust anchor is not trusted any more")
	ErrMixedKeys     = errors.New("all certificates of the chain must have one public key algorithm")
	ErrKeyUsage      = errors.New("its extended key usage does not list client authentication")
	ErrValidity      = errors.New("a certificate of the chain is expired or not yet valid")
)

// choose returns the chain that counts of those that verified (X509-6): the
// longest, then the first by raw bytes. It must end in an anchor of s, be valid
// at now, and be of one key algorithm (X509-3).
func (s *snapshot) choose(chains [][]*x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	err := ErrAnchorRemoved
	for _, c := range chains {
		if !s.trusts(c) {
			continue
		}
		if !validAt(c, now) {
			err = ErrValidity
			continue
		}
		if chain == nil || compareChains(c, chain) < 0 {
			chain = c
		}
	}
	if chain == nil {
		return nil, err
	}
	for _, c := range chain[1:] {
		if c.PublicKeyAlgorithm != chain[0].PublicKeyAlgorithm {
			return nil, fmt.Errorf("%w: the leaf has %v, %q has %v", ErrMixedKeys, chain[0].PublicKeyAlgorithm, c.Subject, c.PublicKeyAlgorithm)
		}
	}
	if !forClients(chain[0]) {
		return nil, ErrKeyUsage
	}
	if err := s.checkRevoked(chain, now); err != nil {
		return nil, err
	}
	return chain, nil
}

func (s *snapshot) trusts(chain []*x509.Certificate) bool {
	return s != nil && len(chain) > 0 && s.anchors[sha256.Sum256(chain[len(chain)-1].Raw)]
}

func validAt(chain []*x509.Certificate, now time.Time) bool {
	for _, c := range chain {
		if now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return false
		}
	}
	return true
}

// compareChains orders chains by what counts first.
func compareChains(a, b []*x509.Certificate) int {
	if len(a) != len(b) {
		return len(b) - len(a)
	}
	return slices.CompareFunc(a, b, func(x, y *x509.Certificate) int { return slices.Compare(x.Raw, y.Raw) })
}

// forClients reports whether a leaf may identify a client. The standard
// verification is content with "any usage", which is no statement about clients
// (X509-2).
func forClients(leaf *x509.Certificate) bool {
	if len(leaf.ExtKeyUsage) == 0 && len(leaf.UnknownExtKeyUsage) == 0 {
		return true
	}
	return slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
}

// verify builds the chains of presented certificates anew.
func (s *snapshot) verify(presented []*x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	if s == nil {
		return nil, ErrAnchorRemoved
	}
	intermediates := x509.NewCertPool()
	for _, c := range presented[1:] {
		intermediates.AddCert(c)
	}
	chains, err := presented[0].Verify(x509.VerifyOptions{
		Roots:         s.pool,
		Intermediates: intermediates,
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, err
	}
	return s.choose(chains, now)
}
