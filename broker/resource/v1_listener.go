package resource

import (
	"fmt"
	"strings"
)

const defaultIssuerGroup = "cert-manager.io"

// readListenerV1 reads a BrokerListener of version v1.
func readListenerV1(d document) {
	d.ignored("status")
	spec := d.required("spec").object()
	l := &Listener{Key: d.key, Position: d.position}
	l.BrokerRef = spec.optional("brokerRef").reference(brokerName)
	l.ServiceName = spec.optional("serviceName").reference(namespaceName)
	l.ServiceType = ServiceType(spec.optional("serviceType").oneOf(string(ClusterIP), string(LoadBalancer), string(NodePort)))
	ports := spec.required("ports")
	for _, f := range ports.list() {
		p := readPortV1(f, d.key.Namespace)
		p.readOrigins(d.setting(fmt.Sprintf("port-%d-allowed-origins", p.Number)))
		l.Ports = append(l.Ports, p)
	}
	if ports != nil && ports.node.kind == sequenceNode && len(l.Ports) == 0 {
		ports.errorf("must have at least one port")
	}
	for _, name := range []string{"port", "protocol", "authenticationRef", "authorizationRef", "tls", "nodePort"} {
		spec.misplaced(name, name+" belongs to an entry of spec.ports")
	}
	spec.done()
	d.set.Listeners = append(d.set.Listeners, l)
}

func readPortV1(f *field, namespace string) Port {
	o := f.object()
	p := Port{
		Position:          f.position(),
		Number:            uint16(o.required("port").number(0, 65535)),
		NodePort:          uint16(o.optional("nodePort").number(0, 65535)),
		Protocol:          MQTT,
		AuthenticationRef: o.optional("authenticationRef").reference(brokerName),
		Anonymous:         !o.has("authenticationRef"),
		AuthorizationRef:  o.optional("authorizationRef").reference(brokerName),
		Unrestricted:      !o.has("authorizationRef"),
		origin:            f.origin(),
	}
	if protocol := o.optional("protocol"); protocol != nil {
		p.Protocol = Protocol(protocol.oneOf(string(MQTT), string(WebSockets)))
	}
	if tls := o.optional("tls"); tls != nil {
		p.TLS = readTLSV1(tls, namespace)
	}
	o.done()
	return p
}

// readOrigins reads the origins that the port allows (LINK-10, LINK-13).
func (p *Port) readOrigins(setting *field) {
	if setting == nil {
		return
	}
	if p.Protocol != WebSockets {
		setting.errorf("port %d has no protocol WebSockets; only browsers there have an origin", p.Number)
		return
	}
	p.OriginsPosition = setting.position()
	for _, s := range strings.Split(setting.nonEmpty(), ",") {
		p.AllowedOrigins = append(p.AllowedOrigins, strings.TrimSpace(s))
	}
}

func readTLSV1(f *field, namespace string) *TLS {
	o := f.object()
	t := &TLS{Position: f.position()}
	t.Mode = TLSMode(o.required("mode").oneOf(string(Manual), string(Automatic)))
	switch t.Mode {
	case Manual:
		t.SecretRef = readSecretRefV1(o.required("manual"), namespace)
		o.misplaced(o.name("certManagerCertificateSpec", "automatic"), "belongs to mode Automatic; this mode is Manual")
	case Automatic:
		t.CertManager = readCertManagerV1(o.optional(o.name("certManagerCertificateSpec", "automatic")))
		o.misplaced("manual", "belongs to mode Manual; this mode is Automatic")
	default: // reported
		o.ignored("manual", "certManagerCertificateSpec", "automatic")
	}
	o.misplaced("secretRef", "belongs to tls.manual")
	o.done()
	return t
}

// readSecretRefV1 reads the name of a secret and the namespace beside it, which
// may only repeat the namespace of the resource (LINK-9).
func readSecretRefV1(f *field, namespace string) string {
	o := f.object()
	name := o.required(o.name("secretRef", "secretName")).reference(coreName)
	o.optional(o.name("namespace", "secretNamespace")).sameNamespace(namespace)
	o.done()
	return name
}

// sameNamespace reads the namespace of a secret.
func (f *field) sameNamespace(namespace string) {
	if s := f.nonEmpty(); s != "" && s != namespace {
		f.errorf("secret must be in the namespace of the resource, %s", quote(namespace))
	}
}

func readCertManagerV1(f *field) *CertManagerCertificate {
	if f == nil {
		return nil
	}
	o := f.object()
	c := &CertManagerCertificate{
		Duration:    o.optional("duration").duration(),
		RenewBefore: o.optional("renewBefore").duration(),
		SecretName:  o.optional("secretName").reference(coreName),
		IssuerGroup: defaultIssuerGroup,
	}
	issuer := o.required("issuerRef").object()
	c.IssuerName = issuer.required("name").nonEmpty()
	c.IssuerKind = issuer.required("kind").oneOf("Issuer", "ClusterIssuer")
	if group := issuer.optional("group"); group != nil {
		c.IssuerGroup = group.nonEmpty()
	}
	issuer.done()
	if f := o.optional("privateKey"); f != nil {
		key := f.object()
		c.KeyAlgorithm = key.required("algorithm").oneOf("Ec256", "Ec384", "Ec521", "Ed25519", "Rsa2048", "Rsa4096", "Rsa8192")
		c.KeyRotationPolicy = key.required("rotationPolicy").oneOf("Always", "Never")
		key.done()
	}
	if f := o.optional("san"); f != nil {
		san := f.object()
		c.DNSNames = san.required("dns").texts()
		c.IPAddresses = san.required("ip").texts()
		san.done()
	}
	o.done()
	return c
}
