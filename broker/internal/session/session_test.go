package session_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/broker/internal/session"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/internal/topic"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// online returns a session with a connection.
func online(l session.Limits, p session.Params) *session.Session {
	if p.Version == 0 {
		p.Version = mqttauth.MQTT5
	}
	s := session.New(l)
	s.Attach(p)
	return s
}

func text(payload string, qos byte) *message.Message {
	p := &wire.Publish{Topic: "t", Payload: []byte(payload), QoS: qos}
	return message.New(p, mqttauth.MQTT5, nil, start)
}

// enqueue adds n messages with the payloads first, first+1 and so on.
func enqueue(t testing.TB, s *session.Session, first, n int, qos byte) {
	t.Helper()
	for i := range n {
		d := session.Delivery{Message: text(fmt.Sprint(first+i), qos), QoS: qos}
		if r := s.Enqueue(d, start); r != session.Queued {
			t.Fatalf("Enqueue: %v", r)
		}
	}
}

// take returns what the session sends now, one line per packet: "0 payload",
// "1#id payload", with "dup" behind when set, or "rel#id".
func take(t testing.TB, s *session.Session) []string {
	t.Helper()
	out, more := s.AppendNext(nil, 1<<20, start)
	if more {
		t.Error("more = true below the budget")
	}
	return lines(t, out, mqttauth.MQTT5)
}

func lines(t testing.TB, b []byte, v mqttauth.Version) (all []string) {
	t.Helper()
	r := wire.NewReader(bytes.NewReader(b))
	for {
		f, err := r.Next(1 << 20)
		if err != nil {
			return all
		}
		if f.Type == wire.PUBREL {
			var a wire.Ack
			if err := a.Decode(f, v); err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprintf("rel#%d", a.PacketID))
			continue
		}
		var p wire.Publish
		if err := p.Decode(f.Clone(), v); err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%d#%d %s", p.QoS, p.PacketID, p.Payload)
		if p.Dup {
			line += " dup"
		}
		all = append(all, line)
	}
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

