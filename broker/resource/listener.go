package resource

import "time"

// Listener is a BrokerListener: ports that belong to one Kubernetes service.
type Listener struct {
	Key
	Position Position

	// BrokerRef, ServiceName and ServiceType are validated and kept for the
	// log; nothing acts on them (LINK-12). "" means absent.
	BrokerRef   string
	ServiceName string
	ServiceType ServiceType

	Ports []Port // at least one

	linked bool // by the policies that name it, as in v1alpha4
}

// ServiceType is the kind of Kubernetes service a listener asks for.
type ServiceType string

const (
	ClusterIP    ServiceType = "ClusterIp"
	LoadBalancer ServiceType = "LoadBalancer"
	NodePort     ServiceType = "NodePort"
)

// Port is one port of a Listener.
type Port struct {
	Position Position

	Number   uint16 // as written; package config refuses 0
	NodePort uint16 // validated, not acted on (LINK-12); 0 means absent
	Protocol Protocol

	// AuthenticationRef names a BrokerAuthentication in the namespace of the
	// listener. Anonymous says that the document wants no authentication: every
	// client is let in (LINK-2). Where both are zero, the document wants one and
	// none is linked: the port is closed (LINK-6).
	AuthenticationRef string
	Anonymous         bool

	// AuthorizationRef names a BrokerAuthorization in the namespace of the
	// listener. Unrestricted says that the document wants no authorization:
	// everything is allowed (LINK-3). Where both are zero, the port is closed.
	AuthorizationRef string
	Unrestricted     bool

	TLS *TLS // nil: the port has no TLS

	// AllowedOrigins are the origins that a WebSockets port lets in besides
	// the host that clients ask for (LINK-13), as they are written. They come
	// from the annotation mqttwarden/port-<number>-allowed-origins, separated
	// by commas.
	AllowedOrigins  []string
	OriginsPosition Position // of the annotation

	origin origin
}

// Locate returns the place of a field of the port, such as "tls.mode", or of
// the nearest thing around it that the document has.
func (p *Port) Locate(field string) Position { return p.origin.locate(field, p.Position) }

// Field returns the whole path of a field of the port, such as
// "spec.ports[0].tls.mode".
func (p *Port) Field(name string) string { return p.origin.field(name) }

// Protocol is what a port speaks below MQTT.
type Protocol string

const (
	MQTT       Protocol = "Mqtt" // MQTT directly over TCP or TLS
	WebSockets Protocol = "WebSockets"
)

// TLS says where the server certificate of a port comes from.
type TLS struct {
	Position Position

	Mode        TLSMode
	SecretRef   string                  // Manual: name of the secret with certificate and key
	CertManager *CertManagerCertificate // Automatic: what to ask for
}

// TLSMode is a way to get a server certificate.
type TLSMode string

const (
	Manual    TLSMode = "Manual"
	Automatic TLSMode = "Automatic"
)

// CertManagerCertificate describes a certificate to be issued.
type CertManagerCertificate struct {
	Duration    time.Duration // 0 means absent
	RenewBefore time.Duration // 0 means absent
	SecretName  string        // "" means absent

	IssuerName  string
	IssuerKind  string // Issuer or ClusterIssuer
	IssuerGroup string // cert-manager.io when absent

	KeyAlgorithm      string // Ec256, Ec384, Ec521, Ed25519, Rsa2048, Rsa4096, Rsa8192; "" means absent
	KeyRotationPolicy string // Always or Never; "" means absent

	DNSNames    []string
	IPAddresses []string
}
