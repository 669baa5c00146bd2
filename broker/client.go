package broker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/broker/internal/session"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/internal/topic"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// client is one client ID and the session that it has. It outlives the
// connection for as long as the session does.
type client struct {
	server *Server
	id     string

	// mu is held while the session changes hands: connect, takeover, loss of
	// the connection, expiry.
	mu       sync.Mutex
	gone     bool // taken out of the registry; look again
	owned    bool // counted for its identity
	identity mqttauth.Identity
	listener *Listener // where it was last accepted
	conn     *conn     // nil while offline
	expiry   uint32    // seconds the session is kept; noExpiry: for ever
	will     *will
	timers   offlineTimers

	attached atomic.Pointer[conn] // whom to tell about a new delivery

	queue   sync.Mutex
	session *session.Session // nil: none; also not changed without mu
	told    bool             // the writer knows, or will soon, that there is something to send
	owner   mqttauthz.Principal
	revoked uint64 // Server.revision when subscriptions were last taken away
}

// noExpiry is the session expiry interval of a session that never ends (MQTT
// 5.0 section 3.1.2.11.2).
const noExpiry = 1<<32 - 1

// online reports whether there is a connection to deliver to.
func (cl *client) online() bool { return cl.attached.Load() != nil }

// enqueue reports whether the writer is to be told that there is something to
// send: nobody else is about to.
func (cl *client) enqueue(d session.Delivery, revision uint64, now time.Time) bool {
	cl.queue.Lock()
	defer cl.queue.Unlock()
	if cl.session == nil || cl.revoked > revision && !cl.session.Subscribed(d.Message.Topic()) {
		return false
	}
	cl.session.Enqueue(d, now)
	return cl.tell()
}

// tell reports whether there is something to send that the writer does not know
// of yet, and that nobody else is about to tell it. queue is held.
func (cl *client) tell() bool {
	if cl.told || !cl.session.Ready() {
		return false
	}
	cl.told = true
	return true
}

// appendNext gives the writer of c what to send next. Once c counts no longer,
// it gets nothing: what comes now is for the connection after it, or not allowed
// any more.
func (cl *client) appendNext(c *conn, dst []byte, now time.Time) []byte {
	cl.queue.Lock()
	defer cl.queue.Unlock()
	if cl.session == nil || cl.attached.Load() != c {
		return dst
	}
	cl.told = false
	dst, _ = cl.session.AppendNext(dst, flushBytes, now)
	return dst
}

// compact gives back memory that a busy session needed.
func (cl *client) compact() {
	cl.queue.Lock()
	defer cl.queue.Unlock()
	cl.session.Compact()
}

// ownerBarred reports whether the owner of the session may no longer connect
// with this client ID under the policy of the moment (AUTHN-10).
func (cl *client) ownerBarred() bool {
	cl.queue.Lock()
	owner := cl.owner
	cl.queue.Unlock()
	return !cl.listener.policy().Grants(owner).Connect().Allowed()
}

// reauthorize takes from the session what grants do not allow any more: its
// subscriptions, and what waits because of them (AUTHZ-12).
func (cl *client) reauthorize(p mqttauthz.Principal, g *mqttauthz.Grants) {
	cl.queue.Lock()
	defer cl.queue.Unlock()
	cl.owner = p
	removed := false
	for f := range cl.session.Subscriptions() {
		if g.Subscribe(f.String()).Allowed() || cl.ownNotices(f.String()) {
			continue
		}
		cl.server.table.Unsubscribe(f, cl)
		cl.session.Unsubscribe(f)
		removed = true
	}
	if removed {
		// A publisher may have found the subscriptions just before.
		cl.revoked = cl.server.revision.Add(1)
		cl.session.Purge(cl.wanted)
	}
}

