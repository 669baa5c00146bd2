package clientcert

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/x509attr"
)

// Config configures a Method.
type Config struct {
	// Trust is required. It should be the one that made the listener's TLS
	// configuration: chains built there are then not built again.
	Trust *Trust

	// Attributes gives clients attributes by the subjects of their chain
	// (X509-6). Nil: no attributes.
	Attributes *x509attr.Matcher

	// RevalidateAfter is how often a connected client's chain is verified
	// again, against the anchors and revocation lists of the moment (EXP-7).
	// Zero: only when the broker asks for it.
	RevalidateAfter time.Duration
}

// Method accepts clients by their certificate. It is immutable and safe for
// concurrent use.
type Method struct {
	trust      *Trust
	attributes *x509attr.Matcher
	revalidate time.Duration
}

var _ mqttauth.Method = (*Method)(nil)

// New returns the method that trusts c.Trust.
//
// It is an error if there is no Trust, or RevalidateAfter is negative.
func New(c Config) (*Method, error) {
	if c.Trust == nil {
		return nil, errors.New("clientcert: Config.Trust is required")
	}
	if c.RevalidateAfter < 0 {
		return nil, errors.New("clientcert: Config.RevalidateAfter is negative")
	}
	return &Method{trust: c.Trust, attributes: c.Attributes, revalidate: c.RevalidateAfter}, nil
}

var errNoCertificate = fmt.Errorf("no client certificate: %w", mqttauth.ErrNotRelevant)

// Authenticate accepts a client whose certificate chain verifies. It is
// relevant if the client presented a certificate (X509-1) and does not ask for
// enhanced authentication (AUTHN-12).
func (m *Method) Authenticate(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	if c.AuthMethod != "" || len(c.PeerCertificates) == 0 {
		return mqttauth.Result{}, errNoCertificate
	}
	chain, err := m.chain(c, time.Now())
	if err != nil {
		err = &ChainError{Certificate: c.PeerCertificates[0], Err: err}
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, err)
	}
	r := m.accept(chain)
	presented := c.PeerCertificates
	r.RevalidateAfter = m.revalidate
	r.Revalidate = func(context.Context) (mqttauth.Result, error) { return m.judge(presented) }
	return r, nil
}

// judge verifies a chain that was accepted before anew (EXP-7).
func (m *Method) judge(presented []*x509.Certificate) (mqttauth.Result, error) {
	chain, err := m.trust.now.Load().verify(presented, time.Now())
	if err != nil {
		err = &ChainError{Certificate: presented[0], Err: err}
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, err)
	}
	return m.accept(chain), nil
}

// accept makes the result of a verified chain.
func (m *Method) accept(chain []*x509.Certificate) mqttauth.Result {
	var p mqttauth.Principal // its client ID is the chain of methods' to set
	if name, ok := x509attr.CommonName(chain[0]); ok {
		p.Username = name
	}
	if match, ok := m.attributes.Match(chain); ok {
		p.Attributes = match.Attributes
	}
	r := mqttauth.Accept(p, identity(chain))
	r.Expiry = expiry(chain)
	return r
}

// chain returns the verified chain that counts. Those that the handshake built
// are used as long as they end in an anchor that is still trusted (X509-4).
func (m *Method) chain(c *mqttauth.Credentials, now time.Time) ([]*x509.Certificate, error) {
	s := m.trust.now.Load()
	if len(c.VerifiedChains) > 0 {
		chain, err := s.choose(c.VerifiedChains, now)
		if !errors.Is(err, ErrAnchorRemoved) {
			return chain, err
		}
	}
	return s.verify(c.PeerCertificates, now)
}

// expiry is the earliest end in the chain (X509-9).
func expiry(chain []*x509.Certificate) time.Time {
	end := chain[0].NotAfter
	for _, c := range chain[1:] {
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	return end
}

// identity names the client by the raw subjects of its chain, which survive a
// renewal of the certificate; a leaf without a subject is named by its public
// key instead (AUTHN-10). Lengths keep the parts apart.
func identity(chain []*x509.Certificate) string {
	var name []byte
	for i, c := range chain {
		part := c.RawSubject
		if i == 0 && len(c.Subject.Names) == 0 {
			key := sha256.Sum256(c.RawSubjectPublicKeyInfo)
			part = key[:]
		}
		name = binary.AppendUvarint(name, uint64(len(part)))
		name = append(name, part...)
	}
	return string(name)
}
