package e2e_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/mqttwarden/mqttwarden/examples/tutorial"
)

// folder is a folder with documents for the program.
type folder struct {
	path     string
	port     int // of the tutorial's listener
	observer int // of a listener that lets everybody do everything; see observe
}

// tutorialFolder returns a folder with the tutorial's manifests, the objects
// they refer to, and a listener for the observer.
func tutorialFolder(t *testing.T) *folder {
	t.Helper()
	f := &folder{path: t.TempDir(), port: freePort(t), observer: freePort(t)}
	for _, name := range []string{"listener.yaml", "authentication.yaml", "authorization.yaml"} {
		data, err := tutorial.Manifests.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f.write(t, name, strings.Replace(string(data), "port: 8883", "port: "+strconv.Itoa(f.port), 1))
	}
	f.write(t, "fabrikam-ca.yaml", configMap("fabrikam-ca", "client_ca.pem", pkiFile(t, "fabrikam_root_ca.crt")))
	f.write(t, "broker-server-cert.yaml", serverSecret(t))
	f.write(t, "observer.yaml", fmt.Sprintf(`apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerListener
metadata:
  name: observer
spec:
  ports:
    - port: %d
`, f.observer))
	return f
}

// write puts a file in the place of what was there, at once.
func (f *folder) write(t *testing.T, name, text string) {
	t.Helper()
	next := filepath.Join(f.path, ".next")
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(f.path, name)); err != nil {
		t.Fatal(err)
	}
}

func (f *folder) text(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(f.path, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// edit replaces text of a file, which must be there exactly once.
func (f *folder) edit(t *testing.T, name, old, with string) {
	t.Helper()
	text := f.text(t, name)
	if strings.Count(text, old) != 1 {
		t.Fatalf("%s does not have %q once:\n%s", name, old, text)
	}
	f.write(t, name, strings.Replace(text, old, with, 1))
}

func (f *folder) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(f.path, name)); err != nil {
		t.Fatal(err)
	}
}

// linkAuthorization is the line of listener.yaml that names the policy.
const linkAuthorization = "      authorizationRef: abac-authz\n"

// configMap is what kubectl create configmap --dry-run=client -o yaml prints.
func configMap(name, key string, pem []byte) string {
	return fmt.Sprintf(`apiVersion: v1
data:
  %s: |
    %s
kind: ConfigMap
metadata:
  creationTimestamp: null
  name: %s
  namespace: azure-iot-operations
`, key, strings.ReplaceAll(strings.TrimSpace(string(pem)), "\n", "\n    "), name)
}

// serverSecret is what kubectl create secret tls --dry-run=client -o yaml
// prints for the server's certificate.
func serverSecret(t *testing.T) string {
	t.Helper()
	return tlsSecret("broker-server-cert", pkiFile(t, "mqtts-endpoint.crt"), pkiFile(t, "mqtts-endpoint.key"))
}

func tlsSecret(name string, cert, key []byte) string {
	return fmt.Sprintf(`apiVersion: v1
data:
  tls.crt: %s
  tls.key: %s
kind: Secret
metadata:
  creationTimestamp: null
  name: %s
  namespace: azure-iot-operations
type: kubernetes.io/tls
`, base64.StdEncoding.EncodeToString(cert), base64.StdEncoding.EncodeToString(key), name)
}

// given are the ports that freePort has returned.
var given sync.Map

// freePort returns a port that nobody listens on. It is below those that
// systems give to outgoing connections, which could take it in the meantime.
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 10000 + rand.IntN(20000)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		_ = l.Close()
		return port
	}
	t.Fatal("no free port")
	return 0
}
