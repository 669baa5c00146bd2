package main

import (
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/sat"
)

// tokenFlags say who is asked about service account tokens: the cluster that
// the program runs in, or, with both flags, nobody but the keys of a set.
type tokenFlags struct {
	issuer, keys string
}

func (t *tokenFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.issuer, "sat-issuer", "", "verify service account tokens offline: the iss claim of the cluster's tokens")
	cmd.Flags().StringVar(&t.keys, "sat-jwks", "", "verify service account tokens offline: file or https URL with the cluster's public keys")
}

func (t *tokenFlags) options(log *slog.Logger) (config.Options, error) {
	o := config.Options{Logger: log}
	if t.issuer != "" || t.keys != "" {
		if t.issuer == "" || t.keys == "" {
			return o, errors.New("--sat-issuer and --sat-jwks are only good together")
		}
		v, err := sat.NewVerifier(sat.VerifierConfig{Issuer: t.issuer, KeySet: t.keys})
		if err != nil {
			return o, err
		}
		o.Tokens = v
		return o, nil
	}
	cluster, err := sat.InCluster()
	if err != nil {
		return o, nil //nolint:nilerr // not in a pod: who uses the method is told so
	}
	client, err := sat.NewClient(cluster)
	if err != nil {
		return o, err
	}
	cache, err := sat.NewCache(client, client, sat.CacheConfig{})
	if err != nil {
		return o, err
	}
	o.Tokens, o.Accounts = cache, cache
	return o, nil
}
