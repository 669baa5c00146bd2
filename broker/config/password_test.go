package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// printed returns the example of the documents at a line.
func printed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../resource/testdata/documents/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// alphaDocuments are the examples of version v1alpha4 for users and passwords,
// with the listener that they name and the secret that kubectl would make.
func alphaDocuments(t *testing.T, port string) files {
	t.Helper()
	users := "    " + strings.ReplaceAll(printed(t, "authentication-v1alpha4-124.toml"), "\n", "\n    ")
	return files{
		"listener.yaml": "apiVersion: az-edge.com/v1alpha4\nkind: BrokerListener\nmetadata: {name: my-listener}\nspec:\n" +
			"  brokerRef: my-broker\n  authorizationEnabled: false\n  port: " + port + "\n",
		"authentication.yaml": printed(t, "authentication-v1alpha4-025.yaml"),
		"credentials.yaml":    "apiVersion: v1\nkind: Secret\nmetadata: {name: credentials}\nstringData:\n  passwords.toml: |\n" + users + "\n",
	}
}

// The whole example of v1alpha4 serves: its two users connect with the passwords
// that it prints, and nobody else does (PASS-1, PASS-2, LINK-6).
func TestPrintedUsersConnect(t *testing.T) {
	b, _ := newBench(t)
	b.apply(alphaDocuments(t, b.port))
	tests := []struct {
		name, user, password string
		want                 mqttauth.ReasonCode
	}{
		{"first", "client1", "password", mqttauth.Success},
		{"second", "client2", "password2", mqttauth.Success},
		{"the other's password", "client2", "password", mqttauth.BadUsernameOrPassword},
		{"nobody", "client3", "password", mqttauth.BadUsernameOrPassword},
		{"a token that is none, SAT-2", "$sat", "password", mqttauth.BadUsernameOrPassword},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := b.login(tt.user, tt.password).code; got != tt.want {
				t.Errorf("CONNACK %v, want %v", got, tt.want)
			}
		})
	}
}

// A changed password file takes effect and disconnects the clients that were
// accepted under it (AUTHN-11); one with an error changes nothing (LINK-11); while
// it is away, the port is closed (LINK-7).
func TestPasswordFileChanges(t *testing.T) {
	b, _ := newBench(t)
	f := alphaDocuments(t, b.port)
	b.apply(f)
	c := b.login("client1", "password")

	b.apply(f.replace("listener.yaml", "brokerRef: my-broker", "brokerRef: other-broker"))
	if !c.alive() {
		t.Fatal("a change that means nothing disconnected a client")
	}
	if _, err := compile(t, f.replace("credentials.yaml", "l=64$HqJ", "l=65$HqJ")); err == nil || !strings.HasPrefix(err.Error(), "credentials.yaml:5:19: passwords.toml:6:12: client1.password: ") {
		t.Errorf("a malformed hash: %v", err)
	}
	b.apply(f.replace("credentials.yaml", "[client1", "[renamed").replace("credentials.yaml", "[client1", "[renamed"))
	if got := c.disconnected(); got != wire.AdministrativeAction {
		t.Errorf("client of a changed password file: %v", got)
	}
	if got := b.login("client1", "password").code; got != mqttauth.BadUsernameOrPassword {
		t.Errorf("a user that was renamed: %v", got)
	}
	b.apply(f.without("credentials.yaml"))
	if b.login("renamed", "password") != nil {
		t.Error("the port is open without its users")
	}
	b.apply(f)
	if got := b.login("client1", "password").code; got != mqttauth.Success {
		t.Errorf("after the secret came back: %v", got)
	}
}

// What is wrong with a secret is said with its place, and what it has.
func TestPasswordSecretErrors(t *testing.T) {
	f := alphaDocuments(t, "18830")
	tests := []struct {
		name, old, with, want string
	}{
		{"another name", "passwords.toml: |", "clients.toml: |", "credentials.yaml:1:1: data: secret default/credentials has no entry passwords.toml; found clients.toml"},
		{"no TOML", "[client2]", "[client2", "credentials.yaml:5:19: passwords.toml:16:9: cannot read TOML: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := compile(t, f.replace("credentials.yaml", tt.old, tt.with))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error = %v, want %s", err, tt.want)
			}
		})
	}
}

// The attribute rules of an X.509 method may stand in a secret, as TOML.
func TestAttributesSecret(t *testing.T) {
	good := documents(t, newPKI(t))
	f := good.replace("authentication.yaml", "iotoperations.azure.com/v1\n", "iotoperations.azure.com/v1beta1\n")
	head, _, found := strings.Cut(f["authentication.yaml"], "      authorizationAttributes:")
	if !found {
		t.Fatal("the document has no attributes")
	}
	f = f.with("authentication.yaml", head+"      attributes: {secretName: subjects}\n")
	subjects := "apiVersion: v1\nkind: Secret\nmetadata: {name: subjects}\nstringData:\n  x509Attributes.toml: |\n    [any]\n    subject = \"CN = c1\"\n    attributes = {group = \"g\"}\n"
	plan, err := compile(t, f.with("subjects.yaml", subjects))
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	if missing := plan.Ports[0].Missing; len(missing) > 0 {
		t.Errorf("missing: %v", missing)
	}
	without, err := compile(t, f)
	if err != nil {
		t.Fatal(err)
	}
	defer without.Close()
	if missing := without.Ports[0].Missing; len(missing) != 1 || missing[0].Key.Name != "subjects" {
		t.Errorf("without the secret, missing: %v", missing)
	}
	if _, err := compile(t, f.with("subjects.yaml", strings.Replace(subjects, "CN = c1", "nonsense", 1))); err == nil ||
		!strings.HasPrefix(err.Error(), "subjects.yaml:5:24: x509Attributes.toml:2:11: any.subject: ") {
		t.Errorf("a wrong subject: %v", err)
	}
}
