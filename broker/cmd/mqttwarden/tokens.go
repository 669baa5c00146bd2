package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/sat"
)

// tokenFlags say who is asked about service account tokens: an API server, or,
// with issuer and keys, nobody but the keys of a set, or, with maxDelay beside
// them, both.
type tokenFlags struct {
	kubeconfig   string
	issuer, keys string
	maxDelay     time.Duration

	cache *sat.Cache // set by options; nil: no token is reviewed
}

func (t *tokenFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.kubeconfig, "kubeconfig", "", "file that says where the API server is that reviews service account tokens (default $KUBECONFIG, then the cluster around us)")
	cmd.Flags().StringVar(&t.issuer, "sat-issuer", "", "verify service account tokens offline: the iss claim of the cluster's tokens")
	cmd.Flags().StringVar(&t.keys, "sat-jwks", "", "verify service account tokens offline: file or https URL with the cluster's public keys")
	cmd.Flags().DurationVar(&t.maxDelay, "sat-max-delay", 0, "with --sat-issuer and --sat-jwks: not only offline, but for as long after the API server has confirmed what a token is bound to")
}

func (t *tokenFlags) check() error {
	offline := t.issuer != "" || t.keys != ""
	switch {
	case offline && (t.issuer == "" || t.keys == ""):
		return errors.New("--sat-issuer and --sat-jwks are only good together")
	case t.maxDelay < 0:
		return errors.New("--sat-max-delay is negative")
	case t.maxDelay > 0 && !offline:
		return errors.New("--sat-max-delay is for tokens that are verified locally; add --sat-issuer and --sat-jwks")
	case offline && t.kubeconfig != "" && t.maxDelay == 0:
		return errors.New("with --kubeconfig, --sat-issuer and --sat-jwks tokens are verified locally and confirmed by the API server; say with --sat-max-delay how long that may take")
	}
	return nil
}

// options returns what documents are compiled with. A nil log means that they
// are only checked, and nothing is read for them.
func (t *tokenFlags) options(ctx context.Context, log *slog.Logger) (config.Options, error) {
	o := config.Options{Logger: log, TokenIssuer: t.issuer, Development: new(config.Development)}
	if err := t.check(); err != nil {
		return o, err
	}
	if t.issuer == "" {
		err := t.review(&o)
		return o, err
	}
	verifier, err := t.verifier(ctx, log)
	if err != nil {
		return o, err
	}
	if t.maxDelay == 0 {
		o.Tokens = verifier
		return o, nil
	}
	if err := t.review(&o); err != nil {
		return o, err
	}
	if o.Tokens == nil {
		return o, fmt.Errorf("--sat-max-delay needs an API server: %w", o.NoTokens)
	}
	both, err := sat.NewCombined(verifier, o.Tokens, o.Accounts, sat.CombinedConfig{MaxDelay: t.maxDelay})
	if err != nil {
		return o, err
	}
	o.Tokens, o.Accounts = both, both
	return o, nil
}

// review has the API server asked, or sets why it cannot be.
func (t *tokenFlags) review(o *config.Options) error {
	client, err := apiServer(t.kubeconfig)
	if err != nil && t.kubeconfig != "" {
		return err
	}
	if err != nil {
		o.NoTokens = fmt.Errorf("%w; give --kubeconfig, or --sat-issuer and --sat-jwks to verify tokens offline", err)
		return nil
	}
	cache, err := sat.NewCache(client, client, sat.CacheConfig{})
	if err != nil {
		return err
	}
	t.cache = cache
	o.Tokens, o.Accounts = cache, cache
	return nil
}

// verifier returns one whose keys have been read, if they can be. They are read
// again when they are needed.
func (t *tokenFlags) verifier(ctx context.Context, log *slog.Logger) (*sat.Verifier, error) {
	c := sat.VerifierConfig{Issuer: t.issuer, KeySet: t.keys}
	if cluster, err := sat.InCluster(); err == nil && ofCluster(t.keys, cluster.URL) {
		c.CAFile, c.TokenFile = cluster.CAFile, cluster.TokenFile
	}
	v, err := sat.NewVerifier(c)
	if err != nil || log == nil {
		return v, err
	}
	if err := v.Refresh(ctx); err != nil {
		log.Warn("no keys to verify service account tokens with, yet", "error", err)
	}
	return v, nil
}

// ofCluster reports whether a URL is of the API server of the cluster that we
// run in, which shows its keys to those only that it knows. The cluster's own
// authority has to vouch for the name.
func ofCluster(keys, cluster string) bool {
	u, err := url.Parse(keys)
	if err != nil || u.Scheme != "https" {
		return false
	}
	name := u.Hostname()
	return "https://"+u.Host == cluster || name == "kubernetes.default.svc" || strings.HasPrefix(name, "kubernetes.default.svc.")
}
