package main

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// started is the program's server, with files as the flags name them.
type started struct {
	url    string
	root   *devca.Certificate
	broker *devca.Certificate
}

func start(t *testing.T, mutual bool) started {
	t.Helper()
	root := must(devca.Root(devca.Named("root")))(t)
	server := must(root.Leaf(devca.Spec{Hosts: []string{"127.0.0.1"}}))(t)
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	o := options{cert: file("server.crt", server.PEM()), key: file("server.key", must(server.KeyPEM())(t))}
	if mutual {
		o.clientCA = file("ca.crt", root.PEM())
	}
	config := must(o.tls())(t)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	logger := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		s := newServer(&customauth.Handler{Authenticator: sample{}, Logger: logger}, logger)
		done <- serve(ctx, s, tls.NewListener(listener, config))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return started{"https://" + listener.Addr().String(), root, must(root.Leaf(devca.Named("broker")))(t)}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// The commands of the README answer as it shows.
func TestReadme(t *testing.T) {
	s := start(t, false)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.root.Pool()}}}
	defer client.CloseIdleConnections()
	readme := must(os.ReadFile("README.md"))(t)
	command := regexp.MustCompile(`(?m)^\$ curl --cacert server.crt -H 'Content-Type: (\S+)' 'https://localhost:8443(\S+)' -d '(.*)'\n(.*)$`)
	found := command.FindAllStringSubmatch(string(readme), -1)
	if len(found) != strings.Count(string(readme), "$ curl") || len(found) < 5 {
		t.Fatalf("%d commands were understood", len(found))
	}
	for _, m := range found {
		response := must(client.Post(s.url+m[2], m[1], strings.NewReader(m[3])))(t)
		body := must(io.ReadAll(response.Body))(t)
		_ = response.Body.Close()
		if got := strings.TrimSuffix(string(body), "\n"); got != m[4] {
			t.Errorf("%s\nanswers %s, not %s", m[3], got, m[4])
		}
	}
}

// The program and the method understand each other, with certificates on both
// sides.
func TestWithMethod(t *testing.T) {
	s := start(t, true)
	identity := customauth.TLS{RootCAs: s.root.PEM(), Certificate: s.broker.PEM(), Key: mqttauth.NewSecret(must(s.broker.KeyPEM())(t))}
	method := must(customauth.New(customauth.Config{Endpoint: s.url, TLS: identity}))(t)
	defer method.Close()
	ask := func(c mqttauth.Credentials) (mqttauth.Result, mqttauth.Outcome) {
		r, err := method.Authenticate(t.Context(), &c)
		return r, mqttauth.OutcomeOf(r, err)
	}
	r, outcome := ask(mqttauth.Credentials{Username: "client1", HasUsername: true})
	if outcome != mqttauth.Accepted || r.Principal.Attributes["example_key"] != "example_value" || !r.Expiry.IsZero() {
		t.Errorf("client1: %v, %+v", outcome, r)
	}
	r, outcome = ask(mqttauth.Credentials{Username: "expire1", HasUsername: true})
	if left := time.Until(r.Expiry); outcome != mqttauth.Accepted || left <= 0 || left > 10*time.Second {
		t.Errorf("expire1: %v, %v left", outcome, left)
	}
	if _, outcome = ask(mqttauth.Credentials{Username: "deny1", HasUsername: true}); outcome != mqttauth.Denied {
		t.Errorf("deny1: %v", outcome)
	}
	renewal := mqttauth.Credentials{AuthMethod: "TICKET", AuthData: mqttauth.NewSecret([]byte("ticket")), Previous: &r}
	if _, outcome = ask(renewal); outcome != mqttauth.Accepted {
		t.Errorf("reauthentication: %v", outcome)
	}
	renewal.AuthData = mqttauth.NewSecret([]byte("deny"))
	if _, outcome = ask(renewal); outcome != mqttauth.Denied {
		t.Errorf("refused reauthentication: %v", outcome)
	}
	if err := method.Replace(customauth.TLS{RootCAs: s.root.PEM()}); err != nil {
		t.Fatal(err)
	}
	if _, outcome = ask(mqttauth.Credentials{Username: "client1", HasUsername: true}); outcome != mqttauth.Unavailable {
		t.Errorf("without a certificate: %v", outcome)
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{
		{"-unknown"},
		{"-cert", "missing.crt"},
		{"-cert", "README.md", "-key", "README.md"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
	dir := t.TempDir()
	root := must(devca.Root(devca.Named("root")))(t)
	o := options{cert: filepath.Join(dir, "crt"), key: filepath.Join(dir, "key"), clientCA: "README.md"}
	for path, text := range map[string][]byte{o.cert: root.PEM(), o.key: must(root.KeyPEM())(t)} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.tls(); err == nil || !strings.Contains(err.Error(), "README.md holds no certificate") {
		t.Errorf("authorities without a certificate: %v", err)
	}
}
