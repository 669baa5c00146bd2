package customauth_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// wire is a request as encoding/json reads it, independently of the package.
type wire struct {
	Type                   string
	Username               *string
	Password               *[]byte
	Certs                  *string
	EnhancedAuthentication *struct {
		Method []byte
		Data   *[]byte
	}
}

// FuzzRoundTrip: what a Handler reads is what the Method was given, and absent
// is not empty (S-22).
func FuzzRoundTrip(f *testing.F) {
	f.Add("alice", []byte("password"), "TICKET", []byte("data"), byte(0xff), byte(0))
	f.Add("", []byte{}, "", []byte{}, byte(0), byte(1))
	f.Add(`","password":"`, []byte{0, 0xff}, "\x00\"\\", []byte("\r\n"), byte(0x0f), byte(2))
	f.Add("\xff", []byte(strings.Repeat("x", 40000)), "é", []byte{}, byte(7), byte(7))
	device := certificates(f, "testdata/device.pem")[0]
	f.Fuzz(func(t *testing.T, username string, password []byte, authMethod string, data []byte, present, certs byte) {
		c := mqttauth.Credentials{HasUsername: present&1 != 0}
		if c.HasUsername {
			c.Username = username
		}
		if present&2 != 0 {
			c.Password = mqttauth.NewSecret(password)
		}
		if present&4 != 0 {
			c.AuthMethod = authMethod
		}
		if present&8 != 0 && c.AuthMethod != "" {
			c.AuthData = mqttauth.NewSecret(data)
		}
		if present&16 != 0 {
			c.Previous = new(mqttauth.Result)
		}
		for range certs % 4 {
			c.PeerCertificates = append(c.PeerCertificates, device)
		}
		plain := present&32 != 0 && utf8.ValidString(c.AuthMethod)
		body, inPlace, err := customauth.Encode(&c, plain)
		if err != nil {
			if utf8.ValidString(c.Username) && (c.Previous == nil || c.AuthMethod != "") && len(password)+len(data) < customauth.MaxBody {
				t.Fatal(err)
			}
			return
		}
		if !inPlace {
			t.Fatal("the request was built in more than one piece: a copy of the password is left behind")
		}
		h := &heard{answer: customauth.Accept(nil, time.Time{})}
		w := post(&customauth.Handler{Authenticator: h, PlainMethod: plain}, string(body))
		if len(body) > customauth.MaxBody {
			if w.Code != 413 {
				t.Fatalf("status %d for %d bytes", w.Code, len(body))
			}
			return
		}
		if w.Code != 200 {
			t.Fatalf("status %d: %s\n%s", w.Code, w.Body, body)
		}
		compare(t, &c, h)
		if plain {
			return
		}
		var other wire
		if err := json.Unmarshal(body, &other); err != nil {
			t.Fatal(err)
		}
		compareWire(t, &c, &other)
	})
}

func compare(t *testing.T, c *mqttauth.Credentials, h *heard) {
	if c.Previous != nil {
		if h.connect != nil || h.auth == nil {
			t.Fatal("not read as a reauthentication")
		}
		sameEnhanced(t, c, &h.auth.Enhanced)
		return
	}
	r := h.connect
	if r == nil || h.auth != nil {
		t.Fatal("not read as a CONNECT")
	}
	if r.HasUsername != c.HasUsername || r.Username != c.Username {
		t.Fatalf("username %q, %v", r.Username, r.HasUsername)
	}
	sameSecret(t, "password", c.Password, r.Password)
	if len(r.Certificates) != len(c.PeerCertificates) {
		t.Fatalf("%d certificates", len(r.Certificates))
	}
	for i, cert := range r.Certificates {
		if !cert.Equal(c.PeerCertificates[i]) {
			t.Fatalf("certificate %d differs", i)
		}
	}
	sameEnhanced(t, c, r.Enhanced)
}

func sameSecret(t *testing.T, name string, want, got mqttauth.Secret) {
	if want.IsSet() != got.IsSet() || !bytes.Equal(want.Reveal(), got.Reveal()) {
		t.Fatalf("%s %q, set %v; want %q, set %v", name, got.Reveal(), got.IsSet(), want.Reveal(), want.IsSet())
	}
}

func sameEnhanced(t *testing.T, c *mqttauth.Credentials, e *customauth.Enhanced) {
	if (e != nil) != (c.AuthMethod != "") {
		t.Fatalf("enhanced %+v for method %q", e, c.AuthMethod)
	}
	if e == nil {
		return
	}
	if e.Method != c.AuthMethod {
		t.Fatalf("method %q, want %q", e.Method, c.AuthMethod)
	}
	sameSecret(t, "data", c.AuthData, e.Data)
}

