package config

import (
	"strings"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// limits translates the client limits of the Broker document, if there is one.
// What has no meaning here is said in one sentence.
func (c *compiler) limits() broker.Limits {
	var l broker.Limits
	for _, b := range c.set.Brokers { // at most one
		clients := b.Clients
		l.SessionExpiry = clients.SessionExpiry
		l.PacketSize = clients.PacketSize
		l.ReceiveMaximum = clients.ReceiveMaximum
		l.QueueMessages = clients.QueueLength
		if ignored := append(unsupported(clients), b.Ignored...); len(ignored) > 0 {
			c.warn(b.Position, "of Broker %v these fields have no effect: %s", b.Key, strings.Join(ignored, ", "))
		}
	}
	return l
}

// unsupported returns the limits that the server does not have.
func unsupported(l resource.ClientLimits) []string {
	var out []string
	for _, f := range []struct {
		set  bool
		name string
	}{
		{l.KeepAlive != 0, "maxKeepAliveSeconds"},
		{l.MessageExpiry != 0, "maxMessageExpirySeconds"},
		{l.DropOldest, "subscriberQueueLimit.strategy"},
	} {
		if f.set {
			out = append(out, "spec.advanced.clients."+f.name)
		}
	}
	return out
}
