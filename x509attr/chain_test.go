package x509attr_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/x509attr"
)

// authority is a certificate with its key.
type authority struct {
	cert *x509.Certificate
	key  ed25519.PrivateKey
}

// issue makes a certificate that a signs; a nil authority makes a root. Equal
// seeds make equal keys.
func (a *authority) issue(t *testing.T, common string, seed byte) *authority {
	t.Helper()
	key := ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), seed))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(seed)), Subject: pkix.Name{CommonName: common, Country: []string{"US"}},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if a == nil {
		a = &authority{cert: template, key: key}
	}
	der, err := x509.CreateCertificate(nil, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: cert, key: key}
}

// X509-6, S-68: attributes come from the verified chain. A certificate that
// was presented beside it, or an anchor that did not end it, names nothing.
func TestS68VerifiedChainOnly(t *testing.T) {
	var none *authority
	root := none.issue(t, "root", 1)
	otherRoot := none.issue(t, "other root", 2)
	crossSigned := otherRoot.issue(t, "intermediate", 3) // the same name and key as intermediate
	intermediate := root.issue(t, "intermediate", 3)
	stranger := none.issue(t, "admin", 4)
	leaf := intermediate.issue(t, "fan", 5)

	fingerprint := func(a *authority) string {
		sum := sha256.Sum256(a.cert.Raw)
		return hex.EncodeToString(sum[:])
	}
	m, err := x509attr.Compile([]x509attr.Rule{
		{Name: "admin", Subject: "CN=admin,C=US"},
		{Name: "below root", Subject: "CN = intermediate, C = US", Anchor: fingerprint(root)},
		{Name: "below other root", Subject: "CN = intermediate, C = US", Anchor: fingerprint(otherRoot)},
	})
	if err != nil {
		t.Fatal(err)
	}
	presented := x509.NewCertPool() // unordered, with what does not belong to the chain
	for _, a := range []*authority{stranger, crossSigned, intermediate} {
		presented.AddCert(a.cert)
	}
	for anchor, want := range map[*authority]string{root: "below root", otherRoot: "below other root"} {
		anchors := x509.NewCertPool()
		anchors.AddCert(anchor.cert)
		chains, err := leaf.cert.Verify(x509.VerifyOptions{
			Roots: anchors, Intermediates: presented, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		if err != nil || len(chains) != 1 {
			t.Fatalf("%d chains, %v", len(chains), err)
		}
		got, ok := m.Match(chains[0])
		if !ok || got.Rule != want || got.Index != 1 {
			t.Errorf("%+v, %t; want %s", got, ok, want)
		}
	}
	if got, ok := x509attr.CommonName(leaf.cert); got != "fan" || !ok {
		t.Errorf("common name %q, %t", got, ok)
	}
}
