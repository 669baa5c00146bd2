package resource

import "strings"

// readAuthenticationV1alpha4 reads a BrokerAuthentication of version v1alpha4:
// each entry of its methods is named by the one field it has, and listenerRef
// names the listeners that it serves (LINK-6).
func readAuthenticationV1alpha4(d document) {
	d.ignored("status")
	spec := d.required("spec").object()
	a := &Authentication{Key: d.key, Position: d.position, ThrottleFailures: d.switched("throttle-failures")}
	a.BrokerRef = spec.optional("brokerRef").reference(brokerName)
	a.listeners = readListenerRefs(spec.required("listenerRef"))
	methods := spec.required("authenticationMethods")
	for i, f := range methods.list() {
		m := readMethodV1alpha4(f, d.key.Namespace)
		d.readSettings(i, &m)
		a.Methods = append(a.Methods, m)
	}
	if methods != nil && methods.node.kind == sequenceNode && len(a.Methods) == 0 {
		methods.errorf("must have at least one method; to let anybody in, write authenticationEnabled: false in the BrokerListener")
	}
	spec.done()
	d.set.Authentications = append(d.set.Authentications, a)
}

func readMethodV1alpha4(f *field, namespace string) Method {
	o := f.object()
	m := Method{Position: f.position(), origin: f.origin()}
	names := []string{"usernamePassword", "sat", "x509", "custom"}
	for _, name := range names {
		settings := o.optional(name)
		if settings == nil {
			continue
		}
		if m.Kind != "" {
			o.misplaced(name, "a second method in one entry; give it an entry of its own, that begins with a dash")
			continue
		}
		m.readSettingsV1alpha4(name, settings, namespace)
	}
	o.misplaced("method", "belongs to "+groupV1+"; in this version the entry is the name of the method with its settings below")
	for _, name := range []string{"svid", "keyVault"} {
		o.misplaced(name, "not available here; known are "+strings.Join(names, ", "))
	}
	if !o.broken && len(o.node.pairs) == 0 {
		f.errorf("names no method; want %s", alternatives(names))
	}
	o.done()
	return m
}

func (m *Method) readSettingsV1alpha4(name string, f *field, namespace string) {
	m.origin.names = [][2]string{
		{"method", name},
		{"customSettings.caCertConfigMap", "custom.caCert"},
		{"customSettings.auth.x509.secretRef", "custom.auth.x509.secret"},
		{"customSettings", "custom"},
		{"serviceAccountTokenSettings", "sat"},
		{"x509Settings", "x509"},
	}
	switch name {
	case "usernamePassword":
		m.Kind, m.UsernamePassword = MethodUsernamePassword, readUsernamePasswordV1alpha4(f)
	case "sat":
		m.Kind, m.ServiceAccountToken = MethodServiceAccountToken, readServiceAccountTokenV1(f)
		m.ServiceAccountToken.Usernames = TokenUsernamesSAT
	case "x509":
		m.Kind, m.X509 = MethodX509, readX509V1alpha4(f)
	default:
		m.Kind, m.Custom = MethodCustom, readCustomV1alpha4(f, namespace)
	}
}

func readUsernamePasswordV1alpha4(f *field) *UsernamePassword {
	o := f.object()
	u := &UsernamePassword{Secret: o.required("passwordDatabase").reference(coreName)}
	o.done()
	return u
}

func readX509V1alpha4(f *field) *X509 {
	o := f.object()
	x := &X509{
		TrustedClientCACert: o.required("trustedClientCaCert").reference(coreName),
		AttributesSecret:    o.optional("attributes").reference(coreName),
	}
	o.misplaced("authorizationAttributes", "belongs to "+groupV1+"; in this version attributes names a Secret with attributes.toml")
	o.done()
	return x
}

func readCustomV1alpha4(f *field, namespace string) *Custom {
	o := f.object()
	c := &Custom{
		Endpoint:        readEndpoint(o.required("endpoint")),
		CACertConfigMap: o.optional("caCert").reference(coreName),
	}
	if f := o.optional("auth"); f != nil {
		auth := f.object()
		c.ClientCertSecret = readSecretV1alpha4(auth.required("x509"), namespace)
		auth.done()
	}
	c.Headers = readHeaders(o.optional("headers"))
	o.done()
	return c
}
