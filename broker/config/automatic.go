package config

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/internal/devca"
)

// Development makes the certificates of ports with TLS mode Automatic where no
// cert-manager does. Each is made once and kept in memory as long as the
// Development; nothing is written. Clients have no reason to trust them but that
// an operator says so. The zero value is usable, and safe for concurrent use.
type Development struct {
	mu   sync.Mutex
	made map[string]*tls.Certificate // by host names
}

// certificate returns the certificate for host names and addresses. The chain
// holds the authority that signed it, for clients to be told whom to trust.
func (d *Development) certificate(hosts []string) (*tls.Certificate, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := strings.Join(hosts, "\n")
	if made := d.made[id]; made != nil {
		return made, nil
	}
	root, err := devca.Root(devca.Named("mqttwarden development, not for production"))
	if err != nil {
		return nil, err
	}
	leaf, err := root.Leaf(devca.Spec{Subject: devca.Named("mqttwarden development").Subject, Hosts: hosts})
	if err != nil {
		return nil, err
	}
	cert := leaf.TLS()
	cert.Certificate = append(cert.Certificate, root.Cert.Raw)
	if d.made == nil {
		d.made = make(map[string]*tls.Certificate)
	}
	d.made[id] = &cert
	return &cert, nil
}

// automaticCertificate finds the certificate of a port with mode Automatic: that
// of the secret which cert-manager fills, or without one a development
// certificate, or none: the port waits for the secret (LINK-7).
func (c *compiler) automaticCertificate(l *resource.Listener, p *resource.Port, out *Port) {
	field := "tls.certManagerCertificateSpec.secretName"
	spec := p.TLS.CertManager
	if spec == nil {
		spec = &resource.CertManagerCertificate{}
	}
	key := resource.Key{Namespace: l.Namespace, Name: spec.SecretName}
	if secret := c.set.Secret(key); secret != nil {
		c.secretCertificate(secret, out)
		return
	}
	switch {
	case c.options.Development != nil:
		c.developmentCertificate(p, spec, out)
	case spec.SecretName == "":
		c.fail(p.Locate(field), p.Field(field), errors.New("missing; name the secret that cert-manager fills"))
	default:
		out.Missing = append(out.Missing, resource.Missing{Position: p.Locate(field), Field: p.Field(field), Kind: "Secret", Key: key})
	}
}

func (c *compiler) developmentCertificate(p *resource.Port, spec *resource.CertManagerCertificate, out *Port) {
	hosts := slices.Concat(spec.DNSNames, spec.IPAddresses, []string{"localhost", "127.0.0.1", "::1"})
	cert, err := c.options.Development.certificate(hosts)
	if err != nil {
		c.fail(p.Locate("tls"), p.Field("tls"), fmt.Errorf("making a development certificate: %w", err))
		return
	}
	root := cert.Certificate[len(cert.Certificate)-1]
	c.warn(p.Locate("tls.mode"), "port %d has a SELF-SIGNED DEVELOPMENT CERTIFICATE for %s, made for this run and only in memory; NOT FOR PRODUCTION: "+
		"use mode Manual, or cert-manager in a cluster. Its authority is sent in the handshake and has SHA-256 %X",
		p.Number, strings.Join(hosts, ", "), sha256.Sum256(root))
	out.server = cert
}
