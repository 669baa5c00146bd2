package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/clientcert"
	"github.com/mqttwarden/mqttwarden/mqttauth/password"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
	"github.com/mqttwarden/mqttwarden/x509attr"
)

// config is the file. The names of files in it are relative to it.
type config struct {
	Listen      string           `json:"listen"`
	Certificate string           `json:"certificate"` // chain in PEM, leaf first
	Key         string           `json:"key"`
	ClientCA    string           `json:"clientCA"`   // certificates that issue clients'; "": clients have passwords only
	Attributes  []x509attr.Rule  `json:"attributes"` // of certificates
	Users       map[string]user  `json:"users"`
	Rules       []mqttauthz.Rule `json:"rules"` // as in a BrokerAuthorization

	dir string
}

type user struct {
	Hash       string            `json:"hash"` // as mqttwarden hash-password prints it
	Attributes map[string]string `json:"attributes"`
}

// readConfig reads the file. What it does not know is an error.
func readConfig(file string) (*config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &config{Listen: ":8883", dir: filepath.Dir(file)}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: something stands behind the configuration", file)
	}
	return c, nil
}

// path returns where a file of the configuration is.
func (c *config) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.dir, name)
}

// port makes all of the configuration: who may connect, and what they may do.
func (c *config) port() (broker.Port, error) {
	p := broker.Port{Name: c.Listen}
	pair, err := tls.LoadX509KeyPair(c.path(c.Certificate), c.path(c.Key))
	if err != nil {
		return p, err
	}
	p.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	var entries []mqttauth.Entry
	if c.ClientCA != "" {
		method, trust, err := c.certificates()
		if err != nil {
			return p, err
		}
		p.TLS = trust.Config(p.TLS)
		entries = append(entries, mqttauth.Entry{Name: "x509", Method: method})
	}
	if len(c.Users) > 0 {
		method, err := c.passwords()
		if err != nil {
			return p, err
		}
		entries = append(entries, mqttauth.Entry{Name: "password", Method: method})
	}
	chain, err := mqttauth.NewChain("gateway", entries...) // an error without any method
	if err != nil {
		return p, err
	}
	p.Authentication = chain
	p.Authorization, err = mqttauthz.Compile(c.Rules)
	return p, err
}

func (c *config) certificates() (*clientcert.Method, *clientcert.Trust, error) {
	anchors, err := readCertificates(c.path(c.ClientCA))
	if err != nil {
		return nil, nil, err
	}
	trust, err := clientcert.NewTrust(clientcert.Anchors{Certificates: anchors})
	if err != nil {
		return nil, nil, err
	}
	attributes, err := x509attr.Compile(c.Attributes)
	if err != nil {
		return nil, nil, err
	}
	method, err := clientcert.New(clientcert.Config{Trust: trust, Attributes: attributes})
	return method, trust, err
}

func (c *config) passwords() (mqttauth.Method, error) {
	users := make(map[string]password.User, len(c.Users))
	for name, u := range c.Users {
		hash, err := password.Parse(u.Hash)
		if err != nil {
			return nil, fmt.Errorf("users.%s.hash: %w", name, err)
		}
		users[name] = password.User{Hash: hash, Attributes: u.Attributes}
	}
	// One hash at a time: it takes a tenth of a second of a desktop's core. Who
	// guesses waits.
	method, err := password.New(password.Config{Concurrency: 1}, users)
	if err != nil {
		return nil, err
	}
	return mqttauth.NewThrottle(method)
}

func readCertificates(file string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, cert)
	}
	return all, nil // NewTrust wants at least one
}
