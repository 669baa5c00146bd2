package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/audit"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// written returns what a log writes about events.
func written(t *testing.T, events ...broker.Event) string {
	t.Helper()
	var out bytes.Buffer
	log := audit.New(&out)
	for _, e := range events {
		log.Observe(e)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func decision(t *testing.T, topic string) mqttauthz.Decision {
	t.Helper()
	p, err := mqttauthz.Compile([]mqttauthz.Rule{{}, {
		Principals:      mqttauthz.Principals{Usernames: []string{"fan"}},
		BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Publish, Topics: []string{"telemetry/{principal.username}"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p.Grants(mqttauthz.Principal{Username: "fan"}).Publish(topic)
}

// Who, what, allowed or denied, by which rule and which method.
func TestLines(t *testing.T) {
	fan := broker.Event{
		Time: start, Port: "mqtts:8883", Remote: netip.MustParseAddrPort("192.0.2.1:4711"), Version: mqttauth.MQTT5,
		ClientID: "fan-1", Username: "fan", Identity: mqttauth.Identity{Policy: "default/authn", Method: "x509", Name: "0\x1e1"},
	}
	fan.Attributes = map[string]string{"building": "17"}
	publish, denied := fan, fan
	publish.Action, publish.Allowed, publish.Object, publish.Decision = broker.ActionPublish, true, "telemetry/fan", decision(t, "telemetry/fan")
	denied.Action, denied.Object, denied.Decision, denied.Reason = broker.ActionPublish, "telemetry/heater", decision(t, "telemetry/heater"), mqttauth.NotAuthorized
	end := fan
	end.Action, end.Err = broker.ActionDisconnect, mqttauth.ErrExpired
	refused := broker.Event{
		Time: start, Action: broker.ActionConnect, Port: "mqtts:8883", Version: mqttauth.MQTT311, ClientID: "x",
		Reason: mqttauth.NotAuthorized, Err: errors.New("token expired"),
		Steps: []mqttauth.Step{
			{Method: "x509", Outcome: mqttauth.NotRelevant, Err: mqttauth.ErrNotRelevant, Duration: 1500 * time.Microsecond},
			{Method: "sat", Outcome: mqttauth.Denied, Err: errors.New("token expired"), Duration: 20 * time.Millisecond},
		},
	}
	const who = `"port":"mqtts:8883","remote":"192.0.2.1:4711","mqtt":"5.0","client_id":"fan-1","username":"fan","authentication":"default/authn","method":"x509",` +
		`"identity":"sha256:f9b64e4d43b8abf8fc8d17998c5b923593d1a921e72ed0fb90ed1cc20a3a82f2","attributes":{"building":"17"},`
	want := strings.Join([]string{
		`{"time":"2026-01-02T03:04:05Z","action":"publish","allowed":true,` + who + `"object":"telemetry/fan","rule":1,"pattern":"telemetry/{principal.username}"}`,
		`{"time":"2026-01-02T03:04:05Z","action":"publish","allowed":false,` + who + `"object":"telemetry/heater","reason":"not authorized (0x87)"}`,
		`{"time":"2026-01-02T03:04:05Z","action":"disconnect",` + who + `"error":"` + mqttauth.ErrExpired.Error() + `"}`,
		`{"time":"2026-01-02T03:04:05Z","action":"connect","allowed":false,"port":"mqtts:8883","mqtt":"3.1.1","client_id":"x","reason":"not authorized (0x87)",` +
			`"steps":[{"method":"x509","outcome":"not relevant","error":"` + mqttauth.ErrNotRelevant.Error() + `","ms":1.5},` +
			`{"method":"sat","outcome":"denied","error":"token expired","ms":20}],"error":"token expired"}`,
		"",
	}, "\n")
	if diff := cmp.Diff(want, written(t, publish, denied, end, refused)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// OPS-1: text of clients is escaped and cut, and a line stays a line.
func TestOPS1PeerText(t *testing.T) {
	evil := "a\n{\"action\":\"publish\"}\x1b[2J\u202e\xff" + strings.Repeat("x", 70_000)
	many := map[string]string{evil: evil}
	for i := range 100 {
		many[strconv.Itoa(i)] = ""
	}
	got := written(t, broker.Event{Action: broker.ActionConnect, Attributes: many, ClientID: evil, Object: evil, Username: evil, Err: errors.New(evil), Identity: mqttauth.Identity{Name: evil}})
	if !strings.Contains(got, `"attributes_omitted":85`) {
		t.Error("attributes are not counted")
	}
	if n := strings.Count(got, "\n"); n != 1 || len(got) > 2000 || strings.ContainsAny(got, "\x1b\u202e") || !json.Valid([]byte(got)) {
		t.Errorf("%d lines, %d bytes: %.300q", n, len(got), got)
	}
}

// stuck is a file system that does not answer until it is told to.
type stuck struct {
	bytes.Buffer
	entered, free chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	select {
	case s.entered <- struct{}{}:
	default:
	}
	<-s.free
	return s.Buffer.Write(p)
}

// Clients do not wait for the file; what is lost is counted.
func TestNeverBlocks(t *testing.T) {
	s := &stuck{entered: make(chan struct{}, 1), free: make(chan struct{})}
	log := audit.New(s)
	log.Observe(broker.Event{Action: broker.ActionConnect})
	<-s.entered
	const total = 20_000
	for range total - 1 {
		log.Observe(broker.Event{Action: broker.ActionConnect})
	}
	close(s.free)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	lines, lost := 0, 0
	for raw := range bytes.Lines(s.Bytes()) {
		var l struct {
			Action string
			Lost   int
		}
		if err := json.Unmarshal(raw, &l); err != nil {
			t.Fatal(err)
		}
		if l.Action == "lost" {
			lost += l.Lost
			continue
		}
		lines++
	}
	if lines+lost != total || lost == 0 {
		t.Errorf("%d lines and %d lost, want %d in all", lines, lost, total)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestCloseReportsTheFirstError(t *testing.T) {
	log := audit.New(full{})
	log.Observe(broker.Event{})
	if err := log.Close(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("Close: %v", err)
	}
	log.Observe(broker.Event{}) // does nothing, and does not panic
	if err := log.Close(); err == nil {
		t.Error("the error is forgotten")
	}
}
