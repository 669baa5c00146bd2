package session_test

import (
	"fmt"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/message"
	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/broker/internal/session"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/internal/topic"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// BenchmarkDeliver enqueues 64 messages of 64 bytes, encodes them for one write
// and acknowledges them; the time is for one message.
func BenchmarkDeliver(b *testing.B) {
	p := &wire.Publish{Topic: "site/7/temperature", Payload: make([]byte, 64), QoS: 2}
	m := message.New(p, mqttauth.MQTT5, nil, start)
	for qos := range byte(3) {
		b.Run(string('0'+rune(qos)), func(b *testing.B) {
			s := online(session.Limits{}, session.Params{})
			buf := make([]byte, 0, 1<<16)
			id := uint16(0)
			b.ReportAllocs()
			for b.Loop() {
				s.Enqueue(session.Delivery{Message: m, QoS: qos}, start)
				if s.Len() == 64 {
					id = flush(s, 64, qos, id, buf)
				}
			}
			if s.Inflight() > 0 {
				b.Errorf("%d in flight", s.Inflight())
			}
		})
	}
}

// BenchmarkPublish is the whole way of a publish without sockets and locks: make
// the message, find its subscribers, queue it for each, encode it for each. The
// time is for one publish.
func BenchmarkPublish(b *testing.B) {
	for _, subscribers := range []int{1, 100} {
		b.Run(fmt.Sprint(subscribers), func(b *testing.B) {
			table := routing.NewTable[*session.Session]()
			for range subscribers {
				s := online(session.Limits{}, session.Params{})
				table.Subscribe(topic.Filter{Filter: "site/+/temperature"}, s, routing.Options{})
			}
			p := &wire.Publish{Topic: "site/7/temperature", Payload: make([]byte, 64)}
			buf := make([]byte, 0, 1<<16)
			var m routing.Matches[*session.Session]
			b.ReportAllocs()
			for b.Loop() {
				table.Match(p.Topic, &m)
				msg := message.New(p, mqttauth.MQTT5, nil, start)
				for s, o := range m.Subscribers() {
					s.Enqueue(session.Delivery{Message: msg, QoS: o.QoS}, start)
					s.AppendNext(buf, cap(buf), start)
				}
			}
		})
	}
}
