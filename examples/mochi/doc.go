// Package mochi puts the authentication and authorization of this module into
// the broker github.com/mochi-mqtt/server.
//
//	hook := mochi.New(server, logger)
//	err := hook.Add(mochi.NewListener("mqtts", tlsListener), mochi.Access{
//		Authentication: chain,
//		Authorization:  policy,
//	})
//
// Hooks cannot close everything; README.md has a table of what they do and of
// what stays open. Add no other hook that authenticates or authorizes: the first
// yes of any hook wins there.
package mochi
