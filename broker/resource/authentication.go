package resource

import "time"

// Authentication is a BrokerAuthentication: an ordered chain of methods.
type Authentication struct {
	Key
	Position  Position
	BrokerRef string // validated, not acted on (LINK-12)

	Methods []Method // at least one, in the order in which they are asked

	// ThrottleFailures is the annotation mqttwarden/throttle-failures: what
	// failed lately is put off (AUTHN-14).
	ThrottleFailures bool

	listeners []listenerRef // that the policy names, in v1alpha4
}

// Method is one entry of a chain. Exactly the field that Kind names is set.
type Method struct {
	Position Position
	Kind     MethodKind

	X509                *X509
	ServiceAccountToken *ServiceAccountToken
	Custom              *Custom
	UsernamePassword    *UsernamePassword

	// OnUnavailable says what an outage of this method means (AUTHN-4). It
	// comes from the annotation mqttwarden/method-<index>-on-unavailable,
	// index counting from 0. "" means the default of the method.
	OnUnavailable Outage

	// StaleCRL says what a revocation list that is expired, or older than one
	// before, means (X509-11). It comes from the annotation
	// mqttwarden/method-<index>-stale-crl of an X509 method. "" means StaleDeny.
	StaleCRL StaleCRL

	origin origin
}

// Locate returns the place of a field of the method, such as
// "x509Settings.trustedClientCaCert", or of the nearest thing around it that
// the document has.
func (m *Method) Locate(field string) Position { return m.origin.locate(field, m.Position) }

// Field returns the whole path of a field of the method, such as
// "spec.authenticationMethods[0].method".
func (m *Method) Field(name string) string { return m.origin.field(name) }

// MethodKind is a way to authenticate a client.
type MethodKind string

const (
	MethodX509                MethodKind = "X509"
	MethodServiceAccountToken MethodKind = "ServiceAccountToken"
	MethodCustom              MethodKind = "Custom"
	MethodUsernamePassword    MethodKind = "UsernamePassword" // v1alpha4 only
)

// Outage says what happens when a method cannot be asked.
type Outage string

const (
	OutageNext Outage = "next" // the next method is asked
	OutageStop Outage = "stop" // the client is refused
)

// StaleCRL says what a revocation list means that is not current.
type StaleCRL string

const (
	StaleDeny StaleCRL = "deny" // the certificates of its issuer are refused
	StaleWarn StaleCRL = "warn" // only what it revokes is refused
)

// DefaultClientCA is the trusted ConfigMap of an X509 method that names none
// (X509-2).
const DefaultClientCA = "client-ca"

// X509 holds the settings of the client certificate method.
type X509 struct {
	// TrustedClientCACert names the ConfigMap with the trust anchors.
	// DefaultClientCA when the document names none.
	TrustedClientCACert string

	// AuthorizationAttributes map certificate subjects to attributes, in the
	// order of the document.
	AuthorizationAttributes []CertificateRule

	// AttributesSecret names a Secret whose entry attributes.toml or
	// x509Attributes.toml has such rules, see ParseCertificateAttributes. Only
	// v1beta1 and v1alpha4 have it, and never beside AuthorizationAttributes
	// (X509-8). "" means absent.
	AttributesSecret string
}

// CertificateRule gives attributes to chains that hold a subject. Name is a
// label only (X509-8); Subject is not parsed here.
type CertificateRule struct {
	Position   Position
	Name       string
	Subject    string
	Attributes map[string]string

	origin origin
}

// Locate returns the place of a field of the rule, "subject" or
// "attributes.NAME", or of the rule if the document does not have it.
func (c *CertificateRule) Locate(field string) Position {
	return c.origin.locate(field, c.Position)
}

// Field returns the whole path of a field of the rule.
func (c *CertificateRule) Field(name string) string { return c.origin.field(name) }

// ServiceAccountToken holds the settings of the Kubernetes token method.
type ServiceAccountToken struct {
	Audiences []string // at least one, none empty

	// AnnotationPrefix begins the annotations that are attributes (SAT-5).
	AnnotationPrefix string

	// Usernames is the form of user names whose password is a token (SAT-2).
	Usernames TokenUsernames

	// Namespaces are those whose service accounts are accepted (SAT-10). Nil:
	// all. They come from the annotation mqttwarden/method-<index>-namespaces.
	Namespaces []string

	// RevalidateAfter is how often a connected client is judged again (EXP-7),
	// at least a second. Zero: never. It comes from the annotation
	// mqttwarden/method-<index>-revalidate-after.
	RevalidateAfter time.Duration

	// ReviewAgain says that judging again reviews the token again, which is kept
	// for it (S-48). It comes from the annotation
	// mqttwarden/method-<index>-review-again.
	ReviewAgain bool
}

// TokenUsernames is a form of user names.
type TokenUsernames string

const (
	TokenUsernamesK8S TokenUsernames = "K8S-SAT" // starts with K8S-SAT: v1 and v1beta1
	TokenUsernamesSAT TokenUsernames = "sat"     // $sat, or starts with sat://: v1alpha4
)

const (
	annotationPrefix        = "aio-broker-auth/"
	annotationPrefixV1beta1 = "aio-mq-broker-auth/"
)

// UsernamePassword holds the settings of the user name and password method.
type UsernamePassword struct {
	// Secret names the Secret whose entry passwords.toml holds the users, see
	// ParseUsers.
	Secret string
}

// Custom holds the settings of the custom authentication server method.
type Custom struct {
	Endpoint         string   // an https URL with a host
	CACertConfigMap  string   // "" means the roots of the system
	ClientCertSecret string   // auth.x509.secretRef; "" means no client certificate
	Headers          []Header // in the order of the document, names canonical and distinct

	// RequestsPerSecond is how many requests a second the server gets at most,
	// up to 65,535 (CUST-6). Zero: the default. It comes from the annotation
	// mqttwarden/method-<index>-requests-per-second.
	RequestsPerSecond int
}

// Header is one HTTP header for a custom authentication server. Its value may
// be a credential.
type Header struct {
	Name  string
	Value Value
}
