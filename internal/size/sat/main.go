// Command sat is what a gateway would be that only accepts service account
// tokens, reviewed or verified offline. Its size is recorded and watched, and
// how much larger it is than command plain.
package main

import (
	"context"
	"os"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/sat"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		println(err.Error())
		os.Exit(1)
	}
}

// run accepts one token.
func run(keys, token string) error {
	config, err := sat.InCluster()
	if err != nil {
		return err
	}
	client, err := sat.NewClient(config)
	if err != nil {
		return err
	}
	cache, err := sat.NewCache(client, client, sat.CacheConfig{})
	if err != nil {
		return err
	}
	verifier, err := sat.NewVerifier(sat.VerifierConfig{Issuer: "https://kubernetes.default.svc.cluster.local", KeySet: keys})
	if err != nil {
		return err
	}
	both, err := sat.NewCombined(verifier, cache, cache, sat.CombinedConfig{})
	if err != nil {
		return err
	}
	method, err := sat.New(both, both, sat.Config{Audiences: []string{"aio-internal"}})
	if err != nil {
		return err
	}
	chain, err := mqttauth.NewChain("gateway", mqttauth.Entry{Name: "sat", Method: method})
	if err != nil {
		return err
	}
	r, err := chain.Authenticate(context.Background(), &mqttauth.Credentials{
		ClientID: "c", AuthMethod: sat.AuthMethod, AuthData: mqttauth.NewSecret([]byte(token)),
	})
	if err != nil {
		return err
	}
	println(r.Identity.Name)
	return nil
}
