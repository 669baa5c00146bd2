package main

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

const refusalRules = `apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerListener
metadata: {name: listener}
spec:
  ports:
  - {port: 1883, authenticationRef: chain, authorizationRef: policy}
  - {port: 1884, authenticationRef: chain, authorizationRef: policy}
---
apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthentication
metadata: {name: chain}
spec:
  authenticationMethods:
  - method: ServiceAccountToken
    serviceAccountTokenSettings: {audiences: [broker]}
---
apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthorization
metadata: {name: policy}
spec:
  authorizationPolicies:
    rules:
    - principals: {clientIds: ["known\n"]}
      brokerResources:
      - {method: Connect}
      - {method: Publish, topics: [mine]}
`

// packet makes an MQTT 3.1.1 packet: its first byte, and fields that have their
// length before them unless they are bytes.
func packet(first byte, fields ...any) []byte {
	var body []byte
	for _, f := range fields {
		switch f := f.(type) {
		case []byte:
			body = append(body, f...)
		case string:
			body = append(body, 0, byte(len(f)))
			body = append(body, f...)
		}
	}
	return append([]byte{first, byte(len(body))}, body...)
}

// connectPacket makes a CONNECT with a clean session, and a will if there is a
// topic for it.
func connectPacket(clientID, will string) []byte {
	if will == "" {
		return packet(0x10, "MQTT", []byte{4, 2, 0, 60}, clientID)
	}
	return packet(0x10, "MQTT", []byte{4, 6, 0, 60}, clientID, will, "last words")
}

// safeBuffer is what a logger writes to while others read.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Whatever the broker logs about a denial, explain takes it as it is printed
// (AUTHZ-15).
func TestAUTHZ15ExplainLog(t *testing.T) {
	docs := filepath.Join(t.TempDir(), "docs.yaml")
	if err := os.WriteFile(docs, []byte(refusalRules), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := resource.Load(docs)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := mqttauthz.Compile(set.Authorizations[0].Rules)
	if err != nil {
		t.Fatal(err)
	}
	handlers := map[string]func(io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	}
	tests := []struct {
		name string
		send [][]byte // the last is answered by the end of the connection
		want string
	}{
		{"connect", [][]byte{connectPacket("stranger", "")}, `client ID "stranger" connect`},
		{"will", [][]byte{connectPacket("known\n", "a b\u202e")}, `client ID "known\u{a}" publish "a b\u{202e}"`},
		{"publish", [][]byte{connectPacket("known\n", ""), packet(0x30, `c\"d`, []byte("payload"))}, `client ID "known\u{a}" publish "c\\\"d"`},
		{"subscribe", [][]byte{connectPacket("known\n", ""), packet(0x82, []byte{0, 1}, "mine", []byte{0})}, `client ID "known\u{a}" subscribe "mine"`},
	}
	for form, handler := range handlers {
		for _, tt := range tests {
			t.Run(form+" "+tt.name, func(t *testing.T) {
				line := denialOf(t, handler, policy, tt.send)
				got, err := execute(t, "explain", "why", "-f", docs, line)
				if status(err) != statusFound {
					t.Fatalf("%v\n%s\n%s", err, line, got)
				}
				want := "denied: no rule allows it\nport default/listener:1883, policy default/policy (" + docs + ":17:1)\n" + tt.want + "\n"
				if !strings.HasPrefix(got, want) {
					t.Errorf("the line\n%s\nis explained as\n%swant\n%s", line, got, want)
				}
			})
		}
	}
}

// denialOf lets a broker under the policy deny something, and returns the line
// in its log.
func denialOf(t *testing.T, handler func(io.Writer) slog.Handler, policy *mqttauthz.Policy, send [][]byte) string {
	t.Helper()
	var log safeBuffer
	s := broker.NewServer(broker.Options{Logger: slog.New(handler(&log))})
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	access := broker.Access{Authentication: mqttauth.AllowAnonymous(), Authorization: policy}
	if _, err := s.Listen(tcp, broker.Port{Name: "default/listener:1883", Access: access}); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, p := range append(send, packet(0xe0)) { // DISCONNECT
		if _, err := c.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.Copy(io.Discard, c); err != nil { // until the broker is done with us
		t.Fatal(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(log.String())
}

// A session that belongs to somebody else is no matter of rules.
func TestExplainOtherReason(t *testing.T) {
	docs := filepath.Join(t.TempDir(), "docs.yaml")
	if err := os.WriteFile(docs, []byte(refusalRules), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := execute(t, "explain", "why", "-f", docs, `msg="client refused" port=default/listener:1883 client_id=known\u{a} method=anonymous `+
		`reason="client identifier not valid (0x85)" error="the session of this client ID belongs to another identity"`)
	if status(err) != statusFound {
		t.Fatal(out, err)
	}
	for _, want := range []string{
		"denied: the session of this client ID belongs to another identity\n",
		"note: the policy allows the client to connect; it was refused for another reason\n",
		"note: the client ID is in use by a session of another identity, or is missing where MQTT 3.1.1 wants one\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// What was cut in the log is left out and said, or refused.
func TestExplainCut(t *testing.T) {
	long := strings.Repeat("x", 300)
	fields := map[string]string{"msg": "publish denied", "topic": "t", "client_id": shown(long), "attributes.a": "1", "attributes." + shown(long): "2", "attributes_omitted": "3"}
	q, err := newQuestion(fields)
	if err != nil {
		t.Fatal(err)
	}
	if q.who.ClientID != "" || len(q.who.Attributes) != 1 || len(q.logged.Remarks) != 3 {
		t.Errorf("%+v with remarks %q", q.who, q.logged.Remarks)
	}
	fields["topic"] = shown(long)
	if _, err := newQuestion(fields); err == nil || !strings.Contains(err.Error(), "field topic") {
		t.Errorf("a cut topic: %v", err)
	}
}

// Reading a line never fails worse than with an error, and a line that slog
// writes is read as it was meant.
func FuzzReadLogLine(f *testing.F) {
	f.Add("publish denied", `c"d\`, "a b=c")
	f.Add("", "\x00\xff", "{")
	f.Fuzz(func(t *testing.T, msg, topic, attribute string) {
		_, _ = readLogLine(msg)
		want := map[string]string{"topic": shown(topic), "attributes." + shown(attribute): shown(msg)}
		for form, handler := range map[string]func(io.Writer) slog.Handler{
			"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
			"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
		} {
			var b bytes.Buffer
			slog.New(handler(&b)).Warn("m", "topic", shown(topic), slog.Group("attributes", shown(attribute), shown(msg)))
			got, err := readLogLine(b.String())
			if err != nil {
				t.Fatalf("%s: %v\n%s", form, err, b.String())
			}
			for key, value := range want {
				if got[key] != value {
					t.Errorf("%s: %q is %q, want %q\n%s", form, key, got[key], value, b.String())
				}
			}
		}
	})
}
