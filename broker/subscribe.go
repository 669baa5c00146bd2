package broker

import (
	"fmt"

	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/internal/topic"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// handleSubscribe decides on each filter by itself (AUTHZ-11). Retained
// messages follow the SUBACK.
func (c *conn) handleSubscribe(f wire.Frame) error {
	var p wire.Subscribe
	if err := p.Decode(f, c.version); err != nil {
		return err
	}
	c.out.sendBefore(func() []byte {
		ack := wire.Suback{PacketID: p.PacketID}
		for i := range p.Filters {
			ack.Codes = append(ack.Codes, c.subscribe(&p.Filters[i], p.SubscriptionID))
		}
		return ack.Append(nil, c.version)
	})
	return nil
}

// subscribe decides on one filter and returns the code for SUBACK.
func (c *conn) subscribe(s *wire.Subscription, id uint32) mqttauth.ReasonCode {
	f, err := c.parseFilter(s.Filter)
	if err != nil {
		return wire.TopicFilterInvalid
	}
	own := c.client.ownNotices(s.Filter)
	decision := c.grants().Subscribe(s.Filter)
	allowed := own || decision.Allowed()
	c.observeSubscribe(s.Filter, decision, allowed)
	if !allowed {
		c.denyPacket("subscribe", keyFilter, s.Filter)
		return mqttauth.NotAuthorized
	}
	qos := s.QoS
	if own {
		qos = min(qos, 1)
	}
	o := routing.Options{
		QoS: qos, NoLocal: s.NoLocal, RetainAsPublished: s.RetainAsPublished,
		RetainHandling: s.RetainHandling, ID: id,
	}
	if !c.client.subscribe(f, o) {
		return wire.QuotaExceeded
	}
	return mqttauth.ReasonCode(qos)
}

func (c *conn) parseFilter(s string) (topic.Filter, error) {
	f, err := topic.ParseFilter(s)
	if err != nil {
		return f, err
	}
	if n := len(f.Filter); n > c.server.limits.TopicLength {
		return f, fmt.Errorf("filter has %d bytes; at most %d are allowed", n, c.server.limits.TopicLength)
	}
	if n := topic.Levels(f.Filter); n > c.server.limits.TopicLevels {
		return f, fmt.Errorf("filter has %d levels; at most %d are allowed", n, c.server.limits.TopicLevels)
	}
	return f, nil
}

// handleUnsubscribe is always allowed (AUTHZ-11).
func (c *conn) handleUnsubscribe(f wire.Frame) error {
	var p wire.Unsubscribe
	if err := p.Decode(f, c.version); err != nil {
		return err
	}
	ack := wire.Unsuback{PacketID: p.PacketID}
	for _, s := range p.Filters {
		ack.Codes = append(ack.Codes, c.unsubscribe(s))
	}
	c.out.send(ack.Append(nil, c.version))
	return nil
}

func (c *conn) unsubscribe(s string) mqttauth.ReasonCode {
	f, err := topic.ParseFilter(s)
	switch {
	case err != nil:
		return wire.TopicFilterInvalid
	case c.client.unsubscribe(f):
		return mqttauth.Success
	default:
		return wire.NoSubscriptionExisted
	}
}
