package wire

import "github.com/mqttwarden/mqttwarden/mqttauth"

// Connack is a CONNACK packet (section 3.2).
type Connack struct {
	SessionPresent bool // sent as 0 with any Code but success [MQTT-3.2.2-6]
	Code           mqttauth.ReasonCode

	SessionExpiry                 Opt[uint32] // seconds; absent: what the client asked for
	ReceiveMaximum                uint16      // decoded: never 0, absent means 65,535; encoded: 0 is absent, too
	MaximumQoS                    Opt[byte]   // 0 or 1; absent means 2
	RetainAvailable               Opt[bool]   // absent means true
	MaximumPacketSize             uint32      // bytes; 0: absent, no limit
	AssignedClientID              string      // "": absent
	TopicAliasMaximum             uint16      // absent means 0
	ReasonString                  string      // "": absent
	WildcardSubscriptionAvailable Opt[bool]   // absent means true
	SubscriptionIDsAvailable      Opt[bool]   // absent means true
	SharedSubscriptionAvailable   Opt[bool]   // absent means true
	ServerKeepAlive               Opt[uint16] // seconds; absent: what the client asked for
	ResponseInformation           string      // "": absent
	ServerReference               string      // "": absent
	AuthMethod                    string      // "": absent
	AuthData                      []byte      `json:"-"` // nil: absent, which is not empty
	UserProperties                UserProperties
}

// Decode reads a CONNACK packet. The result shares no memory with f. A return
// code of MQTT 3.1.1 becomes the reason code that says the same.
func (p *Connack) Decode(f Frame, v mqttauth.Version) error {
	*p = Connack{ReceiveMaximum: 65535}
	var d decoder
	d.open(f, CONNACK, v)
	at := d.i
	flags := d.byte("Acknowledge Flags")
	if flags > 1 {
		d.failField(MalformedPacket, at, "Acknowledge Flags", "have reserved bits set [MQTT-3.2.2-1]")
	}
	p.SessionPresent = flags == 1
	if v == mqttauth.MQTT5 {
		p.Code = d.code()
		p.decodeProperties(&d)
	} else {
		p.Code = d.returnCode()
	}
	if p.SessionPresent && p.Code != mqttauth.Success {
		d.fail(mqttauth.ProtocolError, "Session Present with a refusal [MQTT-3.2.2-6]")
	}
	return d.finish()
}

// returnCode reads a CONNACK return code of MQTT 3.1.1 (its section 3.2.2.3).
func (d *decoder) returnCode() mqttauth.ReasonCode {
	const codes = "\x00\x84\x85\x88\x86\x87"
	return mqttauth.ReasonCode(codes[d.max(5, "Connect Return Code")])
}

func (p *Connack) decodeProperties(d *decoder) {
	d.openProperties(connackProps)
	for id := d.property(); id != 0; id = d.property() {
		switch id {
		case propSessionExpiry:
			p.SessionExpiry = Some(d.uint32("Session Expiry Interval"))
		case propReceiveMaximum:
			p.ReceiveMaximum = d.positive16(mqttauth.ProtocolError, "Receive Maximum")
		case propMaximumQoS:
			p.MaximumQoS = Some(d.max(1, "Maximum QoS"))
		case propRetainAvailable:
			p.RetainAvailable = Some(d.bool("Retain Available"))
		case propMaximumPacketSize:
			p.MaximumPacketSize = d.positive32("Maximum Packet Size")
		case propAssignedClientID:
			p.AssignedClientID = d.string("Assigned Client Identifier")
		case propTopicAliasMaximum:
			p.TopicAliasMaximum = d.uint16("Topic Alias Maximum")
		case propReasonString:
			p.ReasonString = d.string("Reason String")
		case propWildcardAvailable:
			p.WildcardSubscriptionAvailable = Some(d.bool("Wildcard Subscription Available"))
		case propSubscriptionIDsAvail:
			p.SubscriptionIDsAvailable = Some(d.bool("Subscription Identifiers Available"))
		case propSharedSubscriptionsOK:
			p.SharedSubscriptionAvailable = Some(d.bool("Shared Subscription Available"))
		case propServerKeepAlive:
			p.ServerKeepAlive = Some(d.uint16("Server Keep Alive"))
		case propResponseInformation:
			p.ResponseInformation = d.string("Response Information")
		case propServerReference:
			p.ServerReference = d.string("Server Reference")
		case propAuthMethod:
			p.AuthMethod = d.filled(mqttauth.ProtocolError, "Authentication Method")
		case propAuthData:
			p.AuthData = d.binary("Authentication Data")
		}
	}
	p.UserProperties = d.user()
}

// Append appends the packet in the form of v: for MQTT311 the flags and
// Code.ConnectReturnCode (AUTHN-6). It appends nothing when the packet cannot
// be written, such as with a Code that CONNACK does not have in MQTT 5.0.
func (p *Connack) Append(dst []byte, v mqttauth.Version) []byte {
	e := begin(dst, CONNACK, v)
	e.byte(flag(p.SessionPresent && p.Code == mqttauth.Success, 1))
	if v != mqttauth.MQTT5 {
		e.byte(p.Code.ConnectReturnCode())
		return e.end()
	}
	e.code(CONNACK, p.Code)
	at := e.open()
	e.propUint32(propSessionExpiry, p.SessionExpiry)
	e.receiveMaximum(p.ReceiveMaximum)
	e.propByte(propMaximumQoS, p.MaximumQoS)
	e.propBool(propRetainAvailable, p.RetainAvailable)
	e.propUint32(propMaximumPacketSize, nonzero(p.MaximumPacketSize))
	e.propText(propAssignedClientID, p.AssignedClientID)
	e.propUint16(propTopicAliasMaximum, nonzero(p.TopicAliasMaximum))
	e.propText(propReasonString, p.ReasonString)
	e.propBool(propWildcardAvailable, p.WildcardSubscriptionAvailable)
	e.propBool(propSubscriptionIDsAvail, p.SubscriptionIDsAvailable)
	e.propBool(propSharedSubscriptionsOK, p.SharedSubscriptionAvailable)
	e.propUint16(propServerKeepAlive, p.ServerKeepAlive)
	e.propText(propResponseInformation, p.ResponseInformation)
	e.propText(propServerReference, p.ServerReference)
	e.propText(propAuthMethod, p.AuthMethod)
	e.propBinary(propAuthData, p.AuthData)
	e.propUser(p.UserProperties)
	e.close(at)
	return e.end()
}
