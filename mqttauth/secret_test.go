package mqttauth_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

const password = "hunter2-correct-horse"

// leaks returns the form in which text holds the password, or "".
func leaks(text string) string {
	var decimals []string
	for _, c := range []byte(password) {
		decimals = append(decimals, fmt.Sprint(c))
	}
	for _, form := range []string{
		password,
		hex.EncodeToString([]byte(password)),
		base64.StdEncoding.EncodeToString([]byte(password)),
		base64.RawURLEncoding.EncodeToString([]byte(password)),
		strings.Join(decimals, " "),
		strings.Join(decimals, ", "),
		strings.Join(decimals, ","),
		fmt.Sprintf("% x", password),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(password)), "[]byte{"), "}"),
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return form
		}
	}
	return ""
}

// S-18: a secret never shows in what is printed, logged or encoded, wherever
// it sits.
func TestSecretNeverPrints(t *testing.T) {
	secret := mqttauth.NewSecret([]byte(password))
	type hidden struct {
		user   string
		secret mqttauth.Secret
		deeper *struct{ secret mqttauth.Secret }
	}
	cred := mqttauth.Credentials{Username: "alice", Password: secret, AuthData: secret}
	chain := newChain(t, "p", mqttauth.Entry{Name: "a", Method: says(denied)})
	_, refusal := chain.Authenticate(t.Context(), &cred)
	session := mqttauth.NewSession(mqttauth.SessionConfig{})
	action := session.Connect(start, &mqttauth.Credentials{Version: mqttauth.MQTT5, AuthMethod: "M", AuthData: secret})
	values := map[string]any{
		"secret":           secret,
		"pointer":          &secret,
		"exported field":   cred,
		"pointer to field": &cred,
		"unexported field": hidden{user: "alice", secret: secret, deeper: &struct{ secret mqttauth.Secret }{secret}},
		"slice":            []mqttauth.Secret{secret},
		"array of any":     [1]any{secret},
		"map":              map[string]mqttauth.Secret{"password": secret},
		"AUTH packet":      mqttauth.AuthPacket{Data: secret},
		"attempt":          action.Verify,
		"action":           action,
		"session":          session,
		"error":            fmt.Errorf("no: %w: %v", refusal, secret),
		"refusal":          refusal,
		"joined":           errors.Join(refusal, fmt.Errorf("%x", secret)),
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"v", "+v", "#v", "T", "d", "s", "x", "X", "q", "b", "o", "c", "U", "e", "p", "t", "10s", "-5v", "w", "z"} {
				if text := fmt.Sprintf("%"+verb, v); leaks(text) != "" {
					t.Errorf("%%%s: %s", verb, text)
				}
			}
			var out bytes.Buffer
			options := &slog.HandlerOptions{AddSource: true}
			for _, h := range []slog.Handler{slog.NewTextHandler(&out, options), slog.NewJSONHandler(&out, options)} {
				slog.New(h).With("with", v).Info("message", "key", v, slog.Group("group", "inner", v))
			}
			if b, err := json.Marshal(v); err == nil {
				out.Write(b)
			}
			if b, err := xml.Marshal(v); err == nil {
				out.Write(b)
			}
			if form := leaks(out.String()); form != "" {
				t.Errorf("logged or encoded as %q: %s", form, out.String())
			}
		})
	}
}

func TestSecretPrintsRedacted(t *testing.T) {
	for _, s := range []mqttauth.Secret{{}, mqttauth.NewSecret(nil), mqttauth.NewSecret([]byte(password))} {
		encoded, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var logged bytes.Buffer
		slog.New(slog.NewTextHandler(&logged, nil)).Info("m", "password", s)
		for _, got := range []string{
			s.String(), fmt.Sprint(s), fmt.Sprintf("%d", s), fmt.Sprintf("%#v", &s), fmt.Sprintf("%x", mqttauth.Credentials{Password: s}.Password),
			strings.Trim(string(encoded), `"`), logged.String(),
		} {
			if !strings.Contains(got, "[redacted]") {
				t.Errorf("got %q, want [redacted]", got)
			}
		}
	}
}

// Absent is not empty.
func TestSecretIsSet(t *testing.T) {
	var absent mqttauth.Secret
	if absent.IsSet() || absent.Reveal() != nil {
		t.Error("the zero Secret is set")
	}
	for _, b := range [][]byte{nil, {}} {
		if s := mqttauth.NewSecret(b); !s.IsSet() || len(s.Reveal()) != 0 {
			t.Errorf("NewSecret(%#v): set %t, %d bytes", b, s.IsSet(), len(s.Reveal()))
		}
	}
}

func TestSecretCopies(t *testing.T) {
	b := []byte(password)
	s := mqttauth.NewSecret(b)
	clear(b)
	if got := string(s.Reveal()); got != password {
		t.Error("the secret changed with the slice it was made of")
	}
}
