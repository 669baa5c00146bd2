package resource

import (
	"fmt"
	"math"
	"net/textproto"
	"net/url"
	"strings"
)

// readAuthenticationV1 reads a BrokerAuthentication of version v1.
func readAuthenticationV1(d document) {
	d.ignored("status")
	spec := d.required("spec").object()
	a := &Authentication{Key: d.key, Position: d.position, ThrottleFailures: d.switched("throttle-failures")}
	a.BrokerRef = spec.optional("brokerRef").reference(brokerName)
	methods := spec.required("authenticationMethods")
	for i, f := range methods.list() {
		m := readMethodV1(f, d.key.Namespace)
		d.readSettings(i, &m)
		a.Methods = append(a.Methods, m)
	}
	if methods != nil && methods.node.kind == sequenceNode && len(a.Methods) == 0 {
		methods.errorf("must have at least one method; to let anybody in, leave authenticationRef out of the port")
	}
	spec.misplaced("listenerRef", "belongs to "+groupV1alpha4+"; in this version the ports of a BrokerListener name the policy, by authenticationRef")
	spec.done()
	d.set.Authentications = append(d.set.Authentications, a)
}

// readSettings reads the settings of method i that the documents lack (LINK-10).
func (d *document) readSettings(i int, m *Method) {
	setting := d.setting(fmt.Sprintf("method-%d-on-unavailable", i))
	m.OnUnavailable = Outage(setting.oneOf(string(OutageNext), string(OutageStop)))
	if m.ServiceAccountToken != nil {
		d.readTokenSettings(i, m.ServiceAccountToken)
	}
	if m.Kind == MethodX509 {
		setting := d.setting(fmt.Sprintf("method-%d-stale-crl", i))
		m.StaleCRL = StaleCRL(setting.oneOf(string(StaleDeny), string(StaleWarn)))
	}
	if m.Custom != nil {
		setting := d.setting(fmt.Sprintf("method-%d-requests-per-second", i))
		m.Custom.RequestsPerSecond = setting.integerText(1, math.MaxUint16)
	}
}

func readMethodV1(f *field, namespace string) Method {
	o := f.object()
	m := Method{Position: f.position(), origin: f.origin()}
	settings := methodSettingsV1(o)
	m.Kind = readKindV1(o, settings)
	m.origin.names = namesV1beta1(settings)
	switch m.Kind {
	case MethodX509:
		m.X509 = readX509V1(o.optional(settings[MethodX509]))
	case MethodServiceAccountToken:
		m.ServiceAccountToken = readServiceAccountTokenV1(o.required(settings[MethodServiceAccountToken]))
	case MethodCustom:
		m.Custom = readCustomV1(o.required(settings[MethodCustom]), namespace)
	default: // reported
	}
	refuseOtherSettingsV1(o, m.Kind, settings)
	o.done()
	return m
}

// kindsV1 are the methods of version v1.
func kindsV1() []MethodKind {
	return []MethodKind{MethodX509, MethodServiceAccountToken, MethodCustom}
}

// methodSettingsV1 returns the field that holds the settings of each method.
func methodSettingsV1(o *object) map[MethodKind]string {
	return map[MethodKind]string{
		MethodX509:                o.name("x509Settings", "x509Credentials"),
		MethodServiceAccountToken: o.name("serviceAccountTokenSettings", "serviceAccountToken"),
		MethodCustom:              o.name("customSettings", "custom"),
	}
}

// readKindV1 reads which method an entry is. If that is missing, the settings
// tell what was meant.
func readKindV1(o *object, settings map[MethodKind]string) MethodKind {
	advice, words := "", []string{}
	for _, kind := range kindsV1() {
		words = append(words, string(kind))
		if o.has(settings[kind]) {
			advice = "; write method: " + string(kind)
		}
	}
	f := o.requiredWith("method", advice)
	if o.decoder.olderNames && f != nil && f.node.kind == stringNode && strings.EqualFold(f.node.text, olderX509V1beta1) {
		return MethodX509
	}
	return MethodKind(f.oneOf(words...))
}

// refuseOtherSettingsV1 reports the settings of methods that the entry does
// not have. If its own method is unknown, any settings may be meant.
func refuseOtherSettingsV1(o *object, kind MethodKind, settings map[MethodKind]string) {
	for _, other := range kindsV1() {
		switch kind {
		case other:
		case "":
			o.ignored(settings[other])
		default:
			o.misplaced(settings[other], fmt.Sprintf("belongs to method %s; this method is %s", other, kind))
		}
	}
}

