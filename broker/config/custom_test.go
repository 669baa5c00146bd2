package config_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// authServer is a custom authentication server whose answers a test sets.
type authServer struct {
	*httptest.Server
	delay   time.Duration // before each answer
	mu      sync.Mutex
	handler http.Handler
	connect func(*customauth.ConnectRequest) customauth.Answer
	auth    func(*customauth.AuthRequest) customauth.Answer
}

func (s *authServer) Connect(_ context.Context, r *customauth.ConnectRequest) (customauth.Answer, error) {
	time.Sleep(s.delay)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connect(r), nil
}

func (s *authServer) Auth(_ context.Context, r *customauth.AuthRequest) (customauth.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.auth(r), nil
}

// answer sets how both kinds of requests are answered.
func (s *authServer) answer(a customauth.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connect = func(*customauth.ConnectRequest) customauth.Answer { return a }
	s.auth = func(*customauth.AuthRequest) customauth.Answer { return a }
}

// newAuthServer starts a server that asks for a certificate below clients, if
// that is not nil.
func newAuthServer(t testing.TB, cert *devca.Certificate, clients *devca.Certificate) *authServer {
	t.Helper()
	s := startAuthServer(cert, clients)
	t.Cleanup(s.Close)
	return s
}

func startAuthServer(cert *devca.Certificate, clients *devca.Certificate) *authServer {
	s := new(authServer)
	s.handler = &customauth.Handler{Authenticator: s}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.swap(nil).ServeHTTP(w, r)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert.TLS()}}
	if clients != nil {
		s.TLS.ClientAuth, s.TLS.ClientCAs = tls.RequireAndVerifyClientCert, clients.Pool()
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	return s
}

const customYAML = `apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthentication
metadata:
  name: authn
spec:
  authenticationMethods:
    - method: Custom
      customSettings:
        endpoint: %s
        caCertConfigMap: custom-ca
%s`

const (
	clientCertificate = "        auth:\n          x509:\n            secretRef: custom-client\n"
	thenX509          = "    - method: X509\n"
)

