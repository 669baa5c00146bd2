// Package chain_test shows how any broker asks who a client is: by certificate
// or, without one, by password.
package chain_test

import (
	"context"
	"fmt"
	"log"

	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/clientcert"
	"github.com/mqttwarden/mqttwarden/mqttauth/password"
)

func Example() {
	ca, press := certificates() // your authority, and the certificate of a client
	trust, err := clientcert.NewTrust(clientcert.Anchors{Certificates: ca.Chain()})
	if err != nil {
		log.Fatal(err)
	}
	certificates, err := clientcert.New(clientcert.Config{Trust: trust})
	if err != nil {
		log.Fatal(err)
	}
	hash, err := password.Parse("$pbkdf2-sha512$i=100000,l=64$HqJwOCHweNk1pLryiu3RsA$KVSvxKYcibIG5S5n55RvxKRTdAAfCUtBJoy5IuFzdSZyzkwvUcU+FPawEWFPn+06JyZsndfRTfpiEh+2eSJLkg")
	if err != nil {
		log.Fatal(err)
	}
	passwords, err := password.New(password.Config{}, map[string]password.User{"alice": {Hash: hash}})
	if err != nil {
		log.Fatal(err)
	}
	chain, err := mqttauth.NewChain("factory",
		mqttauth.Entry{Name: "x509", Method: certificates},
		mqttauth.Entry{Name: "password", Method: passwords},
	)
	if err != nil {
		log.Fatal(err)
	}

	// For every CONNECT; trust.Config makes the tls.Config of the listener.
	for _, c := range []mqttauth.Credentials{
		{ClientID: "a", PeerCertificates: press.Chain()},
		{ClientID: "b", HasUsername: true, Username: "alice", Password: mqttauth.NewSecret([]byte("password"))},
		{ClientID: "c", HasUsername: true, Username: "alice", Password: mqttauth.NewSecret([]byte("guess"))},
		{ClientID: "d"},
	} {
		result, err := chain.Authenticate(context.Background(), &c)
		fmt.Println(c.ClientID, result.Identity.Method, result.Principal.Username, err)
	}
	// Output:
	// a x509 press-1 <nil>
	// b password alice <nil>
	// c   mqttauth: denied: password: unknown user or wrong password
	// d   mqttauth: not relevant: no method knows what to do with these credentials
}

// certificates makes what you have already.
func certificates() (ca, client *devca.Certificate) {
	ca, err := devca.Root(devca.Named("Factory CA"))
	if err != nil {
		log.Fatal(err)
	}
	client, err = ca.Leaf(devca.Named("press-1"))
	if err != nil {
		log.Fatal(err)
	}
	return ca, client
}
