package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// installMQTTjs returns a folder with MQTT.js in the version that the lock file
// in testdata pins, and the script that uses it. The folder is kept for the
// next run.
func installMQTTjs(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	source := filepath.Join("testdata", "mqttjs")
	for _, name := range []string{"package.json", "package-lock.json", "client.js"} {
		data, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		h.Write(data)
	}
	folder := filepath.Join(cache, "mqttwarden-e2e", "mqttjs-"+hex.EncodeToString(h.Sum(nil)[:8]))
	if _, err := os.Stat(folder); err == nil {
		return folder
	}
	// Made elsewhere and moved, so that the folder is whole if it is there.
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	building, err := os.MkdirTemp(filepath.Dir(folder), "new-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(building) }()
	if err := os.CopyFS(building, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = building
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("installing MQTT.js: %v\n%s", err, out)
	}
	if err := os.Rename(building, folder); err != nil {
		if _, exists := os.Stat(folder); exists != nil { // nobody else made it meanwhile
			t.Fatal(err)
		}
	}
	return folder
}
