package config_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/internal/devca"
)

func TestCompile(t *testing.T) {
	plan, err := compile(t, documents(t, newPKI(t)))
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Ports[0]
	got := []string{p.String(), p.Transport(), p.Authentication(), p.Authorization()}
	want := []string{"default/listener:8883", "tls", "default/authn (X509)", "default/authz (1 rule)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("port (-want +got):\n%s", diff)
	}
	if len(p.Missing) != 0 || len(plan.Warnings) != 0 {
		t.Errorf("missing %v, warnings %v", p.Missing, plan.Warnings)
	}
}

// Bad input is an error with file, line and field; there is no plan then
// (LINK-8, LINK-11).
func TestCompileErrors(t *testing.T) {
	pki := newPKI(t)
	good := documents(t, pki)
	leafPEM := string(pki.client.PEM())
	keyPEM, err := pki.server.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	other, err := pki.serverCA.Leaf(devca.Named("other"))
	if err != nil {
		t.Fatal(err)
	}
	enc := func(s []byte) string { return base64.StdEncoding.EncodeToString(s) }
	tests := []struct {
		name  string
		files files
		want  []string // each in the error
	}{
		{
			"a topic pattern that is none",
			good.replace("authorization.yaml", "telemetry/temperature", "telemetry/#/temperature"),
			[]string{"authorization.yaml:15:17:", "rules[0].brokerResources[1].topics[0]"},
		},
		{
			"a subject that is none, X509-7",
			good.replace("authentication.yaml", "CN = thermostat", "thermostat"),
			[]string{"authentication.yaml:11:22:", "x509Settings.authorizationAttributes.device.subject"},
		},
		{
			"a trusted certificate that is no CA, X509-2",
			good.with("ca.yaml", configMap("client-ca", []byte(leafPEM))),
			[]string{"ca.yaml:6:11:", "data.ca.pem", "CN=thermostat", "not a CA certificate"},
		},
		{
			"a damaged PEM block",
			good.replace("ca.yaml", "-----END CERTIFICATE-----", "-----END CERT-----"),
			[]string{"ca.yaml:6:11:", "data.ca.pem", "damaged"},
		},
		{
			"a key among the trusted certificates",
			good.with("ca.yaml", configMap("client-ca", keyPEM)),
			[]string{"ca.yaml:6:11:", "PRIVATE KEY", "only CERTIFICATE and X509 CRL belong here"},
		},
		{
			"no certificate at all",
			good.with("ca.yaml", configMap("client-ca", []byte("see the wiki"))),
			[]string{"ca.yaml:6:11:", "no PEM certificate"},
		},
		{
			"an empty ConfigMap",
			good.with("ca.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: client-ca\n"),
			[]string{"ca.yaml:1:1:", "holds no certificate"},
		},
		{
			"a certificate with the key of another",
			good.replace("server.yaml", enc(keyPEM), enc(mustKey(t, other))),
			[]string{"server.yaml:7:12:", "not a usable certificate and key"},
		},
		{
			"a secret without a key",
			good.replace("server.yaml", "tls.key: "+enc(keyPEM), "other: "+enc([]byte("x"))),
			[]string{"server.yaml:1:1:", "tls.key"},
		},
		{
			"port 0", good.replace("listener.yaml", "port: 8883", "port: 0"), []string{"listener.yaml:7:13:", "port 0"},
		},
		{
			"two rules with one subject, X509-8",
			good.replace("authentication.yaml", "          device:", "          twin:\n            subject: CN=thermostat\n            attributes: {}\n          device:"),
			[]string{"authentication.yaml:", "subject"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := compile(t, tt.files)
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error\n%v\ndoes not hold %q", err, part)
				}
			}
			if strings.Contains(err.Error(), enc(keyPEM)[:40]) || strings.Contains(err.Error(), string(keyPEM[:60])) {
				t.Errorf("error shows the private key:\n%v", err)
			}
		})
	}
}

func mustKey(t *testing.T, c *devca.Certificate) []byte {
	t.Helper()
	key, err := c.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// All errors of all documents come at once (LINK-8).
func TestCompileReportsEverything(t *testing.T) {
	f := documents(t, newPKI(t)).
		replace("authorization.yaml", "telemetry/temperature", "a/#/b").
		replace("authentication.yaml", "CN = thermostat", "thermostat").
		with("ca.yaml", configMap("client-ca", []byte("nothing")))
	_, err := compile(t, f)
	if err == nil {
		t.Fatal("no error")
	}
	for _, file := range []string{"authorization.yaml:", "authentication.yaml:", "ca.yaml:"} {
		if !strings.Contains(err.Error(), file) {
			t.Errorf("error does not mention %s\n%v", file, err)
		}
	}
}

// LINK-2, LINK-3: an open port is loud; LINK-7, S-04: a missing object is no
// error but keeps the port closed.
func TestOpenAndMissing(t *testing.T) {
	good := documents(t, newPKI(t))
	tests := []struct {
		name     string
		files    files
		warnings []string
		missing  []string
	}{
		{
			"no authorization", good.replace("listener.yaml", "      authorizationRef: authz\n", ""),
			[]string{"listener.yaml:7:7: port 8883 has no authorization: its clients may do everything"},
			nil,
		},
		{
			"no authentication",
			good.replace("listener.yaml", "      authorizationRef: authz\n", "").replace("listener.yaml", "      authenticationRef: authn\n", ""),
			[]string{
				"listener.yaml:7:7: port 8883 has no authentication: EVERY CLIENT IS LET IN without a credential",
				"listener.yaml:7:7: port 8883 has no authorization: its clients may do everything",
			},
			nil,
		},
		{"no BrokerAuthentication", good.without("authentication.yaml"), nil, []string{"BrokerAuthentication"}},
		{"no BrokerAuthorization", good.without("authorization.yaml"), nil, []string{"BrokerAuthorization"}},
		{"no ConfigMap", good.without("ca.yaml"), nil, []string{"ConfigMap"}},
		{"no Secret", good.without("server.yaml"), nil, []string{"Secret"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := compile(t, tt.files)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.warnings, plan.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			var missing []string
			for _, m := range plan.Ports[0].Missing {
				missing = append(missing, m.Kind)
			}
			if diff := cmp.Diff(tt.missing, missing); diff != "" {
				t.Errorf("missing (-want +got):\n%s", diff)
			}
		})
	}
}
