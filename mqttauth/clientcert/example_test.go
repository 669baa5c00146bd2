package clientcert_test

import (
	"crypto/tls"
	"fmt"

	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth/clientcert"
)

// One Trust serves the TLS listener and the method of the chain.
func Example() {
	ca, err := devca.Root(devca.Named("Fabrikam root")) // in life: read from a file
	if err != nil {
		fmt.Println(err)
		return
	}
	trust, err := clientcert.NewTrust(clientcert.Anchors{Certificates: ca.Chain()})
	if err != nil {
		fmt.Println(err)
		return
	}
	config := trust.Config(&tls.Config{MinVersion: tls.VersionTLS12})
	_, err = clientcert.New(clientcert.Config{Trust: trust})
	fmt.Println(config.GetConfigForClient != nil, err)
	// Output: true <nil>
}
