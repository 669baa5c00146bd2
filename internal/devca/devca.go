// Package devca makes certificate authorities and certificates in memory, for
// the demonstration and for tests. Their keys are not protected; nothing real
// may depend on them.
package devca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Certificate is a certificate, its key and the certificates above it.
type Certificate struct {
	Cert   *x509.Certificate
	Key    crypto.Signer
	Issuer *Certificate // nil for a root
}

// Spec describes a certificate. The zero value but for Subject is usable.
type Spec struct {
	Subject   pkix.Name
	Key       crypto.Signer      // nil: a new P-256 key
	NotBefore time.Time          // zero: a minute ago
	NotAfter  time.Time          // zero: 100 days from now
	Hosts     []string           // DNS names and IP addresses
	ExtUsage  []x509.ExtKeyUsage // of a leaf; nil: client and server authentication
}

// Named returns the spec of a certificate with this common name and nothing
// else in its subject.
func Named(cn string) Spec { return Spec{Subject: pkix.Name{CommonName: cn}} }

// Root makes a self-signed certificate authority.
func Root(s Spec) (*Certificate, error) { return issue(s, nil, true) }

// Intermediate makes an authority below c.
func (c *Certificate) Intermediate(s Spec) (*Certificate, error) { return issue(s, c, true) }

// Leaf makes an end-entity certificate below c.
func (c *Certificate) Leaf(s Spec) (*Certificate, error) { return issue(s, c, false) }

func issue(s Spec, issuer *Certificate, ca bool) (*Certificate, error) {
	key := s.Key
	if key == nil {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("devca: %w", err)
		}
		key = k
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("devca: %w", err)
	}
	template := s.template(serial, ca)
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.Cert, issuer.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("devca: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("devca: %w", err)
	}
	return &Certificate{Cert: cert, Key: key, Issuer: issuer}, nil
}

func (s Spec) template(serial *big.Int, ca bool) *x509.Certificate {
	t := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               s.Subject,
		NotBefore:             s.NotBefore,
		NotAfter:              s.NotAfter,
		BasicConstraintsValid: true,
		IsCA:                  ca,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           s.ExtUsage,
	}
	if t.NotBefore.IsZero() {
		t.NotBefore = time.Now().Add(-time.Minute)
	}
	if t.NotAfter.IsZero() {
		t.NotAfter = time.Now().AddDate(0, 0, 100)
	}
	if ca {
		t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		return t
	}
	if t.ExtKeyUsage == nil {
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	for _, h := range s.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
			continue
		}
		t.DNSNames = append(t.DNSNames, h)
	}
	return t
}

// Chain returns c and the intermediates above it, without the root: what goes
// into a TLS handshake.
func (c *Certificate) Chain() []*x509.Certificate {
	chain := []*x509.Certificate{c.Cert}
	for up := c.Issuer; up != nil && up.Issuer != nil; up = up.Issuer {
		chain = append(chain, up.Cert)
	}
	return chain
}

// TLS returns the chain and the key for use in a tls.Config.
func (c *Certificate) TLS() tls.Certificate {
	t := tls.Certificate{PrivateKey: c.Key, Leaf: c.Cert}
	for _, cert := range c.Chain() {
		t.Certificate = append(t.Certificate, cert.Raw)
	}
	return t
}

// PEM returns the chain, the root not included, or the root itself.
func (c *Certificate) PEM() []byte {
	var out []byte
	for _, cert := range c.Chain() {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return out
}

// KeyPEM returns the private key in PKCS #8.
func (c *Certificate) KeyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		return nil, fmt.Errorf("devca: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Pool returns a pool that holds only c.
func (c *Certificate) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(c.Cert)
	return p
}
