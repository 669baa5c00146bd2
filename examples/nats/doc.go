// Package nats puts the authentication and authorization of this module into
// nats-server, for its own clients and for those that speak MQTT 3.1.1 to it.
//
//	auth, err := nats.New(nats.Access{Authentication: chain, Authorization: policy}, logger)
//	options.CustomClientAuthentication = auth
//	srv, err := server.NewServer(options)
//	auth.Serve(srv) // for changes of the rules
//
// The server takes a list of subjects for each client at CONNECT and decides
// with it alone. So the policy is translated, once per client: what a list of
// subjects cannot say is left out, and denied. README.md says what that is.
package nats
