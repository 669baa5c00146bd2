package config_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/config"
)

const automatic = "mode: Automatic\n        certManagerCertificateSpec:\n          secretName: made\n          issuerRef: {name: a, kind: Issuer}\n          san: {dns: [broker.example], ip: [192.0.2.1]}\n"

func automaticDocuments(t *testing.T) files {
	t.Helper()
	return documents(t, newPKI(t)).replace("listener.yaml", "mode: Manual\n        manual:\n          secretRef: server-cert\n", automatic)
}

// developed is compile with a maker of development certificates.
func developed(t *testing.T, f files, d *config.Development) *config.Plan {
	t.Helper()
	plan, err := compileWith(t, f, config.Options{Development: d})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plan.Close)
	return plan
}

// In a cluster the port waits for the secret that cert-manager fills (LINK-7).
func TestAutomaticWaits(t *testing.T) {
	f := automaticDocuments(t)
	plan := developed(t, f, nil)
	missing := plan.Ports[0].Missing
	want := "listener.yaml:13:23: spec.ports[0].tls.certManagerCertificateSpec.secretName: Secret default/made does not exist"
	if len(missing) != 1 || !strings.HasSuffix(missing[0].String(), want) {
		t.Errorf("missing: %v, want %s", missing, want)
	}
	filled := developed(t, f.with("made.yaml", strings.Replace(f["server.yaml"], "server-cert", "made", 1)), nil)
	if missing := filled.Ports[0].Missing; len(missing) > 0 {
		t.Errorf("with the secret, missing: %v", missing)
	}
	if _, err := compile(t, f.replace("listener.yaml", "          secretName: made\n", "")); err == nil ||
		!strings.Contains(err.Error(), "spec.ports[0].tls.certManagerCertificateSpec.secretName: missing; name the secret that cert-manager fills") {
		t.Errorf("without a name of a secret: %v", err)
	}
}

// In files mode a development certificate is made once, and announced loudly.
func TestAutomaticDevelopment(t *testing.T) {
	b, _ := newBench(t)
	f := automaticDocuments(t).replace("listener.yaml", "8883", b.port)
	var d config.Development
	plan := developed(t, f, &d)
	if len(plan.Warnings) != 1 || !strings.Contains(plan.Warnings[0], "SELF-SIGNED DEVELOPMENT CERTIFICATE for broker.example, 192.0.2.1, localhost, 127.0.0.1, ::1") {
		t.Errorf("warnings: %q", plan.Warnings)
	}
	if err := b.keeper.Apply(plan); err != nil {
		t.Fatal(err)
	}
	first := b.serverChain()
	if err := b.keeper.Apply(developed(t, f.replace("authorization.yaml", temperature, humidity), &d)); err != nil {
		t.Fatal(err)
	}
	if !b.serverChain()[0].Equal(first[0]) {
		t.Error("a change of a policy made another certificate")
	}
	roots := x509.NewCertPool()
	roots.AddCert(first[len(first)-1])
	for _, host := range []string{"broker.example", "localhost", "192.0.2.1", "::1"} {
		if _, err := first[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// serverChain returns the certificates that the server presents.
func (b *bench) serverChain() []*x509.Certificate {
	b.t.Helper()
	nc, err := new(net.Dialer).DialContext(b.t.Context(), "tcp", "127.0.0.1:"+b.port)
	if err != nil {
		b.t.Fatal(err)
	}
	defer nc.Close()
	c := tls.Client(nc, &tls.Config{InsecureSkipVerify: true}) // the chain is looked at by the caller
	if err := c.HandshakeContext(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return c.ConnectionState().PeerCertificates
}
