package clientcert_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/clientcert"
	"github.com/mqttwarden/mqttwarden/x509attr"
)

// pki is a root, an intermediate below it and what the tests need more.
type pki struct {
	t                  *testing.T
	root, intermediate *devca.Certificate
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	p := &pki{t: t}
	p.root = p.must(devca.Root(devca.Named("Fabrikam Root CA")))
	p.intermediate = p.must(p.root.Intermediate(devca.Named("Fabrikam Intermediate CA 1")))
	return p
}

func (p *pki) must(c *devca.Certificate, err error) *devca.Certificate {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func (p *pki) leaf(s devca.Spec) *devca.Certificate {
	p.t.Helper()
	return p.must(p.intermediate.Leaf(s))
}

func trust(t *testing.T, anchors ...*devca.Certificate) *clientcert.Trust {
	t.Helper()
	tr, err := clientcert.NewTrust(anchorsOf(anchors...))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func anchorsOf(anchors ...*devca.Certificate) clientcert.Anchors {
	var a clientcert.Anchors
	for _, c := range anchors {
		a.Certificates = append(a.Certificates, c.Cert)
	}
	return a
}

func method(t *testing.T, tr *clientcert.Trust, rules ...x509attr.Rule) *clientcert.Method {
	t.Helper()
	matcher, err := x509attr.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	m, err := clientcert.New(clientcert.Config{Trust: tr, Attributes: matcher})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// presented returns credentials with a chain as a client presents it, which
// nothing has verified yet.
func presented(certs ...*x509.Certificate) *mqttauth.Credentials {
	return &mqttauth.Credentials{ClientID: "c1", Version: mqttauth.MQTT5, PeerCertificates: certs}
}

func TestAccept(t *testing.T) {
	p := newPKI(t)
	leaf := p.leaf(devca.Named("thermostat"))
	m := method(t, trust(t, p.root),
		x509attr.Rule{Name: "leaf", Subject: "CN = thermostat", Attributes: map[string]string{"group": "thermostat_group"}},
		x509attr.Rule{Name: "ca", Subject: "CN = Fabrikam Intermediate CA 1", Attributes: map[string]string{"manufacturer": "fabrikam"}})

	r, err := m.Authenticate(t.Context(), presented(leaf.Chain()...))
	if mqttauth.OutcomeOf(r, err) != mqttauth.Accepted {
		t.Fatalf("Authenticate = %v", err)
	}
	// X509-5, X509-6: the user name is the leaf's CN, and the first match along
	// the chain ends the search.
	want := mqttauth.Principal{Username: "thermostat", Attributes: map[string]string{"group": "thermostat_group"}}
	if diff := cmp.Diff(want, r.Principal); diff != "" {
		t.Errorf("principal (-want +got):\n%s", diff)
	}
	other := p.leaf(devca.Named("lightbulb"))
	r, _ = m.Authenticate(t.Context(), presented(other.Chain()...))
	want = mqttauth.Principal{Username: "lightbulb", Attributes: map[string]string{"manufacturer": "fabrikam"}}
	if diff := cmp.Diff(want, r.Principal); diff != "" {
		t.Errorf("principal (-want +got):\n%s", diff)
	}
}

// X509-1, AUTHN-12
func TestRelevance(t *testing.T) {
	p := newPKI(t)
	m := method(t, trust(t, p.root))
	leaf := p.leaf(devca.Named("thermostat"))
	enhanced := presented(leaf.Chain()...)
	enhanced.AuthMethod = "K8S-SAT"
	for name, c := range map[string]*mqttauth.Credentials{
		"no certificate":          presented(),
		"enhanced authentication": enhanced,
	} {
		r, err := m.Authenticate(t.Context(), c)
		if o := mqttauth.OutcomeOf(r, err); o != mqttauth.NotRelevant {
			t.Errorf("%s: %v, want not relevant", name, o)
		}
	}
}

func TestRefuse(t *testing.T) {
	p := newPKI(t)
	stranger := newPKI(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Now().Add(time.Hour)
	ago := time.Now().Add(-time.Hour)
	tests := []struct {
		name   string
		chain  []*x509.Certificate
		reason string
	}{
		{"another authority", stranger.leaf(devca.Named("thermostat")).Chain(), "unknown authority"},
		{"intermediate missing", p.leaf(devca.Named("thermostat")).Chain()[:1], "unknown authority"},
		{"expired", p.leaf(devca.Spec{Subject: pkix.Name{CommonName: "thermostat"}, NotBefore: ago, NotAfter: ago.Add(time.Minute)}).Chain(), "expired"},
		{"not yet valid", p.leaf(devca.Spec{Subject: pkix.Name{CommonName: "thermostat"}, NotBefore: hour}).Chain(), "not yet valid"},
		{"RSA leaf below EC, X509-3, S-69", p.leaf(devca.Spec{Subject: pkix.Name{CommonName: "thermostat"}, Key: rsaKey}).Chain(), "one public key algorithm"},
		{"Ed25519 leaf below EC, X509-3", p.leaf(devca.Spec{Subject: pkix.Name{CommonName: "thermostat"}, Key: edKey}).Chain(), "one public key algorithm"},
		{
			"for servers only, X509-2",
			p.leaf(devca.Spec{Subject: pkix.Name{CommonName: "thermostat"}, ExtUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}).Chain(),
			"incompatible key usage",
		},
		{
			"for any usage, which says nothing about clients, S-67",
			p.leaf(devca.Spec{Subject: pkix.Name{CommonName: "thermostat"}, ExtUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}).Chain(),
			"does not list client authentication",
		},
	}
	m := method(t, trust(t, p.root))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := m.Authenticate(t.Context(), presented(tt.chain...))
			if o := mqttauth.OutcomeOf(r, err); o != mqttauth.Denied {
				t.Fatalf("outcome %v, want denied", o)
			}
			var chainErr *clientcert.ChainError
			if !errors.As(err, &chainErr) || !strings.Contains(err.Error(), tt.reason) || !strings.Contains(err.Error(), "CN=thermostat") {
				t.Errorf("error %q does not give the reason %q and the subject", err, tt.reason)
			}
		})
	}
}

// X509-3: RSA, EC and Ed25519 chains verify, each of one algorithm.
func TestKeyAlgorithms(t *testing.T) {
	keys := map[string]func() devca.Spec{
		"RSA": func() devca.Spec {
			k, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				t.Fatal(err)
			}
			return devca.Spec{Key: k}
		},
		"EC": func() devca.Spec {
			k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			return devca.Spec{Key: k}
		},
		"Ed25519": func() devca.Spec {
			_, k, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			return devca.Spec{Key: k}
		},
	}
	for name, spec := range keys {
		t.Run(name, func(t *testing.T) {
			p := newPKI(t)
			rootSpec, leafSpec := spec(), spec()
			rootSpec.Subject.CommonName, leafSpec.Subject.CommonName = "root", "device"
			root := p.must(devca.Root(rootSpec))
			leaf := p.must(root.Leaf(leafSpec))
			r, err := method(t, trust(t, root)).Authenticate(t.Context(), presented(leaf.Chain()...))
			if mqttauth.OutcomeOf(r, err) != mqttauth.Accepted {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

// X509-2
func TestAnchors(t *testing.T) {
	p := newPKI(t)
	leaf := p.leaf(devca.Named("thermostat"))
	if _, err := clientcert.NewTrust(clientcert.Anchors{}); err == nil {
		t.Error("no anchor at all is accepted")
	}
	if _, err := clientcert.NewTrust(anchorsOf(leaf)); err == nil || !strings.Contains(err.Error(), "not a CA") {
		t.Errorf("a leaf as an anchor: %v", err)
	}
	if _, err := clientcert.NewTrust(clientcert.Anchors{Certificates: []*x509.Certificate{nil}}); err == nil {
		t.Error("a nil anchor is accepted")
	}
	m := method(t, trust(t, p.intermediate))
	if r, err := m.Authenticate(t.Context(), presented(leaf.Cert)); mqttauth.OutcomeOf(r, err) != mqttauth.Accepted {
		t.Errorf("an intermediate is no anchor: %v", err)
	}
	var nobody clientcert.Trust
	m = method(t, &nobody)
	if r, err := m.Authenticate(t.Context(), presented(leaf.Chain()...)); mqttauth.OutcomeOf(r, err) != mqttauth.Denied {
		t.Errorf("the zero Trust trusts somebody: %v", err)
	}
	if _, err := clientcert.New(clientcert.Config{}); err == nil {
		t.Error("a Method without Trust can be made")
	}
}

// X509-9: the earliest end in the chain.
func TestExpiry(t *testing.T) {
	soon := time.Now().Add(time.Hour).Truncate(time.Second)
	late := soon.Add(time.Hour)
	tests := []struct {
		name                     string
		root, intermediate, leaf time.Time
	}{
		{"the leaf ends first", late, late, soon},
		{"the intermediate ends first", late, soon, late},
		{"the root ends first", soon, late, late},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPKI(t)
			spec := func(cn string, end time.Time) devca.Spec {
				return devca.Spec{Subject: pkix.Name{CommonName: cn}, NotAfter: end}
			}
			root := p.must(devca.Root(spec("root", tt.root)))
			mid := p.must(root.Intermediate(spec("mid", tt.intermediate)))
			leaf := p.must(mid.Leaf(spec("device", tt.leaf)))
			r, err := method(t, trust(t, root)).Authenticate(t.Context(), presented(leaf.Chain()...))
			if err != nil {
				t.Fatal(err)
			}
			if !r.Expiry.Equal(soon) {
				t.Errorf("expiry %v, want %v", r.Expiry, soon)
			}
		})
	}
}

// AUTHN-10: the name survives a renewal; a leaf without a subject is named by
// its key; other subjects are other names.
func TestIdentity(t *testing.T) {
	p := newPKI(t)
	m := method(t, trust(t, p.root))
	name := func(c *devca.Certificate) string {
		t.Helper()
		r, err := m.Authenticate(t.Context(), presented(c.Chain()...))
		if mqttauth.OutcomeOf(r, err) != mqttauth.Accepted || r.Identity.Name == "" {
			t.Fatalf("refused, or no name: %v", err)
		}
		return r.Identity.Name
	}
	first := name(p.leaf(devca.Named("thermostat")))
	if renewed := name(p.leaf(devca.Named("thermostat"))); renewed != first {
		t.Error("a renewed certificate is somebody else")
	}
	if name(p.leaf(devca.Named("heater"))) == first {
		t.Error("two subjects are one identity")
	}
	other := p.must(p.root.Intermediate(devca.Named("Fabrikam Intermediate CA 2")))
	if name(p.must(other.Leaf(devca.Named("thermostat")))) == first {
		t.Error("two issuers are one identity")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	unnamed := name(p.leaf(devca.Spec{Key: key}))
	if name(p.leaf(devca.Spec{Key: key})) != unnamed {
		t.Error("one key, no subject: two identities")
	}
	if name(p.leaf(devca.Spec{})) == unnamed {
		t.Error("two keys without a subject are one identity")
	}
}

// S-68: what is merely presented counts for nothing.
func TestOnlyTheVerifiedChainCounts(t *testing.T) {
	p, stranger := newPKI(t), newPKI(t)
	m := method(t, trust(t, p.root),
		x509attr.Rule{Name: "x", Subject: "CN = Boss", Attributes: map[string]string{"role": "boss"}})
	boss := stranger.must(stranger.root.Intermediate(devca.Named("Boss")))
	leaf := p.leaf(devca.Named("thermostat"))
	r, err := m.Authenticate(t.Context(), presented(append(leaf.Chain(), boss.Cert)...))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Principal.Attributes) != 0 {
		t.Errorf("attributes %v come from a certificate that is not in the chain", r.Principal.Attributes)
	}
}

// X509-6: of several chains the longest counts, whatever their order.
func TestLongestChain(t *testing.T) {
	p := newPKI(t)
	tr := trust(t, p.root, p.intermediate)
	m := method(t, tr, x509attr.Rule{Name: "root", Subject: "CN=Fabrikam Root CA", Attributes: map[string]string{"from": "root"}})
	leaf := p.leaf(devca.Named("thermostat"))
	c := presented(leaf.Chain()...)
	short := []*x509.Certificate{leaf.Cert, p.intermediate.Cert}
	long := append(short[:2:2], p.root.Cert)
	for _, chains := range [][][]*x509.Certificate{{short, long}, {long, short}} {
		c.VerifiedChains = chains
		r, err := m.Authenticate(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if r.Principal.Attributes["from"] != "root" {
			t.Errorf("the shorter chain was chosen: %v", r.Principal.Attributes)
		}
	}
}

// X509-4, X509-10: anchors that changed between handshake and CONNECT.
func TestAnchorRemovedBeforeConnect(t *testing.T) {
	p, other := newPKI(t), newPKI(t)
	tr := trust(t, p.root)
	m := method(t, tr)
	leaf := p.leaf(devca.Named("thermostat"))
	c := presented(leaf.Chain()...)
	c.VerifiedChains = [][]*x509.Certificate{append(leaf.Chain(), p.root.Cert)}
	if r, err := m.Authenticate(t.Context(), c); mqttauth.OutcomeOf(r, err) != mqttauth.Accepted {
		t.Fatal(err)
	}
	if err := tr.Replace(anchorsOf(other.root)); err != nil {
		t.Fatal(err)
	}
	if r, err := m.Authenticate(t.Context(), c); mqttauth.OutcomeOf(r, err) != mqttauth.Denied {
		t.Errorf("accepted with a removed anchor: %v", err)
	}
	if err := tr.Replace(anchorsOf(p.intermediate)); err != nil {
		t.Fatal(err)
	}
	if r, err := m.Authenticate(t.Context(), c); mqttauth.OutcomeOf(r, err) != mqttauth.Accepted {
		t.Errorf("refused though another anchor trusts it: %v", err)
	}
	if err := tr.Replace(clientcert.Anchors{}); err == nil {
		t.Error("Replace with nothing succeeded")
	}
	if r, err := m.Authenticate(t.Context(), c); mqttauth.OutcomeOf(r, err) != mqttauth.Accepted {
		t.Errorf("a failed Replace changed the anchors: %v", err)
	}
}

// X509-9, X509-4: a chain that ended between handshake and CONNECT.
func TestChainEndsBeforeConnect(t *testing.T) {
	p := newPKI(t)
	leaf := p.leaf(devca.Named("thermostat"))
	tr := trust(t, p.root)
	m := method(t, tr)
	c := presented(leaf.Chain()...)
	c.VerifiedChains = [][]*x509.Certificate{append(leaf.Chain(), p.root.Cert)}
	synctest.Test(t, func(t *testing.T) { // whose clock is decades before the certificates
		r, err := m.Authenticate(t.Context(), c)
		if mqttauth.OutcomeOf(r, err) != mqttauth.Denied || !errors.Is(err, clientcert.ErrValidity) {
			t.Errorf("a chain that is not valid now: %v", err)
		}
	})
}

// dial makes a TLS connection and returns the server's view of the handshake.
func dial(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type result struct {
		state tls.ConnectionState
		err   error
	}
	done := make(chan result, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			done <- result{err: err}
			return
		}
		defer nc.Close()
		s := tls.Server(nc, server)
		err = s.HandshakeContext(t.Context())
		if err == nil {
			_, err = s.Write([]byte("x")) // carries the session ticket
		}
		done <- result{s.ConnectionState(), err}
	}()
	nc, err := tls.Dial("tcp", l.Addr().String(), client)
	if err == nil {
		_, _ = io.ReadAll(nc)
		nc.Close()
	}
	r := <-done
	return r.state, r.err
}

func configs(t *testing.T, p *pki, tr *clientcert.Trust, client *devca.Certificate) (server, dialer *tls.Config) {
	t.Helper()
	s := p.leaf(devca.Spec{Subject: pkix.Name{CommonName: "server"}, Hosts: []string{"127.0.0.1"}})
	server = tr.Config(&tls.Config{Certificates: []tls.Certificate{s.TLS()}})
	dialer = &tls.Config{RootCAs: p.root.Pool(), ServerName: "127.0.0.1", ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	if client != nil {
		dialer.Certificates = []tls.Certificate{client.TLS()}
	}
	return server, dialer
}

// X509-1: a certificate that does not verify ends the handshake; none does not.
func TestHandshake(t *testing.T) {
	p, stranger := newPKI(t), newPKI(t)
	tr := trust(t, p.root)
	server, dialer := configs(t, p, tr, nil)
	if state, err := dial(t, server, dialer); err != nil || len(state.PeerCertificates) != 0 {
		t.Errorf("without a certificate: %v", err)
	}
	server, dialer = configs(t, p, tr, p.leaf(devca.Named("thermostat")))
	if state, err := dial(t, server, dialer); err != nil || len(state.VerifiedChains) != 1 {
		t.Errorf("with a certificate: %v", err)
	}
	server, dialer = configs(t, p, tr, stranger.leaf(devca.Named("thermostat")))
	// A client does not send what the server's list of authorities rules out.
	dialer.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		c := stranger.leaf(devca.Named("thermostat")).TLS()
		return &c, nil
	}
	var unverified *tls.CertificateVerificationError
	if _, err := dial(t, server, dialer); !errors.As(err, &unverified) {
		t.Errorf("with a stranger's certificate: %v", err)
	}
}

// X509-10, S-60, S-61: a resumed session is checked against the anchors of the
// moment, in both TLS versions.
func TestResumption(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			p := newPKI(t)
			tr := trust(t, p.root)
			server, dialer := configs(t, p, tr, p.leaf(devca.Named("thermostat")))
			dialer.MaxVersion = version
			resumed := false
			for range 2 {
				state, err := dial(t, server, dialer)
				if err != nil {
					t.Fatal(err)
				}
				resumed = state.DidResume
			}
			if !resumed {
				t.Fatal("the second connection did not resume: the test would prove nothing")
			}
			if err := tr.Replace(anchorsOf(newPKI(t).root)); err != nil {
				t.Fatal(err)
			}
			if state, err := dial(t, server, dialer); err == nil {
				t.Errorf("connected after the anchor was removed (resumed: %v)", state.DidResume)
			}
		})
	}
}

