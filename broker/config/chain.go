package config

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/clientcert"
	"github.com/mqttwarden/mqttwarden/x509attr"
)

// chain compiles a BrokerAuthentication. It returns nil after an error, and
// when a ConfigMap or Secret is missing: the ports that use it stay closed then.
func (c *compiler) chain(a *resource.Authentication) *chain {
	out := &chain{key: a.Key, source: a}
	var entries []mqttauth.Entry
	for i := range a.Methods {
		spec := methodSpec{Name: entryName(a.Methods, i)}
		method := c.method(a, &a.Methods[i], out, &spec)
		if method == nil {
			continue
		}
		entries = append(entries, mqttauth.Entry{Name: spec.Name, Method: method, OnUnavailable: spec.OnUnavailable})
		out.spec = append(out.spec, spec)
	}
	if len(entries) < len(a.Methods) {
		out.close()
		return nil
	}
	method, err := mqttauth.NewChain(a.Key.String(), entries...)
	if err != nil {
		c.fail(a.Position, "spec.authenticationMethods", err)
		out.close()
		return nil
	}
	out.method = method
	if a.ThrottleFailures {
		out.method = c.throttle(a, method)
	}
	return out
}

// throttle puts off what failed lately (AUTHN-14).
func (c *compiler) throttle(a *resource.Authentication, m *mqttauth.Chain) mqttauth.Method {
	t, err := mqttauth.NewThrottle(m)
	if err != nil {
		c.fail(a.Position, "metadata.annotations", err)
		return m
	}
	return t
}

// entryName names method i of a chain by its kind, and by its place as well if
// it is not the first of its kind.
func entryName(methods []resource.Method, i int) string {
	kind := methods[i].Kind
	if slices.ContainsFunc(methods[:i], func(m resource.Method) bool { return m.Kind == kind }) {
		return fmt.Sprintf("%s-%d", kind, i)
	}
	return string(kind)
}

// method compiles one method. It returns nil after an error, and when something
// is missing.
func (c *compiler) method(a *resource.Authentication, m *resource.Method, out *chain, spec *methodSpec) mqttauth.Method {
	switch m.Kind {
	case resource.MethodX509:
		spec.OnUnavailable = outage(m.OnUnavailable, mqttauth.OutageStop)
		method, trust := c.x509(a, m, spec)
		if method == nil {
			return nil
		}
		out.trust = trust
		return method
	case resource.MethodCustom:
		spec.OnUnavailable = outage(m.OnUnavailable, mqttauth.OutageNext) // AUTHN-4
		method := c.custom(a, m, spec)
		if method == nil {
			return nil
		}
		out.forwards = true
		out.customs = append(out.customs, custom{a.Key, spec.Name, method})
		return method
	case resource.MethodServiceAccountToken:
		spec.OnUnavailable = outage(m.OnUnavailable, mqttauth.OutageStop)
		method := c.serviceAccountToken(m, spec)
		if method == nil {
			return nil
		}
		return method
	case resource.MethodUsernamePassword:
		spec.OnUnavailable = outage(m.OnUnavailable, mqttauth.OutageStop) // PASS-3
		method := c.usernamePassword(a, m, spec)
		if method == nil {
			return nil
		}
		return method
	default:
		c.fail(m.Locate("method"), m.Field("method"), fmt.Errorf("method %s is not supported", m.Kind))
		return nil
	}
}

// outage translates the setting of a method.
func outage(o resource.Outage, def mqttauth.Outage) mqttauth.Outage {
	switch o {
	case resource.OutageNext:
		return mqttauth.OutageNext
	case resource.OutageStop:
		return mqttauth.OutageStop
	default:
		return def
	}
}

func (c *compiler) x509(a *resource.Authentication, m *resource.Method, spec *methodSpec) (*clientcert.Method, *clientcert.Trust) {
	failed := len(c.errs)
	rules, ok := c.attributeRules(a, m)
	matcher := c.attributes(rules, m, spec)
	cm := c.set.ConfigMap(resource.Key{Namespace: a.Namespace, Name: m.X509.TrustedClientCACert})
	if cm == nil || !ok {
		return nil, nil // among the missing
	}
	anchors, lists := c.anchors(cm)
	if len(c.errs) > failed {
		return nil, nil
	}
	for _, anchor := range anchors {
		spec.Anchors = append(spec.Anchors, string(anchor.Raw))
	}
	for _, list := range lists {
		spec.CRLs = append(spec.CRLs, string(list.Raw))
	}
	spec.StaleCRL = m.StaleCRL
	trust, err := clientcert.NewTrust(clientcert.Anchors{
		Certificates: anchors, CRLs: lists, AllowStaleCRLs: m.StaleCRL == resource.StaleWarn,
	})
	if err != nil {
		c.fail(cm.Position, "data", err)
		return nil, nil
	}
	method, err := clientcert.New(clientcert.Config{Trust: trust, Attributes: matcher})
	if err != nil {
		c.fail(m.Position, m.Field("x509Settings"), err)
		return nil, nil
	}
	return method, trust
}

