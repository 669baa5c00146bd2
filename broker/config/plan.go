package config

import (
	"crypto/tls"
	"fmt"
	"strings"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/clientcert"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// Plan is what a set of resources means for a broker. It is immutable.
type Plan struct {
	// Ports are in the order of the documents.
	Ports []*Port

	// Warnings are sentences for the operator, each with its place.
	Warnings []string
}

// Port is one port of a Plan.
type Port struct {
	Listener resource.Key
	Number   uint16

	// Missing says what keeps the port closed; empty: it can open (LINK-7).
	Missing []resource.Missing

	source *resource.Port
	chain  *chain           // nil: no authentication, or something is missing
	policy *policy          // nil: no authorization, or it is missing
	server *tls.Certificate // nil: no TLS, or it is missing
}

// String returns "namespace/name:port".
func (p *Port) String() string { return fmt.Sprintf("%v:%d", p.Listener, p.Number) }

// Authentication says in words how the port authenticates.
func (p *Port) Authentication() string {
	if p.source.AuthenticationRef == "" {
		return "none: every client is anonymous"
	}
	if p.chain == nil {
		return p.source.AuthenticationRef + " (incomplete)"
	}
	return p.chain.String()
}

// Authorization says in words how the port authorizes.
func (p *Port) Authorization() string {
	if p.source.AuthorizationRef == "" {
		return "none: every client may do everything"
	}
	if p.policy == nil {
		return p.source.AuthorizationRef + " (missing)"
	}
	return p.policy.String()
}

// Transport says in words what is below MQTT.
func (p *Port) Transport() string {
	if p.source.TLS == nil {
		return "tcp"
	}
	return "tls"
}

// access returns what the broker is to ask. Only a port whose references are
// absent is open; one whose references lead nowhere has no access at all, and
// the broker refuses to serve it (LINK-2, LINK-7).
func (p *Port) access() broker.Access {
	var a broker.Access
	switch {
	case p.source.AuthenticationRef == "":
		a.Authentication = mqttauth.AllowAnonymous()
	case p.chain != nil:
		a.Authentication = p.chain.method
	}
	switch {
	case p.source.AuthorizationRef == "":
		a.Authorization = mqttauthz.AllowAll()
	case p.policy != nil:
		a.Authorization = p.policy.compiled
	}
	return a
}

// tls returns the TLS configuration, nil if the port has none.
func (p *Port) tls() *tls.Config {
	if p.server == nil {
		return nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*p.server}}
	if p.chain == nil || p.chain.trust == nil {
		return c
	}
	return p.chain.trust.Config(c)
}

// policy is a compiled BrokerAuthorization.
type policy struct {
	key      resource.Key
	rules    []mqttauthz.Rule
	compiled *mqttauthz.Policy
}

func (p *policy) String() string {
	switch n := len(p.rules); n {
	case 0:
		return p.key.String() + " (no rules: denies everything)"
	case 1:
		return p.key.String() + " (1 rule)"
	default:
		return fmt.Sprintf("%v (%d rules)", p.key, n)
	}
}

// chain is a compiled BrokerAuthentication.
type chain struct {
	key    resource.Key
	method *mqttauth.Chain
	trust  *clientcert.Trust // nil: no X509 method
	spec   chainSpec
}

func (c *chain) String() string {
	names := make([]string, len(c.spec.Methods))
	for i, m := range c.spec.Methods {
		names[i] = m.Name
	}
	return fmt.Sprintf("%v (%s)", c.key, strings.Join(names, ", "))
}

// chainSpec is what a chain was made from, without the places, in a form that
// can be compared: clients of a port stay while it is equal (AUTHN-11).
type chainSpec struct {
	Methods []methodSpec
}

type methodSpec struct {
	Name          string
	OnUnavailable mqttauth.Outage
	Anchors       []string // DER
	Attributes    []attributeSpec
}

type attributeSpec struct {
	Subject    string
	Attributes map[string]string
}
