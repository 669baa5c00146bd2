package broker_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
	"github.com/mqttwarden/mqttwarden/statestore"
)

// journal writes down events, a line each.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Observe(e broker.Event) {
	verdict := "denied"
	if e.Allowed {
		verdict = "allowed"
	}
	if e.Action == broker.ActionDisconnect {
		verdict = "ended"
	}
	fields := []string{string(e.Action), verdict, e.ClientID, e.Username, e.Identity.Name, e.Object}
	for _, s := range e.Steps {
		fields = append(fields, s.Method+"="+s.Outcome.String())
	}
	if e.Decision.Pattern() != "" {
		fields = append(fields, e.Decision.Pattern())
	}
	if e.Reason != 0 {
		fields = append(fields, fmt.Sprintf("%#x", byte(e.Reason)))
	}
	told := e.Err != nil || e.Object != "" || verdict != "denied"
	if e.Port != "test" || e.Time.IsZero() || !e.Remote.IsValid() || !told {
		fields = append(fields, fmt.Sprintf("odd: %+v", e))
	}
	line := strings.Join(strings.Fields(strings.Join(fields, " ")), " ")
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

// observed is a server with a journal, and with a port for users and tokens.
func observed(t *testing.T, publishes bool) (*server, *port, *journal) {
	t.Helper()
	j := new(journal)
	s := &server{t: t, logs: new(logs)}
	s.Server = broker.NewServer(broker.Options{
		Logger:   slog.New(slog.NewTextHandler(s.logs, nil)),
		Observer: broker.Observers(nil, j), ObservePublishes: publishes,
	})
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	b := s.listen(broker.Access{
		Authentication: chain(t, tokens, users),
		Authorization:  policy(t, allow("alice", pub("ok/#"), sub("ok/#"))),
	})
	return s, b, j
}

// OPS-1, AUTHZ-15: an observer hears of every decision, with what led to it.
func TestObserver(t *testing.T) {
	_, b, j := observed(t, true)
	b.refused(0x86, connectPacket(v5, "a", func(c *wire.Connect) {
		c.Username, c.Password = wire.Some("alice"), []byte("wrong")
	}))
	b.refused(0x87, connectPacket(v5, "m", as("mallory")))
	a := b.connect(v5, "a", as("alice"))
	a.subscribe(0, "ok/+")
	if got := a.tries("secret"); got != mqttauth.NotAuthorized {
		t.Errorf("SUBSCRIBE is answered %v", got)
	}
	a.publishes(wire.Publish{QoS: 1, Topic: "secret"}, mqttauth.NotAuthorized)
	a.publishes(wire.Publish{QoS: 1, Topic: "ok/1"}, 0)
	a.message("ok/1", "")
	a.leave()
	want := strings.Join([]string{
		"connect denied a m0=not relevant m1=denied 0x86",
		"connect denied m mallory mallory m0=not relevant m1=accepted 0x87",
		"connect allowed a alice alice m0=not relevant m1=accepted",
		"subscribe allowed a alice alice ok/+ ok/#",
		"subscribe denied a alice alice secret 0x87",
		"publish denied a alice alice secret 0x87",
		"publish allowed a alice alice ok/1 ok/#",
		"disconnect ended a alice alice",
	}, "\n")
	eventually(t, "the end of the client", func() bool { return strings.Contains(j.text(), "disconnect") })
	if diff := cmp.Diff(want, j.text()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// EXP-2: an observer hears of renewals, also of those that fail.
func TestObserverRenewal(t *testing.T) {
	j := new(journal)
	s := &server{t: t, logs: new(logs)}
	s.Server = broker.NewServer(broker.Options{Observer: j})
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	b := s.listen(broker.Access{Authentication: chain(t, tokens), Authorization: mqttauthz.AllowAll()})
	a := b.connect(v5, "a", token("alice"))
	a.auth(mqttauth.Reauthenticate, "alice role=reader")
	a.renewed(0)
	a.auth(mqttauth.Reauthenticate, "outage")
	a.renewed(mqttauth.ContinueAuthentication)
	a.auth(mqttauth.Reauthenticate, "bad")
	a.dismissed(mqttauth.NotAuthorized)
	want := strings.Join([]string{
		"connect allowed a alice m0=accepted",
		"reauthenticate allowed a alice m0=accepted",
		"reauthenticate denied a alice m0=unavailable 0x18",
		"reauthenticate denied a alice m0=denied 0x87",
		"disconnect ended a alice",
	}, "\n")
	eventually(t, "the end of the client", func() bool { return strings.Contains(j.text(), "disconnect") })
	if diff := cmp.Diff(want, j.text()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Figures count what has been decided, whether the client is still there or not.
func TestStats(t *testing.T) {
	s, b, j := observed(t, false)
	a := b.connect(v5, "a", as("alice"))
	a.subscribe(0, "ok/a")
	a.publishes(wire.Publish{QoS: 1, Topic: "secret"}, mqttauth.NotAuthorized)
	a.publishes(wire.Publish{QoS: 1, Topic: "ok/1", Retain: true, Payload: []byte("kept")}, 0)
	gone := b.connect(v5, "gone", as("alice"))
	gone.publishes(wire.Publish{QoS: 1, Topic: "ok/2"}, 0)
	gone.leave()
	eventually(t, "one connection less", func() bool { return s.Stats().Connections == 1 })
	got := s.Stats()
	if got.RetainedBytes <= 0 {
		t.Errorf("%d bytes retained", got.RetainedBytes)
	}
	got.RetainedBytes = 0
	want := broker.Stats{
		Connections: 1, Sessions: 1, RetainedMessages: 1,
		Counts: broker.Counts{PublishAllowed: 2, PublishDenied: 1, SubscribeAllowed: 1},
	}
	want.Categories = map[string]broker.Counts{"": want.Counts}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if strings.Contains(j.text(), "publish allowed") {
		t.Error("an allowed publish is reported without being asked for")
	}
}

// STORE-4: an observer hears of keys, too.
func TestObserverKeys(t *testing.T) {
	j := new(journal)
	s := &server{t: t, logs: new(logs)}
	s.Server = broker.NewServer(broker.Options{Observer: j, ObservePublishes: true, StateStore: statestore.NewMemory(0)})
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	rule := allow("alice", pub(statestore.RequestTopic))
	rule.StateStoreResources = []mqttauthz.StateStoreResource{{Method: mqttauthz.Read, Keys: []string{"open/*"}}}
	b := s.listen(access(t, rule))
	a := b.connect(v5, "a", as("alice"))
	get := func(key string) {
		payload := statestore.AppendBulk(statestore.AppendBulk(statestore.AppendArray(nil, 2), "GET"), key)
		a.publishes(wire.Publish{QoS: 1, Topic: statestore.RequestTopic, ResponseTopic: "r", CorrelationData: []byte("c"), Payload: payload}, 0)
	}
	get("open/door")
	get("secret")
	want := strings.Join([]string{
		"connect allowed a alice alice m0=accepted",
		"publish allowed a alice alice " + statestore.RequestTopic + " " + statestore.RequestTopic,
		"read allowed a alice alice open/door open/*",
		"publish allowed a alice alice " + statestore.RequestTopic + " " + statestore.RequestTopic,
		"read denied a alice alice secret 0x87",
	}, "\n")
	if diff := cmp.Diff(want, j.text()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got := s.Stats()
	if got.StateStore.Retrievals != 1 || got.Counts.KeyAllowed != 1 || got.Counts.KeyDenied != 1 {
		t.Errorf("figures: %+v", got)
	}
}
