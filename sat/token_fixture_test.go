package sat_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/sat"
)

const (
	audience  = "my-audience"
	issuer    = "https://kubernetes.default.svc.cluster.local"
	namespace = "azure-iot-operations"
	name      = "mqtt-client"
	uid       = "1f3a4c1e-98b1-4a5e-8f2f-0c8b7c1f5a10"
	subject   = "system:serviceaccount:" + namespace + ":" + name
)

// signer is a key of the cluster, made once for all tests.
type signer struct {
	id      string
	method  jwt.SigningMethod
	private crypto.Signer
}

var signers = sync.OnceValue(func() map[string]signer {
	all := make(map[string]signer)
	add := func(method jwt.SigningMethod, private crypto.Signer, err error) {
		if err != nil {
			panic(err)
		}
		all[method.Alg()] = signer{"key-" + method.Alg(), method, private}
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	add(jwt.SigningMethodRS256, rsaKey, err)
	add(jwt.SigningMethodRS512, rsaKey, err)
	for method, curve := range map[jwt.SigningMethod]elliptic.Curve{
		jwt.SigningMethodES256: elliptic.P256(), jwt.SigningMethodES384: elliptic.P384(), jwt.SigningMethodES512: elliptic.P521(),
	} {
		private, err := ecdsa.GenerateKey(curve, rand.Reader)
		add(method, private, err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	add(jwt.SigningMethodEdDSA, edKey, err)
	return all
})

// jwk is the public key as the cluster publishes it.
func (s signer) jwk() map[string]any {
	b64 := base64.RawURLEncoding.EncodeToString
	k := map[string]any{"kid": s.id, "use": "sig", "alg": s.method.Alg()}
	switch public := s.private.Public().(type) {
	case *rsa.PublicKey:
		k["kty"], k["n"], k["e"] = "RSA", b64(public.N.Bytes()), b64(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			panic(err)
		}
		half := len(point) / 2
		k["kty"], k["crv"], k["x"], k["y"] = "EC", public.Params().Name, b64(point[1:1+half]), b64(point[1+half:])
	case ed25519.PublicKey:
		k["kty"], k["crv"], k["x"] = "OKP", "Ed25519", b64(public)
	}
	return k
}

func keySet(keys ...map[string]any) []byte {
	b, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		panic(err)
	}
	return b
}

// claims are those of a real token, changed; a nil value takes a claim out.
func claims(change map[string]any) jwt.MapClaims {
	now := time.Now()
	c := jwt.MapClaims{
		"aud": []string{audience}, "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "nbf": now.Unix(),
		"iss": issuer, "jti": "6a5f6a2e-1b0e-4b52-9f7a-000000000001", "sub": subject,
		"kubernetes.io": map[string]any{
			"namespace":      namespace,
			"pod":            map[string]any{"name": "client-0", "uid": "7d1a6a3c-2a34-4b0e-8d51-000000000002"},
			"serviceaccount": map[string]any{"name": name, "uid": uid},
		},
	}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// mint makes a token with a valid signature.
func mint(t testing.TB, alg string, header map[string]any, change map[string]any) string {
	t.Helper()
	s := signers()[alg]
	token := jwt.NewWithClaims(s.method, claims(change))
	token.Header["kid"] = s.id
	delete(token.Header, "typ")
	maps.Copy(token.Header, header)
	maps.DeleteFunc(token.Header, func(_ string, v any) bool { return v == nil })
	text, err := token.SignedString(s.private)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// raw makes a token of exactly these texts, with a signature of nobody.
func raw(header, claims string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	return b64([]byte(header)) + "." + b64([]byte(claims)) + "." + b64([]byte("signature!"))
}

func goodToken(t testing.TB) string { return mint(t, "RS256", nil, nil) }

func parse(t testing.TB, text string) *sat.Token {
	t.Helper()
	token, err := sat.ParseToken(mqttauth.NewSecret([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func request(t testing.TB, text string) *sat.Request {
	return &sat.Request{Token: parse(t, text), Audiences: []string{"aio-internal", audience}}
}

func expClaim(after time.Duration) string { return fmt.Sprint(time.Now().Add(after).Unix()) }
