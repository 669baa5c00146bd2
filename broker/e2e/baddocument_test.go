package e2e_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// badDocument is a change that makes the tutorial's documents wrong, and what
// there is to say about it.
type badDocument struct {
	name      string
	spoil     func(t *testing.T, f *folder)
	file, at  string // at is text of the line that is to be named, after the change
	field     string
	complaint string
}

func replace(file, old, with string) func(*testing.T, *folder) {
	return func(t *testing.T, f *folder) { f.edit(t, file, old, with) }
}

var badDocuments = []badDocument{
	{
		"unknown field", replace("listener.yaml", "authenticationRef:", "authenticationReff:"),
		"listener.yaml", "authenticationReff", "spec.ports[0].authenticationReff", "did you mean authenticationRef?",
	},
	{
		"wrong enum", replace("listener.yaml", "mode: Manual", "mode: Manuel"),
		"listener.yaml", "Manuel", "spec.ports[0].tls.mode", "want Manual or Automatic",
	},
	{
		"unknown method", replace("authentication.yaml", "method: X509", "method: X508"),
		"authentication.yaml", "X508", "spec.authenticationMethods[0].method", "want X509",
	},
	{
		"number for a string", replace("listener.yaml", "name: mqtts-endpoint", "name: 5"),
		"listener.yaml", "name: 5", "metadata.name", `write name: "5"`,
	},
	{
		"empty reference", replace("listener.yaml", "authorizationRef: abac-authz", `authorizationRef: ""`),
		"listener.yaml", "authorizationRef: \"\"", "spec.ports[0].authorizationRef", "must not be empty", // LINK-2
	},
	{
		"authorization without authentication", replace("listener.yaml", "      authenticationRef: x509-auth\n", ""),
		"listener.yaml", "authorizationRef: abac", "spec.ports[0].authorizationRef", "add authenticationRef", // LINK-4
	},
	{
		"# in the middle of a pattern", replace("authorization.yaml", "            topics:\n              - health/heartbeat", "            topics:\n              - health/#/x"),
		"authorization.yaml", "health/#/x", "spec.authorizationPolicies.rules[2].brokerResources[1].topics[0]", "#",
	},
	{
		"subject that is no name", replace("authentication.yaml", "subject: CN = hygrometer", "subject: hygrometer"),
		"authentication.yaml", "subject: hygrometer", "spec.authenticationMethods[0].x509Settings.authorizationAttributes.hygrometer.subject", "CN=",
	},
	{
		"damaged PEM", replace("fabrikam-ca.yaml", "-----END", "----END"),
		"fabrikam-ca.yaml", "client_ca.pem", "data.client_ca.pem", "PEM",
	},
	{
		"a leaf among the anchors", func(t *testing.T, f *folder) {
			f.write(t, "fabrikam-ca.yaml", configMap("fabrikam-ca", "client_ca.pem", pkiFile(t, "heater.crt")))
		},
		"fabrikam-ca.yaml", "client_ca.pem", "data.client_ca.pem", "not a CA certificate", // X509-2
	},
	{
		"server certificate with another's key", func(t *testing.T, f *folder) {
			f.write(t, "broker-server-cert.yaml", tlsSecret("broker-server-cert", pkiFile(t, "mqtts-endpoint.crt"), pkiFile(t, "heater.key")))
		},
		"broker-server-cert.yaml", "tls.crt", "data", "tls.crt and tls.key",
	},
}

// What is wrong with a document is said with file, line and field. Check and
// serve exit with 1, and serve opens no port, the good one neither (LINK-11).
func TestBadDocument(t *testing.T) {
	t.Parallel()
	for _, bad := range badDocuments {
		t.Run(bad.name, func(t *testing.T) {
			t.Parallel()
			f := tutorialFolder(t)
			bad.spoil(t, f)
			where := fmt.Sprintf("%s:%d:", filepath.Join(f.path, bad.file), lineOf(t, f.text(t, bad.file), bad.at))

			check := launch(t, "check", "-f", f.path)
			if status := check.end(t); status != 1 {
				t.Errorf("check: exit status %d, want 1", status)
			}
			check.expect(t, where, bad.field, bad.complaint)

			serve := launch(t, "serve", "-f", f.path, "--address", "127.0.0.1")
			if status := serve.end(t); status != 1 {
				t.Errorf("serve: exit status %d, want 1", status)
			}
			serve.expect(t, where, bad.field, bad.complaint)
			if strings.Contains(serve.said.String(), "listening") || open(f.port) || open(f.observer) {
				t.Errorf("serve opened a port:\n%v", serve.said)
			}
		})
	}
}

// lineOf returns the number of the line that has text, from 1.
func lineOf(t *testing.T, document, text string) int {
	t.Helper()
	before, _, ok := strings.Cut(document, text)
	if !ok {
		t.Fatalf("there is no %q in\n%s", text, document)
	}
	return strings.Count(before, "\n") + 1
}

// All errors are told at once, of all files (LINK-8).
func TestCheckTellsAllErrors(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	for _, bad := range badDocuments[:3] {
		bad.spoil(t, f)
	}
	p := launch(t, "check", "-f", f.path)
	if status := p.end(t); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	said := p.said.String()
	for _, bad := range badDocuments[:3] {
		if !strings.Contains(said, bad.field) || !strings.Contains(said, bad.complaint) {
			t.Errorf("nothing about %s:\n%s", bad.name, said)
		}
	}
}

func TestCheckGoodDocuments(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	p := launch(t, "check", "-f", f.path)
	if status := p.end(t); status != 0 {
		t.Errorf("exit status %d, want 0:\n%v", status, p.said)
	}
	p.expect(t, "EVERY CLIENT IS LET IN", "observer") // LINK-2
	p.expect(t, "mqtts-endpoint:"+strconv.Itoa(f.port), "tls", "x509-auth (X509)", "abac-authz (4 rules)")
	if open(f.port) || open(f.observer) {
		t.Error("check opened a port")
	}
}

// Check fails if something is referred to and is not there: the port would stay
// closed (LINK-7).
func TestCheckMissing(t *testing.T) {
	t.Parallel()
	for _, missing := range []struct{ file, by, at, field, what string }{
		{"broker-server-cert.yaml", "listener.yaml", "secretRef", "spec.ports[0].tls.manual.secretRef", "Secret azure-iot-operations/broker-server-cert"},
		{"authentication.yaml", "listener.yaml", "authenticationRef", "spec.ports[0].authenticationRef", "BrokerAuthentication azure-iot-operations/x509-auth"},
		{"authorization.yaml", "listener.yaml", "authorizationRef: abac", "spec.ports[0].authorizationRef", "BrokerAuthorization azure-iot-operations/abac-authz"},
		{"fabrikam-ca.yaml", "authentication.yaml", "trustedClientCaCert", "spec.authenticationMethods[0].x509Settings.trustedClientCaCert", "ConfigMap azure-iot-operations/fabrikam-ca"},
	} {
		t.Run(missing.what, func(t *testing.T) {
			t.Parallel()
			f := tutorialFolder(t)
			f.remove(t, missing.file)
			p := launch(t, "check", "-f", f.path)
			if status := p.end(t); status != 1 {
				t.Errorf("exit status %d, want 1", status)
			}
			where := fmt.Sprintf("%s:%d:", filepath.Join(f.path, missing.by), lineOf(t, f.text(t, missing.by), missing.at))
			p.expect(t, where, missing.field, missing.what, "does not exist")
		})
	}
}
