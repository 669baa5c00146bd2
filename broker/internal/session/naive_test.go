package session_test

import (
	"slices"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// item is one delivery as the model knows it.
type item struct {
	publish wire.Publish // with QoS, retain flag and identifiers of the delivery
	arrived time.Time
	message *message.Message
}

func (i *item) expired(now time.Time) bool {
	e := i.publish.MessageExpiry
	return e.Set && now.After(i.arrived.Add(time.Duration(e.Value)*time.Second))
}

// naiveFlight is a delivery with a packet id; a released one has only that.
type naiveFlight struct {
	item
	id      uint16
	sent    bool // on this connection: the PUBLISH, or the PUBREL once released
	counted bool // against the quota
}

// used is the number of flights that count against the quota.
func (c *conversation) used() (n int) {
	for _, chain := range [][]naiveFlight{c.publishing, c.releasing} {
		for _, f := range chain {
			if f.counted {
				n++
			}
		}
	}
	return n
}

// ready reports whether there is something to send or to drop.
func (c *conversation) ready() bool {
	switch {
	case c.version == 0:
		return false
	case len(c.unsent(c.releasing)) > 0:
		return true
	case len(c.unsent(c.publishing)) > 0:
		return c.used() < c.quota
	default:
		return len(c.waiting) > 0 && (c.waiting[0].publish.QoS == 0 || c.used() < c.quota)
	}
}

func (c *conversation) unsent(chain []naiveFlight) []naiveFlight {
	i := slices.IndexFunc(chain, func(f naiveFlight) bool { return !f.sent })
	if i < 0 {
		return nil
	}
	return chain[i:]
}

func (c *conversation) find(chain []naiveFlight, id uint16) int {
	return slices.IndexFunc(chain, func(f naiveFlight) bool { return f.id == id })
}

// next returns the packet that is to be sent next, nil for none; for a PUBREL
// only that it is not nil. It drops from the model what cannot be sent.
func (c *conversation) next() *wire.Publish {
	if c.version == 0 {
		return nil
	}
	if len(c.unsent(c.releasing)) > 0 {
		return &wire.Publish{}
	}
	for again := c.unsent(c.publishing); len(again) > 0; again = c.unsent(c.publishing) {
		if c.used() >= c.quota {
			return nil
		}
		p, ok := c.encodable(&again[0].item)
		if ok {
			p.Dup, p.PacketID = true, again[0].id
			return p
		}
		c.forget(again[0].id)
	}
	for len(c.waiting) > 0 {
		it := &c.waiting[0]
		if it.publish.QoS > 0 && c.used() >= c.quota {
			return nil
		}
		if p, ok := c.encodable(it); ok && !it.expired(c.now) {
			return p
		}
		c.waiting = c.waiting[1:]
	}
	return nil
}

// encodable returns the PUBLISH for an item, and whether the client takes it.
func (c *conversation) encodable(it *item) (*wire.Publish, bool) {
	p := it.publish
	if p.MessageExpiry.Set {
		waited := uint32(c.now.Sub(it.arrived) / time.Second)
		p.MessageExpiry.Value -= min(waited, p.MessageExpiry.Value)
	}
	if c.version == mqttauth.MQTT311 {
		p.MessageExpiry, p.SubscriptionIDs = wire.Opt[uint32]{}, nil
	}
	p.TopicAlias = c.known[p.Topic]
	if p.TopicAlias != 0 {
		p.Topic = ""
	} else if len(c.known) < c.aliases && len(p.Topic) > 3 {
		p.TopicAlias = uint16(len(c.known) + 1)
	}
	sized := p
	if p.QoS > 0 {
		sized.PacketID = 1
	}
	n := len(sized.Append(nil, c.version))
	return &p, n > 0 && (c.max == 0 || n <= c.max)
}

func (c *conversation) forget(id uint16) {
	c.publishing = slices.DeleteFunc(c.publishing, func(f naiveFlight) bool { return f.id == id })
	c.releasing = slices.DeleteFunc(c.releasing, func(f naiveFlight) bool { return f.id == id })
}