// The base configuration's own hooks stay in force.
func TestBaseHooks(t *testing.T) {
	p := newPKI(t)
	tr := trust(t, p.root)
	no := errors.New("no")
	leaf := p.leaf(devca.Spec{Subject: pkix.Name{CommonName: "server"}, Hosts: []string{"127.0.0.1"}})
	base := &tls.Config{
		Certificates:     []tls.Certificate{leaf.TLS()},
		VerifyConnection: func(tls.ConnectionState) error { return no },
	}
	_, dialer := configs(t, p, tr, nil)
	if _, err := dial(t, tr.Config(base), dialer); !errors.Is(err, no) {
		t.Errorf("VerifyConnection of the base was not asked: %v", err)
	}
	outer := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return base, nil }}
	if _, err := dial(t, tr.Config(outer), dialer); !errors.Is(err, no) {
		t.Errorf("GetConfigForClient of the base was not asked: %v", err)
	}
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, no }
	if _, err := dial(t, tr.Config(outer), dialer); !errors.Is(err, no) {
		t.Errorf("an error of GetConfigForClient was ignored: %v", err)
	}
}

// X509-12: asked for, not verified; and it is nobody's certificate then.
func TestRequestUnverified(t *testing.T) {
	p, stranger := newPKI(t), newPKI(t)
	leaf := p.leaf(devca.Spec{Subject: pkix.Name{CommonName: "server"}, Hosts: []string{"127.0.0.1"}})
	base := &tls.Config{Certificates: []tls.Certificate{leaf.TLS()}}
	_, dialer := configs(t, p, trust(t, p.root), stranger.leaf(devca.Named("thermostat")))
	state, err := dial(t, clientcert.RequestUnverified(base), dialer)
	if err != nil || len(state.PeerCertificates) != 2 || len(state.VerifiedChains) != 0 {
		t.Fatalf("%v: presented %d, verified %d", err, len(state.PeerCertificates), len(state.VerifiedChains))
	}
	if base.ClientAuth != tls.NoClientCert {
		t.Error("the base was modified")
	}
	r, err := method(t, trust(t, p.root)).Authenticate(t.Context(), presented(state.PeerCertificates...))
	if mqttauth.OutcomeOf(r, err) != mqttauth.Denied {
		t.Errorf("an unverified certificate is accepted: %v", err)
	}
}

