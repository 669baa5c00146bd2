package e2e_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// passwordFolder returns a folder with the documents of version v1alpha4 for
// users and passwords, as they are printed.
func passwordFolder(t *testing.T) *folder {
	t.Helper()
	printed := func(name string) string {
		text, err := os.ReadFile("../resource/testdata/documents/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	f := &folder{path: t.TempDir(), port: freePort(t)}
	users := strings.ReplaceAll(printed("authentication-v1alpha4-124.toml"), "\n", "\n    ")
	f.write(t, "authentication.yaml", printed("authentication-v1alpha4-170.yaml"))
	f.write(t, "credentials.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: credentials}\nstringData:\n  passwords.toml: |\n    "+users+"\n")
	f.write(t, "listener.yaml", "apiVersion: az-edge.com/v1alpha4\nkind: BrokerListener\nmetadata: {name: my-listener}\nspec:\n"+
		"  authorizationEnabled: false\n  port: "+strconv.Itoa(f.port)+"\n")
	return f
}

// login publishes as a user. It returns what mosquitto said.
func (f *folder) login(t *testing.T, user, password string) (said string, status int) {
	t.Helper()
	return mosquitto(t, "mosquitto_pub", "-h", "127.0.0.1", "-p", strconv.Itoa(f.port), "-V", "mqttv5", "-d",
		"-u", user, "-P", password, "-t", "a/topic", "-q", "1", "-m", "x")
}

// A user who is taken out of a mounted password file is disconnected and cannot come
// back; a file with an error changes nothing (PASS-2,
// AUTHN-11, LINK-11).
func TestMountedPasswordFile(t *testing.T) {
	t.Parallel()
	f := passwordFolder(t)
	mount, publish := f.mounted(t)
	p := serve(t, mount)
	for user, password := range map[string]string{"client1": "password", "client2": "password2"} {
		if said, status := mount.login(t, user, password); status != 0 {
			t.Fatalf("%s is refused:\n%s", user, said)
		}
	}
	client := start(t, t.TempDir(), "mosquitto_sub", "-h", "127.0.0.1", "-p", strconv.Itoa(f.port), "-V", "mqttv5", "-d", "-u", "client1", "-P", "password", "-t", "a/topic")
	client.expect(t, "Subscribed")

	good := f.text(t, "credentials.yaml")
	f.edit(t, "credentials.yaml", "[client1]", "[client1")
	publish()
	p.expect(t, "the changed documents are not valid", "passwords.toml:5:")
	if said, status := mount.login(t, "client1", "password"); status != 0 {
		t.Errorf("an error in the file disturbed a client:\n%s", said)
	}

	f.write(t, "credentials.yaml", strings.ReplaceAll(good, "client1", "renamed"))
	publish()
	client.expect(t, "Received DISCONNECT (152)")
	p.expect(t, "port changed")
	if said, status := mount.login(t, "client1", "password"); status == 0 || !strings.Contains(said, "134") && !strings.Contains(strings.ToLower(said), "bad user name") {
		t.Errorf("a user who was taken out, status %d:\n%s", status, said)
	}
}
