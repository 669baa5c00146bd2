package session

import (
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/internal/topic"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// Limits bound what one session may hold. A zero field means its default, and
// so does a negative one.
type Limits struct {
	// Queued is the number of deliveries that wait to be sent. Default 10,000.
	Queued int
	// Bytes bounds two accounts, each by this much: the messages that wait or
	// are unacknowledged, and the messages received and not yet released.
	// Messages count by their Size, also when several sessions share them.
	// Default 8 MiB. No single message should come near it.
	Bytes int
	// DropOldest makes room for a new delivery by dropping the oldest that wait.
	DropOldest bool
	// Inflight is the number of deliveries that are sent and not acknowledged,
	// whatever more the client would take. Default 1024, at most 32,768.
	Inflight int
	// Received is the number of QoS 1 and 2 publishes the client may have
	// unacknowledged, the receive maximum of the CONNACK. Default 1024, at most
	// 65,535.
	Received int
	// TopicAliases is the number of aliases used towards the client, if it
	// allows as many. Default 32, at most 65,535.
	TopicAliases int
}

func (l Limits) withDefaults() Limits {
	set := func(field *int, zero, most int) {
		if *field <= 0 {
			*field = zero
		}
		*field = min(*field, most)
	}
	set(&l.Queued, 10_000, 1<<30)
	set(&l.Bytes, 8<<20, 1<<30)
	set(&l.Inflight, 1024, maxWindow)
	set(&l.Received, 1024, 1<<16-1)
	set(&l.TopicAliases, 32, 1<<16-1)
	return l
}

// Session is the state of one session. Make it with New. Not safe for
// concurrent use.
type Session struct {
	limits        Limits
	connection    connection
	queue         ring
	window        window
	bytes         int // of the messages in queue and window
	receipts      receipts
	subscriptions map[topic.Filter]routing.Options
	dropped       Dropped
	swept         time.Time // when the queue was last searched for expired messages
}

// Params are what a CONNECT says about the client's side of a connection.
type Params struct {
	Version mqttauth.Version
	// Clean discards the state of the session: Clean Start.
	Clean bool
	// ReceiveMaximum of the client; 0 means it gave none: 65,535.
	ReceiveMaximum uint16
	// MaximumPacketSize of the client in bytes; 0 means it gave none.
	MaximumPacketSize uint32
	// TopicAliasMaximum of the client; 0 means no aliases may be used.
	TopicAliasMaximum uint16
}

// connection is what lives as long as one network connection.
type connection struct {
	attached  bool
	version   mqttauth.Version
	quota     int // flights at a time
	maxPacket int // bytes; 0 means no limit
	aliases   aliases
}

// Dropped counts deliveries that were dropped, by cause.
type Dropped struct {
	Full     uint64 // the queue was at a limit
	Offline  uint64 // QoS 0 without a connection
	Expired  uint64 // the lifetime of the message ended
	TooLarge uint64 // over the maximum packet size of the client or of MQTT
	Purged   uint64 // no longer subscribed
}

// New returns an empty session without a connection.
func New(l Limits) *Session { return &Session{limits: l.withDefaults()} }

// Attach begins a connection, ending the one before if there is one. With Clean
// the session becomes empty. Otherwise everything unacknowledged is to be sent
// again, before anything new [MQTT-4.4.0-1].
func (s *Session) Attach(p Params) {
	s.Detach()
	if p.Clean {
		dropped := s.dropped
		*s = Session{limits: s.limits, dropped: dropped}
	}
	quota := int(p.ReceiveMaximum)
	if quota == 0 {
		quota = 1<<16 - 1
	}
	s.connection = connection{
		attached:  true,
		version:   p.Version,
		quota:     min(quota, s.limits.Inflight),
		maxPacket: int(min(p.MaximumPacketSize, 1<<30)),
	}
	if p.Version == mqttauth.MQTT5 {
		s.connection.aliases.max = min(int(p.TopicAliasMaximum), s.limits.TopicAliases)
	}
	s.window.rewind()
	s.receipts.used = 0
}

// Detach ends the connection, if there is one. QoS 0 deliveries that were not
// sent are dropped; publishes of QoS 1 that were not acknowledged are forgotten,
// since the client sends them again. What remains waits for Attach.
func (s *Session) Detach() {
	if !s.connection.attached {
		return
	}
	s.connection = connection{}
	s.filter(&s.dropped.Offline, func(d *Delivery) bool { return d.QoS > 0 })
	s.receipts.disconnect()
	s.Compact()
}

// Compact gives back memory that queues keep for the next burst. It is for
// clients that turn out to be idle, such as when a PINGREQ comes.
func (s *Session) Compact() {
	s.queue.compact()
	s.window.compact()
	s.receipts.compact()
}

// Attached reports whether there is a connection.
func (s *Session) Attached() bool { return s.connection.attached }

// Len returns the number of deliveries that wait to be sent for the first time.
func (s *Session) Len() int { return s.queue.n }

// Inflight returns the number of deliveries that were sent and are not
// completed.
func (s *Session) Inflight() int { return s.window.n }

// Bytes returns the size of the messages that wait or are unacknowledged.
func (s *Session) Bytes() int { return s.bytes }

// Dropped returns the counts of deliveries dropped since New.
func (s *Session) Dropped() Dropped { return s.dropped }

// filter drops waiting deliveries that keep refuses and counts them.
func (s *Session) filter(count *uint64, keep func(*Delivery) bool) {
	s.queue.filter(func(d *Delivery) bool {
		if keep(d) {
			return true
		}
		s.bytes -= d.Message.Size()
		*count++
		return false
	})
}

// Purge drops the deliveries that wait and whose message keep refuses, and
// returns their number. What was sent already is not touched: it keeps its
// packet id and is completed (AUTHZ-12).
func (s *Session) Purge(keep func(*message.Message) bool) int {
	before := s.dropped.Purged
	s.filter(&s.dropped.Purged, func(d *Delivery) bool { return keep(d.Message) })
	return int(s.dropped.Purged - before)
}