// attributeRules returns the rules of a method, from the document or from the
// secret that it names. It reports false while that is missing.
func (c *compiler) attributeRules(a *resource.Authentication, m *resource.Method) ([]resource.CertificateRule, bool) {
	if m.X509.AttributesSecret == "" {
		return m.X509.AuthorizationAttributes, true
	}
	secret := c.set.Secret(resource.Key{Namespace: a.Namespace, Name: m.X509.AttributesSecret})
	if secret == nil {
		return nil, false
	}
	key, text := c.tomlEntry(secret, "attributes.toml", "x509Attributes.toml")
	if key == "" {
		return nil, true // reported
	}
	rules, err := resource.ParseCertificateAttributes(tomlName(secret, key), text)
	if err != nil {
		c.failAll(err)
	}
	return rules, true
}

func (c *compiler) attributes(entries []resource.CertificateRule, m *resource.Method, spec *methodSpec) *x509attr.Matcher {
	rules := make([]x509attr.Rule, len(entries))
	for i, r := range entries {
		rules[i] = x509attr.Rule{Name: r.Name, Subject: r.Subject, Attributes: r.Attributes}
		spec.Attributes = append(spec.Attributes, attributeSpec{r.Subject, r.Attributes})
	}
	matcher, err := x509attr.Compile(rules)
	if err == nil {
		return matcher
	}
	for _, e := range flatten(err) {
		var rule *x509attr.RuleError
		if !errors.As(e, &rule) {
			c.fail(m.Position, m.Field("x509Settings.authorizationAttributes"), e)
			continue
		}
		r := &entries[rule.Index]
		c.fail(r.Locate(rule.Field), r.Field(rule.Field), rule.Err)
	}
	return nil
}

// anchors reads the certificates and revocation lists of a ConfigMap, whatever
// its keys (X509-2, X509-11).
func (c *compiler) anchors(cm *resource.ConfigMap) (all []*x509.Certificate, lists []*x509.RevocationList) {
	files := maps.Clone(cm.Data)
	if files == nil {
		files = make(map[string]string)
	}
	for key, value := range cm.BinaryData {
		files[key] = string(value)
	}
	failed := len(c.errs)
	for _, key := range slices.Sorted(maps.Keys(files)) {
		certs, crls, err := parseAnchors([]byte(files[key]))
		if err != nil {
			c.fail(cm.Locate(key), "data."+key, err)
		}
		all, lists = append(all, certs...), append(lists, crls...)
	}
	if len(all) == 0 && len(c.errs) == failed {
		c.fail(cm.Position, "data", fmt.Errorf("ConfigMap %v holds no certificate; put at least one CA certificate in PEM there", cm.Key))
	}
	return all, lists
}

// parseAnchors reads PEM text that holds CA certificates and revocation lists,
// and nothing else.
func parseAnchors(text []byte) (certs []*x509.Certificate, lists []*x509.RevocationList, err error) {
	for n := 1; ; n++ {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		switch block.Type {
		case "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, fmt.Errorf("PEM block %d is not a certificate: %w", n, err)
			}
			if !cert.BasicConstraintsValid || !cert.IsCA {
				return nil, nil, fmt.Errorf("PEM block %d (%q) is not a CA certificate", n, cert.Subject)
			}
			certs = append(certs, cert)
		case "X509 CRL":
			list, err := x509.ParseRevocationList(block.Bytes)
			if err != nil {
				return nil, nil, fmt.Errorf("PEM block %d is not a revocation list: %w", n, err)
			}
			lists = append(lists, list)
		default:
			return nil, nil, fmt.Errorf("PEM block %d is of type %q; only CERTIFICATE and X509 CRL belong here", n, block.Type)
		}
		text = rest
	}
	if strings.Contains(string(text), "-----BEGIN") {
		return nil, nil, errors.New("a PEM block is damaged: its end line or its base64 is wrong")
	}
	if len(certs)+len(lists) == 0 {
		return nil, nil, errors.New("no PEM certificate; it begins with -----BEGIN CERTIFICATE-----")
	}
	return certs, lists, nil
}
