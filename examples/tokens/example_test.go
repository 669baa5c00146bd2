// Package tokens_test shows how a gateway that cannot reach the cluster's API
// server verifies service account tokens with a copy of its public keys.
package tokens_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/sat"
)

const issuer = "https://kubernetes.default.svc.cluster.local"

func Example() {
	keys, good, forged := cluster() // kubectl get --raw /openid/v1/jwks > keys.json
	defer os.RemoveAll(filepath.Dir(keys))

	verifier, err := sat.NewVerifier(sat.VerifierConfig{Issuer: issuer, KeySet: keys})
	if err != nil {
		log.Fatal(err)
	}
	method, err := sat.New(verifier, nil, sat.Config{Audiences: []string{"aio-internal"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, token := range []string{good, forged} {
		result, err := method.Authenticate(context.Background(), &mqttauth.Credentials{
			ClientID: "press", AuthMethod: sat.AuthMethod, AuthData: mqttauth.NewSecret([]byte(token)),
		})
		fmt.Println(result.Accepted(), result.Identity.Name, mqttauth.OutcomeOf(result, err))
	}
	// Output:
	// true factory/press accepted
	// false  denied
}

// cluster makes what you have already: the file with the cluster's keys, and a
// token; and one that somebody else has signed.
func cluster() (keys, good, forged string) {
	key, other := newKey(), newKey()
	point, err := key.PublicKey.Bytes()
	if err != nil {
		log.Fatal(err)
	}
	half := (len(point) - 1) / 2
	text := fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"k1","x":%q,"y":%q}]}`,
		base64.RawURLEncoding.EncodeToString(point[1:1+half]), base64.RawURLEncoding.EncodeToString(point[1+half:]))
	dir, err := os.MkdirTemp("", "tokens")
	if err != nil {
		log.Fatal(err)
	}
	keys = filepath.Join(dir, "keys.json")
	if err := os.WriteFile(keys, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
	return keys, sign(key), sign(other)
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	return key
}

func sign(key *ecdsa.PrivateKey) string {
	t := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": issuer, "aud": []string{"aio-internal"}, "sub": "system:serviceaccount:factory:press",
		"iat": time.Now().Unix(), "nbf": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"kubernetes.io": map[string]any{
			"namespace": "factory", "serviceaccount": map[string]string{"name": "press", "uid": "4f1b"},
		},
	})
	t.Header["kid"] = "k1"
	signed, err := t.SignedString(key)
	if err != nil {
		log.Fatal(err)
	}
	return signed
}