func compareWire(t *testing.T, c *mqttauth.Credentials, w *wire) {
	secret := func(b *[]byte) mqttauth.Secret {
		if b == nil {
			return mqttauth.Secret{}
		}
		return mqttauth.NewSecret(*b)
	}
	if (w.EnhancedAuthentication != nil) != (c.AuthMethod != "") {
		t.Fatal("enhancedAuthentication differs")
	}
	if e := w.EnhancedAuthentication; e != nil {
		if string(e.Method) != c.AuthMethod {
			t.Fatalf("method %q", e.Method)
		}
		sameSecret(t, "data", c.AuthData, secret(e.Data))
	}
	if c.Previous != nil {
		if w.Type != "auth" || w.Username != nil || w.Password != nil || w.Certs != nil {
			t.Fatalf("%+v", w)
		}
		return
	}
	if w.Type != "connect" || (w.Username != nil) != c.HasUsername || w.Username != nil && *w.Username != c.Username {
		t.Fatalf("%+v", w)
	}
	sameSecret(t, "password", c.Password, secret(w.Password))
	var chain strings.Builder
	for _, cert := range c.PeerCertificates {
		_ = pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	}
	if (w.Certs != nil) != (chain.Len() > 0) || w.Certs != nil && *w.Certs != chain.String() {
		t.Fatal("certs differ")
	}
}

// FuzzRequest: whatever comes, a Handler reads nothing else in it than
// encoding/json does, and never breaks.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"type":"connect","username":"a","password":"YQ==","certs":null,"enhancedAuthentication":{"method":"YQ==","data":"YQ=="}}`,
		`{"type":"auth","enhancedAuthentication":{"method":"YQ==","data":null}}`, `{"type":"connect","Username":"a","username":"b"}`, `{}`, `[`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		h := new(heard) // refuses
		w := post(&customauth.Handler{Authenticator: h}, body)
		if h.connect == nil && h.auth == nil {
			if w.Code != 400 && w.Code != 413 {
				t.Fatalf("status %d without a decision", w.Code)
			}
			return
		}
		if w.Code != 403 {
			t.Fatalf("status %d for a refusal", w.Code)
		}
		var members map[string]json.RawMessage // a struct would not tell letter case
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatalf("read what encoding/json does not: %v", err)
		}
		if h.connect == nil {
			return
		}
		var username *string
		var password *[]byte
		for key, to := range map[string]any{"username": &username, "password": &password} {
			if raw, ok := members[key]; ok {
				if err := json.Unmarshal(raw, to); err != nil {
					t.Fatalf("%s: %v", key, err)
				}
			}
		}
		if (username != nil) != h.connect.HasUsername || username != nil && *username != h.connect.Username {
			t.Fatalf("username %q", h.connect.Username)
		}
		if (password != nil) != h.connect.Password.IsSet() || password != nil && !bytes.Equal(*password, h.connect.Password.Reveal()) {
			t.Fatal("password differs")
		}
	})
}

// FuzzAnswer: what accepts is read by encoding/json in the same way.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"attributes":{"a":"b"},"expiry":"2030-05-08T20:04:16+00:00"}`, `{"expiry":"2030-05-08t20:04:16.5z"}`, `{"expiry":"2030-05-08T20:04:16-07:59"}`, `{"expiry":null}`, `{"x":[{"a":1}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		attributes, expiry, err := customauth.Acceptance([]byte(body))
		if err != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatalf("accepts what encoding/json does not read: %v", err)
		}
		var wantAttributes map[string]string
		if raw, ok := members["attributes"]; ok {
			if err := json.Unmarshal(raw, &wantAttributes); err != nil {
				t.Fatal(err)
			}
		}
		if !maps.Equal(wantAttributes, attributes) {
			t.Fatalf("attributes %q, want %q", attributes, wantAttributes)
		}
		raw, ok := members["expiry"]
		ok = ok && string(raw) != "null"
		if ok == expiry.IsZero() {
			t.Fatalf("expiry %v, given %v", expiry, ok)
		}
		if !ok {
			return
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			t.Fatal(err)
		}
		want, err := time.Parse(time.RFC3339, strings.ToUpper(text))
		if err != nil || expiry.Sub(want) > time.Nanosecond || want.After(expiry) {
			t.Fatalf("expiry %v, want %v (%v)", expiry, want, err)
		}
	})
}

// Requests are wiped when the last reader is done, and no earlier.
func TestWiped(t *testing.T) {
	c := login()
	if before, after := customauth.Wipes(&c); before || !after {
		t.Errorf("wiped before: %v, after: %v", before, after)
	}
}
