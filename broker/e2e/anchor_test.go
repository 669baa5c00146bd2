package e2e_test

import (
	"crypto/tls"
	"testing"

	"github.com/eclipse/paho.golang/paho"

	"github.com/mqttwarden/mqttwarden/internal/devca"
)

// The anchor is exchanged while the broker runs: who was accepted under the old
// one is disconnected (AUTHN-11), and a TLS session from before opens nothing
// any more (X509-10).
func TestRemovedAnchor(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	p := serve(t, f)
	config := trust(t, "thermostat")
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return &config.Certificates[0], nil // also when it is of none of the CAs that are asked for
	}
	connect := func() (resumed bool, err error) {
		conn := f.dial(t, config)
		c := over(conn, nil)
		_, err = c.Connect(t.Context(), &paho.Connect{ClientID: "thermostat", CleanStart: true, KeepAlive: 60})
		if err == nil {
			c.publish(t, "telemetry/temperature", 1, "21 degrees")
			c.sayGoodbye(t)
		}
		return conn.ConnectionState().DidResume, err
	}
	for i, want := range []bool{false, true} {
		resumed, err := connect()
		if err != nil {
			t.Fatal(err)
		}
		if resumed != want {
			t.Errorf("connection %d resumed a TLS session: %v, want %v", i+1, resumed, want)
		}
	}
	heater := f.connected(t)

	other, err := devca.Root(devca.Named("Fabrikam Root CA"))
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, "fabrikam-ca.yaml", configMap("fabrikam-ca", "client_ca.pem", other.PEM()))
	heater.expect(t, "Received DISCONNECT (152)")
	p.expect(t, "port changed")

	if _, err := connect(); err == nil {
		t.Error("a TLS session outlives its anchor")
	}
	p.expect(t, "TLS handshake refused", "CN=thermostat")
}
