package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// execute runs the program's command line and returns what it printed.
func execute(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := newCommand()
	cmd.SetArgs(longFlags(cmd, args))
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	err = cmd.ExecuteContext(t.Context())
	return out.String() + errs.String(), err
}

func TestLongFlags(t *testing.T) {
	got := longFlags(newCommand(), []string{"demo", "-dir", "x", "-port=1", "--dir", "y", "-f", "z", "-help", "--", "-dir"})
	want := []string{"demo", "--dir", "x", "--port=1", "--dir", "y", "-f", "z", "--help", "--", "-dir"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What demo writes passes check.
func TestCheckDemoFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	if err := writeDemo(dir, 18883); err != nil {
		t.Fatal(err)
	}
	out, err := execute(t, "check", "-f", dir)
	if err != nil {
		t.Fatal(err)
	}
	want := "port azure-iot-operations/mqtts-endpoint:18883: tls, authentication azure-iot-operations/x509-auth (X509), " +
		"authorization azure-iot-operations/abac-authz (4 rules)\nok\n"
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestCheckErrors(t *testing.T) {
	edit := func(name, old, with string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(data), old) {
				t.Fatalf("%s does not hold %q", name, old)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, with, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name   string
		damage func(t *testing.T, dir string)
		want   string
	}{
		{"unknown field", edit("authorization.yaml", "- method: Publish\n            topics:", "- method: Publish\n            topic:"), "authorization.yaml:16:13: spec.authorizationPolicies.rules[0].brokerResources[1].topic: unknown field; did you mean topics?"},
		{"wrong enum", edit("listener.yaml", "mode: Manual", "mode: Manuel"), "listener.yaml:15:15: spec.ports[0].tls.mode"},
		{"missing secret", remove("broker-server-cert.yaml"), "Secret azure-iot-operations/broker-server-cert"},
		{"missing policy", remove("authorization.yaml"), "BrokerAuthorization azure-iot-operations/abac-authz"},
		{"bad PEM", edit("fabrikam-ca.yaml", "END CERTIFICATE", "END"), "fabrikam-ca.yaml:7:18: data.client_ca.pem"},
		{"no listener", remove("listener.yaml"), "there is no BrokerListener"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "demo")
			if err := writeDemo(dir, 8883); err != nil {
				t.Fatal(err)
			}
			tt.damage(t, dir)
			out, err := execute(t, "check", "-f", dir)
			if err == nil {
				t.Fatal("no error")
			}
			if text := out + err.Error(); !strings.Contains(text, tt.want) || strings.Contains(text, "PRIVATE KEY") {
				t.Errorf("printed\n%s\nwant\n%s", text, tt.want)
			}
		})
	}
	if _, err := execute(t, "check", "-f", filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Error("a path that is not there is no error")
	}
	if _, err := execute(t, "check"); err == nil {
		t.Error("no path is no error")
	}
}

// demo begins anew in its own folder and leaves others alone.
func TestDemoFolder(t *testing.T) {
	own := filepath.Join(t.TempDir(), "a", "demo")
	for range 2 {
		if err := writeDemo(own, 8883); err != nil {
			t.Fatal(err)
		}
	}
	empty := t.TempDir()
	if err := writeDemo(empty, 8883); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
	other := t.TempDir()
	mine := filepath.Join(other, "listener.yaml")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeDemo(other, 8883); err == nil {
		t.Error("somebody else's folder was taken")
	}
	if data, _ := os.ReadFile(mine); string(data) != "mine" {
		t.Error("somebody else's file was overwritten")
	}
	if err := writeDemo(mine, 8883); err == nil {
		t.Error("a file was taken for a folder")
	}
	keys, err := filepath.Glob(filepath.Join(own, "*.key"))
	if err != nil || len(keys) == 0 {
		t.Fatal("no keys", err)
	}
	for _, key := range keys {
		if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is not private: %v", key, err)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"/tmp/demo/heater.key": "/tmp/demo/heater.key",
		"/tmp/my demo/x":       "'/tmp/my demo/x'",
		"/tmp/it's/$HOME":      `'/tmp/it'\''s/$HOME'`,
	} {
		if got := quote(in); got != want {
			t.Errorf("quote(%q) = %s, want %s", in, got, want)
		}
	}
}
