// Package broker is an MQTT 3.1.1 and 5.0 server that asks package mqttauth who
// a client is and package mqttauthz what it may do.
//
//	s := broker.NewServer(broker.Options{Logger: log})
//	l, err := s.Listen(tcpListener, broker.Port{
//		Name:           "mqtts:8883",
//		TLS:            trust.Config(serverCertificates),
//		Authentication: chain,
//		Authorization:  policy,
//	})
//
// A [Server] holds sessions, subscriptions and retained messages; each
// [Listener] is one port with its own authentication and authorization, both
// of which can be replaced while clients are connected. A port without a policy
// denies everything; mqttauthz.AllowAll and mqttauth.AllowAnonymous say aloud
// that a port is open.
//
// # What happens to a CONNECT
//
// TLS, CONNECT decoded, client ID assigned if empty, authenticated, authorized
// (the connection and its will), expiry checked, and only then a session is
// looked up, taken over or created (AUTHN-9). Until CONNACK the server sends
// nothing else.
//
// # What happens to a PUBLISH
//
// The topic alias is resolved, the effective topic decided on, and the message
// routed, all under one lock of the publisher's connection: after
// [Listener.SetAccess] has returned, nothing is routed under the policy
// that it replaced (AUTHZ-13). Subscribers are found without a lock; each has a
// bounded queue, and one that stops reading delays nobody.
//
// # What is not here
//
// Reading resource documents is in broker/resource, turning them into ports in
// broker/config.
package broker