func readX509V1(f *field) *X509 {
	x := &X509{TrustedClientCACert: DefaultClientCA}
	if f == nil {
		return x
	}
	o := f.object()
	if ca := o.optional("trustedClientCaCert"); ca != nil {
		x.TrustedClientCACert = ca.reference(coreName)
	}
	if o.decoder.olderNames {
		x.AttributesSecret = readAttributesSecretV1beta1(o)
	}
	for _, entry := range o.optional("authorizationAttributes").entries() {
		x.AuthorizationAttributes = append(x.AuthorizationAttributes, readCertificateRuleV1(entry))
	}
	if v := o.optional("additionalValidation"); v.oneOf("None", "AzureDeviceRegistry") == "AzureDeviceRegistry" {
		v.errorf("AzureDeviceRegistry is not available here; remove the field or write None")
	}
	o.done()
	return x
}

func readCertificateRuleV1(f *field) CertificateRule {
	o := f.object()
	r := CertificateRule{
		Position:   f.at.in(f.decoder.file),
		Name:       f.key,
		Subject:    o.required("subject").nonEmpty(),
		Attributes: readAttributes(o.required("attributes")),
		origin:     f.origin(),
	}
	o.done()
	return r
}

// readAttributes reads a map of attributes. Their values may be empty, their
// names not.
func readAttributes(f *field) map[string]string {
	attributes := f.textMap()
	if _, ok := attributes[""]; ok {
		f.errorf("the name of an attribute must not be empty")
	}
	return attributes
}

func readServiceAccountTokenV1(f *field) *ServiceAccountToken {
	o := f.object()
	audiences := o.required("audiences")
	t := &ServiceAccountToken{Audiences: audiences.texts(), AnnotationPrefix: annotationPrefix, Usernames: TokenUsernamesK8S}
	if audiences != nil && audiences.node.kind == sequenceNode && len(t.Audiences) == 0 {
		audiences.errorf("must have at least one audience; without one every token of the cluster would be accepted")
	}
	o.done()
	return t
}

func readCustomV1(f *field, namespace string) *Custom {
	o := f.object()
	c := &Custom{
		Endpoint:        readEndpoint(o.required("endpoint")),
		CACertConfigMap: o.optional(o.name("caCertConfigMap", "caCert")).reference(coreName),
	}
	if f := o.optional("auth"); f != nil {
		auth := f.object()
		c.ClientCertSecret = readSecretRefV1(auth.required("x509"), namespace)
		auth.done()
	}
	c.Headers = readHeaders(o.optional("headers"))
	o.done()
	return c
}

// readEndpoint reads an https URL. One that holds a password is refused, and
// not repeated in the message.
func readEndpoint(f *field) string {
	s := f.nonEmpty()
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		f.errorf("not a URL; want https://HOST or https://HOST:PORT")
	case !strings.EqualFold(u.Scheme, "https"):
		f.errorf("want a URL that begins with https://")
	case u.Hostname() == "":
		f.errorf("the URL has no host; want https://HOST or https://HOST:PORT")
	case u.User != nil:
		f.errorf("the URL must not hold a user or password; use auth.x509 or headers")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		f.errorf("the URL must not have a query or fragment")
	default:
		return s
	}
	return ""
}

// readHeaders reads the headers for a custom server (LINK-9). Their values may
// be credentials and are not repeated in messages.
func readHeaders(f *field) []Header {
	if f == nil {
		return nil
	}
	f.decoder.secret = true
	defer func() { f.decoder.secret = false }()
	var headers []Header
	seen := map[string]string{}
	for _, h := range f.entries() {
		value := h.text()
		name := textproto.CanonicalMIMEHeaderKey(h.key)
		switch {
		case !isToken(h.key):
			h.errorf("not a name of an HTTP header")
		case isReservedHeader(name):
			h.errorf("this header is set by the broker; remove it")
		case seen[name] != "" && seen[name] != h.key:
			h.errorf("the same header as %s; names do not depend on letter case", seen[name])
		case !isHeaderValue(value):
			h.errorf("a header value must not hold line breaks or other control characters")
		}
		seen[name] = h.key
		h.node.text = "" // the tree outlives the reading, see origin
		headers = append(headers, Header{Name: h.key, Value: NewValue([]byte(value))})
	}
	return headers
}

func isReservedHeader(canonical string) bool {
	switch canonical {
	case "Host", "Content-Type", "Content-Length", "Transfer-Encoding", "Connection":
		return true
	default:
		return false
	}
}

// isToken follows RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		letter := isLower(s[i]) || 'A' <= s[i] && s[i] <= 'Z'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// isHeaderValue follows RFC 9110 section 5.5: no control characters but tab.
func isHeaderValue(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
