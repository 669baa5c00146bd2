package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/sat"
)

// LINK-11: a change that is not valid is visible in health and metrics, and
// takes nobody out of service.
func TestLINK11Health(t *testing.T) {
	h := new(health)
	ready := func() (int, string) {
		w := httptest.NewRecorder()
		h.serveReady(w, nil)
		return w.Code, w.Body.String()
	}
	valid := func(want string) {
		t.Helper()
		text := "# HELP mqttwarden_documents_valid 1 while the newest documents are in force, all of them.\n" +
			"# TYPE mqttwarden_documents_valid gauge\nmqttwarden_documents_valid " + want + "\n"
		if err := testutil.CollectAndCompare(h, strings.NewReader(text), "mqttwarden_documents_valid"); err != nil {
			t.Error(err)
		}
	}
	if code, text := ready(); code != http.StatusServiceUnavailable || !strings.Contains(text, "not ready") {
		t.Errorf("before anything: %d %s", code, text)
	}
	plan := &config.Plan{Ports: []*config.Port{{Number: 8883, Missing: []resource.Missing{{}}}}}
	h.take(plan, nil)
	valid("1")
	if code, text := ready(); code != http.StatusOK || !strings.Contains(text, "8883: missing") {
		t.Errorf("with a closed port: %d %s", code, text)
	}
	h.reject(errors.New("authorization.yaml:3:1: unknown field"))
	valid("0")
	if code, text := ready(); code != http.StatusOK || !strings.Contains(text, "authorization.yaml:3:1: unknown field") {
		t.Errorf("with invalid documents: %d %s", code, text)
	}
	h.take(plan, errors.New("address in use"))
	valid("0")
	if code, text := ready(); code != http.StatusOK || !strings.Contains(text, "address in use") || strings.Contains(text, "unknown field") {
		t.Errorf("applied in part: %d %s", code, text)
	}
	h.take(&config.Plan{}, nil)
	valid("1")
}

// observed opens an observation and returns what it logs.
func observed(t *testing.T, f observeFlags) (*observation, *bytes.Buffer, error) {
	t.Helper()
	var log bytes.Buffer
	cmd := new(cobra.Command)
	cmd.SetErr(&log)
	cmd.SetOut(io.Discard)
	o, err := f.open(cmd)
	return o, &log, err
}

func TestObservation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, log, err := observed(t, observeFlags{address: "127.0.0.1:0", audit: path, logFormat: "json", categories: []string{"sdk"}})
	if err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`"address":"([^"]+)"`).FindStringSubmatch(log.String())
	if address == nil {
		t.Fatalf("the log does not say where: %s", log)
	}
	server := broker.NewServer(o.broker())
	client, err := sat.NewClient(sat.ClientConfig{URL: "https://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if o.tokens, err = sat.NewCache(client, client, sat.CacheConfig{}); err != nil {
		t.Fatal(err)
	}
	o.watch(server, config.NewKeeper(server, "", o.log))
	o.broker().Observer.Observe(broker.Event{Time: time.Now(), Action: broker.ActionConnect, Port: "p", ClientID: "fan"})
	for _, page := range [][]string{
		{"healthz", "ok"},
		{"readyz", "not ready"},
		{"metrics", `mqttwarden_connects_total{port="p",reason="success (0x00)"} 1`, `aio_broker_authorization_allow{category="sdk"} 0`, "mqttwarden_token_cache_hits_total 0", "mqttwarden_documents_valid 1"},
	} {
		text := get(t, "http://"+address[1]+"/"+page[0])
		for _, want := range page[1:] {
			if !strings.Contains(text, want) {
				t.Errorf("/%s has no %q:\n%s", page[0], want, text)
			}
		}
	}
	if err := errors.Join(server.Shutdown(t.Context()), o.close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if lines := strings.Split(string(data), "\n"); err != nil || len(lines) != 3 || lines[0] != "{}" || !strings.Contains(lines[1], `"client_id":"fan"`) {
		t.Errorf("audit file: %v %q", err, data)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestObservationFlags(t *testing.T) {
	tests := []struct {
		name  string
		flags observeFlags
		want  string
	}{
		{"log format", observeFlags{logFormat: "xml"}, "write text or json"},
		{"publishes without a file", observeFlags{logFormat: "text", publishes: true}, "needs --audit"},
		{"category without metrics", observeFlags{logFormat: "text", categories: []string{"sdk"}}, "needs --metrics-address"},
		{"empty category", observeFlags{logFormat: "text", address: "127.0.0.1:0", categories: []string{""}}, "write a text"},
		{"folder that is not there", observeFlags{logFormat: "text", audit: filepath.Join(t.TempDir(), "no", "file")}, "--audit: open"},
		{"address", observeFlags{logFormat: "text", address: "nowhere:x"}, "--metrics-address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := observed(t, tt.flags); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// The figures of authentication servers have the names of documents and entries.
func TestFigures(t *testing.T) {
	serve := func(documents string) *config.Keeper {
		set, err := resource.Parse("f.yaml", []byte(documents))
		if err != nil {
			t.Fatal(err)
		}
		log := slog.New(slog.DiscardHandler)
		plan, err := config.Compile(set, config.Options{Logger: log})
		if err != nil {
			t.Fatal(err)
		}
		k := config.NewKeeper(broker.NewServer(broker.Options{}), "127.0.0.1", log)
		if err := k.Apply(plan); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = k.Shutdown(context.Background()) })
		return k
	}
	k := serve(`apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerListener
metadata: {name: public}
spec: {ports: [{port: ` + freePort(t) + `, authenticationRef: asks}]}
---
apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthentication
metadata: {name: asks}
spec: {authenticationMethods: [{method: Custom, customSettings: {endpoint: "https://127.0.0.1:1"}}]}
`)
	want := `# HELP mqttwarden_auth_server_answers_total Answers by outcome.
# TYPE mqttwarden_auth_server_answers_total counter
mqttwarden_auth_server_answers_total{authentication="default/asks",method="Custom",outcome="accepted"} 0
mqttwarden_auth_server_answers_total{authentication="default/asks",method="Custom",outcome="denied"} 0
mqttwarden_auth_server_answers_total{authentication="default/asks",method="Custom",outcome="failed"} 0
mqttwarden_auth_server_answers_total{authentication="default/asks",method="Custom",outcome="unavailable"} 0
# HELP mqttwarden_auth_server_given_up 1 while the authentication server is not asked because it cannot be reached.
# TYPE mqttwarden_auth_server_given_up gauge
mqttwarden_auth_server_given_up{authentication="default/asks",method="Custom"} 0
`
	if err := testutil.CollectAndCompare(figures{servers: k}, strings.NewReader(want), "mqttwarden_auth_server_answers_total", "mqttwarden_auth_server_given_up"); err != nil {
		t.Error(err)
	}
}

// freePort returns a port that nobody listens on just now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
