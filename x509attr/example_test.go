package x509attr_test

import (
	"crypto/x509"
	"fmt"

	"github.com/mqttwarden/mqttwarden/x509attr"
)

func Example() {
	matcher, err := x509attr.Compile([]x509attr.Rule{
		{Name: "intermediate", Subject: "CN = Contoso Intermediate CA", Attributes: map[string]string{"city": "seattle"}},
		{Name: "smartfan", Subject: "CN = smart-fan", Attributes: map[string]string{"building": "17"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	// A chain as tls.ConnectionState.VerifiedChains has it.
	leaf := &x509.Certificate{RawSubject: name(text(cn, "thermostat"))}
	intermediate := &x509.Certificate{RawSubject: name(text(cn, "Contoso Intermediate CA"))}
	root := &x509.Certificate{RawSubject: name(text(cn, "Contoso Root CA Cert"))}

	match, ok := matcher.Match([]*x509.Certificate{leaf, intermediate, root})
	fmt.Println(ok, match.Rule, match.Index, match.Attributes["city"])
	// Output: true intermediate 1 seattle
}

func ExampleCompile_error() {
	_, err := x509attr.Compile([]x509attr.Rule{{Name: "fans", Subject: "CN = Fans, Ltd."}})
	fmt.Println(err)
	// Output: x509attr: rule 0 ("fans"): subject: offset 15: no attribute type and equals sign here, as in CN=; write a comma within a value as \,
}
