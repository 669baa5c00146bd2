package broker

import (
	"math"
	"time"

	"github.com/mqttwarden/mqttwarden/statestore"
)

// Limits bounds what clients can make the server hold or do. A field that is
// zero or less means its default, which is a bound for all but KeepAlive and
// MessageExpiry.
type Limits struct {
	// ConnectTimeout is the time a connection has for the TLS handshake and
	// its CONNECT packet together. Default: 10 s.
	ConnectTimeout time.Duration

	// AuthenticationTimeout bounds one authentication flow (AUTHN-8).
	// Default: 10 s.
	AuthenticationTimeout time.Duration

	// ConnectPacketSize is the greatest CONNECT packet, in bytes. It is read
	// before anything is known about the client (AUTHN-13). Default: 256 KiB.
	ConnectPacketSize int

	// PendingPerSource and PendingBytes bound the connections that are not
	// accepted yet: how many one address may have, and about how many bytes
	// all of them make the server hold (AUTHN-13). Default: 1,000 connections,
	// 64 MiB.
	PendingPerSource int
	PendingBytes     int

	// PacketSize is the greatest packet of an accepted client, in bytes,
	// announced in CONNACK. Default: 4 MiB.
	PacketSize int

	// ReceiveMaximum is how many QoS 1 and 2 messages of one client the server
	// handles at once, announced in CONNACK. Default: 1,024.
	ReceiveMaximum uint16

	// TopicAliasMaximum is how many topic aliases one client may set.
	// Default: 32.
	TopicAliasMaximum uint16

	// TopicLevels and TopicLength are the greatest number of levels, and of
	// bytes, of a topic name or filter. Default: 128 levels, 4,096 bytes.
	TopicLevels int
	TopicLength int

	// Subscriptions is how many subscriptions one session may have.
	// Default: 1,000.
	Subscriptions int

	// Inflight is how many QoS 1 and 2 messages are on their way to one client
	// and not acknowledged, at most 32,768; a client may set less. Default:
	// 1,024.
	Inflight int

	// QueueMessages and QueueBytes bound what waits for one session. QoS 0
	// messages above are dropped, others too, the newest first. Default:
	// 10,000 messages, 16 MiB.
	QueueMessages int
	QueueBytes    int

	// QueueDropsOldest makes room in a full queue for a new message by dropping
	// the oldest that wait, of whatever QoS. Default: false.
	QueueDropsOldest bool

	// RetainedMessages and RetainedBytes bound the retained messages of the
	// server. Default: 100,000 messages, 256 MiB.
	RetainedMessages int
	RetainedBytes    int

	// Watches bounds the registrations for keys of the state store (KEYNOTIFY).
	// Default: those of its fields.
	Watches statestore.Limits

	// SessionExpiry is how long a session is kept at most without a
	// connection, in whole seconds. Default: 24 h.
	SessionExpiry time.Duration

	// SessionsPerIdentity is how many sessions one identity may own (AUTHN-10).
	// Default: 100.
	SessionsPerIdentity int

	// KeepAlive is the longest keep alive, in whole seconds, at most 65,535. An
	// MQTT 5.0 client that asks for more, or for none, is told it in CONNACK;
	// others cannot be told and have what they ask for. Default: no limit.
	KeepAlive time.Duration

	// MessageExpiry is the longest life time of a message, in whole seconds. A
	// message that is published with a longer one, or with none, has this one.
	// Default: no limit.
	MessageExpiry time.Duration

	// Connections is how many clients the server has at once, and
	// ConnectionsPerSource how many of one source address (of IPv6, of one
	// network of 64 bits). Those over it are told so in CONNACK, before they
	// are authenticated. Default: 100,000 and 10,000.
	Connections          int
	ConnectionsPerSource int

	// ConnectRate is how many CONNECT packets of one source a second are
	// looked at, and how many at once after a pause. Default: 10,000.
	ConnectRate int
}

// defaults returns l with the zero fields set. Negative ones count as zero.
func (l Limits) defaults() Limits {
	orDefault(&l.ConnectTimeout, 10*time.Second)
	orDefault(&l.AuthenticationTimeout, 10*time.Second)
	orDefault(&l.ConnectPacketSize, 256<<10)
	orDefault(&l.PendingPerSource, 1000)
	orDefault(&l.PendingBytes, 64<<20)
	orDefault(&l.PacketSize, 4<<20)
	orDefault(&l.ReceiveMaximum, 1024)
	orDefault(&l.TopicAliasMaximum, 32)
	orDefault(&l.TopicLevels, 128)
	orDefault(&l.TopicLength, 4096)
	orDefault(&l.Subscriptions, 1000)
	orDefault(&l.Inflight, 1024)
	orDefault(&l.QueueMessages, 10_000)
	orDefault(&l.QueueBytes, 16<<20)
	orDefault(&l.RetainedMessages, 100_000)
	orDefault(&l.RetainedBytes, 256<<20)
	orDefault(&l.SessionExpiry, 24*time.Hour)
	orDefault(&l.SessionsPerIdentity, 100)
	orDefault(&l.Connections, 100_000)
	orDefault(&l.ConnectionsPerSource, 10_000)
	orDefault(&l.ConnectRate, 10_000)
	l.KeepAlive = min(max(l.KeepAlive, 0), 65_535*time.Second)
	l.MessageExpiry = min(max(l.MessageExpiry, 0), math.MaxUint32*time.Second)
	return l
}

func orDefault[T int | uint16 | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}
