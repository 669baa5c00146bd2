// Package attributes_test shows how to get attributes out of a client's
// certificate chain, without anything else of this module.
package attributes_test

import (
	"crypto/x509"
	"fmt"
	"log"

	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/x509attr"
)

func Example() {
	matcher, err := x509attr.Compile([]x509attr.Rule{
		{Name: "fan", Subject: "CN = fan-3, O = Contoso", Attributes: map[string]string{"building": "17"}},
		{Name: "line", Subject: "CN=Line 4 CA", Attributes: map[string]string{"line": "4"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	root, line, clients := certificates()

	// As tls.Config.ClientAuth = RequireAndVerifyClientCert does in a handshake;
	// its results are tls.ConnectionState.VerifiedChains.
	options := x509.VerifyOptions{
		Roots: root.Pool(), Intermediates: line.Pool(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, client := range clients {
		chains, err := client.Cert.Verify(options)
		if err != nil {
			log.Fatal(err)
		}
		name, _ := x509attr.CommonName(client.Cert)
		match, ok := matcher.Match(chains[0])
		fmt.Println(name, ok, match.Rule, match.Attributes)
	}
	// Output:
	// fan-3 true fan map[building:17]
	// pump-9 true line map[line:4]
}

// certificates makes what you have already: a root, the authority of a line and
// two of its clients.
func certificates() (root, line *devca.Certificate, clients []*devca.Certificate) {
	must := func(c *devca.Certificate, err error) *devca.Certificate {
		if err != nil {
			log.Fatal(err)
		}
		return c
	}
	root = must(devca.Root(devca.Named("Contoso Root CA")))
	line = must(root.Intermediate(devca.Named("Line 4 CA")))
	fan := devca.Named("fan-3")
	fan.Subject.Organization = []string{"Contoso"}
	return root, line, []*devca.Certificate{must(line.Leaf(fan)), must(line.Leaf(devca.Named("pump-9")))}
}
