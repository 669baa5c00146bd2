package wire

import (
	"strings"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// Subscribe is a SUBSCRIBE packet (section 3.8).
type Subscribe struct {
	PacketID       uint16
	SubscriptionID uint32 // 0: absent
	UserProperties UserProperties
	Filters        []Subscription // at least one
}

// Subscription is one topic filter of a SUBSCRIBE packet and its options.
type Subscription struct {
	Filter            string
	QoS               byte
	NoLocal           bool
	RetainAsPublished bool
	RetainHandling    byte // 0 to 2
}

// Decode reads a SUBSCRIBE packet. The result shares no memory with f. It
// refuses packets without a filter [MQTT-3.8.3-2] and No Local on a shared
// subscription [MQTT-3.8.3-4]. The grammar of the filters is checked elsewhere.
func (p *Subscribe) Decode(f Frame, v mqttauth.Version) error {
	*p = Subscribe{}
	var d decoder
	d.open(f, SUBSCRIBE, v)
	p.PacketID = d.packetID()
	if v == mqttauth.MQTT5 {
		p.decodeProperties(&d)
	}
	n := d.countFilters(1)
	if n == 0 {
		d.fail(mqttauth.ProtocolError, "no topic filter [MQTT-3.8.3-2]")
	}
	p.Filters = make([]Subscription, 0, n)
	for d.more() {
		p.Filters = append(p.Filters, d.subscription(v))
	}
	return d.finish()
}

func (p *Subscribe) decodeProperties(d *decoder) {
	d.openProperties(subscribeProps)
	for d.property() != 0 { // only the Subscription Identifier gets here
		p.SubscriptionID = d.subscriptionID()
	}
	p.UserProperties = d.user()
}

// subscriptionID reads a Subscription Identifier: 1 to 268,435,455.
func (d *decoder) subscriptionID() uint32 {
	at := d.i
	id := d.varint("Subscription Identifier")
	if id == 0 {
		d.failField(mqttauth.ProtocolError, at, "Subscription Identifier", "is 0")
	}
	return id
}

// countFilters returns the number of fields that follow, each with extra bytes
// behind it, so that a list of the right size can be made. It fails when the
// last one is cut short.
func (d *decoder) countFilters(extra int) int {
	at, n := d.i, 0
	for d.more() {
		d.field("Topic Filter")
		if d.has(extra, "Subscription Options") {
			d.i += extra
			n++
		}
	}
	if d.err != nil {
		return 0
	}
	d.i = at
	return n
}

func (d *decoder) subscription(v mqttauth.Version) Subscription {
	filter := d.string("Topic Filter")
	at := d.i
	o := d.byte("Subscription Options")
	reserved := byte(0b1100_0000)
	if v == mqttauth.MQTT311 {
		reserved = 0b1111_1100
	}
	shared := strings.HasPrefix(filter, "$share/")
	switch {
	case o&reserved != 0:
		d.failField(MalformedPacket, at, "Subscription Options", "have reserved bits set [MQTT-3.8.3-5]")
	case o&3 == 3 && v == mqttauth.MQTT311:
		d.failField(MalformedPacket, at, "Subscription Options", "have QoS 3")
	case o&3 == 3:
		d.failField(mqttauth.ProtocolError, at, "Subscription Options", "have QoS 3")
	case o>>4&3 == 3:
		d.failField(mqttauth.ProtocolError, at, "Subscription Options", "have Retain Handling 3")
	case o&(1<<2) != 0 && shared:
		d.failField(mqttauth.ProtocolError, at, "Subscription Options", "have No Local on a shared subscription [MQTT-3.8.3-4]")
	}
	return Subscription{
		Filter:            filter,
		QoS:               o & 3,
		NoLocal:           o&(1<<2) != 0,
		RetainAsPublished: o&(1<<3) != 0,
		RetainHandling:    o >> 4 & 3,
	}
}

// Append appends the packet in the form of v; 3.1.1 takes Filter and QoS only.
// It appends nothing when the packet cannot be written.
func (p *Subscribe) Append(dst []byte, v mqttauth.Version) []byte {
	e := begin(dst, SUBSCRIBE, v)
	e.packetID(p.PacketID)
	if v == mqttauth.MQTT5 {
		at := e.open()
		e.subscriptionID(p.SubscriptionID)
		e.propUser(p.UserProperties)
		e.close(at)
	}
	e.bad = e.bad || len(p.Filters) == 0
	for _, s := range p.Filters {
		e.subscription(s, v)
	}
	return e.end()
}

func (e *encoder) subscriptionID(id uint32) {
	e.bad = e.bad || id > maxLength
	if id != 0 && !e.bad {
		e.byte(propSubscriptionID)
		e.b = appendVarint(e.b, int(id))
	}
}

func (e *encoder) subscription(s Subscription, v mqttauth.Version) {
	e.string(s.Filter)
	e.bad = e.bad || s.QoS > 2
	if v == mqttauth.MQTT311 {
		e.byte(s.QoS)
		return
	}
	e.bad = e.bad || s.RetainHandling > 2 || s.NoLocal && strings.HasPrefix(s.Filter, "$share/")
	e.byte(s.QoS | flag(s.NoLocal, 1<<2) | flag(s.RetainAsPublished, 1<<3) | s.RetainHandling<<4)
}
