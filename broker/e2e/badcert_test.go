package e2e_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/devca"
)

// badCertificate is a certificate that must be refused.
type badCertificate struct {
	name string
	make func(t *testing.T) (leaf *devca.Certificate, presented []byte)
	why  string // in the log line
}

var badCertificates = []badCertificate{
	{"of another CA with the same names", fromImpostorCA, "certificate signed by unknown authority"},
	{"expired", func(t *testing.T) (*devca.Certificate, []byte) {
		return issued(t, func(s *devca.Spec) {
			s.NotBefore, s.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
		})
	}, "has expired"},
	{"not yet valid", func(t *testing.T) (*devca.Certificate, []byte) {
		return issued(t, func(s *devca.Spec) {
			s.NotBefore, s.NotAfter = time.Now().Add(24*time.Hour), time.Now().Add(48*time.Hour)
		})
	}, "not yet valid"},
	{"without its intermediate", func(t *testing.T) (*devca.Certificate, []byte) {
		leaf, _ := issued(t, nil)
		return leaf, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Cert.Raw})
	}, "certificate signed by unknown authority"},
	{"RSA below EC", func(t *testing.T) (*devca.Certificate, []byte) { // X509-3
		return issued(t, func(s *devca.Spec) {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				t.Fatal(err)
			}
			s.Key = key
		})
	}, "one public key algorithm"},
	{"for servers only", func(t *testing.T) (*devca.Certificate, []byte) { // X509-2
		return issued(t, func(s *devca.Spec) { s.ExtUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	}, "incompatible key usage"},
	{"for any use, clients not named", func(t *testing.T) (*devca.Certificate, []byte) { // X509-2
		return issued(t, func(s *devca.Spec) { s.ExtUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} })
	}, "does not list client authentication"},
	{"self-signed", func(t *testing.T) (*devca.Certificate, []byte) {
		c, err := devca.Root(devca.Named("thermostat"))
		if err != nil {
			t.Fatal(err)
		}
		return c, c.PEM()
	}, "certificate signed by unknown authority"},
}

// issued returns a thermostat's certificate of the Fabrikam intermediate.
func issued(t *testing.T, change func(*devca.Spec)) (*devca.Certificate, []byte) {
	t.Helper()
	spec := devca.Named("thermostat")
	if change != nil {
		change(&spec)
	}
	leaf, err := fabrikam(t).Leaf(spec)
	if err != nil {
		t.Fatal(err)
	}
	return leaf, leaf.PEM()
}

// fromImpostorCA returns a thermostat's certificate of authorities that have
// the names of Fabrikam's, and other keys.
func fromImpostorCA(t *testing.T) (*devca.Certificate, []byte) {
	t.Helper()
	root, err := devca.Root(devca.Named("Fabrikam Root CA"))
	if err != nil {
		t.Fatal(err)
	}
	intermediate, err := root.Intermediate(devca.Named("Fabrikam Intermediate CA 1"))
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := intermediate.Leaf(devca.Named("thermostat"))
	if err != nil {
		t.Fatal(err)
	}
	return leaf, leaf.PEM()
}

// A bad certificate ends the handshake, and a log line says why and names the
// subject. In both versions of TLS, and whatever the port's policy.
func TestBadCertificate(t *testing.T) {
	t.Parallel()
	for _, bad := range badCertificates {
		t.Run(bad.name, func(t *testing.T) {
			t.Parallel()
			f := tutorialFolder(t)
			p := serve(t, f)
			dir := t.TempDir()
			leaf, presented := bad.make(t)
			key, err := leaf.KeyPEM()
			if err != nil {
				t.Fatal(err)
			}
			crt, keyFile := filepath.Join(dir, "bad.crt"), filepath.Join(dir, "bad.key")
			save(t, crt, presented)
			save(t, keyFile, key)
			for _, version := range []string{"tlsv1.2", "tlsv1.3"} {
				args := append(f.at(), "--tls-version", version, "--cert", crt, "--key", keyFile,
					"-V", v5, "-d", "-i", "thermostat", "-q", "1", "-t", "telemetry/temperature", "-m", "x")
				said, status := mosquitto(t, "mosquitto_pub", args...)
				if status == 0 || strings.Contains(said, "CONNACK (0)") || strings.Contains(said, "PUBACK") {
					t.Errorf("%s: not refused, status %d:\n%s", version, status, said)
				}
				p.expect(t, "TLS handshake refused", bad.why, "CN=thermostat", "azure-iot-operations/mqtts-endpoint", "remote=127.0.0.1:")
			}
			// The port goes on.
			said, status := mosquitto(t, "mosquitto_pub", append(f.as("thermostat", v5), "-q", "1", "-t", "telemetry/temperature", "-m", "x")...)
			if status != 0 || !strings.Contains(said, "PUBACK (Mid: 1, RC:0)") {
				t.Errorf("a good certificate is refused, status %d:\n%s", status, said)
			}
		})
	}
}

func save(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Who has no certificate gets as far as CONNECT, where no method knows it
// (X509-1, AUTHN-2, AUTHN-6), whatever it says it is.
func TestNoCertificate(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	p := serve(t, f)
	tests := []struct {
		version, connack string
		credentials      []string
	}{
		{v5, "received CONNACK (135)", nil},
		{v311, "received CONNACK (5)", nil},
		{v5, "received CONNACK (135)", []string{"-u", "heater", "-P", "x"}},
	}
	for _, tt := range tests {
		args := slices.Concat(f.at(), []string{"-V", tt.version, "-d", "-i", "heater", "-q", "1", "-t", "telemetry/temperature"}, tt.credentials)
		said, status := mosquitto(t, "mosquitto_sub", args...)
		if status == 0 || !strings.Contains(said, tt.connack) {
			t.Errorf("%s %v: status %d, want %s:\n%s", tt.version, tt.credentials, status, tt.connack, said)
		}
		p.expect(t, "client refused", "client_id=heater", "no client certificate", "remote=127.0.0.1:")
	}
}
