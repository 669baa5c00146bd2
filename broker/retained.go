package broker

import (
	"sync"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/broker/internal/session"
)

// retainedStore holds the retained messages, within limits.
type retainedStore struct {
	messages, bytes int // limits
	topics          *routing.Retained[*message.Message]

	mu   sync.Mutex // of writers, for the account
	used int        // bytes
}

func (r *retainedStore) init(l Limits) {
	r.messages, r.bytes = l.RetainedMessages, l.RetainedBytes
	r.topics = routing.NewRetained[*message.Message]()
}

// store keeps m as the retained message of its topic; one without a payload
// removes what there is [MQTT-3.3.1-6]. It reports false when the limits leave
// no room: then nothing is kept for the topic, since the old message is not the
// last one any more.
func (r *retainedStore) store(m *message.Message) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, had := r.topics.Delete(m.Topic())
	if had {
		r.used -= old.Size()
	}
	if len(m.Payload()) == 0 {
		return true
	}
	if r.topics.Len() >= r.messages || m.Size() > r.bytes-r.used {
		return false
	}
	r.topics.Set(m.Topic(), m)
	r.used += m.Size()
	return true
}

// hasRoom reports whether a message of a size would be kept now.
func (r *retainedStore) hasRoom(topic string, size int, removes bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	messages, used := r.topics.Len(), r.used
	if old, had := r.topics.Get(topic); had {
		messages--
		used -= old.Size()
	}
	return removes || messages < r.messages && size <= r.bytes-used
}

// size returns how many messages are kept, and their bytes.
func (r *retainedStore) size() (messages, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.topics.Len(), r.used
}

// send queues the retained messages that match a new subscription.
func (r *retainedStore) send(to *session.Session, filter string, o routing.Options, now time.Time) {
	for name, m := range r.topics.Match(filter) {
		if m.Expired(now) {
			r.expire(name, m)
			continue
		}
		d := delivery(m, o)
		d.Retain = true // [MQTT-3.3.1-8]
		to.Enqueue(d, now)
	}
}

func (r *retainedStore) expire(name string, m *message.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.topics.CompareAndDelete(name, m) {
		r.used -= m.Size()
	}
}
