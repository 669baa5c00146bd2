package statestore

// Limits bound the registrations of KEYNOTIFY (STORE-8). Zero or less in a field
// means its default. Whoever reaches one gets ErrQuota.
type Limits struct {
	// Watches is how many registrations there are in total, and WatchesPerSession
	// how many of one session. Default: 1,000,000 and 10,000.
	Watches           int
	WatchesPerSession int

	// WatchBytes is how many bytes all registrations take, and BytesPerSession
	// how many those of one session: their keys and topics, and 256 for each.
	// Default: 256 MiB and 16 MiB.
	WatchBytes      int
	BytesPerSession int
}

// watchOverhead is what a registration costs besides key and topic, in bytes.
const watchOverhead = 256

// watches are the registrations, found by key and by session.
type watches[S comparable] struct {
	limits       Limits
	count, bytes int
	byKey        map[string]*watched[S]
	bySession    map[S]*watcher[S]
}

// watched is a key and who watches it.
type watched[S comparable] struct {
	key      string
	watchers []*watch[S]
}

// watcher is a session that watches.
type watcher[S comparable] struct {
	bytes   int
	watches map[string]*watch[S]
}

type watch[S comparable] struct {
	session S
	topic   string
	place   int // in watched.watchers
}

func newWatches[S comparable](l Limits) watches[S] {
	withDefault := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	withDefault(&l.Watches, 1_000_000)
	withDefault(&l.WatchesPerSession, 10_000)
	withDefault(&l.WatchBytes, 256<<20)
	withDefault(&l.BytesPerSession, 16<<20)
	return watches[S]{limits: l, byKey: make(map[string]*watched[S]), bySession: make(map[S]*watcher[S])}
}

// add registers a session for a key; again is no error and changes nothing. A
// topic that MQTT cannot carry is refused like everything that is too much.
func (w *watches[S]) add(session S, clientID string, key []byte) error {
	from := w.bySession[session]
	if from != nil && from.watches[string(key)] != nil {
		return nil
	}
	topic := notificationTopicLen(clientID, key)
	size := len(key) + topic + watchOverhead
	l := &w.limits
	if topic > maxTopic || w.count >= l.Watches || size > l.WatchBytes-w.bytes || size > l.BytesPerSession {
		return ErrQuota
	}
	if from == nil {
		from = &watcher[S]{watches: make(map[string]*watch[S])}
	}
	if len(from.watches) >= l.WatchesPerSession || size > l.BytesPerSession-from.bytes {
		return ErrQuota
	}
	at := w.byKey[string(key)]
	if at == nil {
		at = &watched[S]{key: string(key)}
		w.byKey[at.key] = at
	}
	one := &watch[S]{session: session, topic: NotificationTopic(clientID, key), place: len(at.watchers)}
	at.watchers = append(at.watchers, one)
	from.watches[at.key] = one
	w.bySession[session] = from
	w.count++
	w.bytes += size
	from.bytes += size
	return nil
}

// remove reports whether the session was registered for the key.
func (w *watches[S]) remove(session S, key []byte) bool {
	from := w.bySession[session]
	if from == nil {
		return false
	}
	one := from.watches[string(key)]
	if one == nil {
		return false
	}
	at := w.byKey[string(key)]
	last := len(at.watchers) - 1
	at.watchers[one.place] = at.watchers[last]
	at.watchers[one.place].place = one.place
	at.watchers[last] = nil
	at.watchers = at.watchers[:last]
	if last == 0 {
		delete(w.byKey, at.key)
	}
	size := len(key) + len(one.topic) + watchOverhead
	w.count--
	w.bytes -= size
	from.bytes -= size
	delete(from.watches, at.key)
	if len(from.watches) == 0 {
		delete(w.bySession, session)
	}
	return true
}

// Disconnect ends all registrations of a session: its connection is gone.
func (s *Service[S]) Disconnect(session S) {
	s.Reauthorize(session, nil)
}

// Reauthorize ends the registrations of a session for keys that it may no longer
// read (AUTHZ-12), and returns how many. Nil keys allow none.
func (s *Service[S]) Reauthorize(session S, keys KeyAuthorizer) int {
	from := s.watches.bySession[session]
	if from == nil {
		return 0
	}
	ended := 0
	for key := range from.watches {
		k := []byte(key)
		if keys != nil && keys.CanReadKey(k) {
			continue
		}
		s.watches.remove(session, k)
		ended++
	}
	return ended
}

// notify appends one notification for each watcher of a key, who all share
// payload and properties.
func (s *Service[S]) notify(at *watched[S], payload []byte, version Timestamp, ns []Notification[S]) []Notification[S] {
	properties := []UserProperty{{"__ts", s.format(version)}}
	for _, one := range at.watchers {
		ns = append(ns, Notification[S]{Session: one.session, Topic: one.topic, Key: at.key, Payload: payload, Properties: properties})
	}
	s.counts.NotificationsSent += uint64(len(at.watchers))
	return ns
}
