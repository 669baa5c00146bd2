package wire

import (
	"encoding/binary"
	"unsafe"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// Encoded is a message in the form of one protocol version, made once and sent
// to any number of subscribers. Immutable; safe for concurrent use. The zero
// value can be written to nobody.
//
// A PUBLISH is a head (fixed header, topic, packet identifier, length of the
// properties, and the properties of Delivery) and a tail (the other properties
// and the payload). The tail is the same for everybody and only referred to;
// the head, some ten bytes and the topic, is written for each subscriber. So
// one Encoded serves every QoS, retain flag, remaining expiry, set of
// Subscription Identifiers and alias, no shared byte is ever patched, and
// nothing is allocated per subscriber.
type Encoded struct {
	version  mqttauth.Version
	topic    []byte // with its length
	tail     []byte // shared properties, payload
	propsLen int    // of the shared properties
}

// Delivery is what differs from subscriber to subscriber. The zero value is
// QoS 0 without Retain. On 3.1.1 the last four fields are ignored.
type Delivery struct {
	QoS      byte
	Dup      bool // not with QoS 0
	Retain   bool
	PacketID uint16 // not 0 with QoS 1 and 2; otherwise ignored

	MessageExpiry   Opt[uint32] // seconds left now [MQTT-3.3.2-6]
	SubscriptionIDs []uint32
	TopicAlias      uint16 // 0: none
	OmitTopic       bool   // the receiver knows TopicAlias already
}

// Encode copies topic, payload and the properties that are the same for all
// subscribers out of p, which may change afterwards. Everything that Delivery
// has too is taken from there and ignored in p. When p cannot be written, such
// as without a topic, the result is the zero value.
func (p *Publish) Encode(v mqttauth.Version) *Encoded {
	e := new(Encoded)
	e.Encode(p, v)
	return e
}

// Encode is Publish.Encode into a zero e, which may be part of something larger.
func (e *Encoded) Encode(p *Publish, v mqttauth.Version) {
	size := 2 + len(p.Topic) + len(p.Payload)
	if v != mqttauth.MQTT311 && v != mqttauth.MQTT5 || p.Topic == "" || size > maxLength {
		return
	}
	if v == mqttauth.MQTT5 {
		const overhead = 2 + 3 + 3 + 3 // identifiers, lengths, Payload Format Indicator
		size += overhead + len(p.ContentType.Value) + len(p.ResponseTopic) + len(p.CorrelationData) + p.UserProperties.Size()
	}
	w := encoder{b: make([]byte, 0, size)}
	w.string(p.Topic)
	topicLen := len(w.b)
	if v == mqttauth.MQTT5 {
		w.message(p)
	}
	propsLen := len(w.b) - topicLen
	if w.bad {
		return
	}
	b := append(w.b, p.Payload...)
	*e = Encoded{v, b[:topicLen:topicLen], b[topicLen:], propsLen}
}

// Topic returns the topic name, which shares the memory of e; "" if e is zero.
func (e *Encoded) Topic() string {
	if len(e.topic) == 0 {
		return ""
	}
	name := e.topic[2:]
	return unsafe.String(unsafe.SliceData(name), len(name))
}

// WithTopic returns the same message on another topic; the two share the tail.
// When that cannot be written, the result is the zero value.
func (e *Encoded) WithTopic(name string) *Encoded {
	t := encoder{b: make([]byte, 0, 2+len(name))}
	t.string(name)
	if e.version == 0 || name == "" || t.bad {
		return &Encoded{}
	}
	return &Encoded{e.version, t.b, e.tail, e.propsLen}
}

// Len returns how many bytes of memory subscribers share, for accounting.
func (e *Encoded) Len() int { return len(e.topic) + len(e.tail) }

// Size returns the number of bytes of the whole packet, to compare with the
// receiver's Maximum Packet Size. It is 0 when the packet cannot be written.
func (e *Encoded) Size(d Delivery) int {
	remaining, _ := e.lengths(&d)
	if remaining < 0 {
		return 0
	}
	return 1 + varintLen(remaining) + remaining
}

// Append appends the whole packet, or nothing when it cannot be written.
func (e *Encoded) Append(dst []byte, d Delivery) []byte {
	dst, tail := e.Split(dst, d)
	return append(dst, tail...)
}

// Split appends the head of the packet to dst and returns the tail, which must
// be sent behind it and must not be changed: this saves copying large
// payloads. When the packet cannot be written it returns dst as it is and nil.
func (e *Encoded) Split(dst []byte, d Delivery) (head, tail []byte) {
	remaining, props := e.lengths(&d)
	if remaining < 0 {
		return dst, nil
	}
	dst = append(dst, byte(PUBLISH)<<4|flag(d.Dup, flagDup)|d.QoS<<1|flag(d.Retain, flagRetain))
	dst = appendVarint(dst, remaining)
	if d.OmitTopic && e.version == mqttauth.MQTT5 {
		dst = append(dst, 0, 0)
	} else {
		dst = append(dst, e.topic...)
	}
	if d.QoS > 0 {
		dst = binary.BigEndian.AppendUint16(dst, d.PacketID)
	}
	if e.version == mqttauth.MQTT5 {
		dst = d.appendProperties(appendVarint(dst, props))
	}
	return dst, e.tail
}

func (d *Delivery) appendProperties(dst []byte) []byte {
	if d.MessageExpiry.Set {
		dst = binary.BigEndian.AppendUint32(append(dst, propMessageExpiry), d.MessageExpiry.Value)
	}
	if d.TopicAlias != 0 {
		dst = binary.BigEndian.AppendUint16(append(dst, propTopicAlias), d.TopicAlias)
	}
	for _, id := range d.SubscriptionIDs {
		dst = appendVarint(append(dst, propSubscriptionID), int(id))
	}
	return dst
}

// lengths returns the remaining length and the property length of the packet;
// a negative remaining length when it cannot be written.
func (e *Encoded) lengths(d *Delivery) (remaining, props int) {
	omit := d.OmitTopic && e.version == mqttauth.MQTT5
	switch {
	case e.version == 0, d.QoS > 2, d.Dup && d.QoS == 0, d.QoS > 0 && d.PacketID == 0, omit && d.TopicAlias == 0:
		return -1, 0
	}
	remaining = len(e.topic) + len(e.tail)
	if omit {
		remaining += 2 - len(e.topic)
	}
	if d.QoS > 0 {
		remaining += 2
	}
	if e.version == mqttauth.MQTT5 {
		own := d.propertiesLen()
		props = own + e.propsLen
		if own < 0 || props > maxLength {
			return -1, 0
		}
		remaining += own + varintLen(props)
	}
	if remaining > maxLength {
		return -1, 0
	}
	return remaining, props
}

// propertiesLen returns the number of bytes that appendProperties appends, a
// negative one when an identifier cannot be written.
func (d *Delivery) propertiesLen() int {
	n := 0
	if d.MessageExpiry.Set {
		n += 5
	}
	if d.TopicAlias != 0 {
		n += 3
	}
	for _, id := range d.SubscriptionIDs {
		if id == 0 || id > maxLength {
			return -1
		}
		n += 1 + varintLen(int(id))
	}
	return n
}
