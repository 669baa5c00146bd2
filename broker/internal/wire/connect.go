package wire

import "github.com/mqttwarden/mqttwarden/mqttauth"

// Connect is a CONNECT packet (section 3.1). Fields that MQTT 3.1.1 lacks are
// zero there, but for ReceiveMaximum. Printed or logged it shows no secrets.
type Connect struct {
	Version    mqttauth.Version
	CleanStart bool   // 3.1.1: Clean Session
	KeepAlive  uint16 // seconds; 0: off
	ClientID   string // may be empty
	Will       *Will  // nil: none
	Username   Opt[string]
	Password   []byte `json:"-"` // nil: absent, which is not empty

	SessionExpiry       uint32    // seconds; absent means 0
	ReceiveMaximum      uint16    // decoded: never 0, absent means 65,535; encoded: 0 is absent, too
	MaximumPacketSize   uint32    // bytes; 0: absent, no limit
	TopicAliasMaximum   uint16    // absent means 0
	RequestResponseInfo bool      // absent means false
	RequestProblemInfo  Opt[bool] // absent means true
	AuthMethod          string    // "": absent; an empty method is refused (AUTHN-12)
	AuthData            []byte    `json:"-"` // nil: absent, which is not empty
	UserProperties      UserProperties
}

// Connect flags (section 3.1.2.3). Bits 3 and 4 are the QoS of the will.
const (
	flagReserved   = 1 << 0
	flagCleanStart = 1 << 1
	flagWill       = 1 << 2
	flagWillRetain = 1 << 5
	flagPassword   = 1 << 6
	flagUsername   = 1 << 7
)

// Decode reads a CONNECT packet. The result shares no memory with f.
//
// The grammar of the will's topic is checked elsewhere; an empty ClientID is
// the server's business.
func (p *Connect) Decode(f Frame) error {
	*p = Connect{}
	var d decoder
	d.open(f, CONNECT, mqttauth.MQTT311) // no version is known yet
	p.Version = d.protocol()
	if f.padded && p.Version == mqttauth.MQTT5 {
		d.fail(MalformedPacket, "remaining length takes more bytes than it needs [MQTT-1.5.5-1]")
	}
	flags := d.connectFlags(p.Version)
	p.CleanStart = flags&flagCleanStart != 0
	p.KeepAlive = d.uint16("Keep Alive")
	p.ReceiveMaximum = 65535
	if p.Version == mqttauth.MQTT5 {
		p.decodeProperties(&d)
	}
	p.ClientID = d.string("Client Identifier")
	if flags&flagWill != 0 {
		p.Will = d.will(p.Version, flags)
	}
	if flags&flagUsername != 0 {
		p.Username = Some(d.string("User Name"))
	}
	if flags&flagPassword != 0 {
		p.Password = d.binary("Password")
	}
	if err := d.finish(); err != nil {
		d.err.Version = answerVersion(f.Body)
		*p = Connect{}
		return err
	}
	return nil
}

// protocol reads protocol name and version. Whoever says something else than
// MQTT with level 4 or 5 gets 0x84 [MQTT-3.1.2-1] [MQTT-3.1.2-2].
func (d *decoder) protocol() mqttauth.Version {
	name := d.text("Protocol Name")
	at := d.i
	v := mqttauth.Version(d.byte("Protocol Version"))
	if d.err == nil && (string(name) != "MQTT" || v != mqttauth.MQTT311 && v != mqttauth.MQTT5) {
		d.failField(UnsupportedProtocolVersion, at, "Protocol Version", "or the name before it is not MQTT 3.1.1 or 5.0")
	}
	return v
}

// answerVersion returns the version in which to answer a CONNECT that could
// not be decoded, 0 when not even protocol name and version can be told. A
// bridge sets the top bit of the level; it says nothing about the version.
func answerVersion(body []byte) mqttauth.Version {
	d := decoder{b: body, pkt: CONNECT}
	d.text("Protocol Name")
	level := d.byte("Protocol Version") &^ 0x80
	switch {
	case d.err != nil:
		return 0
	case level >= byte(mqttauth.MQTT5):
		return mqttauth.MQTT5
	default:
		return mqttauth.MQTT311
	}
}

