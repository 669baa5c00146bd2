package config

import (
	"strings"

	"github.com/mqttwarden/mqttwarden/broker"
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
		l.QueueMessages, l.QueueDropsOldest = clients.QueueLength, clients.DropOldest
		l.KeepAlive, l.MessageExpiry = clients.KeepAlive, clients.MessageExpiry
		if len(b.Ignored) > 0 {
			c.warn(b.Position, "of Broker %v these fields have no effect: %s", b.Key, strings.Join(b.Ignored, ", "))
		}
	}
	return l
}
