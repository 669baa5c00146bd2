package kubetest

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"testing"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// signer signs tokens as the cluster does.
type signer struct {
	key    *rsa.PrivateKey
	public []byte // in PKIX
	id     string
}

// newSigner names the key as the API server names it in its key set.
func newSigner(key *rsa.PrivateKey) (signer, error) {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return signer{}, err
	}
	sum := sha256.Sum256(der)
	return signer{key, der, encode(sum[:])}, nil
}

// Header returns the header of the cluster's tokens.
func (c *Cluster) Header() map[string]any { return map[string]any{"alg": "RS256", "kid": c.signer.id} }

// Claims returns the claims of a usual token of an account: for an hour, from a
// moment ago.
func Claims(a *corev1.ServiceAccount, audiences ...string) map[string]any {
	now := time.Now()
	return map[string]any{
		"iss": Issuer, "aud": audiences, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"sub": "system:serviceaccount:" + a.Namespace + ":" + a.Name,
		"kubernetes.io": map[string]any{
			"namespace":      a.Namespace,
			"serviceaccount": map[string]any{"name": a.Name, "uid": string(a.UID)},
		},
	}
}

// PublicKey returns the cluster's public key as its key files have it, in PEM.
func (c *Cluster) PublicKey() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: c.signer.public})
}

// Sign returns a token that is signed with the cluster's key, whatever it says.
// Header and claims are anything that becomes JSON.
func (c *Cluster) Sign(header, claims any) string { return SignWith(c.signer.key, header, claims) }

// SignText is Sign for texts that no value of Go becomes.
func (c *Cluster) SignText(header, claims string) string {
	return sign(c.signer.key, encode([]byte(header))+"."+encode([]byte(claims)))
}

// SignWith is Sign with another key.
func SignWith(key *rsa.PrivateKey, header, claims any) string {
	return sign(key, segment(header)+"."+segment(claims))
}

func sign(key *rsa.PrivateKey, text string) string {
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(fmt.Sprintf("kubetest: %v", err)) // the key is too small
	}
	return text + "." + encode(signature)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func segment(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("kubetest: %v", err))
	}
	return encode(text)
}

// Mint returns a token of an account for these audiences that ends at some
// time, which may be over already. The API server itself issues none for less
// than 10 minutes.
func (c *Cluster) Mint(a *corev1.ServiceAccount, expiry time.Time, audiences ...string) string {
	claims := Claims(a, audiences...)
	claims["exp"] = expiry.Unix()
	if begin := expiry.Add(-time.Hour); begin.Before(time.Now()) {
		claims["iat"], claims["nbf"] = begin.Unix(), begin.Unix()
	}
	return c.Sign(c.Header(), claims)
}

// Token returns a token that the server issues to an account, for an hour.
func (c *Cluster) Token(t testing.TB, a *corev1.ServiceAccount, audiences ...string) string {
	t.Helper()
	return c.BoundToken(t, a, nil, audiences...)
}

// BoundToken returns a token that is valid while an object is there: a Secret
// or a Pod.
func (c *Cluster) BoundToken(t testing.TB, a *corev1.ServiceAccount, to *authv1.BoundObjectReference, audiences ...string) string {
	t.Helper()
	hour := int64(3600)
	r, err := c.Kube.CoreV1().ServiceAccounts(a.Namespace).CreateToken(t.Context(), a.Name, &authv1.TokenRequest{
		Spec: authv1.TokenRequestSpec{Audiences: audiences, ExpirationSeconds: &hour, BoundObjectRef: to},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r.Status.Token
}

// Review returns the API server's own word about a token.
func (c *Cluster) Review(ctx context.Context, token string, audiences ...string) (authv1.TokenReviewStatus, error) {
	r, err := c.Kube.AuthenticationV1().TokenReviews().Create(ctx, &authv1.TokenReview{
		Spec: authv1.TokenReviewSpec{Token: token, Audiences: audiences},
	}, metav1.CreateOptions{})
	if err != nil {
		return authv1.TokenReviewStatus{}, err
	}
	return r.Status, nil
}