func (d *decoder) connectFlags(v mqttauth.Version) byte {
	at := d.i
	flags := d.byte("Connect Flags")
	what := ""
	switch {
	case flags&flagReserved != 0:
		what = "have the reserved bit set [MQTT-3.1.2-3]"
	case flags>>3&3 == 3:
		what = "have Will QoS 3 [MQTT-3.1.2-12]"
	case flags&flagWill == 0 && flags&(3<<3|flagWillRetain) != 0:
		what = "have Will QoS or Will Retain without a will [MQTT-3.1.2-11] [MQTT-3.1.2-13]"
	case v == mqttauth.MQTT311 && flags&flagPassword != 0 && flags&flagUsername == 0:
		what = "have a password without a user name (3.1.1) [MQTT-3.1.2-22]"
	default:
		return flags
	}
	d.failField(MalformedPacket, at, "Connect Flags", what)
	return 0
}

func (p *Connect) decodeProperties(d *decoder) {
	d.openProperties(connectProps)
	for id := d.property(); id != 0; id = d.property() {
		switch id {
		case propSessionExpiry:
			p.SessionExpiry = d.uint32("Session Expiry Interval")
		case propReceiveMaximum:
			p.ReceiveMaximum = d.positive16(mqttauth.ProtocolError, "Receive Maximum")
		case propMaximumPacketSize:
			p.MaximumPacketSize = d.positive32("Maximum Packet Size")
		case propTopicAliasMaximum:
			p.TopicAliasMaximum = d.uint16("Topic Alias Maximum")
		case propRequestResponseInfo:
			p.RequestResponseInfo = d.bool("Request Response Information")
		case propRequestProblemInfo:
			p.RequestProblemInfo = Some(d.bool("Request Problem Information"))
		case propAuthMethod:
			p.AuthMethod = d.filled(mqttauth.BadAuthenticationMethod, "Authentication Method")
		case propAuthData:
			p.AuthData = d.binary("Authentication Data")
		}
	}
	p.UserProperties = d.user()
	if p.AuthData != nil && p.AuthMethod == "" {
		d.fail(mqttauth.ProtocolError, "Authentication Data without an Authentication Method")
	}
}

// Append appends the packet in the form of p.Version. It appends nothing when
// that is not MQTT311 or MQTT5, or the packet cannot be written (see the
// package comment), such as a 3.1.1 password without a user name.
func (p *Connect) Append(dst []byte) []byte {
	e := begin(dst, CONNECT, p.Version)
	flags := flag(p.CleanStart, flagCleanStart) | flag(p.Username.Set, flagUsername) | flag(p.Password != nil, flagPassword)
	if w := p.Will; w != nil {
		flags |= flagWill | w.QoS<<3 | flag(w.Retain, flagWillRetain)
		e.bad = e.bad || w.QoS > 2
	}
	e.string("MQTT")
	e.byte(byte(p.Version))
	e.byte(flags)
	e.uint16(p.KeepAlive)
	if p.Version == mqttauth.MQTT5 {
		p.appendProperties(&e)
	} else if p.Password != nil && !p.Username.Set {
		e.bad = true
	}
	e.string(p.ClientID)
	if p.Will != nil {
		e.will(p.Will, p.Version)
	}
	if p.Username.Set {
		e.string(p.Username.Value)
	}
	if p.Password != nil {
		e.binary(p.Password)
	}
	return e.end()
}

func (p *Connect) appendProperties(e *encoder) {
	e.bad = e.bad || p.AuthData != nil && p.AuthMethod == ""
	at := e.open()
	e.propUint32(propSessionExpiry, nonzero(p.SessionExpiry))
	e.receiveMaximum(p.ReceiveMaximum)
	e.propUint32(propMaximumPacketSize, nonzero(p.MaximumPacketSize))
	e.propUint16(propTopicAliasMaximum, nonzero(p.TopicAliasMaximum))
	e.propBool(propRequestResponseInfo, Opt[bool]{true, p.RequestResponseInfo})
	e.propBool(propRequestProblemInfo, p.RequestProblemInfo)
	e.propText(propAuthMethod, p.AuthMethod)
	e.propBinary(propAuthData, p.AuthData)
	e.propUser(p.UserProperties)
	e.close(at)
}
