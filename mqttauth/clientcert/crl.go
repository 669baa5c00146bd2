package clientcert

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// Reasons by which revocation lists refuse a chain.
var (
	ErrRevoked  = errors.New("a certificate of the chain is revoked")
	ErrStaleCRL = errors.New("the revocation list of an issuer is expired, older than one seen before, or gone")
)

// crl is a revocation list, ready for look-up.
type crl struct {
	list    *x509.RevocationList
	revoked map[string]bool // serial numbers, big-endian
	signed  sync.Map        // [sha256.Size]byte of an issuer's public key → bool
}

// Extensions of a CRL and of its entries (RFC 5280 sections 5.2 and 5.3).
var (
	oidAuthorityKeyID = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidCRLNumber      = asn1.ObjectIdentifier{2, 5, 29, 20}
)

// newCRL checks what can be checked without the issuer.
func newCRL(l *x509.RevocationList) (*crl, error) {
	if l == nil {
		return nil, errors.New("no revocation list")
	}
	if l.NextUpdate.IsZero() {
		return nil, errors.New("it has no nextUpdate, so nobody can tell whether it is current")
	}
	for _, e := range l.Extensions {
		// Delta lists and lists of limited scope, indirect ones among them,
		// are marked by critical extensions.
		if e.Critical && !e.Id.Equal(oidAuthorityKeyID) && !e.Id.Equal(oidCRLNumber) {
			return nil, fmt.Errorf("critical extension %v: delta, indirect and partial lists are not supported; give a complete one", e.Id)
		}
	}
	c := &crl{list: l, revoked: make(map[string]bool, len(l.RevokedCertificateEntries))}
	for i := range l.RevokedCertificateEntries {
		entry := &l.RevokedCertificateEntries[i]
		for _, e := range entry.Extensions {
			if e.Critical {
				return nil, fmt.Errorf("entry %d has critical extension %v: indirect lists are not supported", i+1, e.Id)
			}
		}
		c.revoked[string(entry.SerialNumber.Bytes())] = true
	}
	return c, nil
}

// signedBy reports whether an issuer's key made the signature; names do not
// count (X509-11).
func (c *crl) signedBy(issuer *x509.Certificate) bool {
	key := sha256.Sum256(issuer.RawSubjectPublicKeyInfo)
	if known, ok := c.signed.Load(key); ok {
		return known.(bool)
	}
	ok := c.list.CheckSignatureFrom(issuer) == nil
	c.signed.Store(key, ok)
	return ok
}

// checkForged refuses a list that says it is of an anchor's and is not.
func (c *crl) checkForged(anchors []*x509.Certificate) error {
	named := false
	for _, a := range anchors {
		if string(a.RawSubject) != string(c.list.RawIssuer) {
			continue
		}
		if c.signedBy(a) {
			return nil
		}
		named = true
	}
	if named {
		return errors.New("its signature is not the one of the trust anchor that it names")
	}
	return nil
}

// age orders the lists of one issuer.
type age struct {
	number *big.Int // nil: none
	since  time.Time
}

func (c *crl) age() age { return age{c.list.Number, c.list.ThisUpdate} }

func (a age) olderThan(b age) bool {
	if a.number != nil && b.number != nil {
		return a.number.Cmp(b.number) < 0
	}
	return a.since.Before(b.since)
}

// checkRevoked checks every certificate below the anchor against the lists that
// its issuer signed (X509-11).
func (s *snapshot) checkRevoked(chain []*x509.Certificate, now time.Time) error {
	for i, cert := range chain[:len(chain)-1] {
		issuer := chain[i+1]
		var newest *crl
		for _, c := range s.crls {
			if !c.signedBy(issuer) {
				continue
			}
			if c.revoked[string(cert.SerialNumber.Bytes())] {
				return fmt.Errorf("%w: %q, serial number %x", ErrRevoked, cert.Subject, cert.SerialNumber)
			}
			if newest == nil || newest.age().olderThan(c.age()) {
				newest = c
			}
		}
		if !s.allowStale && s.seen.stale(issuer, newest, now) {
			return fmt.Errorf("%w: %q", ErrStaleCRL, issuer.Subject)
		}
	}
	return nil
}

// seenCRLs remembers the newest list of each issuer's key, so that putting an
// old one back, or none, is noticed.
type seenCRLs struct {
	mu     sync.Mutex
	newest map[[sha256.Size]byte]age
}

// stale reports whether an issuer that had a list has no current one now.
func (s *seenCRLs) stale(issuer *x509.Certificate, newest *crl, now time.Time) bool {
	key := sha256.Sum256(issuer.RawSubjectPublicKeyInfo)
	s.mu.Lock()
	defer s.mu.Unlock()
	before, had := s.newest[key]
	if newest == nil {
		return had
	}
	if now.After(newest.list.NextUpdate) || had && newest.age().olderThan(before) {
		return true
	}
	if s.newest == nil {
		s.newest = make(map[[sha256.Size]byte]age)
	}
	s.newest[key] = newest.age()
	return false
}
