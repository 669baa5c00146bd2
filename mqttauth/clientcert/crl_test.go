package clientcert_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/clientcert"
)

// listOf makes a revocation list of an issuer.
func listOf(t *testing.T, issuer *devca.Certificate, template x509.RevocationList, revoked ...*devca.Certificate) *x509.RevocationList {
	t.Helper()
	if template.Number == nil {
		template.Number = big.NewInt(1)
	}
	if template.ThisUpdate.IsZero() {
		template.ThisUpdate = time.Now().Add(-time.Hour)
	}
	if template.NextUpdate.IsZero() {
		template.NextUpdate = time.Now().Add(time.Hour)
	}
	for _, c := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.Cert.SerialNumber, RevocationTime: template.ThisUpdate})
	}
	der, err := x509.CreateRevocationList(rand.Reader, &template, issuer.Cert, issuer.Key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// X509-11
func TestRevocation(t *testing.T) {
	p := newPKI(t)
	leaf, other := p.leaf(devca.Named("thermostat")), p.leaf(devca.Named("other"))
	// The same name and another key: its list says nothing about our issuer.
	twin := p.must(p.root.Intermediate(devca.Named("Fabrikam Intermediate CA 1")))
	past := x509.RevocationList{ThisUpdate: time.Now().Add(-2 * time.Hour), NextUpdate: time.Now().Add(-time.Hour)}
	tests := []struct {
		name  string
		lists []*x509.RevocationList
		allow bool // AllowStaleCRLs
		want  error
	}{
		{"no list", nil, false, nil},
		{"a list without the leaf", []*x509.RevocationList{listOf(t, p.intermediate, x509.RevocationList{}, other)}, false, nil},
		{"the leaf is revoked", []*x509.RevocationList{listOf(t, p.intermediate, x509.RevocationList{}, leaf)}, false, clientcert.ErrRevoked},
		{"the intermediate is revoked", []*x509.RevocationList{listOf(t, p.root, x509.RevocationList{}, p.intermediate)}, false, clientcert.ErrRevoked},
		{"the issuer's list counts by key, not by name", []*x509.RevocationList{listOf(t, twin, x509.RevocationList{}, leaf)}, false, nil},
		{"another issuer's list does not revoke by serial number", []*x509.RevocationList{listOf(t, p.root, x509.RevocationList{}, leaf)}, false, nil},
		{"expired", []*x509.RevocationList{listOf(t, p.intermediate, past)}, false, clientcert.ErrStaleCRL},
		{"expired, and allowed", []*x509.RevocationList{listOf(t, p.intermediate, past)}, true, nil},
		{"expired and allowed, but revoked", []*x509.RevocationList{listOf(t, p.intermediate, past, leaf)}, true, clientcert.ErrRevoked},
		{"an expired list beside a current one", []*x509.RevocationList{listOf(t, p.intermediate, past), listOf(t, p.intermediate, x509.RevocationList{Number: big.NewInt(2)})}, false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := anchorsOf(p.root)
			a.CRLs, a.AllowStaleCRLs = tt.lists, tt.allow
			tr, err := clientcert.NewTrust(a)
			if err != nil {
				t.Fatal(err)
			}
			_, err = method(t, tr).Authenticate(t.Context(), presented(leaf.Chain()...))
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

// X509-11: a list that has been in use cannot be put back or taken away.
func TestRevocationRollback(t *testing.T) {
	p := newPKI(t)
	leaf := p.leaf(devca.Named("thermostat"))
	replace := func(tr *clientcert.Trust, lists ...*x509.RevocationList) {
		t.Helper()
		a := anchorsOf(p.root)
		a.CRLs = lists
		if err := tr.Replace(a); err != nil {
			t.Fatal(err)
		}
	}
	tr := trust(t, p.root)
	m := method(t, tr)
	try := func(want error) {
		t.Helper()
		if _, err := m.Authenticate(t.Context(), presented(leaf.Chain()...)); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("error %v, want %v", err, want)
		}
	}
	first := listOf(t, p.intermediate, x509.RevocationList{Number: big.NewInt(7)})
	try(nil)
	replace(tr, first)
	try(nil)
	replace(tr, listOf(t, p.intermediate, x509.RevocationList{Number: big.NewInt(6)}))
	try(clientcert.ErrStaleCRL)
	replace(tr)
	try(clientcert.ErrStaleCRL)
	replace(tr, first)
	try(nil)
	replace(tr, listOf(t, p.intermediate, x509.RevocationList{Number: big.NewInt(8)}, leaf))
	try(clientcert.ErrRevoked)
}

// X509-11: what no list may be.
func TestRevocationListErrors(t *testing.T) {
	p := newPKI(t)
	forger := newPKI(t)
	critical := func(arcs ...int) x509.RevocationList {
		return x509.RevocationList{ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier(arcs), Critical: true, Value: []byte{0x02, 0x01, 0x01}}}}
	}
	endless := listOf(t, p.root, x509.RevocationList{})
	endless.NextUpdate = time.Time{}
	tests := []struct {
		name string
		list *x509.RevocationList
		want string
	}{
		{"nil", nil, "no revocation list"},
		{"signed by another key under the anchor's name", listOf(t, forger.root, x509.RevocationList{}), "signature"},
		{"delta", listOf(t, p.root, critical(2, 5, 29, 27)), "delta"},
		{"indirect or partial", listOf(t, p.root, critical(2, 5, 29, 28)), "indirect"},
		{"no nextUpdate", endless, "nextUpdate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := anchorsOf(p.root)
			a.CRLs = []*x509.RevocationList{tt.list}
			if _, err := clientcert.NewTrust(a); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}

// S-61: a certificate that was revoked does not come back by resumption.
func TestRevocationAndResumption(t *testing.T) {
	p := newPKI(t)
	tr := trust(t, p.root)
	leaf := p.leaf(devca.Named("thermostat"))
	server, dialer := configs(t, p, tr, leaf)
	for range 2 {
		if _, err := dial(t, server, dialer); err != nil {
			t.Fatal(err)
		}
	}
	a := anchorsOf(p.root)
	a.CRLs = []*x509.RevocationList{listOf(t, p.intermediate, x509.RevocationList{}, leaf)}
	if err := tr.Replace(a); err != nil {
		t.Fatal(err)
	}
	if state, err := dial(t, server, dialer); err == nil {
		t.Errorf("a revoked certificate got in (resumed: %v)", state.DidResume)
	}
}

// EXP-7: a connected client is judged against the anchors and lists of the
// moment.
func TestRevalidate(t *testing.T) {
	p := newPKI(t)
	tr := trust(t, p.root)
	m, err := clientcert.New(clientcert.Config{Trust: tr, RevalidateAfter: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	leaf := p.leaf(devca.Named("thermostat"))
	first, err := m.Authenticate(t.Context(), presented(leaf.Chain()...))
	if err != nil || first.RevalidateAfter != time.Minute {
		t.Fatal(err, first.RevalidateAfter)
	}
	again, err := first.Revalidate(t.Context())
	if mqttauth.OutcomeOf(again, err) != mqttauth.Accepted || again.Identity != first.Identity {
		t.Fatalf("unchanged: %v, %q", err, again.Identity.Name)
	}
	a := anchorsOf(p.root)
	a.CRLs = []*x509.RevocationList{listOf(t, p.intermediate, x509.RevocationList{}, leaf)}
	if err := tr.Replace(a); err != nil {
		t.Fatal(err)
	}
	if r, err := first.Revalidate(t.Context()); mqttauth.OutcomeOf(r, err) != mqttauth.Denied {
		t.Errorf("revoked meanwhile: %v", err)
	}
	if _, err := clientcert.New(clientcert.Config{Trust: tr, RevalidateAfter: -1}); err == nil {
		t.Error("a negative interval is accepted")
	}
}
