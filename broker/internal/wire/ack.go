package wire

import "github.com/mqttwarden/mqttwarden/mqttauth"

// Ack is a PUBACK, PUBREC, PUBREL or PUBCOMP packet (sections 3.4 to 3.7).
type Ack struct {
	Type           Type
	PacketID       uint16
	Code           mqttauth.ReasonCode // 3.1.1: not sent, decoded as success
	ReasonString   string              // "": absent
	UserProperties UserProperties
}

// Decode reads an acknowledgement of any of the four types. The result shares
// no memory with f. The short forms of MQTT 5.0 are read: without properties,
// and without reason code, which then is success. Nothing is allocated unless
// there are properties.
func (p *Ack) Decode(f Frame, v mqttauth.Version) error {
	*p = Ack{Type: f.Type}
	var d decoder
	d.open(f, f.Type, v)
	if !isAck(f.Type) {
		d.fail(mqttauth.ProtocolError, "is not an acknowledgement")
	}
	p.PacketID = d.packetID()
	if v == mqttauth.MQTT5 && d.more() {
		p.Code = d.code()
	}
	if v == mqttauth.MQTT5 && d.more() {
		p.ReasonString, p.UserProperties = d.reason()
	}
	return d.finish()
}

func isAck(t Type) bool {
	return t == PUBACK || t == PUBREC || t == PUBREL || t == PUBCOMP
}

// Append appends the packet in the form of v, in MQTT 5.0 the shortest one. It
// appends nothing when it cannot be written, such as with PacketID 0.
func (p *Ack) Append(dst []byte, v mqttauth.Version) []byte {
	e := begin(dst, p.Type, v)
	e.bad = e.bad || !isAck(p.Type)
	e.packetID(p.PacketID)
	if v != mqttauth.MQTT5 {
		return e.end()
	}
	if p.Code == mqttauth.Success && p.ReasonString == "" && p.UserProperties.Size() == 0 {
		return e.end()
	}
	e.code(p.Type, p.Code)
	if p.ReasonString != "" || p.UserProperties.Size() > 0 {
		e.reason(p.ReasonString, p.UserProperties)
	}
	return e.end()
}

// reason writes the property block that decoder.reason reads.
func (e *encoder) reason(text string, user UserProperties) {
	at := e.open()
	e.propText(propReasonString, text)
	e.propUser(user)
	e.close(at)
}
