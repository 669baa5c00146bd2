package clientcert_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"go/version"
	"math/big"
	"runtime"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// S-60, S-70: several faults of crypto/tls and crypto/x509 are only mended in
// the toolchain: resumption with other anchors, floods after the handshake. Who
// tests with an older one tests something else.
func TestS70Toolchain(t *testing.T) {
	const floor = "go1.26"
	if v := runtime.Version(); version.IsValid(v) && version.Compare(v, floor) < 0 {
		t.Errorf("toolchain %s is older than %s", v, floor)
	}
}

// S-66: what an authority's name constraints exclude is refused, in whatever
// letter case and also under a wildcard; and a name that is not the common name
// is nobody's user name.
func TestS66NameConstraints(t *testing.T) {
	p := newPKI(t)
	issuer := constrained(t, p.root, "factory.example")
	m := method(t, trust(t, p.root))
	tests := []struct {
		host    string
		accepts bool
	}{
		{"device.other.example", true},
		{"factory.example", false},
		{"device.factory.example", false},
		{"DEVICE.Factory.EXAMPLE", false},
		{"*.factory.example", false},
		{"notfactory.example", true},
	}
	for _, tt := range tests {
		leaf := p.must(issuer.Leaf(devca.Spec{Subject: pkix.Name{CommonName: "device"}, Hosts: []string{tt.host}}))
		r, err := m.Authenticate(t.Context(), presented(leaf.Chain()...))
		if accepted := mqttauth.OutcomeOf(r, err) == mqttauth.Accepted; accepted != tt.accepts {
			t.Errorf("%s: accepted %v, want %v (%v)", tt.host, accepted, tt.accepts, err)
		}
		if tt.accepts && r.Principal.Username != "device" {
			t.Errorf("%s: user name %q", tt.host, r.Principal.Username)
		}
	}
}

// constrained makes an authority that may not vouch for names below a domain.
func constrained(t *testing.T, root *devca.Certificate, domain string) *devca.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "constrained"},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true, ExcludedDNSDomains: []string{domain},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, root.Cert, key.Public(), root.Key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &devca.Certificate{Cert: cert, Key: key, Issuer: root}
}
