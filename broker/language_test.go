package broker_test

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// parsePacket makes the bytes of a packet out of a line of a conversation. A
// CONNECT sets the peer's version.
func parsePacket(line string, p *peer) ([]byte, error) {
	fields := strings.Fields(line)
	w := &words{rest: fields[1:]}
	if fields[0] == "RAW" {
		if w.flag("v311") { // what the answer will be
			p.v = v311
		}
		return hex.DecodeString(strings.Join(w.rest, ""))
	}
	var out []byte
	switch fields[0] {
	case "CONNECT":
		c := w.connect()
		p.v = c.Version
		out = c.Append(nil)
	case "PUBLISH":
		out = w.publish().Append(nil, p.v)
	case "PUBACK", "PUBREC", "PUBREL", "PUBCOMP":
		kind := map[string]wire.Type{"PUBACK": wire.PUBACK, "PUBREC": wire.PUBREC, "PUBREL": wire.PUBREL, "PUBCOMP": wire.PUBCOMP}[fields[0]]
		out = (&wire.Ack{Type: kind, PacketID: uint16(w.number("id")), Code: w.code()}).Append(nil, p.v)
	case "SUBSCRIBE":
		s := wire.Subscribe{PacketID: uint16(w.number("id")), SubscriptionID: uint32(w.number("subid"))}
		for f, ok := w.value("filter"); ok; f, ok = w.value("filter") {
			s.Filters = append(s.Filters, subscription(f))
		}
		out = s.Append(nil, p.v)
	case "UNSUBSCRIBE":
		u := wire.Unsubscribe{PacketID: uint16(w.number("id"))}
		for f, ok := w.value("filter"); ok; f, ok = w.value("filter") {
			u.Filters = append(u.Filters, f)
		}
		out = u.Append(nil, p.v)
	case "PINGREQ":
		out = (&wire.Pingreq{}).Append(nil, p.v)
	case "DISCONNECT":
		out = (&wire.Disconnect{Code: w.code(), SessionExpiry: w.optional("expiry")}).Append(nil, p.v)
	}
	if len(out) == 0 || len(w.rest) > 0 {
		return nil, fmt.Errorf("cannot be sent: %q, because of %q", line, w.rest)
	}
	return out, nil
}

// words are the settings of a line that have not been used yet.
type words struct{ rest []string }

// value takes the first setting with a key.
func (w *words) value(key string) (string, bool) {
	for i, f := range w.rest {
		if v, ok := strings.CutPrefix(f, key+"="); ok {
			w.rest = append(w.rest[:i:i], w.rest[i+1:]...)
			return v, true
		}
	}
	return "", false
}

func (w *words) text(key string) string {
	v, _ := w.value(key)
	return v
}

func (w *words) flag(name string) bool {
	for i, f := range w.rest {
		if f == name {
			w.rest = append(w.rest[:i:i], w.rest[i+1:]...)
			return true
		}
	}
	return false
}

// number returns 0 for a setting that is not there; one that is no number is
// left over.
func (w *words) number(key string) uint64 {
	v, ok := w.value(key)
	n, err := strconv.ParseUint(v, 10, 32)
	if ok && err != nil {
		w.rest = append(w.rest, key+"="+v)
	}
	return n
}

func (w *words) optional(key string) wire.Opt[uint32] {
	v, ok := w.value(key)
	n, _ := strconv.ParseUint(v, 10, 32)
	return wire.Opt[uint32]{Value: uint32(n), Set: ok}
}

// code takes a reason code such as 0x04; without one it is 0.
func (w *words) code() mqttauth.ReasonCode {
	for i, f := range w.rest {
		if n, err := strconv.ParseUint(f, 0, 8); err == nil && strings.HasPrefix(f, "0x") {
			w.rest = append(w.rest[:i:i], w.rest[i+1:]...)
			return mqttauth.ReasonCode(n)
		}
	}
	return 0
}

func (w *words) connect() *wire.Connect {
	c := &wire.Connect{
		ClientID:          w.text("id"),
		CleanStart:        w.flag("clean"),
		KeepAlive:         uint16(w.number("keepalive")),
		SessionExpiry:     uint32(w.number("expiry")),
		ReceiveMaximum:    uint16(w.number("receive-maximum")),
		MaximumPacketSize: uint32(w.number("packet-size")),
		TopicAliasMaximum: uint16(w.number("aliases")),
	}
	switch {
	case w.flag("v5"):
		c.Version = v5
	case w.flag("v311"):
		c.Version = v311
	}
	if name, ok := w.value("will-topic"); ok {
		c.Will = &wire.Will{
			Topic: name, Payload: []byte(w.text("will-payload")),
			QoS: byte(w.number("will-qos")), Retain: w.flag("will-retain"), Delay: uint32(w.number("will-delay")),
		}
	}
	return c
}

