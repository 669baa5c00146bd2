package x509attr_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/mqttwarden/mqttwarden/x509attr"
)

// thousandRules returns a matcher of 1,000 rules and two chains of three: the
// anchor of the first is named by a rule, nothing of the second is.
func thousandRules(tb testing.TB) (m *x509attr.Matcher, named, unnamed []*x509.Certificate) {
	tb.Helper()
	rules := make([]x509attr.Rule, 1000)
	for i := range rules {
		rules[i] = x509attr.Rule{
			Subject:    fmt.Sprintf("CN = device-%d, OU = Engineering, O = Contoso, C = US", i),
			Attributes: map[string]string{"building": "17"},
		}
	}
	m, err := x509attr.Compile(rules)
	if err != nil {
		tb.Fatal(err)
	}
	subject := func(common string) *x509.Certificate {
		return withSubject(name(attribute{c, printableString, "US"}, attribute{o, printableString, "Contoso"}, text(ou, "Engineering"), text(cn, common)))
	}
	leaf, intermediate := subject("fan"), subject("Contoso Intermediate CA")
	return m, []*x509.Certificate{leaf, intermediate, subject("device-500")}, []*x509.Certificate{leaf, intermediate, subject("root")}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	m, named, unnamed := thousandRules(t)
	if _, ok := m.Match(named); !ok {
		t.Error("the anchor is not matched")
	}
	if _, ok := m.Match(unnamed); ok {
		t.Error("something is matched")
	}
	for _, chain := range [][]*x509.Certificate{named, unnamed} {
		if n := testing.AllocsPerRun(100, func() { m.Match(chain) }); n != 0 {
			t.Errorf("%v allocations, want none", n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	m, named, unnamed := thousandRules(b)
	root := &x509.Certificate{Raw: make([]byte, 800), RawSubject: name(text(cn, "root"))}
	sum := sha256.Sum256(root.Raw)
	pinned, err := x509attr.Compile([]x509attr.Rule{{Subject: "CN=root", Anchor: hex.EncodeToString(sum[:])}})
	if err != nil {
		b.Fatal(err)
	}
	benchmarks := []struct {
		name  string
		m     *x509attr.Matcher
		chain []*x509.Certificate
		want  bool
	}{
		{"anchor", m, named, true},
		{"none", m, unnamed, false},
		{"pinned", pinned, []*x509.Certificate{root}, true},
	}
	for _, bb := range benchmarks {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := bb.m.Match(bb.chain); ok != bb.want {
					b.Fatal(ok)
				}
			}
		})
	}
}
