package broker

import (
	"log/slog"
	"sync"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/statestore"
)

// stateStore serves the state store to the connections of all ports. Replies and
// notifications are queued under mu: each client gets them in the order in which
// things happened.
type stateStore struct {
	log *slog.Logger

	mu      sync.Mutex
	service *statestore.Service[*conn]
	timer   *time.Timer
	due     time.Time // when timer fires; zero: never
	closed  bool

	// Scratch space of one call.
	reply      statestore.Reply
	properties []statestore.UserProperty
	notices    []statestore.Notification[*conn]
}

// newStateStore returns nil without a store.
func newStateStore(store statestore.Store, limits statestore.Limits, log *slog.Logger) *stateStore {
	if store == nil {
		return nil
	}
	service, err := statestore.New[*conn](statestore.Config{Store: store, Limits: limits})
	if err != nil {
		panic(err) // the node ID is wrong, and none was given: cannot happen
	}
	s := &stateStore{log: log, service: service}
	s.timer = time.AfterFunc(time.Hour, s.expire)
	s.timer.Stop()
	return s
}

// close ends expiry and refuses requests from now on.
func (s *stateStore) close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.timer.Stop()
}

func (s *stateStore) counts() statestore.Counts {
	if s == nil {
		return statestore.Counts{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.service.Counts()
}

// execute handles a request that its client may publish, and queues what follows
// from it. It reports false when that was nothing: there is no way to reply. Keys
// decides about the keys.
func (s *stateStore) execute(c *conn, p *wire.Publish, keys statestore.KeyAuthorizer, now time.Time) bool {
	// What the client has subscribed cannot change before this returns.
	ids, subscribed := c.client.receives(p.ResponseTopic)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	for name, value := range p.UserProperties.All() {
		s.properties = append(s.properties, statestore.UserProperty{Name: name, Value: value})
	}
	defer s.tidy()
	r := statestore.Request[*conn]{
		Session: c, ClientID: c.clientID, QoS: p.QoS,
		ResponseTopic: p.ResponseTopic, HasCorrelationData: p.CorrelationData != nil,
		Properties: s.properties, Payload: p.Payload, Keys: keys,
	}
	var err error
	s.notices, err = s.service.Handle(&r, now, &s.reply, s.notices)
	if err != nil {
		return false
	}
	if s.reply.Fault != nil {
		s.log.Error("state store failed", failure(s.reply.Fault))
	}
	if subscribed { // STORE-6
		c.client.answer(c, s.message(p, now), ids, now)
	}
	s.notify(now)
	s.wakeAt(now)
	return true
}

// scratchItems is how many properties or notifications scratch space is kept for.
const scratchItems = 16 << 10

// tidy forgets what belongs to the call that ends, and gives back what only a
// great one needed. mu is held.
func (s *stateStore) tidy() {
	s.properties = emptied(s.properties)
	s.notices = emptied(s.notices)
	if cap(s.reply.Payload) > idleBytes {
		s.reply.Payload = nil
	}
}

func emptied[T any](scratch []T) []T {
	if cap(scratch) > scratchItems {
		return nil
	}
	clear(scratch)
	return scratch[:0]
}

// storeReply marks the messages that are replies.
type storeReply struct{}

// message makes the message of the reply to p.
func (s *stateStore) message(p *wire.Publish, now time.Time) *message.Message {
	m := wire.Publish{
		QoS: 1, Topic: p.ResponseTopic, Payload: s.reply.Payload,
		CorrelationData: p.CorrelationData, ContentType: wire.Some(statestore.ContentType),
		UserProperties: userProperties(s.reply.Properties),
	}
	return message.New(&m, mqttauth.MQTT5, storeReply{}, now)
}

// userProperties leaves out what MQTT cannot carry, which is nothing: it is made
// from what came in a packet.
func userProperties(properties []statestore.UserProperty) wire.UserProperties {
	var u wire.UserProperties
	for _, p := range properties {
		_ = u.Add(p.Name, p.Value)
	}
	return u
}

// storeNotice marks the messages that are notifications, and says of which key.
type storeNotice string

// notify queues the notifications of one call (STORE-7). Those of one event share
// their payload, however many clients watch. mu is held.
func (s *stateStore) notify(now time.Time) {
	var event *byte // the payload of base
	var base *message.Message
	for i := range s.notices {
		n := &s.notices[i]
		if first := &n.Payload[0]; first != event {
			event = first
			base = message.New(&wire.Publish{
				QoS: 1, Topic: n.Topic, Payload: n.Payload, UserProperties: userProperties(n.Properties),
			}, mqttauth.MQTT5, storeNotice(n.Key), now)
		}
		n.Session.client.notify(n.Session, base.WithTopic(n.Topic), now)
	}
}

// recheckEvery bounds how long a step of the wall clock, by which entries expire,
// goes unnoticed. retryAfter is when a store is asked again that failed.
const (
	recheckEvery = 10 * time.Second
	retryAfter   = time.Second
)

// wakeAt sets the timer for the entry that expires next. mu is held.
func (s *stateStore) wakeAt(now time.Time) {
	next, any := s.service.NextExpiry()
	if !any || s.closed {
		return
	}
	wait := min(max(next.Sub(now), 0), recheckEvery)
	due := now.Add(wait)
	if !s.due.IsZero() && !due.Before(s.due) {
		return
	}
	s.due = due
	s.timer.Reset(wait)
}

// expire is called by the timer. It lets requests in between its steps.
func (s *stateStore) expire() {
	for s.expireSome() {
	}
}

// expireSome removes some of the entries that are due, and reports whether there
// are more of them.
func (s *stateStore) expireSome() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	defer s.tidy()
	now := time.Now()
	s.due = time.Time{}
	var err error
	s.notices, err = s.service.Expire(now, s.notices)
	s.notify(now)
	if err != nil {
		s.log.Error("state store failed", failure(err))
		s.due = now.Add(retryAfter)
		s.timer.Reset(retryAfter)
		return false
	}
	if next, any := s.service.NextExpiry(); any && !next.After(now) {
		return true
	}
	s.wakeAt(now)
	return false
}

// disconnect ends the registrations of a connection.
func (s *stateStore) disconnect(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.service.Disconnect(c)
}

// reauthorize ends the registrations of a connection that keys do not allow any
// more (AUTHZ-12).
func (s *stateStore) reauthorize(c *conn, keys statestore.KeyAuthorizer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.service.Reauthorize(c, keys)
}
