package resource

// readListenerV1alpha4 reads a BrokerListener of version v1alpha4: it has one
// port, and says only whether policies apply to it; the policies name it
// (LINK-6). Only an explicit false turns one off.
func readListenerV1alpha4(d document) {
	d.ignored("status")
	f := d.required("spec")
	spec := f.object()
	l := &Listener{Key: d.key, Position: d.position, linked: true}
	l.BrokerRef = spec.optional("brokerRef").reference(brokerName)
	l.ServiceName = spec.optional("serviceName").reference(namespaceName)
	l.ServiceType = ServiceType(spec.optional("serviceType").oneOf(string(ClusterIP), string(LoadBalancer), string(NodePort)))
	p := Port{
		Position:     d.position,
		Number:       uint16(spec.required("port").number(0, 65535)),
		NodePort:     uint16(spec.optional("nodePort").number(0, 65535)),
		Protocol:     MQTT,
		Anonymous:    spec.optional("authenticationEnabled").isFalse(),
		Unrestricted: spec.optional("authorizationEnabled").isFalse(),
	}
	if f != nil {
		p.Position, p.origin = f.position(), f.origin()
		p.origin.names = [][2]string{
			{"authenticationRef", "authenticationEnabled"},
			{"authorizationRef", "authorizationEnabled"},
			{"tls.manual.secretRef", "tls.manual.secret"},
			{"tls.certManagerCertificateSpec", "tls.automatic"},
			{"tls.mode", "tls"},
		}
	}
	if tls := spec.optional("tls"); tls != nil {
		p.TLS = readTLSV1alpha4(tls, d.key.Namespace)
	}
	spec.misplaced("ports", "belongs to "+groupV1+"; a listener of this version has one port")
	for _, name := range []string{"authenticationRef", "authorizationRef"} {
		spec.misplaced(name, "belongs to "+groupV1+"; in this version the policy names the listener, by listenerRef")
	}
	spec.done()
	l.Ports = []Port{p}
	d.set.Listeners = append(d.set.Listeners, l)
}

// isFalse reads a boolean and reports whether it is there and false.
func (f *field) isFalse() bool {
	return !f.boolean() && f != nil && f.node.kind == boolNode && f.node.text == "false"
}

func readTLSV1alpha4(f *field, namespace string) *TLS {
	o := f.object()
	t := &TLS{Position: f.position()}
	automatic, manual := o.optional("automatic"), o.optional("manual")
	switch {
	case automatic != nil && manual != nil:
		f.errorf("has both automatic and manual; remove one of them")
	case automatic != nil:
		t.Mode, t.CertManager = Automatic, readCertManagerV1(automatic)
	case manual != nil:
		t.Mode, t.SecretRef = Manual, readSecretV1alpha4(manual, namespace)
	case !o.broken && !o.has("keyVault"):
		f.errorf("want automatic or manual")
	}
	o.misplaced("keyVault", "a key vault is not available here; write manual with the name of a secret")
	o.done()
	return t
}

// readSecretV1alpha4 reads the name of a secret and the namespace beside it
// (LINK-9).
func readSecretV1alpha4(f *field, namespace string) string {
	o := f.object()
	name := o.required("secret").reference(coreName)
	o.optional("namespace").sameNamespace(namespace)
	o.done()
	return name
}
