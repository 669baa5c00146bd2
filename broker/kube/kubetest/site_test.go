package kubetest_test

import (
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/mqttwarden/mqttwarden/examples/tutorial"
	"github.com/mqttwarden/mqttwarden/internal/devca"
)

// shippedNamespace is the namespace that the manifests are written for.
const shippedNamespace = "azure-iot-operations"

// site is a namespace in which the shipped manifests have been applied, with
// the documents of the tutorial to apply.
type site struct {
	*pki
	t         *testing.T
	server    *server
	namespace string
	port      string // of the tutorial's listener
	second    string // of the listener "second", which has no policies
}

// newSite applies the shipped manifests, in a namespace of the test's own.
func newSite(t *testing.T, c *server) *site {
	t.Helper()
	s := &site{pki: newPKI(t), t: t, server: c, namespace: "site-" + freePort(t), port: freePort(t), second: freePort(t)}
	manifests, err := kubectl(t.Context(), c, "", nil, "kustomize", "../../../examples/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	// What belongs to no namespace has a name of the test's own.
	s.apply(strings.ReplaceAll(s.here(manifests), "mqttwarden-token-reviewer", "token-reviewer-"+s.namespace))
	return s
}

// here changes documents that are written for the shipped namespace.
func (s *site) here(text string) string {
	return strings.ReplaceAll(text, shippedNamespace, s.namespace)
}

// serve runs the program as the shipped service account.
func (s *site) serve() *process {
	s.t.Helper()
	account, err := s.server.Kube.CoreV1().ServiceAccounts(s.namespace).Get(s.t.Context(), "mqttwarden", metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(s.t.TempDir(), "kubeconfig")
	user := map[string]any{"tokenFile": s.server.TokenFile(s.t, account)}
	if err := os.WriteFile(file, kubeconfig(s.server, s.namespace, user), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return launch(s.t, "serve", "--kubernetes", "--kubeconfig", file, "--address", "127.0.0.1")
}

// The documents of the tutorial.
func (s *site) listener() string {
	return strings.ReplaceAll(s.document("listener.yaml"), "8883", s.port)
}

func (s *site) authentication() string { return s.document("authentication.yaml") }

func (s *site) authorization() string { return s.document("authorization.yaml") }

func (s *site) document(name string) string {
	s.t.Helper()
	text, err := tutorial.Manifests.ReadFile(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.here(string(text))
}

// secondListener is a port that depends on nothing.
func (s *site) secondListener() string {
	return s.here(fmt.Sprintf(`
apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerListener
metadata: {name: second, namespace: azure-iot-operations}
spec: {ports: [{port: %s}]}`, s.second))
}

func (s *site) clientCA() string {
	return s.here(fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {name: fabrikam-ca, namespace: azure-iot-operations}
data: {client_ca.pem: %q}`, s.clients.PEM()))
}

func (s *site) serverSecret(name string) string {
	s.t.Helper()
	key, err := s.endpoint.KeyPEM()
	if err != nil {
		s.t.Fatal(err)
	}
	return s.here(fmt.Sprintf(`
apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata: {name: %s, namespace: azure-iot-operations}
data: {tls.crt: %s, tls.key: %s}`, name,
		base64.StdEncoding.EncodeToString(s.endpoint.PEM()), base64.StdEncoding.EncodeToString(key)))
}

// tutorial is all of it.
func (s *site) tutorial() []string {
	return []string{s.clientCA(), s.serverSecret("broker-server-cert"), s.authentication(), s.authorization(), s.listener()}
}

// pki holds the certificates of a site.
type pki struct {
	authority, clients, endpoint *devca.Certificate
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	must := func(c *devca.Certificate, err error) *devca.Certificate {
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	p := &pki{authority: must(devca.Root(devca.Named("Contoso Root CA"))), clients: must(devca.Root(devca.Named("Fabrikam Root CA")))}
	spec := devca.Named("mqtts-endpoint")
	spec.Hosts = []string{"127.0.0.1"}
	p.endpoint = must(p.authority.Leaf(spec))
	return p
}

// freePort returns a port that nobody listens on. The kernel does not give it
// out again soon.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// occupy listens on a port until it is freed.
func occupy(t *testing.T, port string) (free func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return func() { l.Close() }
}

// replace replaces a text in a document, which must have it.
func replace(t *testing.T, document, old, with string) string {
	t.Helper()
	if !strings.Contains(document, old) {
		t.Fatalf("the document has no %q:\n%s", old, document)
	}
	return strings.ReplaceAll(document, old, with)
}
