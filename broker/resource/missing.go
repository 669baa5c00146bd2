package resource

import "fmt"

// Missing is a reference to an object that the set does not hold. It is no
// load error: the ports that depend on it stay closed until the object appears
// (LINK-7).
type Missing struct {
	Position Position // of the reference, or of what implies it
	Field    string   // path of the reference, such as "spec.ports[0].authenticationRef"
	Kind     string   // of the missing object: BrokerAuthentication, BrokerAuthorization, BrokerListener, ConfigMap or Secret
	Key      Key      // of the missing object; without a name if any object of the kind could name the listener (LINK-6)

	// Reason says what is the matter with the object, such as "is not valid".
	// "" means that it does not exist. A set fills it in where only another API
	// group has an object of that name; who leaves an object out of a set does,
	// too.
	Reason string
}

// String returns one line for a person to read.
func (m Missing) String() string {
	if m.Key.Name == "" {
		return fmt.Sprintf("%s: %s: no %s names this listener in its listenerRef; to do without, write false", m.Position, m.Field, m.Kind)
	}
	reason := m.Reason
	if reason == "" {
		reason = "does not exist"
	}
	return fmt.Sprintf("%s: %s: %s %s %s", m.Position, m.Field, m.Kind, m.Key, reason)
}

// Missing returns every reference of the set that leads nowhere, in the order
// of the listeners, then of the authentications, then of the policies of
// version v1alpha4 that name listeners.
func (s *Set) Missing() []Missing {
	var out []Missing
	for _, l := range s.Listeners {
		for i := range l.Ports {
			out = append(out, s.missingOfPort(l, &l.Ports[i])...)
		}
	}
	for _, a := range s.Authentications {
		out = append(out, s.missingOfAuthentication(a)...)
	}
	return append(out, s.missingListeners()...)
}

// MissingFor returns the references that keep port p of listener l closed: its
// own, and those of the BrokerAuthentication it names.
func (s *Set) MissingFor(l *Listener, p *Port) []Missing {
	out := s.missingOfPort(l, p)
	if a := s.Authentication(l.Sibling(p.AuthenticationRef)); a != nil {
		out = append(out, s.missingOfAuthentication(a)...)
	}
	return out
}

func (s *Set) missingOfPort(l *Listener, p *Port) []Missing {
	c := collector{set: s, from: l.Key, origin: p.origin, position: p.Position}
	if !p.Anonymous {
		c.addLink("authenticationRef", kindAuthentication, p.AuthenticationRef)
	}
	if !p.Unrestricted {
		c.addLink("authorizationRef", kindAuthorization, p.AuthorizationRef)
	}
	if p.TLS != nil && p.TLS.Mode == Manual {
		c.add("tls.manual.secretRef", kindSecret, p.TLS.SecretRef)
	}
	return c.missing
}

func (s *Set) missingOfAuthentication(a *Authentication) []Missing {
	var out []Missing
	for i := range a.Methods {
		m := &a.Methods[i]
		c := collector{set: s, from: a.Key, origin: m.origin, position: m.Position}
		if m.X509 != nil {
			c.add("x509Settings.trustedClientCaCert", kindConfigMap, m.X509.TrustedClientCACert)
			c.add("x509Settings.attributes", kindSecret, m.X509.AttributesSecret)
		}
		if m.UsernamePassword != nil {
			c.add("usernamePassword.passwordDatabase", kindSecret, m.UsernamePassword.Secret)
		}
		if m.Custom != nil {
			c.add("customSettings.caCertConfigMap", kindConfigMap, m.Custom.CACertConfigMap)
			c.add("customSettings.auth.x509.secretRef", kindSecret, m.Custom.ClientCertSecret)
		}
		out = append(out, c.missing...)
	}
	return out
}

// collector looks up references that were written below one origin.
type collector struct {
	set      *Set
	from     Key // who refers
	origin   origin
	position Position
	missing  []Missing
}

// add notes a reference to a ConfigMap or Secret if that does not exist. An
// empty name is no reference.
func (c *collector) add(field, kind, name string) {
	if name != "" {
		c.note(field, kind, Key{Namespace: c.from.Namespace, Name: name}, "")
	}
}

// addLink notes a link to a policy if that does not exist. An empty name is a
// link that is wanted and not there.
func (c *collector) addLink(field, kind, name string) {
	k, reason := c.from.Sibling(name), ""
	if older := (Key{GroupAzEdge, k.Namespace, name}); c.set.holds(kind, older) {
		reason = "does not exist; " + older.String() + " links only with listeners of its version"
	}
	c.note(field, kind, k, reason)
}

func (c *collector) note(field, kind string, k Key, reason string) {
	if c.set.holds(kind, k) {
		return
	}
	c.missing = append(c.missing, Missing{Position: c.origin.locate(field, c.position), Field: c.origin.field(field), Kind: kind, Key: k, Reason: reason})
}

func (s *Set) holds(kind string, k Key) bool {
	switch kind {
	case kindAuthentication:
		return s.Authentication(k) != nil
	case kindAuthorization:
		return s.Authorization(k) != nil
	case kindConfigMap:
		return s.ConfigMap(k) != nil
	case kindSecret:
		return s.Secret(k) != nil
	default:
		return false
	}
}
