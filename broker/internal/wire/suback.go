package wire

import "github.com/mqttwarden/mqttwarden/mqttauth"

// Suback is a SUBACK packet (section 3.9).
type Suback struct {
	PacketID       uint16
	ReasonString   string // "": absent
	UserProperties UserProperties
	Codes          []mqttauth.ReasonCode // one for each filter; 3.1.1 is sent 0x80 for every failure
}

// Decode reads a SUBACK packet. The result shares no memory with f.
func (p *Suback) Decode(f Frame, v mqttauth.Version) error {
	*p = Suback{}
	var d decoder
	d.open(f, SUBACK, v)
	p.PacketID = d.packetID()
	if v == mqttauth.MQTT5 {
		p.ReasonString, p.UserProperties = d.reason()
	}
	p.Codes = d.codes(v)
	return d.finish()
}

// codes reads the reason codes that end a SUBACK or UNSUBACK packet.
func (d *decoder) codes(v mqttauth.Version) []mqttauth.ReasonCode {
	if !d.more() {
		d.fail(mqttauth.ProtocolError, "no reason code")
		return nil
	}
	codes := make([]mqttauth.ReasonCode, 0, len(d.b)-d.i)
	for d.more() {
		at := d.i
		c := d.code()
		if v == mqttauth.MQTT311 && c > GrantedQoS2 && c != UnspecifiedError {
			d.failField(mqttauth.ProtocolError, at, "Return Code", "is not one of MQTT 3.1.1 [MQTT-3.9.3-2]")
		}
		codes = append(codes, c)
	}
	return codes
}

// Append appends the packet in the form of v. On 3.1.1 every failure is sent as
// 0x80. It appends nothing when the packet cannot be written, such as without
// Codes.
func (p *Suback) Append(dst []byte, v mqttauth.Version) []byte {
	e := begin(dst, SUBACK, v)
	e.packetID(p.PacketID)
	if v == mqttauth.MQTT5 {
		e.reason(p.ReasonString, p.UserProperties)
	}
	e.bad = e.bad || len(p.Codes) == 0
	for _, c := range p.Codes {
		if v == mqttauth.MQTT311 && c.IsError() {
			c = UnspecifiedError
		}
		e.code(SUBACK, c)
	}
	return e.end()
}
