package broker

import (
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/session"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/internal/topic"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// handlePublish decides on the effective topic and routes, both under mu
// (AUTHZ-9, AUTHZ-13).
func (c *conn) handlePublish(f wire.Frame) error {
	var p wire.Publish
	if err := p.Decode(f, c.version); err != nil {
		return err
	}
	if len(p.SubscriptionIDs) > 0 { // [MQTT-3.3.4-6]
		return &wire.Error{Code: mqttauth.ProtocolError, Detail: "PUBLISH: subscription identifier from a client"}
	}
	if err := c.resolveAlias(&p); err != nil {
		return err
	}
	decision, err := c.decide(p.Topic)
	if err != nil {
		return &wire.Error{Code: wire.TopicNameInvalid, Detail: "PUBLISH: " + err.Error()}
	}
	allowed := decision.Allowed()
	c.observePublish(p.Topic, decision)
	if !allowed {
		c.denyPacket("publish", keyTopic, p.Topic)
	}
	if allowed && p.Topic == topic.StateStoreRequest && c.version == mqttauth.MQTT5 {
		return c.handleRequest(&p)
	}
	switch p.QoS {
	case 0:
		if allowed {
			c.route(&p)
		}
		return nil
	case 1:
		return c.publishOnce(&p, allowed)
	default:
		return c.publishHeld(&p, allowed)
	}
}

// resolveAlias puts the topic that an alias stands for into p, before anything
// is decided (E11, S-26).
func (c *conn) resolveAlias(p *wire.Publish) error {
	if p.TopicAlias == 0 {
		return nil
	}
	if p.TopicAlias > c.server.limits.TopicAliasMaximum {
		return &wire.Error{Code: wire.TopicAliasInvalid, Detail: "PUBLISH: topic alias is over the maximum"}
	}
	if p.Topic == "" {
		name, ok := c.aliases[p.TopicAlias]
		if !ok {
			return &wire.Error{Code: mqttauth.ProtocolError, Detail: "PUBLISH: topic alias was never set"}
		}
		p.Topic = name
		return nil
	}
	if c.aliases == nil {
		c.aliases = make(map[uint16]string)
	}
	if c.aliases[p.TopicAlias] != p.Topic {
		c.aliases[p.TopicAlias] = string([]byte(p.Topic)) // p lives in the read buffer
	}
	return nil
}

func (c *conn) route(p *wire.Publish) {
	c.server.limitExpiry(p)
	c.server.publish(message.New(p, c.version, c.client, c.now), c.client, &c.fanout, c.now)
}

// limitExpiry bounds the life time of a message.
func (s *Server) limitExpiry(p *wire.Publish) {
	most := uint32(s.limits.MessageExpiry / time.Second)
	if most > 0 && (!p.MessageExpiry.Set || p.MessageExpiry.Value > most) {
		p.MessageExpiry = wire.Some(most)
	}
}

// admit judges the packet id of a PUBLISH.
func (c *conn) admit(p *wire.Publish) session.Receipt {
	c.client.queue.Lock()
	defer c.client.queue.Unlock()
	return c.client.session.Admit(p.PacketID, p.QoS)
}

var errReceiveMaximum = &wire.Error{Code: wire.ReceiveMaximumExceeded, Detail: "PUBLISH: more unacknowledged than the receive maximum"}

// publishOnce handles QoS 1. What is denied is acknowledged all the same: with
// 0x87 where the protocol can say so (AUTHZ-10).
func (c *conn) publishOnce(p *wire.Publish, allowed bool) error {
	ack := wire.Ack{Type: wire.PUBACK, PacketID: p.PacketID}
	switch c.admit(p) {
	case session.Accepted, session.Duplicate:
		switch {
		case !allowed:
			ack.Code = mqttauth.NotAuthorized
		case !c.retainable(p):
			ack.Code = wire.QuotaExceeded
		default:
			c.route(p)
		}
	case session.InUse:
		ack.Code = wire.PacketIDInUse
	default:
		return errReceiveMaximum
	}
	c.answer(&ack)
	return nil
}

// publishHeld handles QoS 2: the message is held until PUBREL, and decided on
// again then. MQTT 3.1.1 cannot say that a publish is denied: the exchange goes
// its way with a message that has no publisher, which is never routed
// (AUTHZ-10).
func (c *conn) publishHeld(p *wire.Publish, allowed bool) error {
	ack := wire.Ack{Type: wire.PUBREC, PacketID: p.PacketID}
	switch c.admit(p) {
	case session.Accepted:
		switch {
		case !allowed && c.version == mqttauth.MQTT5:
			ack.Code = mqttauth.NotAuthorized
		case c.retainable(p) && c.hold(p, allowed):
		case c.version == mqttauth.MQTT5:
			ack.Code = wire.QuotaExceeded
		default:
			return &wire.Error{Code: wire.QuotaExceeded, Detail: "PUBLISH: too much waits for PUBREL"}
		}
	case session.Duplicate:
	case session.InUse:
		ack.Code = wire.PacketIDInUse
	default:
		return errReceiveMaximum
	}
	c.answer(&ack)
	return nil
}

// retainable reports whether there is room for a message that is to be retained.
// Who cannot be told that there is none, or is overtaken by others, has its
// message routed, and nothing kept for the topic.
func (c *conn) retainable(p *wire.Publish) bool {
	if !p.Retain || c.version != mqttauth.MQTT5 {
		return true
	}
	return c.server.retained.hasRoom(p.Topic, message.SizeOf(p), len(p.Payload) == 0)
}

func (c *conn) hold(p *wire.Publish, allowed bool) bool {
	c.server.limitExpiry(p)
	m := message.New(p, c.version, c.client, c.now)
	if !allowed {
		m = message.New(&wire.Publish{QoS: 2, Topic: p.Topic}, c.version, nil, c.now)
	}
	c.client.queue.Lock()
	defer c.client.queue.Unlock()
	return c.client.session.Hold(p.PacketID, m)
}

// handleAck takes PUBACK, PUBREC, PUBREL and PUBCOMP.
func (c *conn) handleAck(f wire.Frame) error {
	var p wire.Ack
	if err := p.Decode(f, c.version); err != nil {
		return err
	}
	if p.Type == wire.PUBREL {
		c.handlePubrel(&p)
		return nil
	}
	outcome := c.acknowledge(&p)
	switch {
	case outcome == session.Mismatch:
		return &wire.Error{Code: mqttauth.ProtocolError, Detail: p.Type.String() + ": not the answer to what was sent with this packet id"}
	case outcome == session.Unknown && p.Type == wire.PUBREC && !p.Code.IsError():
		c.answer(&wire.Ack{Type: wire.PUBREL, PacketID: p.PacketID, Code: wire.PacketIDNotFound})
	}
	return nil
}

// acknowledge tells the session. The quota may allow more after that.
func (c *conn) acknowledge(p *wire.Ack) (o session.Outcome) {
	c.client.queue.Lock()
	defer c.client.queue.Unlock()
	s := c.client.session
	switch p.Type {
	case wire.PUBACK:
		o = s.Puback(p.PacketID)
	case wire.PUBREC:
		o = s.Pubrec(p.PacketID, p.Code)
	default:
		o = s.Pubcomp(p.PacketID)
	}
	if c.client.tell() {
		c.answered = true
	}
	return o
}

// answer queues an acknowledgement.
func (c *conn) answer(a *wire.Ack) {
	c.scratch = a.Append(c.scratch[:0], c.version)
	c.queue(c.scratch)
}

func (c *conn) routeHeld(m *message.Message) {
	if d := c.grants().Publish(m.Topic()); !d.Allowed() {
		c.observePublish(m.Topic(), d)
		return
	}
	c.server.publish(m, c.client, &c.fanout, c.now)
}

// handlePubrel routes a held QoS 2 message, if that is still allowed
// (AUTHZ-12, S-08).
func (c *conn) handlePubrel(p *wire.Ack) {
	ack := wire.Ack{Type: wire.PUBCOMP, PacketID: p.PacketID}
	c.client.queue.Lock()
	m, held := c.client.session.Release(p.PacketID)
	c.client.queue.Unlock()
	switch {
	case !held:
		ack.Code = wire.PacketIDNotFound
	case m.Publisher() != nil:
		c.routeHeld(m)
	}
	c.answer(&ack)
}
