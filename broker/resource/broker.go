package resource

import "time"

// Broker is a Broker: settings of the whole server. Only the limits of clients
// have a meaning here.
type Broker struct {
	Key
	Position Position
	Clients  ClientLimits

	// Ignored are the paths of fields that are there and have no meaning, such as
	// "spec.cardinality", in the order of their names.
	Ignored []string

	origin origin
}

// Locate returns the place of a field of the broker, such as
// "spec.advanced.clients", or of the nearest thing around it that the document
// has.
func (b *Broker) Locate(field string) Position { return b.origin.locate(field, b.Position) }

// ClientLimits bounds what clients may ask for. A zero field is absent.
type ClientLimits struct {
	SessionExpiry  time.Duration
	MessageExpiry  time.Duration
	KeepAlive      time.Duration
	PacketSize     int    // bytes
	ReceiveMaximum uint16 // messages
	QueueLength    int    // messages that wait for one session
	DropOldest     bool   // what happens above that; false: the newest are dropped
}
