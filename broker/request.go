package broker

import (
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/session"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/internal/topic"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
	"github.com/mqttwarden/mqttwarden/statestore"
)

// handleRequest takes an MQTT 5.0 PUBLISH to the request topic of the state store
// that the client may send. Its PUBACK comes before the reply. What cannot be
// executed is acknowledged with 0x83, so that its client need not wait for a
// reply.
func (c *conn) handleRequest(p *wire.Publish) error {
	if statestore.ForbiddenResponseTopic(p.ResponseTopic) {
		return &wire.Error{Code: wire.TopicNameInvalid, Detail: "PUBLISH: response topic belongs to the state store; use another"}
	}
	now := time.Now()
	if !c.expiry.IsZero() && !now.Before(c.expiry) { // the timer may be late (EXP-1)
		c.act(c.auth.Wake(now))
		return nil
	}
	if p.QoS == 0 { // not a request, and nothing to acknowledge
		return nil
	}
	ack := wire.Ack{Type: wire.PUBACK, PacketID: p.PacketID}
	if p.QoS == 2 {
		ack.Type = wire.PUBREC
	}
	switch c.admit(p) {
	case session.Accepted, session.Duplicate:
	case session.InUse:
		ack.Code = wire.PacketIDInUse
	default:
		return errReceiveMaximum
	}
	c.out.sendBefore(func() []byte {
		if ack.Code == 0 && !c.execute(p, now) {
			ack.Code = wire.ImplementationSpecificError
		}
		return ack.Append(nil, c.version)
	})
	return nil
}

// execute reports whether p was a request that could be replied to. mu is held.
func (c *conn) execute(p *wire.Publish, now time.Time) bool {
	if c.server.store == nil || p.QoS != 1 || topic.CheckName(p.ResponseTopic) != nil {
		return false
	}
	c.requested = true
	rights := keyRights{grants: c.grants()}
	ok := c.server.store.execute(c, p, &rights, now)
	if rights.action != "" {
		c.observeKey(rights.action, rights.key, rights.decision)
		if !rights.decision.Allowed() {
			c.denyPacket("state store "+string(rights.action), keyKey, string(rights.key))
		}
	}
	return ok
}

// keyRights are a client's rights to keys (STORE-4). It notes what was decided:
// a request asks once.
type keyRights struct {
	grants   *mqttauthz.Grants
	action   Action // "": nothing was asked
	key      []byte
	decision mqttauthz.Decision
}

// CanReadKey is for GET and KEYNOTIFY.
func (r *keyRights) CanReadKey(key []byte) bool {
	return r.note(ActionRead, key, r.grants.ReadKey(key))
}

// CanWriteKey is for SET, DEL and VDEL.
func (r *keyRights) CanWriteKey(key []byte) bool {
	return r.note(ActionWrite, key, r.grants.WriteKey(key))
}

func (r *keyRights) note(a Action, key []byte, d mqttauthz.Decision) bool {
	r.action, r.key, r.decision = a, key, d
	return d.Allowed()
}

// receives reports whether a subscription that is not shared matches a response
// topic (STORE-6), and returns the identifiers of those that do.
func (cl *client) receives(name string) (ids []uint32, ok bool) {
	cl.queue.Lock()
	defer cl.queue.Unlock()
	return cl.session.Receives(name)
}

// answer queues a reply for the session that sent the request.
func (cl *client) answer(c *conn, m *message.Message, ids []uint32, now time.Time) {
	cl.queue.Lock()
	defer cl.queue.Unlock()
	cl.session.Enqueue(session.Delivery{Message: m, SubscriptionIDs: ids, QoS: 1}, now)
	c.out.signal()
}

// notify queues a notification for the session that registered, as long as it
// has the connection on which it did (STORE-7).
func (cl *client) notify(c *conn, m *message.Message, now time.Time) {
	cl.queue.Lock()
	defer cl.queue.Unlock()
	if cl.session == nil || cl.attached.Load() != c {
		return
	}
	ids, _ := cl.session.Receives(m.Topic())
	cl.session.Enqueue(session.Delivery{Message: m, SubscriptionIDs: ids, QoS: 1}, now)
	c.out.signal()
}

// reauthorizeKeys takes from a client what its new rights to keys do not allow:
// registrations, and notifications that wait (AUTHZ-12). mu is held.
func (c *conn) reauthorizeKeys() {
	if !c.requested {
		return
	}
	c.server.store.reauthorize(c, c.grants())
	c.client.purgeNotices(func(key storeNotice) bool { return c.grants().CanReadKey([]byte(key)) })
}

// purgeNotices drops the notifications that wait and that keep refuses.
func (cl *client) purgeNotices(keep func(storeNotice) bool) {
	cl.queue.Lock()
	defer cl.queue.Unlock()
	if cl.session == nil || cl.server.store == nil {
		return
	}
	cl.session.Purge(func(m *message.Message) bool {
		key, isNotice := m.Publisher().(storeNotice)
		return !isNotice || keep(key)
	})
}

// wanted reports whether a message that waits is still for the session after it
// lost subscriptions. queue is held.
func (cl *client) wanted(m *message.Message) bool {
	switch m.Publisher().(type) {
	case storeNotice: // needs no subscription
		return true
	case storeReply: // STORE-6
		_, ok := cl.session.Receives(m.Topic())
		return ok
	}
	return cl.session.Subscribed(m.Topic())
}

// ownNotices reports whether a filter is the client's own for notifications,
// which needs no rule and is granted at QoS 1 (STORE-7).
func (cl *client) ownNotices(filter string) bool {
	return cl.server.store != nil && statestore.IsOwnNotificationFilter(filter, cl.id)
}
