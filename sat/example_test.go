package sat_test

import (
	"context"
	"fmt"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/sat"
)

// A broker in a pod lets in the clients of two namespaces.
func Example() {
	config, err := sat.InCluster()
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := sat.NewClient(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	cache, err := sat.NewCache(client, client, sat.CacheConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	tokens, err := sat.New(cache, cache, sat.Config{
		Audiences:       []string{"aio-internal"},
		Namespaces:      []string{"azure-iot-operations", "press-line"},
		RevalidateAfter: time.Minute,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	chain, err := mqttauth.NewChain("cluster", mqttauth.Entry{Name: "sat", Method: tokens})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = chain.Authenticate(context.Background(), &mqttauth.Credentials{
		ClientID: "c", AuthMethod: sat.AuthMethod, AuthData: mqttauth.NewSecret([]byte(" ")),
	})
	fmt.Println(err)
}

// A gateway that cannot reach the API server verifies tokens with a copy of the
// cluster's public keys.
func ExampleVerifier() {
	verifier, err := sat.NewVerifier(sat.VerifierConfig{
		Issuer: "https://kubernetes.default.svc.cluster.local",
		KeySet: "testdata/jwks.json",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := verifier.Refresh(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	tokens, err := sat.New(verifier, nil, sat.Config{Audiences: []string{"aio-internal"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = tokens.Authenticate(context.Background(), &mqttauth.Credentials{
		ClientID: "c", AuthMethod: sat.AuthMethod, AuthData: mqttauth.NewSecret([]byte("eyJhbGciOiJub25lIn0.e30.e30")),
	})
	fmt.Println(err)
	// Output:
	// mqttauth: denied: sat: token claims: exp is not a whole number of seconds since 1970
}

// Tokens are verified at once, and what the API server has confirmed counts for
// two minutes while it is away. Who is connected is judged each half minute.
func ExampleCombined() {
	config, err := sat.InCluster()
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := sat.NewClient(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	cache, err := sat.NewCache(client, client, sat.CacheConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier, err := sat.NewVerifier(sat.VerifierConfig{
		Issuer: "https://kubernetes.default.svc.cluster.local",
		KeySet: config.URL + "/openid/v1/jwks", CAFile: config.CAFile, TokenFile: config.TokenFile,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	combined, err := sat.NewCombined(verifier, cache, cache, sat.CombinedConfig{MaxDelay: 2 * time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = sat.New(combined, combined, sat.Config{
		Audiences:       []string{"aio-internal"},
		RevalidateAfter: 30 * time.Second,
		ReviewAgain:     true,
	})
	if err != nil {
		fmt.Println(err)
	}
}

// The password method of the same chain must leave tokens alone (PASS-1).
func ExampleUsernameForms_Match() {
	forms := sat.UsernameK8SSAT | sat.UsernameSAT
	for _, username := range []string{"K8S-SAT", "$sat", "sat://press", "alice"} {
		fmt.Println(username, forms.Match(username))
	}
	// Output:
	// K8S-SAT true
	// $sat true
	// sat://press true
	// alice false
}