// subscribe adds a subscription that has been decided on, and queues the
// retained messages that it asks for. It fails when the session has too many.
// The queue is locked from before the subscription is seen until the retained
// messages wait: a newer message can only come behind them.
func (cl *client) subscribe(f topic.Filter, o routing.Options) bool {
	cl.queue.Lock()
	defer cl.queue.Unlock()
	_, existed := cl.session.Subscription(f)
	if !existed && cl.session.SubscriptionCount() >= cl.server.limits.Subscriptions {
		return false
	}
	cl.session.Subscribe(f, o)
	cl.server.table.Subscribe(f, cl, o)
	if f.Share == "" && (o.RetainHandling == 0 || o.RetainHandling == 1 && !existed) {
		cl.server.retained.send(cl.session, f.Filter, o, time.Now())
	}
	return true
}

func (cl *client) unsubscribe(f topic.Filter) bool {
	cl.queue.Lock()
	defer cl.queue.Unlock()
	cl.server.table.Unsubscribe(f, cl)
	return cl.session.Unsubscribe(f)
}

// takeOver ends the connection that the session has, if any. mu is held.
func (cl *client) takeOver() {
	cl.timers.stop()
	if old := cl.conn; old != nil {
		old.disconnect(wire.SessionTakenOver, errTakenOver)
		cl.release(old)
	}
}

// detach is what a connection does at its end. The session ends now or later.
func (cl *client) detach(c *conn) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.conn != c { // taken over
		return
	}
	cl.release(c)
	cl.idle()
}

// release parts session and connection, which is at its end, and does what the
// client said last: the will is due now or later, unless it said goodbye. mu is
// held.
func (cl *client) release(c *conn) {
	cl.conn = nil
	cl.attached.CompareAndSwap(c, nil)
	cl.purgeNotices(func(storeNotice) bool { return false }) // they are not kept for later
	cl.park()
	graceful, expiry := c.farewell()
	if expiry.Set {
		cl.expiry = cl.server.capExpiry(expiry.Value)
	}
	if graceful {
		cl.will = nil
	}
	if w := cl.will; w != nil && w.delay == 0 {
		w.publish(cl)
		cl.will = nil
	}
}

func (cl *client) park() {
	cl.queue.Lock()
	defer cl.queue.Unlock()
	if cl.session != nil {
		cl.session.Detach()
	}
}

// idle makes the session wait for its client, if it may. mu is held.
func (cl *client) idle() {
	if cl.expiry == 0 {
		cl.end()
		return
	}
	cl.timers.start(cl)
}

// end discards the session. A delayed will is due at its end at the latest
// (MQTT 5.0 section 3.1.3.2.2). mu is held.
func (cl *client) end() {
	cl.timers.stop()
	if cl.will != nil {
		cl.will.publish(cl)
		cl.will = nil
	}
	cl.queue.Lock()
	if cl.session != nil {
		for f := range cl.session.Subscriptions() {
			cl.server.table.Unsubscribe(f, cl)
		}
		cl.session = nil
	}
	cl.queue.Unlock()
	cl.server.clients.remove(cl)
}

// offlineTimers run while a session has no connection.
type offlineTimers struct {
	generation   uint64 // a timer of an older one does nothing
	will, expiry *time.Timer
}

func (t *offlineTimers) stop() {
	t.generation++
	for _, timer := range []*time.Timer{t.will, t.expiry} {
		if timer != nil {
			timer.Stop()
		}
	}
	t.will, t.expiry = nil, nil
}

func (t *offlineTimers) start(cl *client) {
	t.stop()
	generation := t.generation
	if cl.will != nil && cl.will.delay < cl.expiry { // otherwise it comes with the end of the session
		t.will = time.AfterFunc(time.Duration(cl.will.delay)*time.Second, func() { cl.willDue(generation) })
	}
	if cl.expiry != noExpiry {
		t.expiry = time.AfterFunc(time.Duration(cl.expiry)*time.Second, func() { cl.expire(generation) })
	}
}

func (cl *client) willDue(generation uint64) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.timers.generation != generation || cl.will == nil {
		return
	}
	cl.will.publish(cl)
	cl.will = nil
}

func (cl *client) expire(generation uint64) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.timers.generation != generation {
		return
	}
	cl.end()
}
