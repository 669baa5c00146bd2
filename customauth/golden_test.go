package customauth_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

var update = flag.Bool("update", false, "rewrite the requests in testdata")

// sections reads a file of testdata: a comment, and parts that begin with
// "-- name --".
func sections(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	name := "comment"
	for line := range strings.Lines(string(text)) {
		if inner, ok := strings.CutPrefix(line, "-- "); ok {
			name = strings.TrimSuffix(inner, " --\n")
			continue
		}
		out[name] += line
	}
	return out
}

func golden(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/" + folder + "/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	return files
}

// CUST-1: what goes over the wire, byte by byte.
func TestGoldenRequests(t *testing.T) {
	for _, path := range golden(t, "requests") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			parts := sections(t, path)
			config, c := client(t, parts["client"])
			got := capture(t, config, &c)
			if *update {
				text := parts["comment"] + "-- client --\n" + parts["client"] + "-- request --\n" + got
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(parts["request"], got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// client reads the description of a client.
func client(t *testing.T, text string) (config customauth.Config, c mqttauth.Credentials) {
	t.Helper()
	c.Version = mqttauth.MQTT5
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch key {
		case "packet":
			if value == "AUTH" {
				previous := mqttauth.Accept(mqttauth.Principal{}, "")
				c.Previous = &previous
			}
		case "username":
			c.Username, c.HasUsername = value, true
		case "password":
			c.Password = mqttauth.NewSecret([]byte(value))
		case "certificates":
			c.PeerCertificates = certificates(t, "testdata/"+value)
		case "method":
			c.AuthMethod = value
		case "data":
			c.AuthData = mqttauth.NewSecret([]byte(value))
		case "setting":
			config.PlainMethod = value == "plain method"
		case "header":
			name, value, _ := strings.Cut(value, "=")
			config.Headers = append(config.Headers, customauth.Header{Name: name, Value: mqttauth.NewSecret([]byte(value))})
		default:
			t.Fatalf("what is %q?", key)
		}
	}
	return config, c
}

func certificates(t testing.TB, path string) (chain []*x509.Certificate) {
	t.Helper()
	rest, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
	return chain
}

// capture returns the request that a method sends, with HOST for the server's
// address.
func capture(t *testing.T, settings customauth.Config, c *mqttauth.Credentials) string {
	t.Helper()
	got := make(chan string, 1)
	config := &tls.Config{Certificates: []tls.Certificate{thePKI(t).server.TLS()}}
	server := script{raw: func(raw net.Conn) {
		conn := tls.Server(raw, config)
		reader := bufio.NewReader(conn)
		var head strings.Builder
		for !strings.HasSuffix(head.String(), "\r\n\r\n") {
			line, err := reader.ReadString('\n')
			if err != nil {
				return
			}
			head.WriteString(line)
		}
		var length int
		_, after, _ := strings.Cut(head.String(), "Content-Length: ")
		if _, err := fmt.Sscan(after, &length); err != nil {
			return
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(reader, body); err != nil {
			return
		}
		text := strings.ReplaceAll(head.String(), "\r\n", "\n") + string(body) + "\n"
		got <- strings.ReplaceAll(text, raw.LocalAddr().String(), "HOST")
		write(conn, ok("{}"))
	}}.start(t)
	settings.Endpoint = server.url()
	if r, err := method(t, settings).Authenticate(t.Context(), c); mqttauth.OutcomeOf(r, err) != mqttauth.Accepted {
		t.Fatal(err)
	}
	return <-got
}

// CUST-3, CUST-4: what the answers mean. A reauthenticating client had no
// attributes before.
func TestGoldenAnswers(t *testing.T) {
	for _, path := range golden(t, "answers") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			parts := sections(t, path)
			server := script{answer: says(strings.TrimSuffix(parts["answer"], "\n"))}.start(t)
			m := method(t, customauth.Config{Endpoint: server.url()})
			var got strings.Builder
			for _, c := range []mqttauth.Credentials{login(), renewal("", nil)} {
				kind := "connect"
				if c.Previous != nil {
					kind = "auth"
				}
				r, err := m.Authenticate(t.Context(), &c)
				fmt.Fprintf(&got, "%s: %s\n", kind, describe(r, err))
			}
			if diff := cmp.Diff(parts["outcome"], got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func describe(r mqttauth.Result, err error) string {
	text := mqttauth.OutcomeOf(r, err).String()
	switch mqttauth.OutcomeOf(r, err) {
	case mqttauth.Denied:
		return text + " with " + reasonOf(err).String()
	case mqttauth.Accepted:
		for _, name := range slices.Sorted(maps.Keys(r.Principal.Attributes)) {
			text += " " + name + "=" + r.Principal.Attributes[name]
		}
		if !r.Expiry.IsZero() {
			text += " until " + r.Expiry.UTC().Format(time.RFC3339Nano)
		}
	default:
	}
	return text
}

// The chain in the requests above is that file, as package pem writes it.
func TestGoldenCertificate(t *testing.T) {
	want, err := os.ReadFile("testdata/device.pem")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for _, c := range certificates(t, "testdata/device.pem") {
		if err := pem.Encode(&got, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
