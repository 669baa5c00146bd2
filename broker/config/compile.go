package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/broker/websocket"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
	"github.com/mqttwarden/mqttwarden/sat"
)

// Options is what a plan needs besides documents. The zero value is usable.
type Options struct {
	// Logger is for the methods that have something to say while they work. Nil
	// discards.
	Logger *slog.Logger

	// Tokens and Accounts are asked about service account tokens; see sat.New.
	// Without Tokens, the method ServiceAccountToken is an error.
	Tokens   sat.Reviewer
	Accounts sat.Annotator

	// NoTokens says why Tokens is nil, and what to do about it.
	NoTokens error

	// TokenIssuer is the iss claim of the cluster's tokens, for a warning about
	// audiences (SAT-4). "": not known.
	TokenIssuer string

	// Development makes certificates for ports with TLS mode Automatic whose
	// secret is not there. Nil: such a port stays closed until cert-manager has
	// filled the secret.
	Development *Development
}

// Compile makes a plan of a set. The error, if any, is of type
// resource.Errors and holds all there is to complain about.
func Compile(set *resource.Set, o Options) (*Plan, error) {
	c := &compiler{
		set:      set,
		options:  o,
		chains:   make(map[resource.Key]*chain),
		policies: make(map[resource.Key]*policy),
	}
	c.compileAll()
	for _, m := range set.Missing() {
		if m.Kind == "BrokerListener" { // no port stays closed for it
			c.warn(m.Position, "%s: there is no BrokerListener %v of this version", m.Field, m.Key)
		}
	}
	plan := &Plan{issuer: o.TokenIssuer, Limits: c.limits()}
	for _, l := range set.Listeners {
		for i := range l.Ports {
			plan.Ports = append(plan.Ports, c.port(l, &l.Ports[i]))
		}
	}
	for _, a := range set.Authentications {
		if chain := c.chains[a.Key]; chain != nil {
			plan.chains = append(plan.chains, chain)
		}
	}
	if len(c.errs) > 0 {
		plan.Close()
		c.errs.Sort()
		return nil, c.errs
	}
	slices.Sort(c.warnings)
	plan.Warnings = slices.Compact(c.warnings)
	return plan, nil
}

// compiler collects errors and shares what several ports use.
type compiler struct {
	set      *resource.Set
	options  Options
	chains   map[resource.Key]*chain
	policies map[resource.Key]*policy
	errs     resource.Errors
	warnings []string
}

func (c *compiler) fail(at resource.Position, field string, err error) {
	c.errs = append(c.errs, &resource.Error{Position: at, Field: field, Detail: err.Error(), Err: err})
}

// failAll adds the errors of package resource.
func (c *compiler) failAll(err error) {
	var errs resource.Errors
	if !errors.As(err, &errs) {
		errs = resource.Errors{{Detail: err.Error(), Err: err}}
	}
	c.errs = append(c.errs, errs...)
}

func (c *compiler) warn(at resource.Position, format string, args ...any) {
	c.warnings = append(c.warnings, at.String()+": "+fmt.Sprintf(format, args...))
}

// compileAll compiles every policy of the set, also those that no port names:
// an error in one that is to be linked next is better known now.
func (c *compiler) compileAll() {
	for _, a := range c.set.Authentications {
		c.chains[a.Key] = c.chain(a)
	}
	for _, a := range c.set.Authorizations {
		c.policies[a.Key] = c.policy(a)
	}
}

func (c *compiler) policy(a *resource.Authorization) *policy {
	compiled, err := mqttauthz.Compile(a.Rules)
	if err == nil {
		return &policy{key: a.Key, source: a, rules: a.Rules, compiled: compiled}
	}
	for _, e := range flatten(err) {
		var rule *mqttauthz.RuleError
		if !errors.As(e, &rule) {
			c.fail(a.Position, "spec.authorizationPolicies", e)
			continue
		}
		c.fail(a.Locate(rule.Rule, rule.Field), a.Field(rule.Rule, rule.Field), rule.Err)
	}
	return nil
}

// flatten takes a joined error apart.
func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func (c *compiler) port(l *resource.Listener, p *resource.Port) *Port {
	out := &Port{Listener: l.Key, Number: p.Number, Missing: c.set.MissingFor(l, p), source: p}
	if p.Number == 0 {
		c.fail(p.Locate("port"), p.Field("port"), errors.New("port 0 is no port that a client could know; choose one from 1 to 65535"))
	}
	if p.Protocol == resource.WebSockets {
		c.webSocket(p, out)
	}
	if p.Anonymous {
		c.warn(p.Position, "port %d has no authentication: EVERY CLIENT IS LET IN without a credential", p.Number)
	} else {
		out.chain = c.chains[l.Sibling(p.AuthenticationRef)]
	}
	if p.Unrestricted {
		c.warn(p.Position, "port %d has no authorization: its clients may do everything", p.Number)
	} else {
		out.policy = c.policies[l.Sibling(p.AuthorizationRef)]
	}
	if l.ServiceType != "" || l.ServiceName != "" || l.BrokerRef != "" || p.NodePort != 0 {
		c.warn(l.Position, "serviceType, serviceName, nodePort and brokerRef of BrokerListener %v are ignored", l.Key)
	}
	if p.TLS != nil {
		c.serverCertificate(l, p, out)
	} else if out.chain != nil { // X509 without TLS is refused before (LINK-5)
		c.warn(p.Position, "port %d has no tls: passwords and tokens cross the network in the clear", p.Number)
	}
	return out
}

func (c *compiler) webSocket(p *resource.Port, out *Port) {
	u, err := websocket.New(p.AllowedOrigins...)
	if err != nil {
		c.fail(p.OriginsPosition, fmt.Sprintf("metadata.annotations.mqttwarden/port-%d-allowed-origins", p.Number), err)
		return
	}
	out.upgrade = u.Upgrade
}

func (c *compiler) serverCertificate(l *resource.Listener, p *resource.Port, out *Port) {
	if p.TLS.Mode != resource.Manual {
		c.automaticCertificate(l, p, out)
		return
	}
	if secret := c.set.Secret(resource.Key{Namespace: l.Namespace, Name: p.TLS.SecretRef}); secret != nil {
		c.secretCertificate(secret, out) // else among the missing
	}
}

func (c *compiler) secretCertificate(secret *resource.Secret, out *Port) {
	certPEM, keyPEM := secret.Data["tls.crt"].Bytes(), secret.Data["tls.key"].Bytes()
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		c.fail(secret.Locate("tls.crt"), "data.tls.crt", fmt.Errorf("secret %v: tls.crt and tls.key are not a usable certificate and key: %w", secret.Key, err))
		return
	}
	if now := time.Now(); cert.Leaf != nil && now.After(cert.Leaf.NotAfter) {
		c.warn(secret.Locate("tls.crt"), "the server certificate of secret %v expired on %s", secret.Key, cert.Leaf.NotAfter.Format(time.RFC3339))
	}
	out.server = &cert
}
