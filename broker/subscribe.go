package broker

import (
	"fmt"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/internal/topic"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// granted is a subscription whose retained messages are still to be sent.
type granted struct {
	filter  string
	options routing.Options
}

// handleSubscribe decides on each filter by itself (AUTHZ-11). Retained
// messages follow the SUBACK.
func (c *conn) handleSubscribe(f wire.Frame) error {
	var p wire.Subscribe
	if err := p.Decode(f, c.version); err != nil {
		return err
	}
	ack := wire.Suback{PacketID: p.PacketID}
	var retained []granted
	for i := range p.Filters {
		code, g := c.subscribe(&p.Filters[i], p.SubscriptionID)
		ack.Codes = append(ack.Codes, code)
		if g != nil {
			retained = append(retained, *g)
		}
	}
	c.out.send(ack.Append(nil, c.version))
	revision, now := c.server.revision.Load(), time.Now()
	for _, g := range retained {
		c.server.retained.send(c.client, g.filter, g.options, revision, now)
	}
	return nil
}

// subscribe decides on one filter. It returns the code for SUBACK and, if
// retained messages are wanted, what for.
func (c *conn) subscribe(s *wire.Subscription, id uint32) (mqttauth.ReasonCode, *granted) {
	f, err := c.parseFilter(s.Filter)
	if err != nil {
		return wire.TopicFilterInvalid, nil
	}
	if !c.grants.Subscribe(s.Filter).Allowed() {
		c.denyPacket("subscribe", keyFilter, s.Filter)
		return mqttauth.NotAuthorized, nil
	}
	o := routing.Options{
		QoS: s.QoS, NoLocal: s.NoLocal, RetainAsPublished: s.RetainAsPublished,
		RetainHandling: s.RetainHandling, ID: id,
	}
	existed, ok := c.client.subscribe(f, o)
	if !ok {
		return wire.QuotaExceeded, nil
	}
	code := mqttauth.ReasonCode(s.QoS)
	if f.Share != "" || o.RetainHandling == 2 || o.RetainHandling == 1 && existed {
		return code, nil
	}
	return code, &granted{f.Filter, o}
}

func (c *conn) parseFilter(s string) (topic.Filter, error) {
	f, err := topic.ParseFilter(s)
	if err != nil {
		return f, err
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
