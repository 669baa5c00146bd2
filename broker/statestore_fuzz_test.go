package broker_test

import (
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/statestore"
)

// FuzzStoreRequest: whatever a client sends to the request topic is acknowledged,
// answered at most once and only to that client, or ends its connection because
// of the response topic. A client that subscribes to everything sees none of it.
func FuzzStoreRequest(f *testing.F) {
	for _, words := range [][]string{{"GET", "k"}, {"SET", "k", "v", "NEX", "PX", "9"}, {"KEYNOTIFY", "k"}, {"VDEL", "k", "v"}} {
		f.Add(command(words...), "r/1", []byte("c"), "__ft", now(), byte(1))
	}
	f.Add([]byte("*1\r\n$9"), notifyRoot, []byte{}, "__protVer", "2.0", byte(2))
	f.Add([]byte{}, "r/#", []byte(nil), "\x00", "", byte(0))
	shared := openStore(f)
	observer := shared.connect(v5, "observer")
	observer.subscribe(1, "#", "$share/g/#")
	f.Fuzz(func(t *testing.T, payload []byte, response string, correlation []byte, name, value string, qos byte) {
		m := &wire.Publish{
			QoS: qos % 3, Topic: statestore.RequestTopic, ResponseTopic: response, CorrelationData: correlation, Payload: payload,
		}
		if m.QoS > 0 {
			m.PacketID = 2
		}
		if m.UserProperties.Add("__ts", now()) != nil || m.UserProperties.Add(name, value) != nil {
			return
		}
		b := m.Append(nil, v5)
		if len(b) == 0 {
			return
		}
		port, all := *shared, *observer
		port.t, all.t = t, t
		p := port.connect(v5, "p")
		p.subscribe(1, "#")
		p.raw(b)
		p.send(&wire.Pingreq{}, &wire.Pingreq{})
		outcome(t, p, m)
		_ = p.nc.Close()
		all.quiet()
	})
}

// outcome reads what follows from a request, up to the second answer to a ping.
func outcome(t *testing.T, p *peer, m *wire.Publish) {
	t.Helper()
	acknowledged, replies := 0, 0
	for pings := 0; pings < 2; {
		switch k := p.next().(type) {
		case *wire.Pingresp:
			pings++
		case *wire.Ack:
			if acknowledged++; k.Code != 0 && k.Code != wire.ImplementationSpecificError {
				t.Fatalf("acknowledged with %v", k.Code)
			}
		case *wire.Publish:
			if strings.HasPrefix(k.Topic, notifyRoot) { // its own
				continue
			}
			if replies++; k.Topic != m.ResponseTopic || string(k.CorrelationData) != string(m.CorrelationData) || m.QoS != 1 {
				t.Fatalf("received %+v", k)
			}
		case *wire.Disconnect:
			forbidden := statestore.ForbiddenResponseTopic(m.ResponseTopic)
			if forbidden != (k.Code == wire.TopicNameInvalid) {
				t.Fatalf("disconnected with %v because of %q", k.Code, m.ResponseTopic)
			}
			return
		default:
			t.Fatalf("received %T %+v", k, k)
		}
	}
	if want := int(min(m.QoS, 1)); acknowledged != want || replies > 1 {
		t.Fatalf("%d acknowledgements and %d replies", acknowledged, replies)
	}
}
