package config_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// bench is a keeper with a server, and clients for it.
type bench struct {
	t      *testing.T
	pki    *pki
	port   string
	keeper *config.Keeper
	log    *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newBench(t *testing.T) (*bench, files) {
	t.Helper()
	b := &bench{t: t, pki: newPKI(t), log: new(lockedBuffer), port: freePort(t)}
	log := slog.New(slog.NewTextHandler(b.log, nil))
	b.keeper = config.NewKeeper(broker.NewServer(broker.Options{Logger: log}), "127.0.0.1", log)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.keeper.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return b, documents(t, b.pki).replace("listener.yaml", "8883", b.port)
}

// logged waits until the log says all of this, which it may do only after the
// client has noticed.
func (b *bench) logged(parts ...string) {
	b.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); runtime.Gosched() {
		text := b.log.String()
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) }) {
			return
		}
	}
	b.t.Errorf("the log does not say %q:\n%s", parts, b.log)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func (b *bench) apply(f files) {
	b.t.Helper()
	plan, err := compile(b.t, f)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.keeper.Apply(plan); err != nil {
		b.t.Fatal(err)
	}
}

// client is a connection that has sent CONNECT.
type client struct {
	t    *testing.T
	nc   net.Conn
	r    *wire.Reader
	code mqttauth.ReasonCode // of the CONNACK
}

// dial connects with the pki's client certificate. It returns nil if the port
// does not answer.
func (b *bench) dial() *client { b.t.Helper(); return b.dialAs("c1") }

func (b *bench) dialAs(id string) *client {
	b.t.Helper()
	d := tls.Dialer{Config: &tls.Config{RootCAs: b.pki.serverCA.Pool(), Certificates: []tls.Certificate{b.pki.client.TLS()}}}
	nc, err := d.DialContext(b.t.Context(), "tcp", "127.0.0.1:"+b.port)
	if err != nil {
		return nil
	}
	return b.connect(nc, &wire.Connect{Version: mqttauth.MQTT5, CleanStart: true, ClientID: id})
}

// login connects without TLS, with a user name and a password. It returns nil if
// the port does not answer.
func (b *bench) login(user, password string) *client {
	b.t.Helper()
	nc, err := new(net.Dialer).DialContext(b.t.Context(), "tcp", "127.0.0.1:"+b.port)
	if err != nil {
		return nil
	}
	return b.connect(nc, &wire.Connect{
		Version: mqttauth.MQTT5, CleanStart: true, ClientID: user,
		Username: wire.Some(user), Password: []byte(password),
	})
}

// connect sends CONNECT and reads the answer. It returns nil if there is none.
func (b *bench) connect(nc net.Conn, connect *wire.Connect) *client {
	b.t.Helper()
	b.t.Cleanup(func() { nc.Close() })
	c := &client{t: b.t, nc: nc, r: wire.NewReader(nc)}
	_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
	c.send(connect.Append(nil))
	f, err := c.r.Next(1 << 20)
	if err != nil {
		return nil
	}
	var ack wire.Connack
	if err := ack.Decode(f, mqttauth.MQTT5); err != nil {
		b.t.Fatal(err)
	}
	c.code = ack.Code
	return c
}

func (c *client) send(packet []byte) {
	c.t.Helper()
	if _, err := c.nc.Write(packet); err != nil {
		c.t.Fatal(err)
	}
}

// publish returns the code that a QoS 1 publish is answered with.
func (c *client) publish(topic string) mqttauth.ReasonCode {
	c.t.Helper()
	c.send((&wire.Publish{QoS: 1, PacketID: 1, Topic: topic}).Append(nil, mqttauth.MQTT5))
	f, err := c.r.Next(1 << 20)
	if err != nil {
		c.t.Fatal(err)
	}
	var ack wire.Ack
	if err := ack.Decode(f, mqttauth.MQTT5); err != nil {
		c.t.Fatal(err)
	}
	return ack.Code
}

// alive reports whether the server still answers.
func (c *client) alive() bool {
	c.t.Helper()
	c.send((&wire.Pingreq{}).Append(nil, mqttauth.MQTT5))
	f, err := c.r.Next(1 << 20)
	return err == nil && f.Type == wire.PINGRESP
}

