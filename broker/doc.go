// Package broker is an MQTT 3.1.1 and 5.0 server that asks package mqttauth who
// a client is and package mqttauthz what it may do.
//
//	s := broker.NewServer(broker.Options{Logger: log})
//	l, err := s.Listen(tcpListener, broker.Port{
//		Name:   "mqtts:8883",
//		TLS:    trust.Config(serverCertificates),
//		Access: broker.Access{Authentication: chain, Authorization: policy},
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
// # What happens to a request of the state store
//
// Given [Options.StateStore], the server executes what clients publish to the
// request topic of the state store, package statestore (STORE-1); the ports share
// its entries. It needs the right to publish there and the right to the key
// (STORE-4). The PUBACK comes first, then the reply, at QoS 1, to the connection
// that asked: if one of its subscriptions that are not shared matches the response
// topic, whatever its QoS, and else to nobody (STORE-6). Notifications go to the
// connection that registered, subscribed or not, and end with it (STORE-7). Neither
// passes through routing: nobody else can subscribe to them, and nobody to
// requests.
//
// Both count for the limits of the session's queue, and are dropped when it is
// full, like any message. What was sent and not acknowledged when a connection
// broke is sent again to the session, as MQTT demands; notifications that were
// still waiting are not, while replies are.
//
// Where no public source says what happens, the server does the following. A
// response topic of the state store's own ends the connection with DISCONNECT
// 0x90, at any QoS. A request of another QoS than 1, without response topic or
// correlation data, or whose response topic has a wildcard, is acknowledged with
// 0x83 and not executed, and so is every request where there is no store; at QoS 0
// it is dropped. The RETAIN flag and the life time of a request mean nothing. A
// request that is sent again after a reconnect is executed again. A client's own
// filter for notifications is granted at the QoS that it asked for, at most 1.
//
// # What is not here
//
// Reading resource documents is in broker/resource, turning them into ports in
// broker/config.
package broker
