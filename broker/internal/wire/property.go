package wire

import (
	"strconv"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// Property identifiers (section 2.2.2.2).
const (
	propPayloadFormat         = 0x01
	propMessageExpiry         = 0x02
	propContentType           = 0x03
	propResponseTopic         = 0x08
	propCorrelationData       = 0x09
	propSubscriptionID        = 0x0B
	propSessionExpiry         = 0x11
	propAssignedClientID      = 0x12
	propServerKeepAlive       = 0x13
	propAuthMethod            = 0x15
	propAuthData              = 0x16
	propRequestProblemInfo    = 0x17
	propWillDelay             = 0x18
	propRequestResponseInfo   = 0x19
	propResponseInformation   = 0x1A
	propServerReference       = 0x1C
	propReasonString          = 0x1F
	propReceiveMaximum        = 0x21
	propTopicAliasMaximum     = 0x22
	propTopicAlias            = 0x23
	propMaximumQoS            = 0x24
	propRetainAvailable       = 0x25
	propUser                  = 0x26
	propMaximumPacketSize     = 0x27
	propWildcardAvailable     = 0x28
	propSubscriptionIDsAvail  = 0x29
	propSharedSubscriptionsOK = 0x2A
)

// MaxRepeated bounds the User Properties of a packet, and the Subscription
// Identifiers of a PUBLISH. One more is answered with QuotaExceeded: the
// packet is well-formed, but reading 65,000 of them costs the server more than
// the client (S-20).
const MaxRepeated = 1024

// propSet has bit n set for property identifier n. All identifiers are below
// 64.
type propSet uint64

// Which properties each packet may have (table 2-4).
const (
	messageProps = 1<<propPayloadFormat | 1<<propMessageExpiry | 1<<propContentType |
		1<<propResponseTopic | 1<<propCorrelationData | 1<<propUser
	reasonProps = 1<<propReasonString | 1<<propUser
	authProps   = 1<<propAuthMethod | 1<<propAuthData

	publishProps propSet = messageProps | 1<<propTopicAlias | 1<<propSubscriptionID
	willProps    propSet = messageProps | 1<<propWillDelay
	connectProps propSet = authProps | 1<<propSessionExpiry | 1<<propReceiveMaximum |
		1<<propMaximumPacketSize | 1<<propTopicAliasMaximum | 1<<propRequestResponseInfo |
		1<<propRequestProblemInfo | 1<<propUser
	connackProps propSet = authProps | reasonProps | 1<<propSessionExpiry | 1<<propReceiveMaximum |
		1<<propMaximumQoS | 1<<propRetainAvailable | 1<<propMaximumPacketSize |
		1<<propAssignedClientID | 1<<propTopicAliasMaximum | 1<<propWildcardAvailable |
		1<<propSubscriptionIDsAvail | 1<<propSharedSubscriptionsOK | 1<<propServerKeepAlive |
		1<<propResponseInformation | 1<<propServerReference
	ackProps         propSet = reasonProps // also SUBACK and UNSUBACK
	subscribeProps   propSet = 1<<propSubscriptionID | 1<<propUser
	unsubscribeProps propSet = 1 << propUser
	disconnectProps  propSet = reasonProps | 1<<propSessionExpiry | 1<<propServerReference
	authPacketProps  propSet = authProps | reasonProps
)

// block is the state of the decoder in a property block.
type block struct {
	outer    []byte // the whole body; nil outside of a block
	allowed  propSet
	seen     propSet
	repeated int // User Properties and Subscription Identifiers so far

	user    []byte // wire form of the User Properties so far
	userEnd int    // where the last one ended; -1 once user is a copy
}

// openProperties reads the length of a property block and confines the decoder
// to it. The caller then calls property until it returns 0.
func (d *decoder) openProperties(allowed propSet) {
	at := d.i
	n := int(d.varint("Property Length"))
	if len(d.b)-d.i < n {
		d.failField(MalformedPacket, at, "Property Length", "is more than what is left")
	}
	if d.err != nil {
		return
	}
	d.props = block{outer: d.b, allowed: allowed, userEnd: -1}
	d.b = d.b[:d.i+n]
}

// property returns the identifier of the next property, with its value yet to
// be read, or 0 at the end of the block. It consumes User Properties by
// itself. An identifier of 128 or more takes two bytes; there are none, so one
// byte is enough to refuse it.
func (d *decoder) property() byte {
	for d.more() {
		at := d.i
		id := d.byte("Property Identifier")
		bit := propSet(1) << id
		if d.props.allowed&bit == 0 {
			d.failField(MalformedPacket, at, "property 0x"+strconv.FormatUint(uint64(id), 16), "is unknown or not one of this packet type")
			return 0
		}
		repeats := id == propUser || id == propSubscriptionID && d.pkt == PUBLISH
		if d.props.seen&bit != 0 && !repeats {
			d.failField(mqttauth.ProtocolError, at, "property 0x"+strconv.FormatUint(uint64(id), 16), "appears twice")
			return 0
		}
		d.props.seen |= bit
		if repeats {
			d.props.repeated++
		}
		if d.props.repeated > MaxRepeated {
			d.failField(QuotaExceeded, at, "property", "is one too many: at most "+strconv.Itoa(MaxRepeated)+" User Properties and Subscription Identifiers are read")
			return 0
		}
		if id != propUser {
			return id
		}
		d.userProperty(at)
	}
	if d.props.outer != nil {
		d.b, d.props.outer = d.props.outer, nil
	}
	return 0
}

// userProperty checks the User Property that starts at offset at. As long as
// they stand together the region of the body is kept; only when others are
// in between is it copied. (The capacity of the region is its length, so the
// first append copies.)
func (d *decoder) userProperty(at int) {
	d.text("User Property name")
	d.text("User Property value")
	if d.err != nil {
		return
	}
	p := &d.props
	switch {
	case p.user == nil:
		p.user = d.b[at:d.i:d.i]
	case p.userEnd == at:
		start := at - len(p.user)
		p.user = d.b[start:d.i:d.i]
	default:
		p.user = append(p.user, d.b[at:d.i]...)
		p.userEnd = -1
		return
	}
	p.userEnd = d.i
}

// user returns the User Properties of the last block.
func (d *decoder) user() UserProperties {
	u := UserProperties{d.props.user}
	if d.share {
		return u
	}
	return u.Clone()
}

// onlyUser reads a block that has User Properties and nothing else.
func (d *decoder) onlyUser() UserProperties {
	d.openProperties(unsubscribeProps)
	d.property()
	return d.user()
}

// reason reads a block that has a Reason String and User Properties.
func (d *decoder) reason() (string, UserProperties) {
	d.openProperties(ackProps)
	var text string
	for d.property() != 0 { // only the Reason String gets here
		text = d.string("Reason String")
	}
	return text, d.user()
}
