package e2e_test

import (
	"fmt"
	"path/filepath"
	"testing"
)

// kubeconfig writes what an operator gives to the program: where the API server
// is, who vouches for it, and where the broker's own token is.
func (b *tokenBroker) kubeconfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	save(t, path, fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
  - name: site
    cluster: {server: %q, certificate-authority: %q}
users:
  - name: broker
    user: {tokenFile: %q}
contexts:
  - name: broker@site
    context: {cluster: site, user: broker}
current-context: broker@site
`, b.cluster.URL, b.cluster.CAFile, b.own(t)))
	return path
}

// The program as an operator runs it: it finds the API server by a kubeconfig,
// lets in who has a good token, refuses others, and says that it is unavailable
// while the API server is; the log says why (SAT-1, SAT-3, AUTHN-5).
func TestTokenProgram(t *testing.T) {
	t.Parallel()
	b := newTokenSite(t)
	p := launch(t, "serve", "-f", b.folder.path, "--address", "127.0.0.1", "--kubeconfig", b.kubeconfig(t))
	p.expect(t, "msg=listening", fmt.Sprintf(":%d ", b.folder.port), "authn (ServiceAccountToken)")
	press := b.dialToken(t, nil)
	press.connect(t, "press", b.token(), true)
	press.publish(t, "press/telemetry", 1, "allowed")

	stranger := b.cluster.Account(t, b.press.Namespace, "stranger", nil)
	refused := func(clientID string, token []byte, code byte, why ...string) {
		t.Helper()
		ack, err := b.dialToken(t, nil).Connect(t.Context(), connectPacket(clientID, token, true))
		if err == nil || ack == nil || ack.ReasonCode != code {
			t.Errorf("%s: %+v: %v; want %#x", clientID, ack, err, code)
		}
		p.expect(t, append(why, "client refused", "client_id="+clientID, fmt.Sprintf("(%#x)", code))...)
	}
	refused("wrong-audience", []byte(b.cluster.Token(t, b.press, "other")), 0x87, "method.ServiceAccountToken", "audience")
	refused("no-attributes", []byte(b.cluster.Token(t, stranger, tokenAudience)), 0x87, "no rule allows the client to connect")
	b.cluster.Stop()
	refused("outage", b.token(), 0x88, "method.ServiceAccountToken", "connection refused")
	press.publish(t, "press/telemetry", 1, "allowed as before")
	if err := b.cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.dialToken(t, nil).connect(t, "outage", b.token(), true)
}

// Without an API server, and without keys, there is nobody to ask about tokens:
// the error has its place and says what to do.
func TestTokenProgramAlone(t *testing.T) {
	t.Parallel()
	f := &folder{path: t.TempDir(), port: freePort(t)}
	f.write(t, "broker.yaml", fmt.Sprintf(tokenDocuments, f.port)+serverSecret(t))
	p := start(t, t.TempDir(), "env", "-u", "KUBECONFIG", "-u", "KUBERNETES_SERVICE_HOST", "-u", "KUBERNETES_SERVICE_PORT",
		programPath(), "serve", "-f", f.path, "--address", "127.0.0.1")
	if status := p.end(t); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	where := fmt.Sprintf("%s:%d:", filepath.Join(f.path, "broker.yaml"), lineOf(t, f.text(t, "broker.yaml"), "method: ServiceAccountToken"))
	p.expect(t, where, "spec.authenticationMethods[0].method: ", "nobody to ask about service account tokens", "not in a pod", "--kubeconfig", "--sat-issuer and --sat-jwks")
	if open(f.port) {
		t.Error("a port is open")
	}
}
