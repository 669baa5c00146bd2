package customauth_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

const usualAnswer = `{"attributes":{"floor":"floor1","site":"site1"},"expiry":"2999-05-08T20:04:16+00:00"}`

// asking returns a function that asks a server once through a Method.
func asking(t testing.TB) func() {
	m := method(t, customauth.Config{Endpoint: script{answer: says(ok(usualAnswer))}.start(t).url()})
	c := login()
	return func() {
		if r, err := m.Authenticate(t.Context(), &c); mqttauth.OutcomeOf(r, err) != mqttauth.Accepted {
			t.Fatal(err)
		}
	}
}

// posting does the same with nothing but package net/http.
func posting(t testing.TB) func() {
	c := login()
	body, _, err := customauth.Encode(&c, false)
	if err != nil {
		t.Fatal(err)
	}
	url := script{answer: says(ok(usualAnswer))}.start(t).url() + "/?api-version=0.5.0"
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: thePKI(t).root.Pool()}, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections) // before the server waits for its connections to end
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	return func() {
		response, err := client.Post(url, "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(response.Body); err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
}

// A request costs at most 40 allocations beyond those of package net/http.
func TestAllocations(t *testing.T) {
	ours, bare := asking(t), posting(t)
	ours()
	bare()
	a, b := testing.AllocsPerRun(200, ours), testing.AllocsPerRun(200, bare)
	t.Logf("%v allocations, net/http alone %v", a, b)
	if a > b+40 {
		t.Errorf("%v allocations, net/http alone %v", a, b)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	ask := asking(b)
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
}

// BenchmarkNetHTTP is what to compare BenchmarkAuthenticate with.
func BenchmarkNetHTTP(b *testing.B) {
	ask := posting(b)
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
}

// BenchmarkOwnPart is what a request costs outside package net/http.
func BenchmarkOwnPart(b *testing.B) {
	c := login()
	c.PeerCertificates = certificates(b, "testdata/device.pem")
	answer := []byte(usualAnswer)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := customauth.Encode(&c, false); err != nil {
			b.Fatal(err)
		}
		if _, _, err := customauth.Acceptance(answer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHandler(b *testing.B) {
	h := &customauth.Handler{Authenticator: rules{}}
	c := login()
	body, _, err := customauth.Encode(&c, false)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if w := post(h, string(body)); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