// disconnected returns the reason of the server's DISCONNECT, which must come.
func (c *client) disconnected() mqttauth.ReasonCode {
	c.t.Helper()
	f, err := c.r.Next(1 << 20)
	if err != nil {
		c.t.Fatal(err)
	}
	var p wire.Disconnect
	if err := p.Decode(f, mqttauth.MQTT5); err != nil {
		c.t.Fatal(err)
	}
	return p.Code
}

const temperature, humidity = "telemetry/temperature", "telemetry/humidity"

// AUTHZ-13, LINK-3: policies and links change while the port is open.
func TestPolicyChanges(t *testing.T) {
	b, f := newBench(t)
	open := f.replace("listener.yaml", "      authorizationRef: authz\n", "")
	b.apply(open)
	c := b.dial()
	if got := c.publish(humidity); got != mqttauth.Success {
		t.Errorf("without a policy: %v", got)
	}

	b.apply(f)
	if got := c.disconnected(); got != wire.AdministrativeAction {
		t.Errorf("client of a port that got a policy: %v", got)
	}
	c = b.dial()
	if got := c.publish(humidity); got != mqttauth.NotAuthorized {
		t.Errorf("with the policy: %v", got)
	}
	if got := c.publish(temperature); got != mqttauth.Success {
		t.Errorf("with the policy: %v", got)
	}

	b.apply(f.replace("authorization.yaml", temperature, humidity))
	if got := c.disconnected(); got != wire.AdministrativeAction {
		t.Errorf("client of a changed policy: %v", got)
	}
	if got := b.dial().publish(humidity); got != mqttauth.Success {
		t.Errorf("with the changed policy: %v", got)
	}
}

// AUTHZ-13: the clients of a port whose policy changes do not wait until another
// port is closed, which one of its clients can hold up.
func TestPolicyChangesWhilePortCloses(t *testing.T) {
	b, f := newBench(t)
	second := *b
	second.port = freePort(t)
	f = f.with("second.yaml", strings.NewReplacer("name: listener", "name: second", b.port, second.port).Replace(f["listener.yaml"]))
	b.apply(f)
	silent, other := b.dialAs("silent"), second.dialAs("other")

	plan, err := compile(t, f.without("listener.yaml").replace("authorization.yaml", temperature, humidity))
	if err != nil {
		t.Fatal(err)
	}
	applied := make(chan error)
	go func() { applied <- b.keeper.Apply(plan) }()
	if got := other.disconnected(); got != wire.AdministrativeAction {
		t.Errorf("client of a changed policy: %v", got)
	}
	if strings.Contains(b.log.String(), "port closed") {
		t.Errorf("the other port was closed before:\n%s", b.log)
	}
	if got := silent.disconnected(); got != wire.AdministrativeAction {
		t.Errorf("client of a port that closed: %v", got)
	}
	if err := <-applied; err != nil {
		t.Error(err)
	}
	b.logged("port closed")
}

