package session_test

import (
	"math/rand/v2"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/session"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// TestS08ReleaseAfterResume: a QoS 2 publish that was received before a
// reconnect is handed out at its PUBREL, once, for the broker to decide again
// (AUTHZ-12).
func TestS08ReleaseAfterResume(t *testing.T) {
	s := online(session.Limits{}, session.Params{})
	m := text("held", 2)
	is(t, "Admit", s.Admit(7, 2), session.Accepted)
	is(t, "Hold", s.Hold(7, m), true)
	s.Detach()
	s.Attach(session.Params{Version: mqttauth.MQTT5})
	is(t, "Admit again", s.Admit(7, 2), session.Duplicate)
	got, ok := s.Release(7)
	is(t, "released", got, m)
	is(t, "Release", ok, true)
	_, ok = s.Release(7)
	is(t, "Release again", ok, false)
	is(t, "Held", s.Held(), 0)
	is(t, "Admit after", s.Admit(7, 2), session.Accepted)
}

// TestReceiveMaximum: the server's own receive maximum counts both QoS, per
// connection [MQTT-3.3.4-7].
func TestReceiveMaximum(t *testing.T) {
	s := online(session.Limits{Received: 3}, session.Params{})
	for id := range uint16(3) {
		qos := 1 + byte(id&1)
		is(t, "Admit", s.Admit(id+1, qos), session.Accepted)
		is(t, "Hold", s.Hold(id+1, text("x", qos)), true)
	}
	is(t, "the fourth", s.Admit(4, 1), session.Exceeded)
	is(t, "Admit a duplicate", s.Admit(2, 2), session.Duplicate)
	is(t, "other QoS", s.Admit(2, 1), session.InUse)
	is(t, "Acknowledge", s.Acknowledge(1), true)
	is(t, "Acknowledge again", s.Acknowledge(1), false)
	is(t, "Acknowledge QoS 2", s.Acknowledge(2), false)
	is(t, "Admit", s.Admit(4, 1), session.Accepted)
	is(t, "Hold", s.Hold(4, text("x", 1)), true)

	// QoS 1 is forgotten, QoS 2 kept but not counted until it is sent again.
	s.Attach(session.Params{Version: mqttauth.MQTT5})
	is(t, "Held", s.Held(), 1)
	is(t, "late acknowledgement", s.Acknowledge(4), false)
	for id := range uint16(2) {
		is(t, "Admit", s.Admit(id+10, 2), session.Accepted)
		is(t, "Hold", s.Hold(id+10, text("x", 2)), true)
	}
	is(t, "Admit sent again", s.Admit(2, 2), session.Duplicate)
	is(t, "over the maximum", s.Admit(12, 2), session.Exceeded)

	// MQTT 3.1.1 knows no receive maximum.
	s.Attach(session.Params{Version: mqttauth.MQTT311})
	for id := range uint16(10) {
		is(t, "Admit", s.Admit(id+20, 2), session.Accepted)
		is(t, "Hold", s.Hold(id+20, text("x", 2)), true)
	}
}

// TestHeldBytes: messages received and not released are bounded, whatever the
// number of reconnects.
func TestHeldBytes(t *testing.T) {
	s := online(session.Limits{Bytes: 3 * text("x", 2).Size()}, session.Params{})
	for id := range uint16(3) {
		is(t, "Hold", s.Hold(id+1, text("x", 2)), true)
		s.Attach(session.Params{Version: mqttauth.MQTT5})
	}
	is(t, "Hold", s.Hold(4, text("x", 2)), false)
	s.Release(1)
	is(t, "Hold", s.Hold(4, text("x", 2)), true)
	s.Attach(session.Params{Version: mqttauth.MQTT5, Clean: true})
	is(t, "Held", s.Held(), 0)
}

// TestInboundModel compares random conversations with a map.
func TestInboundModel(t *testing.T) {
	type naive struct {
		m       *message.Message
		current bool
	}
	const maximum = 12
	r := rand.New(rand.NewPCG(1, 2))
	s, held := online(session.Limits{Received: maximum}, session.Params{}), make(map[uint16]naive)
	current := func() (n int) {
		for _, h := range held {
			if h.current {
				n++
			}
		}
		return n
	}
	for range 50_000 {
		id, qos := uint16(1+r.IntN(25)), byte(1+r.IntN(2))
		h, had := held[id]
		fits := had && h.m.QoS() == qos
		switch n := r.IntN(200); {
		case n == 0:
			s.Attach(session.Params{Version: mqttauth.MQTT5})
			for id, h := range held {
				if h.m.QoS() == 1 {
					delete(held, id)
					continue
				}
				held[id] = naive{h.m, false}
			}
		case n < 100:
			want := session.Accepted
			switch {
			case had && !fits:
				want = session.InUse
			case had && h.current:
				want = session.Duplicate
			case current() >= maximum:
				want = session.Exceeded
			case had:
				want = session.Duplicate
				held[id] = naive{h.m, true}
			}
			if got := s.Admit(id, qos); got != want {
				t.Fatalf("Admit(%d, %d) = %v, want %v", id, qos, got, want)
			}
			if want == session.Accepted {
				m := text("x", qos)
				s.Hold(id, m)
				held[id] = naive{m, true}
			}
		case qos == 1:
			if got := s.Acknowledge(id); got != fits {
				t.Fatalf("Acknowledge(%d) = %v, want %v", id, got, fits)
			}
			if fits {
				delete(held, id)
			}
		default:
			m, ok := s.Release(id)
			if ok != fits || ok && m != h.m {
				t.Fatalf("Release(%d) = %v, %v, want %v", id, m, ok, fits)
			}
			if fits {
				delete(held, id)
			}
		}
		if s.Held() != len(held) {
			t.Fatalf("Held() = %d, want %d", s.Held(), len(held))
		}
	}
}
