package wire

import "github.com/mqttwarden/mqttwarden/mqttauth"

// Publish is a PUBLISH packet (section 3.3), in either direction.
type Publish struct {
	Dup      bool
	QoS      byte
	Retain   bool
	Topic    string // empty only with a TopicAlias
	PacketID uint16 // 0 if and only if QoS is 0
	Payload  []byte

	PayloadFormat   Opt[byte]
	MessageExpiry   Opt[uint32] // seconds
	TopicAlias      uint16      // 0: absent
	ResponseTopic   string      // "": absent
	CorrelationData []byte      // nil: absent, which is not empty
	SubscriptionIDs []uint32    // a server must refuse them from a client [MQTT-3.3.4-6]
	ContentType     Opt[string]
	UserProperties  UserProperties
}

// Fixed header flags of PUBLISH. Bits 1 and 2 are the QoS.
const (
	flagRetain = 1 << 0
	flagDup    = 1 << 3
)

// Decode reads a PUBLISH packet. It allocates nothing but SubscriptionIDs: all
// strings and bytes of p point into f.Body and are valid only as long as that
// is not changed. To keep them, decode from a clone of f.
//
// The grammar of topics, the range of the alias and the payload's UTF-8 are
// checked elsewhere.
func (p *Publish) Decode(f Frame, v mqttauth.Version) error {
	*p = Publish{
		Dup:    f.Flags&flagDup != 0,
		QoS:    f.Flags >> 1 & 3,
		Retain: f.Flags&flagRetain != 0,
	}
	var d decoder
	d.open(f, PUBLISH, v)
	d.share = true
	switch {
	case p.QoS == 3:
		d.fail(MalformedPacket, "QoS 3 [MQTT-3.3.1-4]")
	case p.Dup && p.QoS == 0:
		d.fail(MalformedPacket, "DUP with QoS 0 [MQTT-3.3.1-2]")
	}
	p.Topic = d.string("Topic Name")
	if p.QoS > 0 {
		p.PacketID = d.packetID()
	}
	if v == mqttauth.MQTT5 {
		p.decodeProperties(&d)
	}
	if p.Topic == "" && p.TopicAlias == 0 {
		d.fail(mqttauth.ProtocolError, "neither Topic Name nor Topic Alias [MQTT-4.7.3-1]")
	}
	p.Payload, d.i = d.b[d.i:], len(d.b)
	return d.finish()
}

func (p *Publish) decodeProperties(d *decoder) {
	d.openProperties(publishProps)
	for id := d.property(); id != 0; id = d.property() {
		switch id {
		case propPayloadFormat:
			p.PayloadFormat = Some(d.max(1, "Payload Format Indicator"))
		case propMessageExpiry:
			p.MessageExpiry = Some(d.uint32("Message Expiry Interval"))
		case propTopicAlias:
			p.TopicAlias = d.positive16(TopicAliasInvalid, "Topic Alias") // [MQTT-3.3.2-8]
		case propResponseTopic:
			p.ResponseTopic = d.filled(mqttauth.ProtocolError, "Response Topic")
		case propCorrelationData:
			p.CorrelationData = d.binary("Correlation Data")
		case propSubscriptionID:
			p.SubscriptionIDs = append(p.SubscriptionIDs, d.subscriptionID())
		case propContentType:
			p.ContentType = Some(d.string("Content Type"))
		}
	}
	p.UserProperties = d.user()
}

// Append appends the packet in the form of v. It appends nothing when the
// packet cannot be written, such as with QoS 1 and PacketID 0. To send one
// message to many subscribers use Encode.
func (p *Publish) Append(dst []byte, v mqttauth.Version) []byte {
	e := begin(dst, PUBLISH, v)
	e.b[e.start] |= flag(p.Dup, flagDup) | p.QoS&3<<1 | flag(p.Retain, flagRetain)
	e.bad = e.bad || p.QoS > 2 || p.Dup && p.QoS == 0
	e.bad = e.bad || p.Topic == "" && (p.TopicAlias == 0 || v == mqttauth.MQTT311)
	e.string(p.Topic)
	if p.QoS > 0 {
		e.packetID(p.PacketID)
	}
	if v == mqttauth.MQTT5 {
		at := e.open()
		e.propUint32(propMessageExpiry, p.MessageExpiry)
		e.propUint16(propTopicAlias, nonzero(p.TopicAlias))
		for _, id := range p.SubscriptionIDs {
			e.bad = e.bad || id == 0
			e.subscriptionID(id)
		}
		e.message(p)
		e.close(at)
	}
	return e.endWith(p.Payload)
}

// message writes the properties that are the same for all receivers.
func (e *encoder) message(p *Publish) {
	e.propByte(propPayloadFormat, p.PayloadFormat)
	e.propString(propContentType, p.ContentType)
	e.propText(propResponseTopic, p.ResponseTopic)
	e.propBinary(propCorrelationData, p.CorrelationData)
	e.propUser(p.UserProperties)
}
