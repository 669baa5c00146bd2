package metrics_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/metrics"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// page returns the lines of the page that begin with one of the prefixes,
// without the histograms' buckets and sums.
func page(t *testing.T, m *metrics.Metrics, prefixes ...string) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != 200 {
		t.Fatal(w.Code, err)
	}
	var lines []string
	for line := range strings.Lines(string(body)) {
		if strings.Contains(line, "_bucket{") || strings.Contains(line, "_sum") {
			continue
		}
		for _, p := range prefixes {
			if strings.HasPrefix(line, p) {
				lines = append(lines, line)
			}
		}
	}
	return strings.Join(lines, "")
}

func TestEvents(t *testing.T) {
	m := metrics.New()
	sat := func(o mqttauth.Outcome) []mqttauth.Step {
		return []mqttauth.Step{{Method: "x509", Outcome: mqttauth.NotRelevant}, {Method: "sat", Outcome: o, Duration: time.Millisecond}}
	}
	for _, e := range []broker.Event{
		{Action: broker.ActionHandshake, Err: errors.New("bad certificate")},
		{Action: broker.ActionConnect, Allowed: true, Steps: sat(mqttauth.Accepted), Took: 2 * time.Millisecond},
		{Action: broker.ActionConnect, Reason: mqttauth.NotAuthorized, Steps: sat(mqttauth.Denied), Category: "sdk"},
		{Action: broker.ActionConnect, Reason: mqttauth.NotAuthorized, Steps: sat(mqttauth.NotRelevant)},
		{Action: broker.ActionConnect, Reason: mqttauth.ServerUnavailable, Steps: sat(mqttauth.Failed)},
		{Action: broker.ActionReauthenticate, Allowed: true, Steps: sat(mqttauth.Accepted)[1:]},
		{Action: broker.ActionReauthenticate, Reason: mqttauth.ContinueAuthentication, Steps: sat(mqttauth.Unavailable)[1:]},
		{Action: broker.ActionDisconnect},
		{Action: broker.ActionDisconnect, Err: mqttauth.ErrExpired},
		{Action: broker.ActionPublish, Object: "not counted here"},
	} {
		e.Port, e.ClientID, e.Username = "mqtts:8883", "secret-client", "secret-user"
		m.Observe(e)
	}
	want := `aio_broker_authentication_deny{category="sdk"} 1
aio_broker_authentication_deny{category="uncategorized"} 1
aio_broker_authentication_failures{category="uncategorized"} 2
aio_broker_authentication_successes{category="uncategorized"} 2
mqttwarden_authentication_step_seconds_count{method="sat"} 6
mqttwarden_authentication_step_seconds_count{method="x509"} 4
mqttwarden_authentication_steps_total{method="sat",outcome="accepted",port="mqtts:8883"} 2
mqttwarden_authentication_steps_total{method="sat",outcome="denied",port="mqtts:8883"} 1
mqttwarden_authentication_steps_total{method="sat",outcome="failed",port="mqtts:8883"} 1
mqttwarden_authentication_steps_total{method="sat",outcome="not relevant",port="mqtts:8883"} 1
mqttwarden_authentication_steps_total{method="sat",outcome="unavailable",port="mqtts:8883"} 1
mqttwarden_authentication_steps_total{method="x509",outcome="not relevant",port="mqtts:8883"} 4
mqttwarden_connect_seconds_count{port="mqtts:8883"} 4
mqttwarden_connects_total{port="mqtts:8883",reason="not authorized (0x87)"} 2
mqttwarden_connects_total{port="mqtts:8883",reason="server unavailable (0x88)"} 1
mqttwarden_connects_total{port="mqtts:8883",reason="success (0x00)"} 1
mqttwarden_disconnects_total{by="client",port="mqtts:8883"} 1
mqttwarden_disconnects_total{by="server",port="mqtts:8883"} 1
mqttwarden_reauthentications_total{port="mqtts:8883",result="accepted"} 1
mqttwarden_reauthentications_total{port="mqtts:8883",result="put off"} 1
mqttwarden_tls_handshakes_refused_total{port="mqtts:8883"} 1
`
	if diff := cmp.Diff(want, page(t, m, "aio_", "mqttwarden_")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if text := page(t, m, ""); strings.Contains(text, "secret") {
		t.Error("OPS-1: text of a client is on the page")
	}
}

// The figures of a server are on the page, with the documented names.
func TestServerFigures(t *testing.T) {
	m := metrics.New()
	server := broker.NewServer(broker.Options{Observer: m, Categories: []string{"sdk", "uncategorized"}})
	m.Watch(server)
	defer func() { _ = server.Shutdown(t.Context()) }()
	text := page(t, m, "aio_broker_authorization_", "mqttwarden_connections", "mqttwarden_sessions", "mqttwarden_retained_messages", "go_goroutines", "aio_broker_state_store_")
	want := regexp.MustCompile(`^aio_broker_authorization_allow{category="sdk"} 0
aio_broker_authorization_allow{category="uncategorized"} 0
aio_broker_authorization_deny{category="sdk"} 0
aio_broker_authorization_deny{category="uncategorized"} 0
aio_broker_state_store_deletions 0
aio_broker_state_store_insertions 0
aio_broker_state_store_keynotify_requests 0
aio_broker_state_store_modifications 0
aio_broker_state_store_notifications_sent 0
aio_broker_state_store_retrievals 0
go_goroutines \d+
mqttwarden_connections 0
mqttwarden_retained_messages 0
mqttwarden_sessions 0
$`)
	if !want.MatchString(text) {
		t.Errorf("got\n%s", text)
	}
}
