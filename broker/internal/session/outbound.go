package session

import (
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// Delivery is one message on its way to one client.
type Delivery struct {
	Message         *message.Message
	SubscriptionIDs []uint32 // of the subscriptions that matched; kept
	QoS             byte     // the lower of the publisher's and the granted one
	Retain          bool     // the RETAIN flag to send
}

// Result says what became of a delivery.
type Result byte

const (
	// DroppedFull is the zero Result: the queue is at a limit.
	DroppedFull Result = iota
	// DroppedOffline means QoS 0 without a connection.
	DroppedOffline
	// Queued means that the delivery waits. Ready says whether it can be sent.
	Queued
)

// sweepEvery is how often a full queue is searched for expired messages at
// most; each search is linear in its length.
const sweepEvery = time.Second

// Enqueue adds a delivery at the end. When the queue is at a limit the new
// delivery is dropped, of whatever QoS, or the oldest that wait.
func (s *Session) Enqueue(d Delivery, now time.Time) Result {
	if d.QoS == 0 && !s.connection.attached {
		s.dropped.Offline++
		return DroppedOffline
	}
	if !s.fits(d) && now.Sub(s.swept) >= sweepEvery {
		s.swept = now
		s.filter(&s.dropped.Expired, func(d *Delivery) bool { return !d.Message.Expired(now) })
	}
	for s.limits.DropOldest && !s.fits(d) && s.queue.n > 0 && d.Message.Size() <= s.limits.Bytes {
		s.bytes -= s.queue.at(0).Message.Size()
		s.queue.drop()
		s.dropped.Full++
	}
	if !s.fits(d) {
		s.dropped.Full++
		return DroppedFull
	}
	s.bytes += d.Message.Size()
	s.queue.push(d)
	return Queued
}

func (s *Session) fits(d Delivery) bool {
	return s.queue.n < s.limits.Queued && d.Message.Size() <= s.limits.Bytes-s.bytes
}

// Ready reports whether AppendNext has something to do now.
func (s *Session) Ready() bool {
	switch {
	case !s.connection.attached:
		return false
	case s.window.releasing.unsent != 0:
		return true
	case s.window.publishing.unsent != 0:
		return s.window.used < s.connection.quota
	default:
		return s.queue.n > 0 && (s.queue.at(0).QoS == 0 || s.window.used < s.connection.quota)
	}
}

// AppendNext appends the packets that are to be sent next to dst, until it grew
// by budget bytes or more or nothing can be sent. It exceeds the budget by less
// than one packet. What it appends counts as sent. More reports whether there is
// something left that could be sent at once.
func (s *Session) AppendNext(dst []byte, budget int, now time.Time) (out []byte, more bool) {
	end := len(dst) + budget
	for len(dst) < end && s.Ready() {
		switch {
		case s.window.releasing.unsent != 0:
			dst = s.appendRelease(dst)
		case s.window.publishing.unsent != 0:
			dst = s.appendAgain(dst, now)
		default:
			dst = s.appendFirst(dst, now)
		}
	}
	return dst, s.Ready()
}

// appendRelease sends the next PUBREL. After a reconnect it is not held back by
// the quota, since its PUBLISH counted already.
func (s *Session) appendRelease(dst []byte) []byte {
	f := s.window.advance(&s.window.releasing)
	ack := wire.Ack{Type: wire.PUBREL, PacketID: f.id}
	return ack.Append(dst, s.connection.version)
}

// appendAgain sends the next PUBLISH of an earlier connection again, with DUP
// [MQTT-3.3.1-1]. It is completed even when the message expired meanwhile: the
// client may have it.
func (s *Session) appendAgain(dst []byte, now time.Time) []byte {
	f := s.window.advance(&s.window.publishing)
	out, ok := s.appendPublish(dst, f.Delivery, wire.Delivery{PacketID: f.id, Dup: true}, now)
	if !ok {
		s.complete(f)
	}
	return out
}

// appendFirst sends the first delivery of the queue for the first time.
func (s *Session) appendFirst(dst []byte, now time.Time) []byte {
	d := *s.queue.at(0)
	s.queue.drop()
	if d.Message.Expired(now) {
		s.bytes -= d.Message.Size()
		s.dropped.Expired++
		return dst
	}
	if d.QoS == 0 {
		s.bytes -= d.Message.Size()
		out, _ := s.appendPublish(dst, d, wire.Delivery{}, now)
		return out
	}
	f := s.window.add(d)
	out, ok := s.appendPublish(dst, d, wire.Delivery{PacketID: f.id}, now)
	if !ok {
		s.complete(f)
	}
	return out
}

// appendPublish encodes one PUBLISH. When it is larger than the client or MQTT
// itself allows, it appends nothing and returns false; the server then acts as
// if it had completed sending [MQTT-3.1.2-24, MQTT-3.1.2-25].
func (s *Session) appendPublish(dst []byte, d Delivery, w wire.Delivery, now time.Time) (out []byte, ok bool) {
	c := &s.connection
	w.QoS, w.Retain, w.SubscriptionIDs = d.QoS, d.Retain, d.SubscriptionIDs
	name := d.Message.Topic()
	w.TopicAlias, w.OmitTopic = c.aliases.look(name)
	out = d.Message.Append(dst, c.version, w, now)
	if n := len(out) - len(dst); n == 0 || c.maxPacket > 0 && n > c.maxPacket {
		s.dropped.TooLarge++
		return out[:len(dst)], false
	}
	c.aliases.sent(name, w.TopicAlias)
	return out, true
}

// complete frees the packet id of f and the room of its message.
func (s *Session) complete(f *flight) {
	if f.Message != nil {
		s.bytes -= f.Message.Size()
	}
	s.window.remove(f)
}

// Outcome says whether an acknowledgement fits what was sent.
type Outcome byte

const (
	// Unknown is the zero Outcome: no delivery has the packet id. A PUBREC is
	// answered by PUBREL 0x92; a PUBACK or PUBCOMP is ignored (MQTT 5.0 section
	// 4.3.3).
	Unknown Outcome = iota
	// Mismatch means that the delivery with the packet id expects another kind
	// of packet: a protocol error, 0x82.
	Mismatch
	// Done means that the acknowledgement was taken.
	Done
)

// Puback ends a delivery of QoS 1, whatever reason code the client gave.
func (s *Session) Puback(id uint16) Outcome {
	f := s.window.get(id)
	if f == nil {
		return Unknown
	}
	if f.QoS != 1 {
		return Mismatch
	}
	s.complete(f)
	return Done
}

// Pubrec takes the PUBREC of a delivery of QoS 2. With a reason code of 0x80 or
// more it ends the delivery (MQTT 5.0 section 4.3.3). Otherwise AppendNext sends
// the PUBREL, again if the client repeats its PUBREC.
func (s *Session) Pubrec(id uint16, code mqttauth.ReasonCode) Outcome {
	f := s.window.get(id)
	if f == nil {
		return Unknown
	}
	if f.QoS != 2 {
		return Mismatch
	}
	if code >= 0x80 {
		s.complete(f)
		return Done
	}
	if f.Message != nil {
		s.bytes -= f.Message.Size()
	}
	s.window.release(f)
	return Done
}

// Pubcomp ends a delivery of QoS 2, whatever reason code the client gave.
func (s *Session) Pubcomp(id uint16) Outcome {
	f := s.window.get(id)
	if f == nil {
		return Unknown
	}
	if !f.releasing {
		return Mismatch
	}
	s.complete(f)
	return Done
}
