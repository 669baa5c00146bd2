package statestore

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Config configures a Service. The zero value is usable.
type Config struct {
	// Store keeps the entries. Nil: NewMemory(0).
	Store Store

	// NodeID is in every version that the service gives. Empty: "StateStore".
	NodeID string

	// Limits of the registrations of KEYNOTIFY.
	Limits Limits
}

// Service executes requests and says who has to be notified. S is how the caller
// names sessions, such as a pointer.
//
// It does no I/O, has no clock and no goroutine, and is not safe for concurrent
// use: the caller keeps order among requests, and delivers replies and
// notifications in the order in which it gets them.
type Service[S comparable] struct {
	store   Store
	clock   *Clock
	watches watches[S]
	key     []byte // of the expiring entry
	text    []byte // of a version
	counts  Counts
}

// Reply is what a request is answered with, at QoS 1, on its response topic, with
// its correlation data and ContentType. Its memory is used again when it is handed
// in again.
type Reply struct {
	Payload    []byte
	Properties []UserProperty

	// Fault is the store's error that made this a reply with status 500. It is
	// for the log and not in the reply.
	Fault error
}

// Notification is a PUBLISH at QoS 1 to one session, whatever it has subscribed
// (STORE-7). Several share Payload and Properties, which are not changed any
// more.
type Notification[S comparable] struct {
	Session    S
	Topic      string
	Key        string // that was set or is gone
	Payload    []byte
	Properties []UserProperty
}

// New returns a service over the entries of a store. The error says which part of
// the Config is wrong.
func New[S comparable](c Config) (*Service[S], error) {
	if c.Store == nil {
		c.Store = NewMemory(0)
	}
	if c.NodeID == "" {
		c.NodeID = "StateStore"
	}
	clock, err := NewClock(c.NodeID, c.Store.LastVersion())
	if err != nil {
		return nil, err
	}
	return &Service[S]{store: c.Store, clock: clock, watches: newWatches[S](c.Limits)}, nil
}

// Handle executes a request at a time. It overwrites reply and appends to ns who
// has to be notified, in order. The error is ErrResponseTopic or ErrNotRequest,
// and there is no reply then; all others are replies.
//
// Checks, in this order: the command, the key's rights, the timestamps, the
// fencing token, the condition, the room.
func (s *Service[S]) Handle(r *Request[S], now time.Time, reply *Reply, ns []Notification[S]) ([]Notification[S], error) {
	reply.Payload, reply.Properties, reply.Fault = reply.Payload[:0], reply.Properties[:0], nil
	if ForbiddenResponseTopic(r.ResponseTopic) {
		return ns, ErrResponseTopic
	}
	if r.QoS != 1 || r.ResponseTopic == "" || !r.HasCorrelationData {
		return ns, ErrNotRequest
	}
	if version, found := unsupportedVersion(r.Properties); found {
		reply.refuseVersion(version)
		return ns, nil
	}
	ns, version, err := s.execute(r, now, reply, ns)
	if err != nil {
		text, ok := replyText(err)
		if !ok {
			reply.fail(err)
			return ns, nil
		}
		reply.Payload = AppendError(reply.Payload, text)
	}
	reply.Properties = append(reply.Properties, UserProperty{"__stat", "200"}, UserProperty{"__protVer", "1.0"})
	if err == nil && !version.IsZero() {
		reply.Properties = append(reply.Properties, UserProperty{"__ts", s.format(version)})
	}
	return ns, nil
}

// replyText returns what an error is on the wire; false: it is the store's.
func replyText(err error) (ReplyError, bool) {
	if errors.Is(err, ErrSyntax) { // a *SyntaxError
		return ErrSyntax, true
	}
	return errors.AsType[ReplyError](err)
}

// refuseVersion answers a protocol version that we do not speak, as all services
// of this RPC protocol do.
func (r *Reply) refuseVersion(version string) {
	r.Properties = append(
		r.Properties,
		UserProperty{"__stat", "505"},
		UserProperty{"__protVer", "1.0"},
		UserProperty{"__stMsg", "protocol version not supported"},
		UserProperty{"__supProtMajVer", "1"},
		UserProperty{"__requestProtVer", version},
	)
}

// fail answers a request that the store failed. What went wrong is not the
// client's business.
func (r *Reply) fail(err error) {
	r.Fault = fmt.Errorf("statestore: store: %w", err)
	r.Properties = append(
		r.Properties,
		UserProperty{"__stat", "500"},
		UserProperty{"__protVer", "1.0"},
		UserProperty{"__stMsg", "internal error"},
	)
}

// format allocates the text only.
func (s *Service[S]) format(t Timestamp) string {
	s.text = t.Append(s.text[:0])
	return string(s.text)
}

// expireBatch bounds the entries that one call of Expire removes, so that it
// takes well under a millisecond. notifyBatch stops it early when many watch.
const (
	expireBatch = 128
	notifyBatch = 1024
)

// Expire removes entries that are due, and appends to ns who has to be notified.
// One call is short and may leave some for the next; see NextExpiry. The error is
// the store's.
func (s *Service[S]) Expire(now time.Time, ns []Notification[S]) ([]Notification[S], error) {
	enough := len(ns) + notifyBatch
	for range expireBatch {
		key, expires, found := s.store.Earliest(s.key[:0])
		if !found || expires > now.UnixMilli() || len(ns) >= enough {
			break
		}
		s.key = key
		var err error
		if ns, _, err = s.remove(key, s.clock.Tick(now), ns); err != nil {
			return ns, fmt.Errorf("statestore: store: %w", err)
		}
	}
	return ns, nil
}

// NextExpiry returns when Expire has to be called, which may be in the past;
// false: when something has changed. An entry that is due is never seen by a
// request, even if Expire is late.
func (s *Service[S]) NextExpiry() (time.Time, bool) {
	key, expires, found := s.store.Earliest(s.key[:0])
	s.key = key
	if !found {
		return time.Time{}, false
	}
	return time.UnixMilli(expires), true
}

// deadline returns when an entry expires. A life time beyond all time is none
// that anybody will see the end of.
func deadline(now time.Time, px int64) int64 {
	if px == 0 {
		return 0
	}
	ms := now.UnixMilli()
	if px > math.MaxInt64-ms {
		return math.MaxInt64
	}
	return ms + px
}
