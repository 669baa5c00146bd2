package config

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/clientcert"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// Plan is what a set of resources means for a broker. It is used once: either a
// Keeper applies it, or Close gives back what it holds.
type Plan struct {
	// Ports are in the order of the documents.
	Ports []*Port

	// Limits are for the server that applies the plan, from the kind Broker. They
	// are given when it is made and do not change while it runs.
	Limits broker.Limits

	// Warnings are sentences for the operator, each with its place.
	Warnings []string

	chains []*chain
	issuer string // of service account tokens, if known
}

// Close gives back what a plan holds that is not applied.
func (p *Plan) Close() {
	for _, c := range p.chains {
		c.close()
	}
}

// Port is one port of a Plan.
type Port struct {
	Listener resource.Key
	Number   uint16

	// Missing says what keeps the port closed; empty: it can open (LINK-7).
	Missing []resource.Missing

	source  *resource.Port
	chain   *chain           // nil: no authentication, or something is missing
	policy  *policy          // nil: no authorization, or it is missing
	server  *tls.Certificate // nil: no TLS, or it is missing
	upgrade func(net.Conn) (net.Conn, error)
}

// String returns "namespace/name:port".
func (p *Port) String() string { return fmt.Sprintf("%v:%d", p.Listener, p.Number) }

// Authentication says in words how the port authenticates.
func (p *Port) Authentication() string {
	if p.source.Anonymous {
		return "none: every client is anonymous"
	}
	if p.chain == nil {
		return cmp.Or(p.source.AuthenticationRef, "not linked") + " (incomplete)"
	}
	return p.chain.String()
}

// Authorization says in words how the port authorizes.
func (p *Port) Authorization() string {
	if p.source.Unrestricted {
		return "none: every client may do everything"
	}
	if p.policy == nil {
		return cmp.Or(p.source.AuthorizationRef, "not linked") + " (missing)"
	}
	return p.policy.String()
}

// Transport says in words what is below MQTT.
func (p *Port) Transport() string {
	switch {
	case p.source.Protocol == resource.WebSockets && p.source.TLS == nil:
		return "websocket"
	case p.source.Protocol == resource.WebSockets:
		return "websocket over tls"
	case p.source.TLS == nil:
		return "tcp"
	default:
		return "tls"
	}
}

// Access returns what the broker is to ask. Only a port whose document says so
// is open; one whose references lead nowhere has no access at all, and the
// broker refuses to serve it (LINK-2, LINK-6, LINK-7). It is good until the plan
// is closed, or replaced by another in a Keeper.
func (p *Port) Access() broker.Access {
	var a broker.Access
	switch {
	case p.source.Anonymous:
		a.Authentication = mqttauth.AllowAnonymous()
	case p.chain != nil:
		a.Authentication = p.chain.method
	}
	switch {
	case p.source.Unrestricted:
		a.Authorization = mqttauthz.AllowAll()
	case p.policy != nil:
		a.Authorization = p.policy.compiled
		a.KeepClients, a.RecheckRetained = p.policy.source.KeepClients, p.policy.source.RecheckRetained
	}
	return a
}

// tls returns the TLS configuration, nil if the port has none.
func (p *Port) tls() *tls.Config {
	if p.server == nil {
		return nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*p.server}}
	switch {
	case p.chain == nil:
		return c
	case p.chain.trust != nil:
		return p.chain.trust.Config(c)
	case p.chain.forwards: // X509-12
		return clientcert.RequestUnverified(c)
	default:
		return c
	}
}

// policy is a compiled BrokerAuthorization.
type policy struct {
	key      resource.Key
	source   *resource.Authorization
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

// equal reports whether two policies decide alike. Nil is no policy at all.
func (p *policy) equal(q *policy) bool {
	if p == nil || q == nil {
		return p == q
	}
	return p.key == q.key && reflect.DeepEqual(p.rules, q.rules)
}

// chain is a compiled BrokerAuthentication.
type chain struct {
	key      resource.Key
	source   *resource.Authentication
	method   mqttauth.Method
	trust    *clientcert.Trust // nil: no X509 method
	forwards bool              // a Custom method: client certificates are passed on
	customs  []custom
	spec     chainSpec
}

// same reports whether two chains decide alike.
func (c *chain) same(d *chain) bool {
	return c.key == d.key && c.source.ThrottleFailures == d.source.ThrottleFailures && c.spec.equal(d.spec)
}

func (c *chain) String() string {
	names := make([]string, len(c.spec))
	for i, m := range c.spec {
		names[i] = m.Name
	}
	return fmt.Sprintf("%v (%s)", c.key, strings.Join(names, ", "))
}

func (c *chain) close() {
	for _, m := range c.customs {
		_ = m.method.Close()
	}
}

// chainSpec is what a chain was made from, without the places: clients of a
// port stay while it is the same (AUTHN-11).
type chainSpec []methodSpec

type methodSpec struct {
	Name          string
	OnUnavailable mqttauth.Outage
	Anchors       []string // DER
	CRLs          []string // DER
	StaleCRL      resource.StaleCRL
	Attributes    []attributeSpec
	Token         *resource.ServiceAccountToken
	Users         []userSpec
	Endpoint      string
	RootCAs       string   // PEM
	Headers       []string // names
	PerSecond     int      // requests
	secrets       []resource.Value
}

type userSpec struct {
	Name       string
	Attributes map[string]string
}

type attributeSpec struct {
	Subject    string
	Attributes map[string]string
}

// equal reports whether two chains would be the same.
func (s chainSpec) equal(t chainSpec) bool {
	return slices.EqualFunc(s, t, func(a, b methodSpec) bool {
		same := slices.EqualFunc(a.secrets, b.secrets, resource.Value.Equal)
		a.secrets, b.secrets = nil, nil
		return same && reflect.DeepEqual(a, b)
	})
}
