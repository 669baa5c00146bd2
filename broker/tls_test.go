package broker_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/broker/websocket"
	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/clientcert"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// pki is a certificate authority with a server certificate.
type pki struct {
	t            testing.TB
	root, server *devca.Certificate
}

func newPKI(t testing.TB) *pki {
	t.Helper()
	root, err := devca.Root(devca.Named("root"))
	if err != nil {
		t.Fatal(err)
	}
	p := &pki{t: t, root: root}
	p.server = p.leaf(devca.Spec{Hosts: []string{"127.0.0.1"}})
	return p
}

func (p *pki) leaf(s devca.Spec) *devca.Certificate {
	p.t.Helper()
	c, err := p.root.Leaf(s)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func (p *pki) serverConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{p.server.TLS()}}
}

// clientConfig is that of a client with a certificate, or nil for none.
func (p *pki) clientConfig(c *devca.Certificate) *tls.Config {
	config := &tls.Config{RootCAs: p.root.Pool(), ServerName: "127.0.0.1"}
	if c != nil {
		config.Certificates = []tls.Certificate{c.TLS()}
	}
	return config
}

// trust returns the anchors of the authority and the method that goes by them.
func (p *pki) trust() (*clientcert.Trust, *clientcert.Method) {
	p.t.Helper()
	trust, err := clientcert.NewTrust(clientcert.Anchors{Certificates: []*x509.Certificate{p.root.Cert}})
	if err != nil {
		p.t.Fatal(err)
	}
	m, err := clientcert.New(clientcert.Config{Trust: trust})
	if err != nil {
		p.t.Fatal(err)
	}
	return trust, m
}

// with returns a port whose peers speak TLS.
func (p *port) with(config *tls.Config) *port {
	dial := p.dial
	secure := *p
	secure.dial = func() (net.Conn, error) {
		nc, err := dial()
		if err != nil {
			return nil, err
		}
		return tls.Client(nc, config), nil
	}
	return &secure
}

// certPort is a port that authenticates by certificate first, then by user
// name.
func (p *pki) certPort(policy *mqttauthz.Policy) *port {
	p.t.Helper()
	trust, m := p.trust()
	return newServer(p.t, broker.Limits{}).open(broker.Port{
		Name: "mqtts", TLS: trust.Config(p.serverConfig()),
		Access: broker.Access{Authentication: chain(p.t, m.Authenticate, users), Authorization: policy},
	}, listenTCP(p.t))
}

// AUTHN-9, X509-1: over TLS the certificate says who the client is; without one
// the next method does.
func TestAUTHN9Certificate(t *testing.T) {
	pki := newPKI(t)
	b := pki.certPort(policy(t,
		allow("alice", pub("from/{principal.username}"), sub("#")),
		allow("bob", pub("from/{principal.username}"))))
	alice := b.with(pki.clientConfig(pki.leaf(devca.Named("alice")))).connect(v5, "a")
	alice.subscribe(1, "#")
	bob := b.with(pki.clientConfig(nil)).connect(v311, "b", as("bob"))
	bob.publish(1, "from/alice", "denied")
	bob.publish(1, "from/bob", "x")
	alice.message("from/bob", "x")
	alice.quiet()

	// S-10: neither is the owner of the other's session.
	b.with(pki.clientConfig(nil)).refused(0x85, connectPacket(v5, "a", as("bob")))
	b.with(pki.clientConfig(nil)).refused(0x85, connectPacket(v5, "a", as("alice")))
	alice.quiet()
}

// A certificate of somebody else's authority ends the handshake, and the log
// says whose it was.
func TestAUTHN9ForeignCertificate(t *testing.T) {
	ours, theirs := newPKI(t), newPKI(t)
	b := ours.certPort(mqttauthz.AllowAll())
	config := ours.clientConfig(theirs.leaf(devca.Named("mallory")))
	nc, err := b.with(config).dial()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	_ = nc.SetDeadline(time.Now().Add(patience))
	_, _ = nc.Write(connectPacket(v5, "m", as("mallory")).Append(nil))
	if _, err := nc.Read(make([]byte, 1)); err == nil {
		t.Error("the server answers")
	}
	eventually(t, "a log line with the subject", func() bool { return containsAll(b.log(), "TLS handshake refused", "CN=mallory") })
}

// EXP-1 over TLS: at its certificate's end a client is cut, without a
// DISCONNECT.
func TestEXP1Certificate(t *testing.T) {
	t.Parallel()
	pki := newPKI(t)
	b := pki.certPort(mqttauthz.AllowAll())
	// NotAfter is in whole seconds.
	short := pki.leaf(devca.Spec{Subject: devca.Named("alice").Subject, NotAfter: time.Now().Add(2 * time.Second)})
	alice := b.with(pki.clientConfig(short)).connect(v5, "a")
	alice.quiet()
	alice.gone()
	eventually(t, "a log line about the expiry", func() bool { return containsAll(b.log(), "client cut off", "expired", "expiry=") })
}

