// Command auth is what a firmware that only authenticates would be: a TLS port
// with client certificates and passwords. Its size is recorded and watched.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/clientcert"
	"github.com/mqttwarden/mqttwarden/mqttauth/password"
	"github.com/mqttwarden/mqttwarden/x509attr"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		println(err.Error())
		os.Exit(1)
	}
}

// run serves one connection: CERTIFICATE KEY CA USER HASH.
func run(args []string) error {
	if len(args) != 5 {
		return errors.New("usage: auth CERTIFICATE KEY CA USER HASH")
	}
	server, err := tls.LoadX509KeyPair(args[0], args[1])
	if err != nil {
		return err
	}
	chain, trust, err := newChain(args[2], args[3], args[4])
	if err != nil {
		return err
	}
	l, err := tls.Listen("tcp", ":8883", trust.Config(&tls.Config{Certificates: []tls.Certificate{server}}))
	if err != nil {
		return err
	}
	nc, err := l.Accept()
	if err != nil {
		return err
	}
	return serve(nc, chain)
}

func newChain(ca, user, hash string) (*mqttauth.Chain, *clientcert.Trust, error) {
	text, err := os.ReadFile(ca)
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, nil, errors.New("no certificate")
	}
	anchor, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	trust, err := clientcert.NewTrust(clientcert.Anchors{Certificates: []*x509.Certificate{anchor}})
	if err != nil {
		return nil, nil, err
	}
	attributes, err := x509attr.Compile([]x509attr.Rule{{Name: "device", Subject: "CN=device", Attributes: map[string]string{"group": "devices"}}})
	if err != nil {
		return nil, nil, err
	}
	certificates, err := clientcert.New(clientcert.Config{Trust: trust, Attributes: attributes})
	if err != nil {
		return nil, nil, err
	}
	h, err := password.Parse(hash)
	if err != nil {
		return nil, nil, err
	}
	passwords, err := password.New(password.Config{}, map[string]password.User{user: {Hash: h}})
	if err != nil {
		return nil, nil, err
	}
	chain, err := mqttauth.NewChain("firmware",
		mqttauth.Entry{Name: "certificate", Method: certificates}, mqttauth.Entry{Name: "password", Method: passwords})
	return chain, trust, err
}

func serve(nc net.Conn, chain *mqttauth.Chain) error {
	state := nc.(*tls.Conn).ConnectionState()
	r, err := chain.Authenticate(context.Background(), &mqttauth.Credentials{
		PeerCertificates: state.PeerCertificates, VerifiedChains: state.VerifiedChains,
	})
	if err != nil {
		return err
	}
	println(r.Principal.Username)
	return nc.Close()
}