// customBench is a bench whose port asks an authentication server, with more
// settings behind.
func customBench(t *testing.T, clients bool, settings string) (*bench, *authServer, files) {
	t.Helper()
	b, f := newBench(t)
	cert, err := b.pki.serverCA.Leaf(devca.Spec{Subject: pkix.Name{CommonName: "auth"}, Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	var below *devca.Certificate
	if clients {
		below = b.pki.clientCA
	}
	s := newAuthServer(t, cert, below)
	f = f.with("authentication.yaml", fmt.Sprintf(customYAML, s.URL, settings)).
		with("custom-ca.yaml", configMap("custom-ca", b.pki.serverCA.PEM())).
		with("custom-client.yaml", secret(t, "custom-client", b.pki.client))
	return b, s, f
}

// connects sends a CONNECT, with the pki's client certificate if wanted, and
// returns the answer and the connection.
func (b *bench) connects(p *wire.Connect, certificate bool) *client {
	b.t.Helper()
	c := b.sends(p, certificate)
	c.code = receive[wire.Connack](c).Code
	return c
}

// sends is connects without waiting for the answer.
func (b *bench) sends(p *wire.Connect, certificate bool) *client {
	b.t.Helper()
	cfg := &tls.Config{RootCAs: b.pki.serverCA.Pool()}
	if certificate {
		cfg.Certificates = []tls.Certificate{b.pki.client.TLS()}
	}
	d := tls.Dialer{Config: cfg}
	nc, err := d.DialContext(b.t.Context(), "tcp", "127.0.0.1:"+b.port)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	c := &client{t: b.t, nc: nc, r: wire.NewReader(nc)}
	c.send(p.Append(nil))
	return c
}

// decodable is a packet that can be read.
type decodable[T any] interface {
	*T
	Decode(wire.Frame, mqttauth.Version) error
}

func receive[T any, P decodable[T]](c *client) *T {
	c.t.Helper()
	f, err := c.r.Next(1 << 20)
	if err != nil {
		c.t.Fatal(err)
	}
	p := new(T)
	if err := P(p).Decode(f, mqttauth.MQTT5); err != nil {
		c.t.Fatalf("%v: %v", f.Type, err)
	}
	return p
}

func connectAs(user, password string) *wire.Connect {
	return &wire.Connect{
		Version: mqttauth.MQTT5, CleanStart: true, ClientID: "c1",
		Username: wire.Some(user), Password: []byte(password),
	}
}

func thermostats() map[string]string { return map[string]string{"group": "thermostats"} }

// CUST-4: attributes of the server open what the policy allows them; CUST-1: the
// server sees what the client presented.
func TestCustomAccepts(t *testing.T) {
	b, s, f := customBench(t, false, "")
	var seen customauth.ConnectRequest
	s.connect = func(r *customauth.ConnectRequest) customauth.Answer {
		seen = *r
		return customauth.Accept(thermostats(), time.Now().Add(time.Hour))
	}
	b.apply(f)
	c := b.connects(connectAs("alice", "s3cret"), false)
	if c.code != mqttauth.Success {
		t.Fatalf("CONNACK %v\n%s", c.code, b.log)
	}
	if got := c.publish(temperature); got != mqttauth.Success {
		t.Errorf("allowed topic: %v", got)
	}
	if got := c.publish(humidity); got != mqttauth.NotAuthorized {
		t.Errorf("other topic: %v", got)
	}
	stats := b.keeper.CustomStats()
	if len(stats) != 1 || stats[0].Authentication.Name != "authn" || stats[0].Method != "Custom" || stats[0].Accepted != 1 || stats[0].Open {
		t.Errorf("figures: %+v", stats)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if seen.Username != "alice" || string(seen.Password.Reveal()) != "s3cret" || len(seen.Certificates) != 0 {
		t.Errorf("the server saw user %q, %d certificates", seen.Username, len(seen.Certificates))
	}
	if strings.Contains(b.log.String(), "s3cret") { // S-18
		t.Errorf("the log shows the password:\n%s", b.log)
	}
}

// EXP-1, CUST-4: the server's expiry ends the connection.
func TestCustomExpiry(t *testing.T) {
	b, s, f := customBench(t, false, "")
	s.answer(customauth.Accept(thermostats(), time.Now().Add(2*time.Second)))
	b.apply(f)
	c := b.connects(connectAs("alice", "x"), false)
	if c.code != mqttauth.Success {
		t.Fatalf("CONNACK %v", c.code)
	}
	if _, err := c.r.Next(1 << 20); err != io.EOF && !isReset(err) {
		t.Errorf("instead of a close without a word: %v", err)
	}
	s.answer(customauth.Accept(nil, time.Now().Add(-time.Hour)))
	if c := b.connects(connectAs("alice", "x"), false); c.code != mqttauth.NotAuthorized {
		t.Errorf("an expiry that has passed: CONNACK %v", c.code)
	}
}

func isReset(err error) bool {
	_, ok := err.(*net.OpError)
	return ok || err == io.ErrUnexpectedEOF
}

// AUTHN-6, CUST-3: each reason of the server as far as CONNACK may carry it.
func TestCustomReasons(t *testing.T) {
	b, s, f := customBench(t, false, "")
	b.apply(f)
	for sent, want := range map[mqttauth.ReasonCode]mqttauth.ReasonCode{
		0x80: 0x80, 0x86: 0x86, 0x87: 0x87, 0x88: 0x88, 0x89: 0x89, 0x8A: 0x8A, 0x97: 0x97, 0x9F: 0x9F,
		0x81: 0x87, 0xFF: 0x87,
	} {
		s.answer(customauth.Refuse(sent, "no"))
		if c := b.connects(connectAs("alice", "x"), false); c.code != want {
			t.Errorf("reason %v: CONNACK %v, want %v", sent, c.code, want)
		}
	}
}

// AUTHN-3, AUTHN-4: while the server cannot be reached, the next method is
// asked; if none knows what to do, the client may come back later. A refusal is
// final.
func TestCustomFallback(t *testing.T) {
	b, s, f := customBench(t, false, thenX509)
	b.apply(f)
	s.answer(customauth.Refuse(mqttauth.NotAuthorized, "no"))
	if c := b.connects(connectAs("alice", "x"), true); c.code != mqttauth.NotAuthorized {
		t.Errorf("refused, with a certificate that X509 would accept: CONNACK %v", c.code)
	}
	s.Close()
	b.apply(f.replace("authorization.yaml", "attributes:\n            - group: thermostats", "usernames:\n            - thermostat"))
	c := b.connects(connectAs("alice", "x"), true)
	if c.code != mqttauth.Success {
		t.Fatalf("server down, with a certificate: CONNACK %v\n%s", c.code, b.log)
	}
	if got := c.publish(temperature); got != mqttauth.Success {
		t.Errorf("the certificate's rights: %v", got)
	}
	if c := b.connects(connectAs("alice", "x"), false); c.code != mqttauth.ServerUnavailable {
		t.Errorf("server down, without a certificate: CONNACK %v", c.code)
	}
}

// EXP-2, CUST-8: reauthentication over AUTH.
func TestCustomReauthentication(t *testing.T) {
	b, s, f := customBench(t, false, "")
	b.apply(f)
	s.answer(customauth.Accept(thermostats(), time.Now().Add(time.Hour)))
	connect := &wire.Connect{Version: mqttauth.MQTT5, CleanStart: true, ClientID: "c1", AuthMethod: "ticket", AuthData: []byte("1")}
	c := b.connects(connect, false)
	if c.code != mqttauth.Success {
		t.Fatalf("CONNACK %v\n%s", c.code, b.log)
	}
	renew := func() {
		t.Helper()
		c.send((&wire.Auth{Code: mqttauth.Reauthenticate, AuthMethod: "ticket", AuthData: []byte("2")}).Append(nil, mqttauth.MQTT5))
	}
	renew()
	if a := receive[wire.Auth](c); a.Code != mqttauth.Success || a.AuthMethod != "ticket" {
		t.Errorf("renewed: AUTH %v with method %q", a.Code, a.AuthMethod)
	}

	handler := s.swap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	renew()
	if a := receive[wire.Auth](c); a.Code != mqttauth.ContinueAuthentication || a.AuthMethod != "ticket" {
		t.Errorf("server out of order: AUTH %v with method %q", a.Code, a.AuthMethod)
	}
	s.swap(handler)
	renew()
	if a := receive[wire.Auth](c); a.Code != mqttauth.Success {
		t.Errorf("server back: AUTH %v", a.Code)
	}

	s.answer(customauth.Refuse(mqttauth.NotAuthorized, "no"))
	renew()
	if got := c.disconnected(); got != mqttauth.NotAuthorized {
		t.Errorf("refused: DISCONNECT %v", got)
	}
}

// swap puts another handler, if it is one, in place of the one that it returns.
func (s *authServer) swap(h http.Handler) http.Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.handler
	if h != nil {
		s.handler = h
	}
	return old
}

// CUST-1: a server that wants to know who asks.
func TestCustomMutualTLS(t *testing.T) {
	b, s, f := customBench(t, true, clientCertificate)
	s.answer(customauth.Accept(thermostats(), time.Time{}))
	b.apply(f)
	if c := b.connects(connectAs("alice", "x"), false); c.code != mqttauth.Success {
		t.Errorf("with a client certificate: CONNACK %v\n%s", c.code, b.log)
	}
	b.apply(f.replace("authentication.yaml", clientCertificate, ""))
	if c := b.connects(connectAs("alice", "x"), false); c.code == mqttauth.Success {
		t.Error("without one: accepted")
	}
}

// X509-12: the chain that the client presents goes to the server, unverified,
// and gives nothing here.
func TestCustomForwardsChain(t *testing.T) {
	b, s, f := customBench(t, false, "")
	var seen []*x509.Certificate
	s.connect = func(r *customauth.ConnectRequest) customauth.Answer {
		seen = r.Certificates
		return customauth.Accept(thermostats(), time.Time{})
	}
	b.apply(f)
	stranger := newPKI(t)
	b.pki.client = stranger.client
	connect := &wire.Connect{Version: mqttauth.MQTT5, CleanStart: true, ClientID: "c1"}
	if c := b.connects(connect, true); c.code != mqttauth.Success {
		t.Fatalf("CONNACK %v\n%s", c.code, b.log)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(seen) != 1 || !seen[0].Equal(stranger.client.Cert) {
		t.Errorf("the server saw %d certificates", len(seen))
	}
}

// A document that names what is not there keeps the port closed; one with an
// error is refused.
func TestCustomDocuments(t *testing.T) {
	b, _, f := customBench(t, false, clientCertificate)
	for _, name := range []string{"custom-ca.yaml", "custom-client.yaml"} {
		plan, err := compile(t, f.without(name))
		if err != nil {
			t.Fatal(err)
		}
		if len(plan.Ports[0].Missing) != 1 {
			t.Errorf("without %s: missing %v", name, plan.Ports[0].Missing)
		}
		plan.Close()
	}
	_, err := compile(t, f.with("custom-ca.yaml", configMap("custom-ca", []byte("nothing"))))
	if err == nil || !strings.Contains(err.Error(), "custom-ca.yaml:6:11: data.ca.pem") {
		t.Errorf("a ConfigMap without certificates: %v", err)
	}
	b.apply(f)
	if got := b.log.String(); !strings.Contains(got, `authentication="default/authn (Custom)"`) {
		t.Errorf("log:\n%s", got)
	}
}
