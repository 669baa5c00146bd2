package session_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/session"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// TestModel drives random conversations (enqueue, send, acknowledge in any
// order, cut, resume, let expire, purge) and compares every packet with a naive
// queue: order, quota, packet ids, DUP, lifetime, aliases, and that nothing of
// QoS 1 and 2 is lost (E1, E3).
func TestModel(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := newConversation(t, seed)
			for range 1000 {
				c.step()
			}
			c.finish()
		})
	}
}

// conversation is one session, and the naive model of it in slices and maps.
type conversation struct {
	t       *testing.T
	r       *rand.Rand
	s       *session.Session
	now     time.Time
	version mqttauth.Version // 0 while there is no connection
	quota   int
	max     int // maximum packet size
	aliases int // maximum

	known                 map[string]uint16
	waiting               []item
	publishing, releasing []naiveFlight
	counter               int
}

const naiveLimit = 30 // queued deliveries

func newConversation(t *testing.T, seed uint64) *conversation {
	return &conversation{
		t: t, r: rand.New(rand.NewPCG(seed, 3)), now: start,
		s: session.New(session.Limits{Queued: naiveLimit, Inflight: 20, TopicAliases: 3}),
	}
}

func (c *conversation) step() {
	switch n := c.r.IntN(100); {
	case n < 40:
		c.enqueue()
	case n < 60:
		c.drain(1 + c.r.IntN(400))
	case n < 90:
		c.acknowledge()
	case n < 93:
		c.s.Detach()
		c.cut()
	case n < 96:
		c.attach(session.Params{
			Version:           []mqttauth.Version{mqttauth.MQTT311, mqttauth.MQTT5}[c.r.IntN(2)],
			ReceiveMaximum:    uint16(c.r.IntN(26)),
			MaximumPacketSize: uint32(c.r.IntN(2) * (60 + c.r.IntN(100))),
			TopicAliasMaximum: uint16(c.r.IntN(5)),
			Clean:             c.r.IntN(10) == 0,
		})
	case n < 99:
		c.now = c.now.Add(time.Duration(c.r.IntN(2500)) * time.Millisecond)
	default:
		c.purge()
	}
	c.compareCounts()
}

func (c *conversation) enqueue() {
	c.counter++
	it := item{arrived: c.now, publish: wire.Publish{
		Topic:   []string{"a", "topic/b", "topic/c", "topic/d", "topic/e"}[c.r.IntN(5)],
		Payload: []byte(fmt.Sprint(c.counter, strings.Repeat("x", c.r.IntN(2)*c.r.IntN(100)))),
		QoS:     byte(c.r.IntN(3)), Retain: c.r.IntN(2) == 0,
	}}
	if c.r.IntN(3) == 0 {
		it.publish.MessageExpiry = wire.Some(uint32(c.r.IntN(10)))
	}
	if c.r.IntN(4) == 0 {
		it.publish.SubscriptionIDs = []uint32{1 + c.r.Uint32N(300), 5}
	}
	it.message = message.New(&it.publish, mqttauth.MQTT5, nil, c.now)
	got := c.s.Enqueue(session.Delivery{
		Message: it.message, QoS: it.publish.QoS, Retain: it.publish.Retain, SubscriptionIDs: it.publish.SubscriptionIDs,
	}, c.now)
	switch {
	case c.version == 0 && it.publish.QoS == 0:
		c.want("Enqueue", session.DroppedOffline, got)
	case len(c.waiting) < naiveLimit:
		c.want("Enqueue", session.Queued, got)
		c.waiting = append(c.waiting, it)
	case got == session.Queued: // room was made, which must have been of expired ones
		before := len(c.waiting)
		c.waiting = slices.DeleteFunc(c.waiting, func(it item) bool { return it.expired(c.now) })
		c.want("room made", true, len(c.waiting) < before)
		c.waiting = append(c.waiting, it)
	default: // the search for expired ones may have been too recent, but then no room was made
		c.want("Enqueue", session.DroppedFull, got)
		if c.s.Len() != len(c.waiting) {
			c.t.Fatal("dropped the new delivery although room was made")
		}
	}
}

