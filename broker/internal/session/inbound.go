package session

import (
	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// receipts are the publishes received and not completed: QoS 2 until PUBREL,
// QoS 1 while the acknowledgement is put off. The zero value is empty.
type receipts struct {
	held  map[uint16]receipt
	peak  int // greatest length of held
	used  int // of those, received on this connection
	bytes int
}

type receipt struct {
	message *message.Message
	current bool // received on this connection
}

// keptReceipts is the size above which an empty map is given back at once.
const keptReceipts = 512

// Receipt says what to do with a PUBLISH of QoS 1 or 2.
type Receipt byte

const (
	// Exceeded is the zero Receipt: the client has more unacknowledged than the
	// receive maximum of Limits. DISCONNECT 0x93 [MQTT-3.3.4-7].
	Exceeded Receipt = iota
	// InUse means that a publish of the other QoS has the packet id: 0x91.
	InUse
	// Duplicate means that the same publish is held already. QoS 2 is answered
	// by PUBREC again and not routed again [MQTT-4.3.3-10]; for QoS 1 the
	// acknowledgement is still to come.
	Duplicate
	// Accepted means that the publish is new.
	Accepted
)

// Admit judges the packet id of a PUBLISH of QoS 1 or 2. It changes nothing but
// the account of a duplicate. One that is accepted and not acknowledged at once
// is then given to Hold.
func (s *Session) Admit(id uint16, qos byte) Receipt {
	r := &s.receipts
	old, held := r.held[id]
	if held && old.message.QoS() != qos {
		return InUse
	}
	if held && old.current {
		return Duplicate
	}
	// MQTT 3.1.1 has no receive maximum; there the bytes are the only bound.
	if r.used >= s.limits.Received && s.connection.version == mqttauth.MQTT5 {
		return Exceeded
	}
	if !held {
		return Accepted
	}
	// Sent again after a reconnect: it counts on this connection.
	old.current = true
	r.held[id] = old
	r.used++
	return Duplicate
}

// Hold keeps the message of a publish that Admit accepted: of QoS 2 until
// Release, of QoS 1 until Acknowledge. It survives a reconnect if it is of QoS
// 2. Hold returns false, and keeps nothing, when Limits.Bytes would be exceeded:
// the publish is then refused with 0x97, for MQTT 3.1.1 by closing.
func (s *Session) Hold(id uint16, m *message.Message) bool {
	r := &s.receipts
	if m.Size() > s.limits.Bytes-r.bytes {
		return false
	}
	if r.held == nil {
		r.held = make(map[uint16]receipt)
	}
	r.held[id] = receipt{m, true}
	r.peak = max(r.peak, len(r.held))
	r.used++
	r.bytes += m.Size()
	return true
}

// Release takes the message of a QoS 2 publish out at its PUBREL. The broker
// decides again whether it may be routed (AUTHZ-12). It returns false for a
// packet id that is not held: PUBCOMP 0x92.
func (s *Session) Release(id uint16) (*message.Message, bool) {
	return s.receipts.take(id, 2)
}

// Acknowledge ends a QoS 1 publish that was held, when its PUBACK is sent. It
// returns false when it is not held any more, as after a reconnect; then no
// PUBACK may be sent.
func (s *Session) Acknowledge(id uint16) bool {
	_, held := s.receipts.take(id, 1)
	return held
}

// Held returns the number of publishes received and not completed.
func (s *Session) Held() int { return len(s.receipts.held) }

func (r *receipts) take(id uint16, qos byte) (*message.Message, bool) {
	old, held := r.held[id]
	if !held || old.message.QoS() != qos {
		return nil, false
	}
	r.forget(id, old)
	return old.message, true
}

func (r *receipts) forget(id uint16, old receipt) {
	delete(r.held, id)
	r.bytes -= old.message.Size()
	if old.current {
		r.used--
	}
	if len(r.held) == 0 && r.peak > keptReceipts {
		r.held, r.peak = nil, 0
	}
}

// compact gives back the map if it is empty.
func (r *receipts) compact() {
	if len(r.held) == 0 {
		r.held, r.peak = nil, 0
	}
}

// disconnect forgets QoS 1 and lets QoS 2 count no longer against the receive
// maximum: the client's own count begins anew with each connection.
func (r *receipts) disconnect() {
	for id, old := range r.held {
		if old.message.QoS() == 1 {
			r.forget(id, old)
			continue
		}
		old.current = false
		r.held[id] = old
	}
	r.used = 0
}
