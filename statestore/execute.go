package statestore

import (
	"bytes"
	"time"
)

// execute returns the version that goes with the reply; zero: none.
func (s *Service[S]) execute(r *Request[S], now time.Time, reply *Reply, ns []Notification[S]) ([]Notification[S], Timestamp, error) {
	c, err := ParseCommand(r.Payload)
	if err != nil {
		return ns, Timestamp{}, err
	}
	if !allowed(r.Keys, &c) {
		return ns, Timestamp{}, ErrNotAuthorized
	}
	h, err := parseHeader(r.Properties, now)
	if err != nil {
		return ns, Timestamp{}, err
	}
	switch c.Verb {
	case Set:
		return s.set(&c, &h, reply, ns)
	case Get:
		return s.get(&c, &h, reply, ns)
	case Del, VDel:
		return s.del(&c, &h, reply, ns)
	case KeyNotify:
		return ns, Timestamp{}, s.keyNotify(r, &c, reply)
	}
	return ns, Timestamp{}, ErrUnknownCommand
}

// allowed asks for the right that a command needs; KEYNOTIFY STOP needs none
// (STORE-2).
func allowed(keys KeyAuthorizer, c *Command) bool {
	switch {
	case c.Stop:
		return true
	case keys == nil:
		return false
	case c.Verb == Get, c.Verb == KeyNotify:
		return keys.CanReadKey(c.Key)
	}
	return keys.CanWriteKey(c.Key)
}

func (s *Service[S]) set(c *Command, h *header, reply *Reply, ns []Notification[S]) ([]Notification[S], Timestamp, error) {
	if h.time.IsZero() {
		return ns, Timestamp{}, ErrMissingTimestamp
	}
	ns, old, found, err := s.lookUp(c.Key, h.now, ns)
	if err != nil {
		return ns, Timestamp{}, err
	}
	if err := checkFence(old.Fence, h.fence); err != nil {
		return ns, Timestamp{}, err
	}
	same := found && c.Condition == IfAbsentOrEqual && bytes.Equal(old.Value, c.Value)
	if found && c.Condition != Always && !same {
		reply.Payload = AppendInteger(reply.Payload, -1)
		return ns, old.Version, nil
	}
	version, err := s.clock.Receive(h.now, h.time)
	if err != nil {
		return ns, Timestamp{}, err
	}
	e := Entry{
		Value:   c.Value,
		Version: version,
		Fence:   h.fence, // at least the old one
		Expires: deadline(h.now, c.PX),
		Persist: h.persist,
	}
	if err := s.store.Put(c.Key, e); err != nil {
		return ns, Timestamp{}, err
	}
	if found {
		s.counts.Modifications++
	} else {
		s.counts.Insertions++
	}
	reply.Payload = AppendOK(reply.Payload)
	if at := s.watches.byKey[string(c.Key)]; at != nil {
		ns = s.notify(at, AppendSetNotification(nil, c.Value), version, ns)
	}
	return ns, version, nil
}

// checkFence compares the token of a request with the one that protects the key.
func checkFence(stored, token Timestamp) error {
	switch {
	case stored.IsZero():
		return nil
	case token.IsZero():
		return ErrFenceRequired
	case token.Compare(stored) < 0:
		return ErrFenceLower
	}
	return nil
}

func (s *Service[S]) get(c *Command, h *header, reply *Reply, ns []Notification[S]) ([]Notification[S], Timestamp, error) {
	ns, e, found, err := s.lookUp(c.Key, h.now, ns)
	if err != nil {
		return ns, Timestamp{}, err
	}
	s.counts.Retrievals++
	if !found {
		reply.Payload = AppendNull(reply.Payload)
		return ns, Timestamp{}, nil
	}
	reply.Payload = AppendBulk(reply.Payload, e.Value)
	return ns, e.Version, nil
}

func (s *Service[S]) del(c *Command, h *header, reply *Reply, ns []Notification[S]) ([]Notification[S], Timestamp, error) {
	ns, old, found, err := s.lookUp(c.Key, h.now, ns)
	if err != nil {
		return ns, Timestamp{}, err
	}
	if !found {
		reply.Payload = AppendInteger(reply.Payload, 0)
		return ns, Timestamp{}, nil
	}
	if err := checkFence(old.Fence, h.fence); err != nil {
		return ns, Timestamp{}, err
	}
	if c.Verb == VDel && !bytes.Equal(old.Value, c.Value) {
		reply.Payload = AppendInteger(reply.Payload, -1)
		return ns, old.Version, nil
	}
	version, err := s.clock.Receive(h.now, h.time)
	if err != nil {
		return ns, Timestamp{}, err
	}
	ns, version, err = s.remove(c.Key, version, ns)
	if err != nil {
		return ns, Timestamp{}, err
	}
	reply.Payload = AppendInteger(reply.Payload, 1)
	return ns, version, nil
}

func (s *Service[S]) keyNotify(r *Request[S], c *Command, reply *Reply) error {
	if c.Stop {
		if !s.watches.remove(r.Session, c.Key) {
			reply.Payload = AppendInteger(reply.Payload, 0)
			return nil
		}
		reply.Payload = AppendOK(reply.Payload)
		return nil
	}
	if err := s.watches.add(r.Session, r.ClientID, c.Key); err != nil {
		return err
	}
	s.counts.NotifyRequests++
	reply.Payload = AppendOK(reply.Payload)
	return nil
}

// lookUp returns the entry of a key. One that is due is removed now, and whoever
// watches it is told, before the request goes on.
func (s *Service[S]) lookUp(key []byte, now time.Time, ns []Notification[S]) ([]Notification[S], Entry, bool, error) {
	e, found, err := s.store.Get(key)
	if err != nil {
		return ns, Entry{}, false, err
	}
	if !found {
		return ns, Entry{}, false, nil
	}
	if e.Expires == 0 || e.Expires > now.UnixMilli() {
		return ns, e, true, nil
	}
	ns, _, err = s.remove(key, s.clock.Tick(now), ns)
	return ns, Entry{}, false, err
}

// remove deletes an entry and tells who watches it.
func (s *Service[S]) remove(key []byte, version Timestamp, ns []Notification[S]) ([]Notification[S], Timestamp, error) {
	if err := s.store.Delete(key, version); err != nil {
		return ns, Timestamp{}, err
	}
	s.counts.Deletions++
	if at := s.watches.byKey[string(key)]; at != nil {
		ns = s.notify(at, AppendDeleteNotification(nil), version, ns)
	}
	return ns, version, nil
}