func (c *conversation) want(what string, want, got any) {
	c.t.Helper()
	if want != got {
		c.t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

func (c *conversation) compareCounts() {
	c.t.Helper()
	c.want("Len", len(c.waiting), c.s.Len())
	c.want("Inflight", len(c.publishing)+len(c.releasing), c.s.Inflight())
	bytes := 0
	for _, it := range c.waiting {
		bytes += it.message.Size()
	}
	for _, f := range c.publishing {
		bytes += f.message.Size()
	}
	c.want("Bytes", bytes, c.s.Bytes())
}

func (c *conversation) attach(p session.Params) {
	c.s.Attach(p)
	c.cut()
	if p.Clean {
		c.waiting, c.publishing, c.releasing = nil, nil, nil
	}
	c.version, c.max, c.known, c.aliases = p.Version, int(p.MaximumPacketSize), make(map[string]uint16), 0
	if c.quota = int(p.ReceiveMaximum); c.quota == 0 || c.quota > 20 {
		c.quota = 20
	}
	if p.Version == mqttauth.MQTT5 {
		c.aliases = min(int(p.TopicAliasMaximum), 3)
	}
	for _, chain := range [][]naiveFlight{c.publishing, c.releasing} {
		for i := range chain {
			chain[i].sent, chain[i].counted = false, false
		}
	}
}

func (c *conversation) cut() {
	if c.version == 0 {
		return
	}
	c.version = 0
	c.waiting = slices.DeleteFunc(c.waiting, func(it item) bool { return it.publish.QoS == 0 })
}

func (c *conversation) purge() {
	topic := []string{"a", "topic/b", "topic/c"}[c.r.IntN(3)]
	before := len(c.waiting)
	c.waiting = slices.DeleteFunc(c.waiting, func(it item) bool { return it.publish.Topic == topic })
	n := c.s.Purge(func(m *message.Message) bool { return m.Topic() != topic })
	c.want("Purge", before-len(c.waiting), n)
}

// drain takes packets and compares each with what the model would send.
func (c *conversation) drain(budget int) (more bool) {
	out, more := c.s.AppendNext([]byte("x"), budget, c.now)
	r := wire.NewReader(strings.NewReader(string(out[1:])))
	for taken := 0; taken < len(out)-1; {
		if taken >= budget {
			c.t.Fatalf("a packet begins at byte %d of a budget of %d", taken, budget)
		}
		f, err := r.Next(len(out))
		if err != nil {
			c.t.Fatal(err)
		}
		taken += 2 + len(f.Body)
		if len(f.Body) > 127 {
			taken++ // the remaining length takes two bytes
		}
		c.packet(f.Clone())
	}
	if len(out)-1 >= budget {
		c.want("more", c.ready(), more)
		return more
	}
	if want := c.next(); want != nil || more {
		c.t.Fatalf("stopped below its budget, more = %v, before %+v", more, want)
	}
	return false
}

func (c *conversation) packet(f wire.Frame) {
	c.t.Helper()
	want := c.next()
	if want == nil {
		c.t.Fatalf("unexpected %v", f.Type)
	}
	if f.Type == wire.PUBREL {
		var a wire.Ack
		c.decoded(a.Decode(f, c.version))
		c.want("PUBREL", true, len(c.unsent(c.releasing)) > 0)
		c.want("PUBREL id", c.unsent(c.releasing)[0].id, a.PacketID)
		first := &c.unsent(c.releasing)[0]
		first.sent, first.counted = true, true
		return
	}
	var p wire.Publish
	c.decoded(p.Decode(f, c.version))
	c.want("PUBREL first", 0, len(c.unsent(c.releasing)))
	if again := c.unsent(c.publishing); len(again) > 0 {
		again[0].sent, again[0].counted = true, true
	} else {
		it := c.waiting[0]
		c.waiting = c.waiting[1:]
		if it.publish.QoS > 0 {
			c.want("free packet id", -1, c.find(c.publishing, p.PacketID)+c.find(c.releasing, p.PacketID)+1)
			c.publishing = append(c.publishing, naiveFlight{it, p.PacketID, true, true})
			want.PacketID = p.PacketID
		}
	}
	if want.TopicAlias != 0 && want.Topic != "" {
		c.known[want.Topic] = want.TopicAlias
	}
	if !reflect.DeepEqual(want, &p) { // cheaper than Diff, which is only for the text
		c.t.Fatalf("(-want +got):\n%s", cmp.Diff(want, &p))
	}
	c.want("within quota", true, p.QoS == 0 || c.used() <= c.quota)
}

func (c *conversation) decoded(err error) {
	if err != nil {
		c.t.Fatal(err)
	}
}

// acknowledge sends a random acknowledgement for a random packet id, mostly a
// fitting one.
func (c *conversation) acknowledge() {
	id := uint16(c.r.IntN(100))
	chain := c.publishing
	if len(c.releasing) > 0 && c.r.IntN(2) == 0 {
		chain = c.releasing
	}
	if len(chain) > 0 && c.r.IntN(10) > 0 {
		id = chain[c.r.IntN(len(chain))].id
	}
	publishing, releasing := c.find(c.publishing, id), c.find(c.releasing, id)
	qos := byte(2)
	if publishing >= 0 {
		qos = c.publishing[publishing].publish.QoS
	}
	outcome := func(fits bool) session.Outcome {
		switch {
		case publishing < 0 && releasing < 0:
			return session.Unknown
		case !fits:
			return session.Mismatch
		default:
			return session.Done
		}
	}
	switch c.r.IntN(5) {
	case 0, 1:
		c.want("Puback", outcome(qos == 1), c.s.Puback(id))
		if qos == 1 {
			c.forget(id)
		}
	case 2:
		c.want("Pubcomp", outcome(releasing >= 0), c.s.Pubcomp(id))
		if releasing >= 0 {
			c.forget(id)
		}
	default:
		c.pubrec(id, qos, outcome(qos == 2))
	}
}

func (c *conversation) pubrec(id uint16, qos byte, outcome session.Outcome) {
	code := mqttauth.Success
	if c.r.IntN(5) == 0 {
		code = wire.QuotaExceeded
	}
	c.want("Pubrec", outcome, c.s.Pubrec(id, code))
	if outcome != session.Done {
		return
	}
	f := naiveFlight{id: id}
	if i := c.find(c.publishing, id); i >= 0 {
		f.counted = c.publishing[i].counted
	} else {
		f.counted = c.releasing[c.find(c.releasing, id)].counted
	}
	c.forget(id)
	if code == mqttauth.Success {
		c.releasing = append(c.releasing, f)
	}
}

// finish resumes once more and acknowledges everything: nothing may be left.
func (c *conversation) finish() {
	c.attach(session.Params{Version: mqttauth.MQTT5})
	for range 10 {
		c.drain(1 << 20)
		for len(c.publishing) > 0 {
			f := c.publishing[0]
			if f.publish.QoS == 2 {
				c.pubrec(f.id, 2, session.Done)
				continue
			}
			c.want("Puback", session.Done, c.s.Puback(f.id))
			c.forget(f.id)
		}
		c.drain(1 << 20)
		for len(c.releasing) > 0 {
			c.want("Pubcomp", session.Done, c.s.Pubcomp(c.releasing[0].id))
			c.forget(c.releasing[0].id)
		}
	}
	c.compareCounts()
	c.want("left", 0, c.s.Len()+c.s.Inflight()+c.s.Bytes())
}
