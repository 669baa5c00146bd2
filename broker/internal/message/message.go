package message

import (
	"bytes"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// Message is one published message. Make it with New. The queues compare and
// share it by pointer.
type Message struct {
	topic     string
	payload   []byte
	qos       byte
	retain    bool
	version   mqttauth.Version // of own
	more      *wire.Publish    // the properties; nil: there are none
	publisher any
	arrived   time.Time
	size      int

	own   wire.Encoded // the form of the publisher's version
	other atomic.Pointer[wire.Encoded]
}

// overhead is about what a Message takes besides its text and payload.
const overhead = 512

// New makes the message of a PUBLISH that arrived now, from a client of version
// v; the broker's own messages are of MQTT 5. A topic alias is already resolved
// into p.Topic, which is not empty. New copies what it needs, the payload into
// the encoded form of v, since most subscribers will be of the same version.
// Dup, packet id, topic alias and subscription identifiers belong to the
// connection that p came from and are left out.
//
// The publisher is whatever the caller needs later, to honour No Local or to
// ask again whether a retained message may stand (AUTHZ-9). This package does
// not look at it.
func New(p *wire.Publish, v mqttauth.Version, publisher any, now time.Time) *Message {
	m := &Message{
		qos:       p.QoS,
		retain:    p.Retain,
		version:   v,
		more:      properties(p),
		publisher: publisher,
		arrived:   now,
		size:      SizeOf(p),
	}
	m.own.Encode(p, v)
	m.payload = payload(&m.own, p.Payload)
	if m.topic = m.own.Topic(); m.topic == "" { // it cannot be sent
		m.topic = strings.Clone(p.Topic)
	}
	return m
}

// properties copies the properties of p; nil if there are none, as most often.
func properties(p *wire.Publish) *wire.Publish {
	if !p.PayloadFormat.Set && !p.MessageExpiry.Set && p.ResponseTopic == "" &&
		p.CorrelationData == nil && !p.ContentType.Set && p.UserProperties.Size() == 0 {
		return nil
	}
	return &wire.Publish{
		PayloadFormat:   p.PayloadFormat,
		MessageExpiry:   p.MessageExpiry,
		ResponseTopic:   strings.Clone(p.ResponseTopic),
		CorrelationData: bytes.Clone(p.CorrelationData), // empty is not absent: Clone keeps both
		ContentType:     wire.Opt[string]{Value: strings.Clone(p.ContentType.Value), Set: p.ContentType.Set},
		UserProperties:  p.UserProperties.Clone(),
	}
}

// WithTopic returns the same message on another topic, which is not empty. The
// two share all else, payload and MQTT 5 form included; each has a Size of its
// own.
func (m *Message) WithTopic(name string) *Message {
	return &Message{
		topic:     name,
		payload:   m.payload,
		qos:       m.qos,
		retain:    m.retain,
		version:   mqttauth.MQTT5,
		more:      m.more,
		publisher: m.publisher,
		arrived:   m.arrived,
		size:      m.size + 2*(len(name)-len(m.topic)),
		own:       *m.encoded(mqttauth.MQTT5).WithTopic(name),
	}
}

// SizeOf returns the Size of the message that New would make of p.
func SizeOf(p *wire.Publish) int {
	return overhead + 2*(len(p.Topic)+len(p.ResponseTopic)+len(p.CorrelationData)+
		len(p.ContentType.Value)+p.UserProperties.Size()) + len(p.Payload)
}

// payload returns the copy of p that is the end of an encoded form, so that the
// message holds a large payload once. A form that cannot be sent has none.
func payload(e *wire.Encoded, p []byte) []byte {
	var head [128]byte
	_, tail := e.Split(head[:0], wire.Delivery{TopicAlias: 1, OmitTopic: true})
	if len(tail) < len(p) {
		return bytes.Clone(p)
	}
	return tail[len(tail)-len(p):]
}

// Topic returns the topic name.
func (m *Message) Topic() string { return m.topic }

// Payload returns the payload. It must not be changed.
func (m *Message) Payload() []byte { return m.payload }

// QoS returns the quality of service of the publisher, 0 to 2. A delivery has
// the lower of this and the granted one.
func (m *Message) QoS() byte { return m.qos }

// Retain returns the RETAIN flag of the publisher.
func (m *Message) Retain() bool { return m.retain }

// Packet returns the message as the publisher sent it, with all properties, the
// original lifetime among them. Its slices must not be changed.
func (m *Message) Packet() wire.Publish {
	var p wire.Publish
	if m.more != nil {
		p = *m.more
	}
	p.Topic, p.Payload, p.QoS, p.Retain = m.topic, m.payload, m.qos, m.retain
	return p
}

// Publisher returns what New was given.
func (m *Message) Publisher() any { return m.publisher }

// Arrived returns the time that New was given.
func (m *Message) Arrived() time.Time { return m.arrived }

// Size returns about how many bytes of memory the message takes, for the
// account of queues and of retained messages. It never changes.
func (m *Message) Size() int { return m.size }

// Expired reports whether the message has a lifetime and it is over: then no
// delivery may be started any more [MQTT-3.3.2-5].
func (m *Message) Expired(now time.Time) bool {
	if m.more == nil {
		return false
	}
	e := m.more.MessageExpiry
	return e.Set && now.Sub(m.arrived) > time.Duration(e.Value)*time.Second
}

// remaining returns the lifetime less the whole seconds that the message has
// waited here [MQTT-3.3.2-6], not below 0.
func (m *Message) remaining(now time.Time) wire.Opt[uint32] {
	if m.more == nil || !m.more.MessageExpiry.Set {
		return wire.Opt[uint32]{}
	}
	waited := max(0, int64(now.Sub(m.arrived)/time.Second))
	return wire.Some(uint32(max(0, int64(m.more.MessageExpiry.Value)-waited)))
}

// Append appends the PUBLISH packet of one delivery in the given version. It
// sets d.MessageExpiry to what is left now; all else in d is the caller's. It
// appends nothing when the packet cannot be written (see wire.Encoded). It
// allocates nothing when dst has room and the message was sent in this version
// before.
func (m *Message) Append(dst []byte, v mqttauth.Version, d wire.Delivery, now time.Time) []byte {
	d.MessageExpiry = m.remaining(now)
	return m.encoded(v).Append(dst, d)
}

// PacketSize returns the length of what Append would append.
func (m *Message) PacketSize(v mqttauth.Version, d wire.Delivery, now time.Time) int {
	d.MessageExpiry = m.remaining(now)
	return m.encoded(v).Size(d)
}

// encoded returns the shared form of a version. Two goroutines may make it at
// the same time; one form wins.
func (m *Message) encoded(v mqttauth.Version) *wire.Encoded {
	if v == m.version {
		return &m.own
	}
	if e := m.other.Load(); e != nil {
		return e
	}
	p := m.Packet()
	e := p.Encode(v)
	if !m.other.CompareAndSwap(nil, e) {
		return m.other.Load()
	}
	return e
}
