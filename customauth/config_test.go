package customauth_test

import (
	"crypto/tls"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

func TestConfigErrors(t *testing.T) {
	p := thePKI(t)
	key, err := p.server.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	head := func(name, value string) customauth.Header {
		return customauth.Header{Name: name, Value: mqttauth.NewSecret([]byte(value))}
	}
	const good = "https://auth.example"
	tests := []struct {
		name   string
		config customauth.Config
		want   string
	}{
		{"no endpoint", customauth.Config{}, "want https://HOST"},
		{"http", customauth.Config{Endpoint: "http://auth.example"}, "want https://HOST"},
		{"no host", customauth.Config{Endpoint: "https://:443"}, "want https://HOST"},
		{"path", customauth.Config{Endpoint: good + "/auth"}, "must end behind host and port"},
		{"query", customauth.Config{Endpoint: good + "/?"}, "must end behind host and port"},
		{"user", customauth.Config{Endpoint: "https://hunter2@auth.example"}, "must not hold a user name"},
		{"not a URL", customauth.Config{Endpoint: "https://hunter2\x7f"}, "not a URL"},
		{"negative", customauth.Config{Endpoint: good, Timeout: -1}, "negative limit"},
		{"negative rate", customauth.Config{Endpoint: good, MaxPerSecond: -1}, "negative limit"},
		{"usernames", customauth.Config{Endpoint: good, Usernames: 3}, "unknown setting 3"},
		{"LINK-9 host", customauth.Config{Endpoint: good, Headers: []customauth.Header{head("host", "hunter2")}}, "header Host is not for you"},
		{"LINK-9 length", customauth.Config{Endpoint: good, Headers: []customauth.Header{head("content-length", "1")}}, "header Content-Length is not for you"},
		{"LINK-9 CR", customauth.Config{Endpoint: good, Headers: []customauth.Header{head("X-A", "hunter2\r\nX-B: c")}}, "header X-A holds a control character"},
		{"header twice", customauth.Config{Endpoint: good, Headers: []customauth.Header{head("X-A", "1"), head("x-a", "2")}}, "header X-A is given twice"},
		{"header name", customauth.Config{Endpoint: good, Headers: []customauth.Header{head("X A", "1")}}, `"X A" is not a header name`},
		{"no header name", customauth.Config{Endpoint: good, Headers: []customauth.Header{head("", "1")}}, `"" is not a header name`},
		{"empty roots", customauth.Config{Endpoint: good, TLS: customauth.TLS{RootCAs: []byte{}}}, "no certificate in PEM"},
		{"key among the roots", customauth.Config{Endpoint: good, TLS: customauth.TLS{RootCAs: key}}, `block 1 is a "PRIVATE KEY"`},
		{"certificate without key", customauth.Config{Endpoint: good, TLS: customauth.TLS{Certificate: p.server.PEM()}}, "both a certificate and a key"},
		{"key of another", customauth.Config{Endpoint: good, TLS: customauth.TLS{Certificate: p.root.PEM(), Key: mqttauth.NewSecret(key)}}, "client certificate:"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := customauth.New(test.config)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("S-18: %v", err)
			}
			if m != nil {
				t.Error("a method beside the error")
			}
		})
	}
}

// CUST-1, CUST-2: TLS as configured, and replaced while it works.
func TestReplace(t *testing.T) {
	p := thePKI(t)
	var mu sync.Mutex
	var seen []string
	var protocols []string
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		name := ""
		if len(r.TLS.PeerCertificates) > 0 {
			name = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		seen = append(seen, name)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	}), func(c *tls.Config) {
		c.ClientAuth = tls.RequestClientCert
		c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			mu.Lock()
			defer mu.Unlock()
			protocols = append(protocols, hello.SupportedProtos...)
			if slices.Max(hello.SupportedVersions) < tls.VersionTLS12 || slices.Contains(hello.SupportedVersions, tls.VersionTLS11) {
				t.Error("CUST-1: TLS before 1.2 is offered")
			}
			return nil, nil
		}
	})
	m := method(t, customauth.Config{Endpoint: url})
	ask := func() mqttauth.Outcome {
		c := login()
		r, err := m.Authenticate(t.Context(), &c)
		return mqttauth.OutcomeOf(r, err)
	}
	replace := func(c customauth.TLS) {
		t.Helper()
		if err := m.Replace(c); err != nil {
			t.Fatal(err)
		}
	}
	if got := ask(); got != mqttauth.Accepted {
		t.Fatal(got)
	}
	broker := p.leaf(t, "broker")
	key, err := broker.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	replace(customauth.TLS{RootCAs: p.root.PEM(), Certificate: broker.PEM(), Key: mqttauth.NewSecret(key)})
	if got := ask(); got != mqttauth.Accepted {
		t.Error(got)
	}
	if err := m.Replace(customauth.TLS{RootCAs: []byte("none")}); err == nil {
		t.Error("roots without a certificate were taken")
	}
	if got := ask(); got != mqttauth.Accepted {
		t.Errorf("%v, although nothing was replaced", got)
	}
	replace(customauth.TLS{RootCAs: p.leaf(t, "somebody else").PEM()})
	if got := ask(); got != mqttauth.Unavailable {
		t.Errorf("CUST-3: %v with other roots, though the kept connection is good", got)
	}
	replace(customauth.TLS{}) // the roots of the system
	if got := ask(); got != mqttauth.Unavailable {
		t.Errorf("CUST-1: %v with the roots of the system", got)
	}
	if diff := cmp.Diff([]string{"", "broker", "broker"}, seen); diff != "" {
		t.Errorf("client certificates (-want +got):\n%s", diff)
	}
	if len(protocols) > 0 {
		t.Errorf("CUST-2: ALPN offers %q, want nothing", protocols)
	}
}

// A server that wants a certificate we do not have cannot be reached. With TLS
// 1.3 it says so after the handshake.
func TestNoClientCertificate(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		url := serve(t, &customauth.Handler{Authenticator: rules{}}, func(c *tls.Config) {
			c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, thePKI(t).root.Pool()
			c.MinVersion, c.MaxVersion = version, version
		})
		for range 50 { // the alert may come while the request is being written
			c := login()
			m := method(t, customauth.Config{Endpoint: url})
			r, err := m.Authenticate(t.Context(), &c)
			if got := mqttauth.OutcomeOf(r, err); got != mqttauth.Unavailable {
				t.Errorf("%s: %v, want unavailable (%v)", tls.VersionName(version), got, err)
			}
		}
	}
}
