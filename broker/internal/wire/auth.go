package wire

import "github.com/mqttwarden/mqttwarden/mqttauth"

// Auth is an AUTH packet (section 3.15).
type Auth struct {
	Code           mqttauth.ReasonCode // 0x00, 0x18 or 0x19
	AuthMethod     string              // "": absent
	AuthData       []byte              `json:"-"` // nil: absent, which is not empty
	ReasonString   string              // "": absent
	UserProperties UserProperties
}

// Decode reads an AUTH packet; with MQTT311, where there is none, it is a
// protocol error. The result shares no memory with f.
//
// A method is required (section 3.15.2.2.2), but not with code 0x00: real
// clients send that empty, and it is ignored anyway (EXP-4).
func (p *Auth) Decode(f Frame, v mqttauth.Version) error {
	*p = Auth{}
	var d decoder
	d.open(f, AUTH, v)
	if v == mqttauth.MQTT311 {
		d.fail(mqttauth.ProtocolError, "does not exist in MQTT 3.1.1")
	}
	if d.more() {
		p.Code = d.code()
		p.decodeProperties(&d)
	}
	if p.AuthMethod == "" && (p.Code != mqttauth.Success || p.AuthData != nil) {
		d.fail(mqttauth.ProtocolError, "no Authentication Method")
	}
	if err := d.finish(); err != nil {
		*p = Auth{}
		return err
	}
	return nil
}

func (p *Auth) decodeProperties(d *decoder) {
	d.openProperties(authPacketProps)
	for id := d.property(); id != 0; id = d.property() {
		switch id {
		case propAuthMethod:
			p.AuthMethod = d.filled(mqttauth.ProtocolError, "Authentication Method")
		case propAuthData:
			p.AuthData = d.binary("Authentication Data")
		case propReasonString:
			p.ReasonString = d.string("Reason String")
		}
	}
	p.UserProperties = d.user()
}

// Append appends the packet, always in the full form: clients fail on the short
// one. It appends nothing when the packet cannot be written, such as for
// MQTT311.
func (p *Auth) Append(dst []byte, v mqttauth.Version) []byte {
	e := begin(dst, AUTH, v)
	e.bad = e.bad || v != mqttauth.MQTT5 || p.AuthMethod == "" && (p.Code != mqttauth.Success || p.AuthData != nil)
	e.code(AUTH, p.Code)
	at := e.open()
	e.propText(propAuthMethod, p.AuthMethod)
	e.propBinary(propAuthData, p.AuthData)
	e.propText(propReasonString, p.ReasonString)
	e.propUser(p.UserProperties)
	e.close(at)
	return e.end()
}
