package kube_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/kube"
)

func kubeconfig(t *testing.T, server, namespace string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: x, context: {cluster: c, user: u, namespace: %q}}]
current-context: x
`, server, namespace)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The cluster is that of the flag, of the environment, or around the program,
// in this order, and never that of the home folder.
func TestConnect(t *testing.T) {
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".kube"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(kubeconfig(t, "https://home", ""), filepath.Join(home, ".kube", "config")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	t.Setenv("KUBECONFIG", "")
	if _, _, err := kube.Connect(""); err == nil || !strings.Contains(err.Error(), "not in a pod; name a kubeconfig file with --kubeconfig") {
		t.Errorf("without any: %v", err)
	}
	t.Setenv("KUBECONFIG", "/nowhere"+string(filepath.ListSeparator)+kubeconfig(t, "https://listed", ""))
	if c, namespace, err := kube.Connect(""); err != nil || c.Host != "https://listed" || namespace != "default" {
		t.Errorf("KUBECONFIG: %v, namespace %q, %v", c, namespace, err)
	}
	if c, namespace, err := kube.Connect(kubeconfig(t, "https://named", "ns")); err != nil || c.Host != "https://named" || namespace != "ns" {
		t.Errorf("a file: %v, namespace %q, %v", c, namespace, err)
	}
	for _, path := range []string{"/nowhere/kubeconfig", home} {
		if _, _, err := kube.Connect(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	c, _, err := kube.Connect(kubeconfig(t, "https://c", ""))
	if err != nil {
		t.Fatal(err)
	}
	good := kube.Options{Namespace: "ns", Config: config.Options{Logger: slog.New(slog.DiscardHandler)}}
	s, err := kube.New(c, good)
	if err != nil {
		t.Fatal(err)
	}
	if h := s.Health(); !h.Synced.IsZero() || !h.Contact.IsZero() || h.Lost || len(h.Invalid) > 0 {
		t.Errorf("health before Run: %+v", h)
	}
	for what, o := range map[string]kube.Options{
		"no namespace": {Config: good.Config}, "no logger": {Namespace: "ns"},
	} {
		if _, err := kube.New(c, o); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
