package e2e_test

import (
	"fmt"
	"testing"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// judgedDocuments have two ports whose clients are judged again each second: by
// their account alone, and by another review of their token besides.
const judgedDocuments = `apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerListener
metadata:
  name: judged
  namespace: azure-iot-operations
spec:
  ports:
    - port: %d
      authenticationRef: judged
      authorizationRef: authz
      tls: {mode: Manual, manual: {secretRef: broker-server-cert}}
    - port: %d
      authenticationRef: reviewed
      authorizationRef: authz
      tls: {mode: Manual, manual: {secretRef: broker-server-cert}}
---
apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthentication
metadata:
  name: judged
  namespace: azure-iot-operations
  annotations:
    mqttwarden/method-0-revalidate-after: 1s
spec:
  authenticationMethods:
    - method: ServiceAccountToken
      serviceAccountTokenSettings: {audiences: [aio-internal]}
---
apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerAuthentication
metadata:
  name: reviewed
  namespace: azure-iot-operations
  annotations:
    mqttwarden/method-0-revalidate-after: 1s
    mqttwarden/method-0-review-again: "true"
spec:
  authenticationMethods:
    - method: ServiceAccountToken
      serviceAccountTokenSettings: {audiences: [aio-internal]}
`

// Connected clients are judged again while nothing happens on their
// connections, which their tokens would leave open for an hour (EXP-7).
func TestTokensJudgedAgain(t *testing.T) {
	t.Parallel()
	byAccount, byReview := freePort(t), freePort(t)
	b := newTokenBroker(t, fmt.Sprintf(judgedDocuments, byAccount, byReview))
	ports := map[string]*tokenBroker{"judged": b.at(byAccount), "reviewed": b.at(byReview)}
	each := func(name string, test func(*testing.T, *tokenBroker, *judgedClient)) {
		t.Run(name, func(t *testing.T) {
			for port, b := range ports {
				t.Run(port, func(t *testing.T) {
					t.Parallel()
					test(t, b.at(b.folder.port), b.judge(t, port+"-"+name))
				})
			}
		})
	}
	each("deleted", judgedDeleted)
	each("made-anew", judgedAnew)
	each("attributes", judgedAttributes)
	t.Run("outage", func(t *testing.T) { judgedOutage(t, ports["judged"], ports["reviewed"]) })
}

// judgedClient is a client with an account of its own.
type judgedClient struct {
	*tokenClient
	id      string // of the client, and the name of the account
	account *corev1.ServiceAccount
	bound   *corev1.Secret // that its token is bound to
}

// judge connects a client that may publish to press/#.
func (b *tokenBroker) judge(t *testing.T, id string) *judgedClient {
	t.Helper()
	c := &judgedClient{tokenClient: b.dialToken(t, nil), id: id}
	c.account = b.cluster.Account(t, b.press.Namespace, id, map[string]string{"aio-broker-auth/role": "press"})
	s, err := b.cluster.Kube.CoreV1().Secrets(b.press.Namespace).Create(
		t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: id}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.bound = s
	to := &authv1.BoundObjectReference{APIVersion: "v1", Kind: "Secret", Name: s.Name, UID: s.UID}
	c.connect(t, id, []byte(b.cluster.BoundToken(t, c.account, to, tokenAudience)), true)
	c.publish(t, "press/telemetry", 1, "allowed")
	return c
}

// becomes publishes until the answer is as it should be. Nothing disconnects the
// client meanwhile.
func (c *tokenClient) becomes(t *testing.T, topic string, want byte) {
	t.Helper()
	began := time.Now()
	for time.Since(began) < patience {
		if c.try(t, topic, 1, "x") == want {
			t.Logf("answered %#x after %v", want, time.Since(began).Round(time.Millisecond))
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatalf("a publish is never answered %#x", want)
}

// cutOff waits until the client is disconnected, and for the line that says why.
func (c *judgedClient) cutOff(t *testing.T, b *tokenBroker, why string) {
	t.Helper()
	began := time.Now()
	c.expectGoodbye(t, deniedCode)
	t.Logf("disconnected after %v", time.Since(began).Round(time.Millisecond))
	b.logged(t, "client cut off", "client_id="+c.id, "method=ServiceAccountToken", why)
}

func deleteAccount(t *testing.T, b *tokenBroker, a *corev1.ServiceAccount) {
	t.Helper()
	if err := b.cluster.Kube.CoreV1().ServiceAccounts(a.Namespace).Delete(t.Context(), a.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Changed annotations change what the client may do, and it stays connected.
func judgedAttributes(t *testing.T, b *tokenBroker, c *judgedClient) {
	b.setRole(t, c.account, "guest")
	c.becomes(t, "press/telemetry", deniedCode)
	b.setRole(t, c.account, "press")
	c.becomes(t, "press/telemetry", 0)
}

// Whose account is deleted is disconnected. On a port where nobody is judged
// again the same account's client stays.
func judgedDeleted(t *testing.T, b *tokenBroker, c *judgedClient) {
	unjudged := b.at(b.first).dialToken(t, nil)
	unjudged.connect(t, c.id+"-unjudged", []byte(b.cluster.Token(t, c.account, tokenAudience)), true)
	deleteAccount(t, b, c.account)
	c.cutOff(t, b, mqttauth.ErrNoLongerStands.Error())
	unjudged.publish(t, "press/telemetry", 1, "not judged again")
}

// So is whose account is another of the same name, with the same attributes.
func judgedAnew(t *testing.T, b *tokenBroker, c *judgedClient) {
	deleteAccount(t, b, c.account)
	b.cluster.Account(t, c.account.Namespace, c.account.Name, c.account.Annotations)
	c.cutOff(t, b, mqttauth.ErrNoLongerStands.Error())
}

// While the API server is away, all stays as it is. When it is back, clients are
// judged again as before; only another review sees that what a token is bound to
// is gone (S-48).
func judgedOutage(t *testing.T, byAccount, byReview *tokenBroker) {
	unreviewed, unbound, bound := byAccount.judge(t, "unreviewed"), byReview.judge(t, "unbound"), byReview.judge(t, "bound")
	for _, c := range []*judgedClient{unreviewed, unbound} {
		err := byAccount.cluster.Kube.CoreV1().Secrets(c.bound.Namespace).Delete(t.Context(), c.bound.Name, metav1.DeleteOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	byAccount.cluster.Stop()
	for _, c := range []*judgedClient{unreviewed, bound} {
		log := byAccount.at(0)
		for range 2 { // the second begins after the first counted
			log.logged(t, "reauthentication put off", "client_id="+c.id, "connection refused")
		}
		c.publish(t, "press/telemetry", 1, "allowed as before")
		if code := c.try(t, "other", 1, "x"); code != deniedCode {
			t.Errorf("%s: publish to another topic during an outage: %#x", c.id, code)
		}
	}
	if err := byAccount.cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	unbound.cutOff(t, byReview, "service account token has been invalidated")
	for _, c := range []*judgedClient{unreviewed, bound} {
		byAccount.setRole(t, c.account, "guest")
		c.becomes(t, "press/telemetry", deniedCode)
	}
}
