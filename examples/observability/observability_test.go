// Package observability has no code: the test checks that dashboard and alerts
// ask for figures that there are.
package observability

import (
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/metrics"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// TestNames fails when a dashboard or an alert asks for a figure that the page
// does not have.
func TestNames(t *testing.T) {
	page := page(t)
	used := regexp.MustCompile(`\b(?:mqttwarden|aio_broker)_[a-z_]+\b`)
	for _, file := range []string{"dashboard.json", "alerts.yml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := used.FindAllString(string(text), -1)
		if len(names) == 0 {
			t.Errorf("%s asks for nothing", file)
		}
		for _, name := range names {
			if strings.HasPrefix(name, "mqttwarden_documents_") || name == "mqttwarden_ports_missing_references" {
				continue // of the program, see its own tests
			}
			if !strings.Contains(page, "\n"+name+" ") && !strings.Contains(page, "\n"+name+"{") {
				t.Errorf("%s asks for %s, which is not on the page", file, name)
			}
		}
	}
}

// page is what Prometheus reads once everything has happened.
func page(t *testing.T) string {
	t.Helper()
	m := metrics.New()
	server := broker.NewServer(broker.Options{Observer: m})
	t.Cleanup(func() { _ = server.Shutdown(t.Context()) })
	m.Watch(server)
	for _, a := range []broker.Action{broker.ActionHandshake, broker.ActionConnect, broker.ActionReauthenticate, broker.ActionDisconnect} {
		m.Observe(broker.Event{Action: a, Allowed: true, Took: time.Millisecond, Steps: []mqttauth.Step{{Method: "x", Outcome: mqttauth.Accepted}}})
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	return w.Body.String()
}
