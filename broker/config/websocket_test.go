package config_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// webSocketDocuments are those of a WebSocket port that lets in the pages of one
// origin.
func webSocketDocuments(f files, port, origin string) files {
	return f.
		replace("listener.yaml", "      authenticationRef", "      protocol: WebSockets\n      authenticationRef").
		replace("listener.yaml", "  name: listener\n", "  name: listener\n  annotations:\n    mqttwarden/port-"+port+"-allowed-origins: "+origin+"\n")
}

// handshake opens a WebSocket from a page of this origin and returns the status
// of the answer.
func (b *bench) handshake(origin string) int {
	b.t.Helper()
	d := ws.Dialer{
		Protocols: []string{"mqtt"},
		Header:    ws.HandshakeHeaderHTTP(http.Header{"Origin": {origin}}),
		TLSConfig: &tls.Config{RootCAs: b.pki.serverCA.Pool(), Certificates: []tls.Certificate{b.pki.client.TLS()}},
	}
	nc, _, _, err := d.Dial(b.t.Context(), "wss://127.0.0.1:"+b.port)
	var status ws.StatusError
	switch {
	case errors.As(err, &status):
		return int(status)
	case err != nil:
		b.t.Fatal(err)
	}
	_ = nc.Close()
	return http.StatusSwitchingProtocols
}

// LINK-13: protocol WebSockets opens a WebSocket port, and the allow list is
// what the last documents say.
func TestLINK13Keeper(t *testing.T) {
	b, docs := newBench(t)
	b.apply(webSocketDocuments(docs, b.port, "https://app.example"))
	b.logged("msg=listening", `transport="websocket over tls"`)
	for origin, want := range map[string]int{
		"https://app.example":   101,
		"https://127.0.0.1":     101,
		"https://other.example": 403,
	} {
		if got := b.handshake(origin); got != want {
			t.Errorf("origin %s: status %d, want %d", origin, got, want)
		}
	}
	b.apply(webSocketDocuments(docs, b.port, "https://other.example"))
	if got := b.handshake("https://app.example"); got != 403 {
		t.Errorf("removed origin: status %d", got)
	}
	if got := b.handshake("https://other.example"); got != 101 {
		t.Errorf("added origin: status %d", got)
	}
	b.apply(docs)
	if c := b.dial(); c == nil || c.code != 0 {
		t.Errorf("MQTT over TLS after the protocol changed: %+v", c)
	}
}

// A word that is no origin would let in nobody, or too many: it is an error.
func TestLINK13BadOrigin(t *testing.T) {
	_, docs := newBench(t)
	_, err := compile(t, webSocketDocuments(docs, "1", "'https://app.example, *'").replace("listener.yaml", portOf(docs), "1"))
	if err == nil || !strings.Contains(err.Error(), `listener.yaml:6:40: metadata.annotations.mqttwarden/port-1-allowed-origins: websocket: "*" is no origin; want scheme://host`) {
		t.Errorf("error: %v", err)
	}
}

// portOf returns the number in the listener's document.
func portOf(f files) string {
	_, rest, _ := strings.Cut(f["listener.yaml"], "port: ")
	number, _, _ := strings.Cut(rest, "\n")
	return number
}
