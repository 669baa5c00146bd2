package wire

import "github.com/mqttwarden/mqttwarden/mqttauth"

// Disconnect is a DISCONNECT packet (section 3.14). A 3.1.1 server must not
// send one.
type Disconnect struct {
	Code            mqttauth.ReasonCode // 3.1.1: not sent, decoded as success
	SessionExpiry   Opt[uint32]         // seconds; absent: as in CONNECT
	ReasonString    string              // "": absent
	ServerReference string              // "": absent
	UserProperties  UserProperties
}

// Decode reads a DISCONNECT packet. The result shares no memory with f. The
// short forms of MQTT 5.0 are read: without properties, and empty.
func (p *Disconnect) Decode(f Frame, v mqttauth.Version) error {
	*p = Disconnect{}
	var d decoder
	d.open(f, DISCONNECT, v)
	if v == mqttauth.MQTT5 && d.more() {
		p.Code = d.code()
	}
	if v == mqttauth.MQTT5 && d.more() {
		p.decodeProperties(&d)
	}
	return d.finish()
}

func (p *Disconnect) decodeProperties(d *decoder) {
	d.openProperties(disconnectProps)
	for id := d.property(); id != 0; id = d.property() {
		switch id {
		case propSessionExpiry:
			p.SessionExpiry = Some(d.uint32("Session Expiry Interval"))
		case propReasonString:
			p.ReasonString = d.string("Reason String")
		case propServerReference:
			p.ServerReference = d.string("Server Reference")
		}
	}
	p.UserProperties = d.user()
}

// Append appends the packet in the form of v, in MQTT 5.0 the shortest one. It
// appends nothing when it cannot be written, such as with a Code that
// DISCONNECT does not have.
func (p *Disconnect) Append(dst []byte, v mqttauth.Version) []byte {
	e := begin(dst, DISCONNECT, v)
	if v != mqttauth.MQTT5 {
		return e.end()
	}
	bare := !p.SessionExpiry.Set && p.ReasonString == "" && p.ServerReference == "" && p.UserProperties.Size() == 0
	if bare && p.Code == mqttauth.Success {
		return e.end()
	}
	e.code(DISCONNECT, p.Code)
	if bare {
		return e.end()
	}
	at := e.open()
	e.propUint32(propSessionExpiry, p.SessionExpiry)
	e.propText(propReasonString, p.ReasonString)
	e.propText(propServerReference, p.ServerReference)
	e.propUser(p.UserProperties)
	e.close(at)
	return e.end()
}
