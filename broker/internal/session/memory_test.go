package session_test

import (
	"runtime"
	"testing"
	"weak"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/broker/internal/session"
	"github.com/mqttwarden/mqttwarden/internal/topic"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// heap returns the bytes in use after make, per one of n results.
func heap(n int, make func()) int {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	make()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return (int(after.HeapAlloc) - int(before.HeapAlloc)) / n
}

// TestIdleMemory bounds what an idle session takes: new, with one subscription,
// and after a burst in each direction that it has got over.
func TestIdleMemory(t *testing.T) {
	const n = 300
	sessions := make([]*session.Session, n)
	f := topic.Filter{Filter: "devices/1/command"}
	out, in := text("out", 2), text("in", 2)
	tests := []struct {
		name string
		most int
		use  func(*session.Session)
	}{
		{"new", 512, func(*session.Session) {}},
		{"subscribed", 1536, func(s *session.Session) { s.Subscribe(f, routing.Options{}) }},
		{"after a burst", 3072, func(s *session.Session) { burst(s, out, in) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clear(sessions)
			got := heap(n, func() {
				for i := range sessions {
					sessions[i] = online(session.Limits{}, session.Params{})
					tt.use(sessions[i])
				}
			})
			t.Logf("%d bytes", got)
			if got > tt.most {
				t.Errorf("%d bytes per session, want at most %d", got, tt.most)
			}
			runtime.KeepAlive(sessions)
		})
	}
}

// burst sends 300 messages of QoS 2 each way, all in flight at once.
func burst(s *session.Session, out, in *message.Message) {
	const n = 300
	for range n {
		s.Enqueue(session.Delivery{Message: out, QoS: 2}, start)
	}
	s.AppendNext(nil, 1<<20, start)
	for id := range uint16(n) {
		s.Pubrec(id+1, mqttauth.Success)
		s.Hold(id+1, in)
	}
	s.AppendNext(nil, 1<<20, start)
	for id := range uint16(n) {
		s.Pubcomp(id + 1)
		s.Release(id + 1)
	}
	s.Compact()
}

// TestQueueShrinks: a queue that was long and stays in use gives memory back.
func TestQueueShrinks(t *testing.T) {
	m := text("x", 0)
	s := online(session.Limits{}, session.Params{})
	got := heap(1, func() {
		for range 10_000 {
			s.Enqueue(session.Delivery{Message: m}, start)
		}
		for s.Len() > 10 {
			s.AppendNext(nil, 1, start)
		}
	})
	if got > 32<<10 {
		t.Errorf("%d bytes for %d deliveries", got, s.Len())
	}
	runtime.KeepAlive(s)
}

// TestMessagesReleased: a session that lives on keeps no message that it has
// done with in memory, whatever way that went.
func TestMessagesReleased(t *testing.T) {
	s := online(session.Limits{}, session.Params{})
	var all []weak.Pointer[message.Message]
	add := func(qos byte) {
		m := text("x", qos)
		all = append(all, weak.Make(m))
		s.Enqueue(session.Delivery{Message: m, QoS: qos}, start)
	}
	for range 2 { // few enough for the smallest arrays, which are not replaced
		add(0)
		add(1)
		add(2)
	}
	s.AppendNext(nil, 1<<20, start)
	for id := range uint16(4) {
		s.Puback(id + 1)
		s.Pubrec(id+1, mqttauth.Success)
	}
	for range 5 {
		add(1)
	}
	s.Purge(func(m *message.Message) bool { return m != all[6].Value() && m != all[9].Value() })
	s.AppendNext(nil, 1<<20, start)
	for id := range uint16(3) {
		s.Puback(id + 5)
	}
	runtime.GC()
	for i, m := range all {
		if m.Value() != nil {
			t.Errorf("message %d is still in memory", i)
		}
	}
	is(t, "PUBRELs sent", s.Inflight(), 2)
	runtime.KeepAlive(s)
}

// TestSteadyAllocations: in a steady flow nothing is allocated per delivery.
func TestSteadyAllocations(t *testing.T) {
	buf := make([]byte, 0, 4096)
	for qos := range byte(3) {
		s := online(session.Limits{}, session.Params{})
		m := text("payload", qos)
		id := uint16(0)
		deliver := func() { id = roundTrip(s, m, qos, id, buf) }
		deliver()
		if a := testing.AllocsPerRun(1000, deliver); a != 0 {
			t.Errorf("QoS %d: %v allocations per delivery", qos, a)
		}
		if s.Inflight()+s.Len() != 0 {
			t.Errorf("QoS %d: %d in flight, %d waiting", qos, s.Inflight(), s.Len())
		}
	}
}

// roundTrip delivers one message and acknowledges it. It returns its packet id,
// given the one before.
func roundTrip(s *session.Session, m *message.Message, qos byte, id uint16, buf []byte) uint16 {
	s.Enqueue(session.Delivery{Message: m, QoS: qos}, start)
	return flush(s, 1, qos, id, buf)
}

// flush sends n messages in one write and acknowledges them. It returns the
// packet id of the last, given the one before the first.
func flush(s *session.Session, n int, qos byte, before uint16, buf []byte) uint16 {
	s.AppendNext(buf, cap(buf), start)
	id := before
	for range n {
		id = following(id)
		s.Puback(id)
		s.Pubrec(id, mqttauth.Success)
	}
	if qos < 2 {
		return id
	}
	s.AppendNext(buf, cap(buf), start)
	for range n {
		before = following(before)
		s.Pubcomp(before)
	}
	return id
}

func following(id uint16) uint16 { return max(1, id+1) }
