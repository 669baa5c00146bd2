package resource

import (
	"math"
	"slices"
	"time"
)

// readBrokerV1 reads a Broker of version v1. The fields that have no meaning here
// are accepted whatever they hold, and listed.
func readBrokerV1(d document) {
	d.ignored("status")
	b := &Broker{Key: d.key, Position: d.position, origin: origin{node: d.node}}
	f := d.optional("spec")
	spec := f.object()
	advanced := spec.optional("advanced").object()
	clients := advanced.optional("clients").object()
	b.Clients = ClientLimits{
		SessionExpiry:  seconds(clients.optional("maxSessionExpirySeconds"), 1, math.MaxUint32),
		MessageExpiry:  seconds(clients.optional("maxMessageExpirySeconds"), 1, math.MaxUint32),
		KeepAlive:      seconds(clients.optional("maxKeepAliveSeconds"), 0, 65535),
		PacketSize:     int(clients.optional("maxPacketSizeBytes").number64(1, 268435456)),
		ReceiveMaximum: uint16(clients.optional("maxReceiveMaximum").number(1, 65535)),
	}
	queue := clients.optional("subscriberQueueLimit").object()
	b.Clients.QueueLength = int(queue.optional("length").number64(1, math.MaxInt32))
	b.Clients.DropOldest = queue.optional("strategy").oneOf("None", "DropOldest") == "DropOldest"
	b.ignore(spec, "cardinality", "diagnostics", "diskBackedMessageBuffer", "generateResourceLimits", "memoryProfile", "persistence")
	b.ignore(advanced, "encryptInternalTraffic", "internalCerts")
	slices.Sort(b.Ignored)
	for _, o := range []*object{queue, clients, advanced, spec} {
		o.done()
	}
	d.set.Brokers = append(d.set.Brokers, b)
}

// ignore accepts fields and lists those that are there.
func (b *Broker) ignore(o *object, keys ...string) {
	o.ignored(keys...)
	for _, key := range keys {
		if o.has(key) {
			b.Ignored = append(b.Ignored, o.path()+"."+key)
		}
	}
}

// seconds reads a duration that is written as a number.
func seconds(f *field, least, most int64) time.Duration {
	return time.Duration(f.number64(least, most)) * time.Second
}