// A change that means nothing, and one of the server certificate, disconnect
// nobody (AUTHN-11).
func TestUnrelatedChanges(t *testing.T) {
	b, f := newBench(t)
	b.apply(f)
	c := b.dial()
	b.apply(f.replace("authorization.yaml", "apiVersion", "# a remark\napiVersion"))
	if !c.alive() {
		t.Fatal("a remark in a policy disconnected a client")
	}
	renewed, err := b.pki.serverCA.Leaf(devca.Spec{Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	b.apply(f.with("server.yaml", secret(t, "server-cert", renewed)))
	if !c.alive() {
		t.Error("a new server certificate disconnected a client")
	}
	fresh := b.dial()
	if got := fresh.nc.(*tls.Conn).ConnectionState().PeerCertificates[0]; !got.Equal(renewed.Cert) {
		t.Error("a new client still gets the old server certificate")
	}
}

// AUTHN-11, X509-10: other trust anchors.
func TestAnchorsChange(t *testing.T) {
	b, f := newBench(t)
	b.apply(f)
	c := b.dial()
	other := newPKI(t)
	b.apply(f.with("ca.yaml", configMap("client-ca", other.clientCA.PEM())))
	if got := c.disconnected(); got != wire.AdministrativeAction {
		t.Errorf("client of a removed anchor: %v", got)
	}
	if c := b.dial(); c != nil && c.code == mqttauth.Success {
		t.Error("a client of a removed anchor gets in")
	}
	b.logged("TLS handshake refused", "CN=thermostat")
}

// LINK-7: a port closes while something is missing, and opens when it is there.
func TestMissingClosesThePort(t *testing.T) {
	for _, name := range []string{"authentication.yaml", "authorization.yaml", "ca.yaml", "server.yaml"} {
		t.Run(name, func(t *testing.T) {
			b, f := newBench(t)
			b.apply(f.without(name))
			if b.dial() != nil {
				t.Fatal("the port is open")
			}
			b.apply(f)
			c := b.dial()
			if c == nil || c.code != mqttauth.Success {
				t.Fatal("the port did not open")
			}
			b.apply(f.without(name))
			if got := c.disconnected(); got != wire.AdministrativeAction {
				t.Errorf("client of a port that closed: %v", got)
			}
			if b.dial() != nil {
				t.Error("deletion left the port open")
			}
		})
	}
}

func TestPortTaken(t *testing.T) {
	b, f := newBench(t)
	l, err := net.Listen("tcp", "127.0.0.1:"+b.port)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	plan, err := compile(t, f)
	if err != nil {
		t.Fatal(err)
	}
	err = b.keeper.Apply(plan)
	var opErr *net.OpError
	var failed *config.PortError
	name := "default/listener:" + b.port
	if !errors.As(err, &opErr) || !errors.As(err, &failed) || failed.Port != plan.Ports[0] || !strings.Contains(err.Error(), "port "+name) {
		t.Errorf("Apply = %v", err)
	}
}

// The line of a port says where it listens, with which authentication and
// authorization.
func TestListeningLine(t *testing.T) {
	b, f := newBench(t)
	b.apply(f)
	line := `msg=listening address=127.0.0.1:` + b.port + ` port=default/listener:` + b.port +
		` transport=tls authentication="default/authn (X509)" authorization="default/authz (1 rule)"`
	if got := b.log.String(); strings.Count(got, "msg=listening") != 1 || !strings.Contains(got, line) {
		t.Errorf("log:\n%s\nwant\n%s", got, line)
	}
}

// The tutorial's own manifests compile.
func TestTutorialManifests(t *testing.T) {
	p := newPKI(t)
	namespaced := func(s string) string {
		return strings.Replace(s, "metadata:\n", "metadata:\n  namespace: azure-iot-operations\n", 1)
	}
	f := files{
		"ca.yaml":     namespaced(configMap("fabrikam-ca", p.clientCA.PEM())),
		"server.yaml": namespaced(secret(t, "broker-server-cert", p.server)),
	}
	for _, name := range []string{"listener.yaml", "authentication.yaml", "authorization.yaml"} {
		data, err := os.ReadFile(filepath.Join("../../examples/tutorial", name))
		if err != nil {
			t.Fatal(err)
		}
		f[name] = string(data)
	}
	plan, err := compile(t, f)
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Ports[0].Authorization(); got != "azure-iot-operations/abac-authz (4 rules)" || len(plan.Ports[0].Missing) > 0 {
		t.Errorf("authorization %q, missing %v", got, plan.Ports[0].Missing)
	}
}

// BenchmarkLoad reads and compiles a policy of 10,000 rules.
func BenchmarkLoad(b *testing.B) {
	var doc strings.Builder
	doc.WriteString("apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: BrokerAuthorization\nmetadata:\n  name: large\nspec:\n  authorizationPolicies:\n    rules:\n")
	for i := range 10_000 {
		n := strconv.Itoa(i)
		_, _ = io.WriteString(&doc, "      - principals:\n          attributes:\n            - building: b"+n+
			"\n        brokerResources:\n          - method: Connect\n          - method: Publish\n            topics:\n              - sensors/b"+n+"/{principal.clientId}/#\n")
	}
	data := []byte(doc.String())
	b.ReportAllocs()
	for b.Loop() {
		set, err := resource.Parse("large.yaml", data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := config.Compile(set, config.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
