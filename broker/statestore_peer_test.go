package broker_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
	"github.com/mqttwarden/mqttwarden/statestore"
)

// keyed is the rule of a user who may send requests and subscribe to "r", where
// all clients of these tests want their replies.
func keyed(username string, keys ...mqttauthz.StateStoreResource) mqttauthz.Rule {
	rule := allow(username, pub(statestore.RequestTopic), sub("r"))
	rule.StateStoreResources = keys
	return rule
}

func keys(method mqttauthz.StateStoreMethod, patterns ...string) mqttauthz.StateStoreResource {
	return mqttauthz.StateStoreResource{Method: method, Keys: patterns}
}

// command returns the payload of a request.
func command(words ...string) []byte {
	b := statestore.AppendArray(nil, len(words))
	for _, w := range words {
		b = statestore.AppendBulk(b, w)
	}
	return b
}

// request returns a request as libraries send it.
func (p *peer) request(words ...string) *wire.Publish {
	p.t.Helper()
	m := &wire.Publish{
		QoS: 1, PacketID: p.nextID(), Topic: statestore.RequestTopic, ResponseTopic: "r",
		CorrelationData: correlation(words), Payload: command(words...),
	}
	if err := m.UserProperties.Add("__ts", now()); err != nil {
		p.t.Fatal(err)
	}
	return m
}

// correlation returns the correlation data of a request: the command, or where it
// begins.
func correlation(words []string) []byte {
	all := strings.Join(words, " ")
	return []byte(all[:min(len(all), 100)])
}

// asks sends a request and returns the reply, which it acknowledges.
func (p *peer) asks(words ...string) *wire.Publish {
	p.t.Helper()
	q := p.request(words...)
	p.send(q)
	p.expect(&wire.Ack{Type: wire.PUBACK, PacketID: q.PacketID})
	return p.reply(words...)
}

// reply expects the reply to a request.
func (p *peer) reply(words ...string) *wire.Publish {
	p.t.Helper()
	r := receive[wire.Publish](p)
	if r.QoS != 1 || r.Retain || r.Topic != "r" || !bytes.Equal(r.CorrelationData, correlation(words)) {
		p.t.Fatalf("%.80q: received %.300v", words, r)
	}
	p.acknowledge(r)
	return r
}

// answered sends a request whose reply must have this payload, and returns the
// version in it, "" if there is none.
func (p *peer) answered(want string, words ...string) string {
	p.t.Helper()
	r := p.asks(words...)
	if diff := cmp.Diff(want, string(r.Payload)); diff != "" {
		p.t.Fatalf("%.80q (-want +got):\n%.500s", words, diff)
	}
	return property(r, "__ts")
}

// property returns the value of a user property.
func property(m *wire.Publish, name string) string {
	for n, value := range m.UserProperties.All() {
		if n == name {
			return value
		}
	}
	return ""
}

// ignored sends a request that gets a PUBACK and no reply.
func (p *peer) ignored(words ...string) {
	p.t.Helper()
	q := p.request(words...)
	p.send(q)
	p.expect(&wire.Ack{Type: wire.PUBACK, PacketID: q.PacketID})
	p.quiet()
}

const (
	ok        = "+OK\r\n"
	absent    = "$-1\r\n"
	forbidden = "-ERR not authorized\r\n"
	deleted   = "*2\r\n$6\r\nNOTIFY\r\n$6\r\nDELETE\r\n"
)

func bulk(s string) string { return string(statestore.AppendBulk(nil, s)) }

// assigned is the payload of the notification of a SET.
func assigned(value string) string {
	return string(statestore.AppendSetNotification(nil, []byte(value)))
}

// notified expects a notification, acknowledges it and returns its version.
func (p *peer) notified(clientID, key, payload string) string {
	p.t.Helper()
	m := p.message(statestore.NotificationTopic(clientID, []byte(key)), payload)
	if m.QoS != 1 || m.Retain || m.Dup || property(m, "__ts") == "" {
		p.t.Fatalf("notification %+v", m)
	}
	return property(m, "__ts")
}

// storePort is a server with a state store and a port where users connect under
// these rules. The user "all" may do everything.
func storePort(t testing.TB, rules ...mqttauthz.Rule) *port {
	t.Helper()
	all := allow("all", pub("#"), sub("#"))
	all.StateStoreResources = []mqttauthz.StateStoreResource{keys(mqttauthz.ReadWrite, "*")}
	return storeServer(t).listen(access(t, append(rules, all)...))
}

// client connects a client that wants its replies.
func (p *port) client(id string, options ...option) *peer {
	p.t.Helper()
	c := p.connect(v5, id, options...)
	c.subscribe(1, "r")
	return c
}