var lineEnds = strings.NewReplacer(`\r`, "\r", `\n`, "\n")

func (w *words) publish() *wire.Publish {
	p := &wire.Publish{
		QoS: byte(w.number("qos")), PacketID: uint16(w.number("id")), Topic: w.text("topic"), Payload: []byte(lineEnds.Replace(w.text("payload"))),
		Retain: w.flag("retain"), Dup: w.flag("dup"),
		TopicAlias: uint16(w.number("alias")), MessageExpiry: w.optional("expiry"), ResponseTopic: w.text("response"),
	}
	if v, ok := w.value("content"); ok {
		p.ContentType = wire.Some(v)
	}
	if v, ok := w.value("correlation"); ok {
		p.CorrelationData = []byte(v)
	}
	for v, ok := w.value("user"); ok; v, ok = w.value("user") {
		name, value, _ := strings.Cut(v, ":")
		_ = p.UserProperties.Add(name, value) // what cannot be added is missed on the other side
	}
	return p
}

// subscription reads FILTER,QOS and options: nolocal, rap, rh1 or rh2.
func subscription(s string) wire.Subscription {
	parts := strings.Split(s, ",")
	f := wire.Subscription{Filter: parts[0]}
	for _, o := range parts[1:] {
		switch o {
		case "1", "2":
			f.QoS = o[0] - '0'
		case "nolocal":
			f.NoLocal = true
		case "rap":
			f.RetainAsPublished = true
		case "rh1", "rh2":
			f.RetainHandling = o[2] - '0'
		}
	}
	return f
}

// formatPacket writes what a peer received like a line of a conversation.
func formatPacket(k any, v mqttauth.Version) string {
	switch k := k.(type) {
	case *wire.Connack:
		return formatConnack(k, v)
	case *wire.Publish:
		return formatPublish(k)
	case *wire.Ack:
		return fmt.Sprintf("%v id=%d 0x%02X", k.Type, k.PacketID, byte(k.Code))
	case *wire.Suback:
		return fmt.Sprintf("SUBACK id=%d%s", k.PacketID, formatCodes(k.Codes))
	case *wire.Unsuback:
		return fmt.Sprintf("UNSUBACK id=%d%s", k.PacketID, formatCodes(k.Codes))
	case *wire.Pingresp:
		return "PINGRESP"
	case *wire.Disconnect:
		return fmt.Sprintf("DISCONNECT 0x%02X", byte(k.Code))
	case closed:
		return "closed"
	default:
		return fmt.Sprintf("%T", k)
	}
}

func formatCodes(codes []mqttauth.ReasonCode) string {
	var b strings.Builder
	for _, c := range codes {
		fmt.Fprintf(&b, " 0x%02X", byte(c))
	}
	return b.String()
}

func formatConnack(k *wire.Connack, v mqttauth.Version) string {
	code := byte(k.Code)
	if v == v311 {
		code = k.Code.ConnectReturnCode()
	}
	present := 0
	if k.SessionPresent {
		present = 1
	}
	s := fmt.Sprintf("CONNACK 0x%02X present=%d", code, present)
	if k.SessionExpiry.Set {
		s += fmt.Sprintf(" expiry=%d", k.SessionExpiry.Value)
	}
	if k.AssignedClientID != "" {
		s += " assigned"
	}
	return s
}

func formatPublish(k *wire.Publish) string {
	var b strings.Builder
	fmt.Fprintf(&b, "PUBLISH qos=%d", k.QoS)
	if k.QoS > 0 {
		fmt.Fprintf(&b, " id=%d", k.PacketID)
	}
	fmt.Fprintf(&b, " topic=%s payload=%s", k.Topic, k.Payload)
	for _, flag := range []struct {
		set  bool
		name string
	}{{k.Retain, " retain"}, {k.Dup, " dup"}} {
		if flag.set {
			b.WriteString(flag.name)
		}
	}
	for _, id := range k.SubscriptionIDs {
		fmt.Fprintf(&b, " subid=%d", id)
	}
	if k.TopicAlias != 0 {
		fmt.Fprintf(&b, " alias=%d", k.TopicAlias)
	}
	if k.MessageExpiry.Set {
		fmt.Fprintf(&b, " expiry=%d", k.MessageExpiry.Value)
	}
	if k.ContentType.Set {
		fmt.Fprintf(&b, " content=%s", k.ContentType.Value)
	}
	if k.ResponseTopic != "" {
		fmt.Fprintf(&b, " response=%s", k.ResponseTopic)
	}
	if k.CorrelationData != nil {
		fmt.Fprintf(&b, " correlation=%s", k.CorrelationData)
	}
	for name, value := range k.UserProperties.All() {
		fmt.Fprintf(&b, " user=%s:%s", name, value)
	}
	return b.String()
}
