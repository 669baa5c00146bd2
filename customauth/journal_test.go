package customauth_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// S-18: neither log nor error shows a credential or a header, whatever the server
// says; and both show the server's message, made harmless (OPS-1).
func TestMessages(t *testing.T) {
	c := login()
	header := customauth.Header{Name: "X-Api-Key", Value: mqttauth.NewSecret([]byte("hunter2hunter2"))}
	encoded := "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ"
	tests := []struct{ name, answer, want string }{
		{"message", answered("403 Forbidden", "application/json", `{"reason":134,"message":"no such user"}`), "no such user"},
		{"escapes", answered("403 Forbidden", "application/json", `{"reason":134,"message":"a\u001b[31m\u202e\nb"}`), `a\u{1b}[31m\u{202e}\u{a}b`},
		{"long", answered("403 Forbidden", "application/json", `{"reason":134,"message":"`+strings.Repeat("x", 5000)+`"}`), "xxx…"},
		{"plain text", answered("400 Bad Request", "text/plain", "password is missing"), "password is missing"},
		{"quotes the password", answered("403 Forbidden", "application/json", `{"reason":134,"message":"not `+phrase+`"}`), "is not shown"},
		{"quotes it in base64", answered("400 Bad Request", "text/plain", encoded+"== is wrong"), "is not shown"},
		{"quotes it in a 500", answered("500 Oops", "text/plain", phrase), "is not shown"},
		{"quotes it in a 200", ok(`{"attributes":"` + phrase + `"}`), "string where a value of kind object"},
		{"quotes it outside HTTP", phrase + "\n\n", "not HTTP"},
		{"quotes it in a header", "HTTP/1.1 200 OK\n" + phrase + "\n\n", "not HTTP"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			server := script{answer: says(test.answer)}.start(t)
			m := method(t, customauth.Config{Endpoint: server.url(), Headers: []customauth.Header{header}, Logger: logger})
			_, err := m.Authenticate(t.Context(), &c)
			if err == nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 400 {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
			if log.Len() == 0 || log.Len() > 800 {
				t.Errorf("%d bytes of log", log.Len())
			}
			for _, secret := range []string{phrase, encoded, "hunter2"} {
				if strings.Contains(log.String()+err.Error(), secret) {
					t.Errorf("S-18: %q is in the error or in the log:\n%v\n%s", secret, err, log.String())
				}
			}
		})
	}
}

// A Config prints no secret.
func TestConfigPrints(t *testing.T) {
	c := customauth.Config{
		TLS:     customauth.TLS{Key: mqttauth.NewSecret([]byte("hunter2"))},
		Headers: []customauth.Header{{Name: "X", Value: mqttauth.NewSecret([]byte("hunter2"))}},
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "header", c.Headers[0])
	if strings.Contains(log.String(), "hunter2") {
		t.Error(log.String())
	}
}

// OPS-1: a flood of outages and odd answers makes few lines.
func TestLogLimit(t *testing.T) {
	var log bytes.Buffer
	server := script{answer: says(answered("500 Oops", "text/plain", "oops"))}.start(t)
	m := method(t, customauth.Config{Endpoint: server.url(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 50 {
		c := login()
		if _, err := m.Authenticate(t.Context(), &c); !errors.Is(err, mqttauth.ErrFailed) {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
}
