// Package clientcert authenticates MQTT clients by the X.509 certificate of
// their TLS handshake.
//
//	trust, err := clientcert.NewTrust(anchors)
//	config := trust.Config(&tls.Config{Certificates: server}) // for the listener
//	method, err := clientcert.New(clientcert.Config{Trust: trust, Attributes: matcher})
//
// [Trust] holds the trust anchors, which can be replaced while the listener is
// open. The TLS configuration it makes asks for a client certificate and ends
// the handshake of one that does not verify; a client without one goes on to
// the next method of its chain (X509-1). All checks also hold for resumed TLS
// sessions, and a session never outlives a removed anchor (X509-4, X509-10).
//
// [Method] takes the client's user name from the certificate's common name, its
// attributes from package x509attr, and its expiry from the chain.
//
// The certificates that a client presents prove nothing until they are
// verified: name, attributes and expiry come from the verified chain only.
package clientcert
