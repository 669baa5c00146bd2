package mqttauth

import (
	"crypto/x509"
	"net/netip"
)

// Credentials is everything a client presented. Methods only read it, and keep
// nothing of it once they have answered.
type Credentials struct {
	// ClientID is the client identifier in force: the one of CONNECT, or the
	// one the server assigned in its place.
	ClientID string

	// Username is the User Name of CONNECT, if HasUsername. It is a claim
	// until a method verifies it.
	Username    string
	HasUsername bool
	Password    Secret

	// AuthMethod and AuthData are the Authentication Method and Authentication
	// Data of MQTT 5.0 enhanced authentication (section 4.12). An empty
	// AuthMethod means that the client did not ask for it.
	AuthMethod string
	AuthData   Secret

	// PeerCertificates is the chain as the client presented it, leaf first,
	// unverified. VerifiedChains holds what the TLS handshake built from it;
	// it is empty unless the port verifies client certificates.
	PeerCertificates []*x509.Certificate
	VerifiedChains   [][]*x509.Certificate

	RemoteAddr netip.AddrPort
	Version    Version

	// Previous is the result being renewed; nil for a CONNECT.
	Previous *Result
}