func is(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// TestE1ReceiveMaximum: receive maximum 5, 50 messages of QoS 1, acknowledged
// at once: all arrive, in order, never more than 5 in flight.
func TestE1ReceiveMaximum(t *testing.T) {
	s := online(session.Limits{}, session.Params{ReceiveMaximum: 5})
	enqueue(t, s, 1, 50, 1)
	next := 1
	for next <= 50 {
		sent := take(t, s)
		if len(sent) == 0 || len(sent) > 5 || s.Inflight() > 5 {
			t.Fatalf("%d sent, %d in flight, at message %d", len(sent), s.Inflight(), next)
		}
		is(t, "Ready at the maximum", s.Ready(), false)
		for _, line := range sent {
			is(t, "packet", line, fmt.Sprintf("1#%d %d", next, next))
			is(t, "Puback", s.Puback(uint16(next)), session.Done)
			next++
		}
	}
	is(t, "Bytes", s.Bytes(), 0)
}

// TestE2TwoIDSpaces: a PUBLISH from the client with the id of an unacknowledged
// message to it touches nothing.
func TestE2TwoIDSpaces(t *testing.T) {
	s := online(session.Limits{}, session.Params{})
	enqueue(t, s, 1, 1, 2)
	expect(t, take(t, s), "2#1 1")
	is(t, "Admit", s.Admit(1, 2), session.Accepted)
	is(t, "Hold", s.Hold(1, text("in", 2)), true)
	is(t, "Pubrec", s.Pubrec(1, mqttauth.Success), session.Done)
	if m, ok := s.Release(1); !ok || string(m.Payload()) != "in" {
		t.Fatal("the received message is gone")
	}
	expect(t, take(t, s), "rel#1")
	is(t, "Pubcomp", s.Pubcomp(1), session.Done)
}

// TestE3Resume: PUBREL first and in the order of PUBREC, then what was sent with
// DUP, then what was not without, and never more than the maximum.
func TestE3Resume(t *testing.T) {
	s := online(session.Limits{}, session.Params{ReceiveMaximum: 4})
	enqueue(t, s, 1, 200, 2)
	expect(t, take(t, s), "2#1 1", "2#2 2", "2#3 3", "2#4 4")
	s.Pubrec(3, mqttauth.Success)
	s.Pubrec(1, mqttauth.Success)
	expect(t, take(t, s), "rel#3", "rel#1")
	s.Detach()
	expect(t, take(t, s))
	s.Attach(session.Params{Version: mqttauth.MQTT5, ReceiveMaximum: 3})
	expect(t, take(t, s), "rel#3", "rel#1", "2#2 2 dup")
	s.Pubcomp(3)
	expect(t, take(t, s), "2#4 4 dup")
	s.Pubcomp(1)
	expect(t, take(t, s), "2#5 5")
	is(t, "Len", s.Len(), 195)
}

// TestTakeover attaches without a Detach before.
func TestTakeover(t *testing.T) {
	s := online(session.Limits{}, session.Params{})
	enqueue(t, s, 1, 1, 1)
	expect(t, take(t, s), "1#1 1")
	enqueue(t, s, 2, 1, 0)
	enqueue(t, s, 3, 1, 1)
	s.Attach(session.Params{Version: mqttauth.MQTT5})
	expect(t, take(t, s), "1#1 1 dup", "1#2 3")
	is(t, "Offline", s.Dropped().Offline, uint64(1))
	s.Subscribe(topic.Filter{Filter: "a"}, routing.Options{})
	s.Attach(session.Params{Version: mqttauth.MQTT5, Clean: true})
	expect(t, take(t, s))
	is(t, "left", s.Inflight()+s.Len()+s.Bytes()+s.SubscriptionCount(), 0)
	is(t, "Offline", s.Dropped().Offline, uint64(1))
}

// TestOffline: without a connection QoS 0 is dropped and the rest kept.
func TestOffline(t *testing.T) {
	s := session.New(session.Limits{})
	is(t, "QoS 0", s.Enqueue(session.Delivery{Message: text("x", 0)}, start), session.DroppedOffline)
	enqueue(t, s, 1, 2, 1)
	is(t, "Attached", s.Attached(), false)
	expect(t, take(t, s))
	s.Attach(session.Params{Version: mqttauth.MQTT5})
	is(t, "Attached", s.Attached(), true)
	expect(t, take(t, s), "1#1 1", "1#2 2")
}

// TestLimits: over a limit the newest is dropped, of any QoS, and counted.
func TestLimits(t *testing.T) {
	size := text("1", 1).Size()
	tests := []struct {
		name   string
		limits session.Limits
	}{
		{"messages", session.Limits{Queued: 3}},
		{"bytes", session.Limits{Bytes: 3*size + 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := online(tt.limits, session.Params{})
			enqueue(t, s, 1, 3, 1)
			for qos := range byte(3) {
				is(t, "Enqueue", s.Enqueue(session.Delivery{Message: text("9", 2), QoS: qos}, start), session.DroppedFull)
			}
			is(t, "Full", s.Dropped().Full, uint64(3))
			expect(t, take(t, s), "1#1 1", "1#2 2", "1#3 3")
			for id := range uint16(3) {
				s.Puback(id + 1)
			}
			enqueue(t, s, 4, 3, 0)
			expect(t, take(t, s), "0#0 4", "0#0 5", "0#0 6")
		})
	}
}

// TestUnacknowledgedBytes: what a client does not acknowledge still counts.
func TestUnacknowledgedBytes(t *testing.T) {
	s := online(session.Limits{Bytes: 2 * text("1", 1).Size()}, session.Params{})
	enqueue(t, s, 1, 2, 2)
	take(t, s)
	is(t, "Enqueue", s.Enqueue(session.Delivery{Message: text("3", 2), QoS: 2}, start), session.DroppedFull)
	s.Pubrec(1, mqttauth.Success) // from now on only the packet id is needed
	enqueue(t, s, 3, 1, 2)
}

// TestFullOfExpired: a queue that is full of expired messages makes room.
func TestFullOfExpired(t *testing.T) {
	s := session.New(session.Limits{Queued: 2})
	p := &wire.Publish{Topic: "t", QoS: 1, MessageExpiry: wire.Some[uint32](1)}
	old := session.Delivery{Message: message.New(p, mqttauth.MQTT5, nil, start), QoS: 1}
	s.Enqueue(old, start)
	s.Enqueue(old, start)
	is(t, "before", s.Enqueue(old, start.Add(time.Second)), session.DroppedFull)
	is(t, "after", s.Enqueue(session.Delivery{Message: text("new", 1), QoS: 1}, start.Add(3*time.Second)), session.Queued)
	is(t, "Expired", s.Dropped().Expired, uint64(2))
	s.Attach(session.Params{Version: mqttauth.MQTT5})
	expect(t, take(t, s), "1#1 new")
}

// TestExpiredInFlight: what was sent before it expired is sent again and
// completed; what was not is dropped without using a packet id.
func TestExpiredInFlight(t *testing.T) {
	s := online(session.Limits{}, session.Params{ReceiveMaximum: 1})
	p := &wire.Publish{Topic: "t", QoS: 1, MessageExpiry: wire.Some[uint32](1)}
	for range 2 {
		s.Enqueue(session.Delivery{Message: message.New(p, mqttauth.MQTT5, nil, start), QoS: 1}, start)
	}
	enqueue(t, s, 3, 1, 1)
	take(t, s)
	s.Attach(session.Params{Version: mqttauth.MQTT5})
	out, _ := s.AppendNext(nil, 1<<20, start.Add(time.Minute))
	expect(t, lines(t, out, mqttauth.MQTT5), "1#1  dup", "1#2 3")
	is(t, "Expired", s.Dropped().Expired, uint64(1))
}

// TestMaximumPacketSize: what is too large for the client is dropped silently
// and blocks nothing, also when only the new connection has the limit.
func TestMaximumPacketSize(t *testing.T) {
	s := online(session.Limits{}, session.Params{ReceiveMaximum: 1})
	enqueue(t, s, 1_000_000_000, 1, 1)
	take(t, s)
	enqueue(t, s, 1_000_000_001, 1, 0)
	enqueue(t, s, 1_000_000_002, 1, 1)
	enqueue(t, s, 7, 1, 2)
	s.Attach(session.Params{Version: mqttauth.MQTT5, ReceiveMaximum: 1, MaximumPacketSize: 10})
	expect(t, take(t, s), "2#3 7")
	is(t, "TooLarge", s.Dropped().TooLarge, uint64(2))
	is(t, "Inflight", s.Inflight(), 1)
}

// TestAUTHZ12Purge: what waits is dropped, what was sent is completed.
func TestAUTHZ12Purge(t *testing.T) {
	s := online(session.Limits{}, session.Params{ReceiveMaximum: 1})
	s.Subscribe(topic.Filter{Share: "g", Filter: "u/+"}, routing.Options{})
	s.Subscribe(topic.Filter{Filter: "t"}, routing.Options{})
	enqueue(t, s, 1, 3, 2)
	m := message.New(&wire.Publish{Topic: "u/1", Payload: []byte("kept")}, mqttauth.MQTT5, nil, start)
	s.Enqueue(session.Delivery{Message: m, QoS: 1}, start)
	expect(t, take(t, s), "2#1 1")
	s.Unsubscribe(topic.Filter{Filter: "t"})
	is(t, "Purge", s.Purge(func(m *message.Message) bool { return s.Subscribed(m.Topic()) }), 2)
	is(t, "Purged", s.Dropped().Purged, uint64(2))
	s.Attach(session.Params{Version: mqttauth.MQTT5, ReceiveMaximum: 1})
	expect(t, take(t, s), "2#1 1 dup")
	s.Pubrec(1, mqttauth.Success)
	expect(t, take(t, s), "rel#1")
	s.Pubcomp(1)
	expect(t, take(t, s), "1#2 kept")
}

// TestAcknowledgements: which answers fit which state.
func TestAcknowledgements(t *testing.T) {
	s := online(session.Limits{}, session.Params{})
	enqueue(t, s, 1, 1, 1)
	enqueue(t, s, 2, 2, 2)
	expect(t, take(t, s), "1#1 1", "2#2 2", "2#3 3")
	for _, id := range []uint16{0, 4, 65535} {
		is(t, "unknown PUBACK", s.Puback(id), session.Unknown)
		is(t, "unknown PUBREC", s.Pubrec(id, mqttauth.Success), session.Unknown)
		is(t, "unknown PUBCOMP", s.Pubcomp(id), session.Unknown)
	}
	is(t, "PUBACK for QoS 2", s.Puback(2), session.Mismatch)
	is(t, "PUBREC for QoS 1", s.Pubrec(1, mqttauth.Success), session.Mismatch)
	is(t, "PUBCOMP before PUBREC", s.Pubcomp(2), session.Mismatch)
	is(t, "PUBREC with an error", s.Pubrec(3, wire.QuotaExceeded), session.Done)
	is(t, "the same again", s.Pubrec(3, wire.QuotaExceeded), session.Unknown)
	is(t, "PUBREC with a code below 0x80", s.Pubrec(2, wire.NoMatchingSubscribers), session.Done)
	expect(t, take(t, s), "rel#2")
	is(t, "PUBREC again", s.Pubrec(2, mqttauth.Success), session.Done)
	expect(t, take(t, s), "rel#2")
	is(t, "PUBACK after PUBREC", s.Puback(2), session.Mismatch)
	is(t, "PUBCOMP", s.Pubcomp(2), session.Done)
	is(t, "PUBACK", s.Puback(1), session.Done)
	is(t, "left", s.Inflight()+s.Bytes(), 0)
}

// TestPacketIDs: ids go round all values and skip those in use, for however
// long one message stays unacknowledged, without growing the table.
func TestPacketIDs(t *testing.T) {
	s := online(session.Limits{Inflight: 3}, session.Params{})
	enqueue(t, s, 0, 1, 1)
	expect(t, take(t, s), "1#1 0")
	seen := make(map[uint16]bool)
	for range 70_000 {
		s.Enqueue(session.Delivery{Message: text("", 1), QoS: 1}, start)
		out, _ := s.AppendNext(nil, 1000, start)
		id := uint16(out[5])<<8 | uint16(out[6]) // behind two bytes of header and three of topic
		if id == 0 || id == 1 || s.Puback(id) != session.Done {
			t.Fatalf("id %d", id)
		}
		seen[id] = true
	}
	// Of the eight slots of the table the first message blocks one.
	is(t, "ids used", len(seen), 1<<16-1-1<<13)
	is(t, "PUBACK of the first", s.Puback(1), session.Done)
}

// TestLargeWindow fills the largest window, cuts, resumes and acknowledges from
// the end.
func TestLargeWindow(t *testing.T) {
	const n = 1 << 15
	s := online(session.Limits{Inflight: 1 << 20, Queued: 2 * n, Bytes: 1 << 30}, session.Params{})
	m := text("x", 1)
	for range n + 5 {
		s.Enqueue(session.Delivery{Message: m, QoS: 1}, start)
	}
	is(t, "sent", len(take(t, s)), n)
	s.Attach(session.Params{Version: mqttauth.MQTT5})
	is(t, "sent again", len(take(t, s)), n)
	for id := uint16(n); id > 0; id-- {
		if s.Puback(id) != session.Done {
			t.Fatalf("id %d", id)
		}
	}
	expect(t, take(t, s), "1#32769 x", "1#32770 x", "1#32771 x", "1#32772 x", "1#32773 x")
}

// TestBudget: a write is exceeded by less than one packet.
func TestBudget(t *testing.T) {
	s := online(session.Limits{}, session.Params{})
	enqueue(t, s, 10, 5, 0)
	out, more := s.AppendNext(nil, 0, start)
	is(t, "bytes without a budget", len(out), 0)
	is(t, "more", more, true)
	one, _ := s.AppendNext(nil, 1, start)
	out, more = s.AppendNext(nil, len(one)+1, start)
	is(t, "bytes", len(out), 2*len(one))
	is(t, "more", more, true)
	out, more = s.AppendNext(nil, 2*len(one), start)
	is(t, "bytes", len(out), 2*len(one))
	is(t, "more", more, false)
}

// TestVersions: a session changes the protocol version between connections.
func TestVersions(t *testing.T) {
	s := online(session.Limits{}, session.Params{Version: mqttauth.MQTT311})
	enqueue(t, s, 1, 1, 1)
	out, _ := s.AppendNext(nil, 1000, start)
	expect(t, lines(t, out, mqttauth.MQTT311), "1#1 1")
	s.Attach(session.Params{Version: mqttauth.MQTT5})
	expect(t, take(t, s), "1#1 1 dup")
}

func TestSubscriptions(t *testing.T) {
	s := session.New(session.Limits{})
	a, b := topic.Filter{Filter: "a/+"}, topic.Filter{Share: "g", Filter: "b/#"}
	is(t, "Unsubscribe", s.Unsubscribe(a), false)
	is(t, "Subscribe", s.Subscribe(a, routing.Options{QoS: 1}), false)
	is(t, "Subscribe", s.Subscribe(a, routing.Options{QoS: 2}), true)
	is(t, "Subscribe", s.Subscribe(b, routing.Options{}), false)
	if o, ok := s.Subscription(a); !ok || o.QoS != 2 {
		t.Errorf("Subscription = %+v, %v", o, ok)
	}
	is(t, "Subscribed", s.Subscribed("a/x") && s.Subscribed("b") && !s.Subscribed("a"), true)
	is(t, "SubscriptionCount", s.SubscriptionCount(), 2)
	for f := range s.Subscriptions() {
		is(t, "Unsubscribe", s.Unsubscribe(f), true)
	}
	is(t, "SubscriptionCount", s.SubscriptionCount(), 0)
}

// TestReceives: a reply needs a subscription that is not shared (STORE-6).
func TestReceives(t *testing.T) {
	s := session.New(session.Limits{})
	s.Subscribe(topic.Filter{Share: "g", Filter: "#"}, routing.Options{ID: 1})
	if ids, ok := s.Receives("a/b"); ok || ids != nil {
		t.Errorf("shared only: %v, %v", ids, ok)
	}
	s.Subscribe(topic.Filter{Filter: "a/b"}, routing.Options{})
	if ids, ok := s.Receives("a/b"); !ok || ids != nil {
		t.Errorf("without identifier: %v, %v", ids, ok)
	}
	s.Subscribe(topic.Filter{Filter: "a/+"}, routing.Options{ID: 2})
	s.Subscribe(topic.Filter{Filter: "b"}, routing.Options{ID: 3})
	if ids, ok := s.Receives("a/b"); !ok || !slices.Equal(ids, []uint32{2}) {
		t.Errorf("overlapping: %v, %v", ids, ok)
	}
	if _, ok := s.Receives("$SYS/x"); ok {
		t.Error("a topic that nobody subscribed is received")
	}
}

// A queue that drops the oldest keeps what came last, of whatever QoS, and never
// what is sent and unacknowledged.
func TestDropOldest(t *testing.T) {
	s := online(session.Limits{Queued: 3, DropOldest: true, Inflight: 2}, session.Params{})
	enqueue(t, s, 1, 2, 1)
	if diff := cmp.Diff([]string{"1#1 1", "1#2 2"}, take(t, s)); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
	enqueue(t, s, 3, 6, 1)
	if got := s.Dropped().Full; got != 3 {
		t.Errorf("%d dropped, want 3", got)
	}
	s.Puback(1)
	s.Puback(2)
	if diff := cmp.Diff([]string{"1#3 6", "1#4 7"}, take(t, s)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// One message that is too large for the queue does not empty it for nothing.
func TestDropOldestByBytes(t *testing.T) {
	size := text("1", 1).Size()
	s := online(session.Limits{Bytes: 3 * size, DropOldest: true, Inflight: 1}, session.Params{})
	enqueue(t, s, 1, 1, 1)
	take(t, s)
	enqueue(t, s, 2, 4, 1) // room for two
	s.Puback(1)
	if diff := cmp.Diff([]string{"1#2 4"}, take(t, s)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	great := text(string(make([]byte, 4*size)), 1)
	is(t, "Enqueue", s.Enqueue(session.Delivery{Message: great, QoS: 1}, start), session.DroppedFull)
	s.Puback(2)
	if diff := cmp.Diff([]string{"1#3 5"}, take(t, s)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
