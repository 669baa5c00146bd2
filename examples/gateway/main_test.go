package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/devca"
)

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// gateway is a running gateway with the configuration of the example.
type gateway struct {
	address string
	root    *devca.Certificate // of the server
	line    *devca.Certificate // issues clients'
}

func start(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{root: must(devca.Root(devca.Named("root")))(t)}
	clients := must(devca.Root(devca.Named("clients")))(t)
	g.line = must(clients.Intermediate(devca.Named("Line 4 CA")))(t)
	server := must(g.root.Leaf(devca.Spec{Hosts: []string{"127.0.0.1"}}))(t)
	dir := t.TempDir()
	for name, text := range map[string][]byte{
		"gateway.json": must(os.ReadFile("gateway.json"))(t),
		"server.crt":   server.PEM(), "server.key": must(server.KeyPEM())(t), "clients.crt": clients.PEM(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := must(readConfig(filepath.Join(dir, "gateway.json")))(t)
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	g.address = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, c, l, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the gateway ended with %v", err)
		}
	})
	return g
}

// dial opens a connection, with a certificate of the line if there is a name.
func (g *gateway) dial(t *testing.T, name string) *tls.Conn {
	t.Helper()
	config := &tls.Config{RootCAs: g.root.Pool()}
	if name != "" {
		config.Certificates = []tls.Certificate{must(g.line.Leaf(devca.Named(name)))(t).TLS()}
	}
	c := must(tls.Dial("tcp", g.address, config))(t)
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// exchange sends a packet and expects another.
func exchange(t *testing.T, c net.Conn, send, want string) {
	t.Helper()
	if _, err := io.WriteString(c, send); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("% x is answered by % x, %v; want % x", send, got, err, want)
	}
}

// A device publishes by certificate, a panel listens by password.
func TestGateway(t *testing.T) {
	g := start(t)
	panel := g.dial(t, "")
	exchange(t, panel, "\x10\x1e\x00\x04MQTT\x04\xc2\x00\x3c\x00\x01p\x00\x05panel\x00\x08password", "\x20\x02\x00\x00")
	exchange(t, panel, "\x82\x0b\x00\x01\x00\x06line/#\x00", "\x90\x03\x00\x01\x00")
	device := g.dial(t, "press")
	exchange(t, device, "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01d", "\x20\x02\x00\x00")
	exchange(t, device, "\x30\x0f\x00\x0cline/4/pressx\xc0\x00", "\xd0\x00")
	exchange(t, device, "\x30\x0f\x00\x0cline/4/otherx\xc0\x00", "\xd0\x00") // denied
	exchange(t, device, "\x82\x0b\x00\x01\x00\x06line/#\x00", "\x90\x03\x00\x01\x80")
	exchange(t, panel, "", "\x30\x0f\x00\x0cline/4/pressx")
	exchange(t, panel, "\xc0\x00", "\xd0\x00")
	guess := g.dial(t, "")
	exchange(t, guess, "\x10\x1b\x00\x04MQTT\x04\xc2\x00\x3c\x00\x01p\x00\x05panel\x00\x05guess", "\x20\x02\x00\x04")
}

// The README's table says what the record of sizes does, in MiB.
func TestSizeTable(t *testing.T) {
	readme := string(must(os.ReadFile("README.md"))(t))
	rows := 0
	for line := range strings.Lines(string(must(os.ReadFile("../../.ci/sizes.txt"))(t))) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != "gateway" {
			continue
		}
		size := must(strconv.Atoi(fields[2]))(t)
		want := fmt.Sprintf("| %s | %.1f |\n", fields[1], float64(size)/(1<<20))
		if !strings.Contains(readme, want) {
			t.Errorf("README.md has no row %s", want)
		}
		rows++
	}
	if rows < 5 {
		t.Errorf("the record has %d sizes of the gateway", rows)
	}
}

// What is wrong with the configuration is said, and nothing opens.
func TestConfigErrors(t *testing.T) {
	for name, text := range map[string]string{
		"unknown field": `{"rule": []}`, "rest": `{} {}`, "no JSON": `listen`, "wrong kind": `{"users": []}`,
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "gateway.json")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			if err := run(t.Context(), []string{"-config", file}, &log); err == nil || !strings.Contains(err.Error(), "gateway.json") {
				t.Errorf("%v\n%s", err, log.String())
			}
		})
	}
	if _, err := (&config{}).port(); err == nil {
		t.Error("no certificate is no error")
	}
}