// S-05: the same credentials have the same outcome over every transport; a
// client without a certificate is not let off any other method.
func TestS05SameOutcome(t *testing.T) {
	pki := newPKI(t)
	trust, m := pki.trust()
	s := newServer(t, broker.Limits{})
	a := broker.Access{Authentication: chain(t, m.Authenticate, tokens, users), Authorization: mqttauthz.AllowAll()}
	secure := broker.Port{Name: "secure", TLS: trust.Config(pki.serverConfig()), Access: a}
	web := secure
	web.Upgrade = new(websocket.Upgrader).Upgrade
	ports := map[string]*port{
		"TCP": s.listen(a),
		"TLS": s.open(secure, listenTCP(t)).with(pki.clientConfig(nil)),
		"WS":  s.webSocketPort(a),
		"WSS": s.open(web, listenTCP(t)).with(pki.clientConfig(nil)).overWebSocket(nil),
	}
	tests := []struct {
		name   string
		option option
		want   mqttauth.ReasonCode
	}{
		{"nothing", func(*wire.Connect) {}, 0x87},
		{"password", as("alice"), 0},
		{"wrong password", func(c *wire.Connect) { c.Username, c.Password = wire.Some("alice"), []byte("wrong") }, 0x86},
		{"user name alone", func(c *wire.Connect) { c.Username = wire.Some("alice") }, 0x86},
		{"token", token("alice"), 0},
		{"bad token", token("bad"), 0x87},
		{"outage", token("outage"), 0x88},
		{"unknown method", func(c *wire.Connect) { c.AuthMethod = "OTHER" }, 0x8C},
	}
	for name, b := range ports {
		for _, test := range tests {
			t.Run(test.name+" over "+name, func(t *testing.T) {
				p := b.peer()
				p.t = t
				p.sendConnect(connectPacket(v5, test.name+name, test.option))
				if got := receive[wire.Connack](p).Code; got != test.want {
					t.Errorf("CONNACK with %v, want %v", got, test.want)
				}
				_ = p.nc.Close()
			})
		}
	}
}

// S-05, LINK-13: over WebSocket and TLS the certificate says who the client is,
// as it does over TLS alone, and one of another authority is refused.
func TestS05Certificate(t *testing.T) {
	ours, theirs := newPKI(t), newPKI(t)
	trust, m := ours.trust()
	a := broker.Access{
		Authentication: chain(t, m.Authenticate, users),
		Authorization:  policy(t, allow("alice", pub("from/{principal.username}"), sub("#"))),
	}
	secure := broker.Port{Name: "secure", TLS: trust.Config(ours.serverConfig()), Access: a}
	web := secure
	web.Upgrade = new(websocket.Upgrader).Upgrade
	s := newServer(t, broker.Limits{})
	for name, b := range map[string]*port{
		"TLS": s.open(secure, listenTCP(t)),
		"WSS": s.open(web, listenTCP(t)),
	} {
		t.Run(name, func(t *testing.T) {
			over := func(config *tls.Config) *port {
				if name == "WSS" {
					return b.with(config).overWebSocket(nil)
				}
				return b.with(config)
			}
			alice := over(ours.clientConfig(ours.leaf(devca.Named("alice")))).connect(v5, "a"+name)
			alice.subscribe(1, "#")
			alice.publish(1, "from/alice", "x")
			alice.message("from/alice", "x")
			alice.leave()

			// S-30: a valid chain is no right. Who no rule names is refused, and so
			// is who no rule names any more.
			over(ours.clientConfig(ours.leaf(devca.Named("bob")))).refused(0x87, connectPacket(v5, "b"))
			b.set(broker.Access{Authentication: a.Authentication, Authorization: policy(t, allow("carol"))})
			over(ours.clientConfig(ours.leaf(devca.Named("alice")))).refused(0x87, connectPacket(v5, "a"+name))
			b.set(a)

			nc, err := over(theirs.clientConfigTrusting(ours, devca.Named("alice"))).dial()
			if err != nil {
				return
			}
			p := newPeer(t, nc)
			_, _ = nc.Write(connectPacket(v5, "m").Append(nil))
			if k, err := p.read(); err == nil && k != (closed{}) {
				t.Errorf("a foreign certificate is answered with %+v", k)
			}
		})
	}
}

// clientConfigTrusting is that of a client of this authority that trusts a
// server of another.
func (p *pki) clientConfigTrusting(server *pki, s devca.Spec) *tls.Config {
	config := p.clientConfig(p.leaf(s))
	config.RootCAs = server.root.Pool()
	return config
}