// S-65: certificates that were made to hurt are refused, in no time and without
// a panic.
func TestHostileCertificates(t *testing.T) {
	p := newPKI(t)
	m := method(t, trust(t, p.root), x509attr.Rule{Name: "x", Subject: "CN=x", Attributes: map[string]string{"a": "b"}})
	good := p.leaf(devca.Named("device")).Chain()
	long := make([]*x509.Certificate, 0, 100)
	for range 100 {
		long = append(long, good...)
	}
	unknown := *good[0]
	unknown.PublicKeyAlgorithm, unknown.PublicKey = x509.UnknownPublicKeyAlgorithm, nil
	dsa := *good[0]
	dsa.PublicKeyAlgorithm = x509.DSA
	tests := map[string][]*x509.Certificate{
		"an empty certificate":            {new(x509.Certificate)},
		"many empty ones":                 {new(x509.Certificate), new(x509.Certificate), new(x509.Certificate)},
		"an unknown public key algorithm": {&unknown},
		"a DSA key":                       {&dsa},
	}
	for name, chain := range tests {
		r, err := m.Authenticate(t.Context(), presented(chain...))
		if mqttauth.OutcomeOf(r, err) != mqttauth.Denied {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r, err := m.Authenticate(t.Context(), presented(long...)); mqttauth.OutcomeOf(r, err) != mqttauth.Accepted {
		t.Errorf("a chain presented a hundred times: %v", err)
	}
	huge := p.leaf(devca.Spec{Subject: pkix.Name{CommonName: strings.Repeat("x", 60_000), Organization: []string{"a\x00b", "\u202e"}}})
	r, err := m.Authenticate(t.Context(), presented(huge.Chain()...))
	if mqttauth.OutcomeOf(r, err) != mqttauth.Accepted || r.Principal.Attributes != nil {
		t.Errorf("a huge name: %v, attributes %v", err, r.Principal.Attributes)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	root, err := devca.Root(devca.Named("root"))
	if err != nil {
		b.Fatal(err)
	}
	leaf, err := root.Leaf(devca.Named("thermostat"))
	if err != nil {
		b.Fatal(err)
	}
	tr, err := clientcert.NewTrust(clientcert.Anchors{Certificates: []*x509.Certificate{root.Cert}})
	if err != nil {
		b.Fatal(err)
	}
	m, err := clientcert.New(clientcert.Config{Trust: tr})
	if err != nil {
		b.Fatal(err)
	}
	c := presented(leaf.Cert)
	c.VerifiedChains = [][]*x509.Certificate{{leaf.Cert, root.Cert}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Authenticate(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

// Connections share a configuration, until the anchors or the base are others.
func TestConfigIsShared(t *testing.T) {
	p := newPKI(t)
	tr := trust(t, p.root)
	base := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, nil }}
	server := tr.Config(base)
	of := func() *tls.Config {
		c, err := server.GetConfigForClient(new(tls.ClientHelloInfo))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := of()
	if of() != first {
		t.Error("another configuration for the next handshake")
	}
	other := new(tls.Config)
	base.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return other, nil }
	second := of()
	if second == first || of() != second {
		t.Error("not one configuration for each base")
	}
	if err := tr.Replace(anchorsOf(newPKI(t).root)); err != nil {
		t.Fatal(err)
	}
	if third := of(); third == second || third.ClientCAs.Equal(second.ClientCAs) {
		t.Error("the old anchors count after Replace")
	}
}
