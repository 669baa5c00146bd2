package wire

import "github.com/mqttwarden/mqttwarden/mqttauth"

// Will is the Will Message of a CONNECT packet (section 3.1.3.2).
type Will struct {
	QoS     byte
	Retain  bool
	Topic   string
	Payload []byte

	Delay           uint32 // seconds; absent means 0
	PayloadFormat   Opt[byte]
	MessageExpiry   Opt[uint32] // seconds
	ContentType     Opt[string]
	ResponseTopic   string // "": absent
	CorrelationData []byte // nil: absent, which is not empty
	UserProperties  UserProperties
}

func (d *decoder) will(v mqttauth.Version, flags byte) *Will {
	w := &Will{QoS: flags >> 3 & 3, Retain: flags&flagWillRetain != 0}
	if v == mqttauth.MQTT5 {
		w.decodeProperties(d)
	}
	w.Topic = d.string("Will Topic")
	w.Payload = d.binary("Will Payload")
	return w
}

func (w *Will) decodeProperties(d *decoder) {
	d.openProperties(willProps)
	for id := d.property(); id != 0; id = d.property() {
		switch id {
		case propWillDelay:
			w.Delay = d.uint32("Will Delay Interval")
		case propPayloadFormat:
			w.PayloadFormat = Some(d.max(1, "Payload Format Indicator"))
		case propMessageExpiry:
			w.MessageExpiry = Some(d.uint32("Message Expiry Interval"))
		case propContentType:
			w.ContentType = Some(d.string("Content Type"))
		case propResponseTopic:
			w.ResponseTopic = d.filled(mqttauth.ProtocolError, "Response Topic")
		case propCorrelationData:
			w.CorrelationData = d.binary("Correlation Data")
		}
	}
	w.UserProperties = d.user()
}

func (e *encoder) will(w *Will, v mqttauth.Version) {
	if v == mqttauth.MQTT5 {
		at := e.open()
		e.propUint32(propWillDelay, nonzero(w.Delay))
		e.propByte(propPayloadFormat, w.PayloadFormat)
		e.propUint32(propMessageExpiry, w.MessageExpiry)
		e.propString(propContentType, w.ContentType)
		e.propText(propResponseTopic, w.ResponseTopic)
		e.propBinary(propCorrelationData, w.CorrelationData)
		e.propUser(w.UserProperties)
		e.close(at)
	}
	e.string(w.Topic)
	e.binary(w.Payload)
}
