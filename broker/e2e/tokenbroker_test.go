package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/sat"
	"github.com/mqttwarden/mqttwarden/sat/kubetest"
)

const tokenAudience = "aio-internal"

// tokenBroker is a broker that has an API server review its clients' tokens.
type tokenBroker struct {
	cluster *kubetest.Cluster
	press   *corev1.ServiceAccount // who may publish and subscribe to press/#
	folder  *folder
	first   int // the port that folder is about, unless it is at another
	log     *transcript
	read    int // lines of log that logged has passed
}

const tokenDocuments = `apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerListener
metadata:
  name: listener
  namespace: azure-iot-operations
spec:
  ports:
    - port: %d
      authenticationRef: authn
      authorizationRef: authz
      tls:
        mode: Manual
        manual:
          secretRef: broker-server-cert
---
apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthentication
metadata:
  name: authn
  namespace: azure-iot-operations
spec:
  authenticationMethods:
    - method: ServiceAccountToken
      serviceAccountTokenSettings:
        audiences:
          - aio-internal
---
apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthorization
metadata:
  name: authz
  namespace: azure-iot-operations
spec:
  authorizationPolicies:
    rules:
      - principals:
          attributes:
            - role: press
        brokerResources:
          - method: Connect
          - method: Publish
            topics:
              - press/#
          - method: Subscribe
            topics:
              - press/#
---
`

// newTokenBroker starts an API server and a broker with a port that takes
// tokens, and what more there is in documents. What the broker remembers of the
// API server's answers, it remembers for a moment only.
func newTokenBroker(t *testing.T, documents ...string) *tokenBroker {
	t.Helper()
	b := newTokenSite(t)
	for i, text := range documents {
		b.folder.write(t, fmt.Sprintf("more-%d.yaml", i), text)
	}
	set, err := resource.Load(b.folder.path)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(b.log, nil))
	cache := b.reviewer(t)
	plan, err := config.Compile(set, config.Options{Logger: log, Tokens: cache, Accounts: cache})
	if err != nil {
		t.Fatal(err)
	}
	keeper := config.NewKeeper(broker.NewServer(broker.Options{Logger: log}), "127.0.0.1", log)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := keeper.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if t.Failed() {
			t.Logf("the broker said:\n%v", b.log)
		}
	})
	if err := keeper.Apply(plan); err != nil {
		t.Fatal(err)
	}
	return b
}

// newTokenSite is all of a broker that takes tokens, but the broker.
func newTokenSite(t *testing.T) *tokenBroker {
	t.Helper()
	b := &tokenBroker{cluster: kubetest.New(t), folder: &folder{path: t.TempDir(), port: freePort(t)}, log: newTranscript()}
	b.first = b.folder.port
	namespace := b.cluster.Namespace(t, "azure-iot-operations")
	b.press = b.cluster.Account(t, namespace, "press", map[string]string{"aio-broker-auth/role": "press"})
	b.folder.write(t, "broker.yaml", fmt.Sprintf(tokenDocuments, b.folder.port)+serverSecret(t))
	return b
}

// at is the broker as clients of another port see it.
func (b *tokenBroker) at(port int) *tokenBroker {
	other := *b
	other.folder = &folder{path: b.folder.path, port: port}
	return &other
}

// own makes the service account of the broker, with the rights that it needs,
// and returns the file with its token.
func (b *tokenBroker) own(t *testing.T) (tokenFile string) {
	t.Helper()
	account := b.cluster.Account(t, b.press.Namespace, "broker", nil)
	b.cluster.AllowReviews(t, account)
	b.cluster.AllowAccounts(t, account, b.press.Namespace, "get")
	return b.cluster.TokenFile(t, account)
}

// reviewer asks the API server as a service account of the broker's.
func (b *tokenBroker) reviewer(t *testing.T) *sat.Cache {
	t.Helper()
	client, err := sat.NewClient(sat.ClientConfig{URL: b.cluster.URL, CAFile: b.cluster.CAFile, TokenFile: b.own(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	cache, err := sat.NewCache(client, client, sat.CacheConfig{TTL: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

// setRole changes what an account's annotation says that it is.
func (b *tokenBroker) setRole(t *testing.T, a *corev1.ServiceAccount, role string) {
	t.Helper()
	patch := fmt.Sprintf(`{"metadata":{"annotations":{"aio-broker-auth/role":%q}}}`, role)
	_, err := b.cluster.Kube.CoreV1().ServiceAccounts(a.Namespace).Patch(
		t.Context(), a.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// mint returns a token of the account press that ends after some time, on a
// whole second, and that second.
func (b *tokenBroker) mint(in time.Duration) (token []byte, expiry time.Time) {
	expiry = time.Now().Add(in).Truncate(time.Second)
	return []byte(b.cluster.Mint(b.press, expiry, tokenAudience)), expiry
}

// token returns a token that lasts as long as any test.
func (b *tokenBroker) token() []byte {
	token, _ := b.mint(time.Hour)
	return token
}

// logged waits for a line that has all the parts, from the last one waited for
// on, and returns it.
func (b *tokenBroker) logged(t *testing.T, parts ...string) string {
	t.Helper()
	late := time.After(patience)
	for {
		lines, more := b.log.all()
		for b.read < len(lines) {
			line := lines[b.read]
			b.read++
			if hasAll(line, parts) {
				return line
			}
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("the broker's log has no line with %q", parts)
		}
	}
}

func (b *tokenBroker) caFile() string { return filepath.Join(pkiDir(), "contoso_root_ca.crt") }

// stamp is how a log line begins to show a time.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05") }
