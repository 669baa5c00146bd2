package wire

import "github.com/mqttwarden/mqttwarden/mqttauth"

// Unsubscribe is an UNSUBSCRIBE packet (section 3.10).
type Unsubscribe struct {
	PacketID       uint16
	UserProperties UserProperties
	Filters        []string // at least one
}

// Decode reads an UNSUBSCRIBE packet. The result shares no memory with f. It
// refuses packets without a filter [MQTT-3.10.3-2]. The grammar of the filters
// is checked elsewhere.
func (p *Unsubscribe) Decode(f Frame, v mqttauth.Version) error {
	*p = Unsubscribe{}
	var d decoder
	d.open(f, UNSUBSCRIBE, v)
	p.PacketID = d.packetID()
	if v == mqttauth.MQTT5 {
		p.UserProperties = d.onlyUser()
	}
	n := d.countFilters(0)
	if n == 0 {
		d.fail(mqttauth.ProtocolError, "no topic filter [MQTT-3.10.3-2]")
	}
	p.Filters = make([]string, 0, n)
	for d.more() {
		p.Filters = append(p.Filters, d.string("Topic Filter"))
	}
	return d.finish()
}

// Append appends the packet in the form of v. It appends nothing when the
// packet cannot be written.
func (p *Unsubscribe) Append(dst []byte, v mqttauth.Version) []byte {
	e := begin(dst, UNSUBSCRIBE, v)
	e.packetID(p.PacketID)
	if v == mqttauth.MQTT5 {
		at := e.open()
		e.propUser(p.UserProperties)
		e.close(at)
	}
	e.bad = e.bad || len(p.Filters) == 0
	for _, f := range p.Filters {
		e.string(f)
	}
	return e.end()
}

// Unsuback is an UNSUBACK packet (section 3.11).
type Unsuback struct {
	PacketID       uint16
	ReasonString   string // "": absent
	UserProperties UserProperties
	Codes          []mqttauth.ReasonCode // one for each filter; none on 3.1.1
}

// Decode reads an UNSUBACK packet. The result shares no memory with f.
func (p *Unsuback) Decode(f Frame, v mqttauth.Version) error {
	*p = Unsuback{}
	var d decoder
	d.open(f, UNSUBACK, v)
	p.PacketID = d.packetID()
	if v == mqttauth.MQTT5 {
		p.ReasonString, p.UserProperties = d.reason()
		p.Codes = d.codes(v)
	}
	return d.finish()
}

// Append appends the packet in the form of v. It appends nothing when the
// packet cannot be written, such as without Codes on MQTT 5.0.
func (p *Unsuback) Append(dst []byte, v mqttauth.Version) []byte {
	e := begin(dst, UNSUBACK, v)
	e.packetID(p.PacketID)
	if v != mqttauth.MQTT5 {
		return e.end()
	}
	e.reason(p.ReasonString, p.UserProperties)
	e.bad = e.bad || len(p.Codes) == 0
	for _, c := range p.Codes {
		e.code(UNSUBACK, c)
	}
	return e.end()
}
