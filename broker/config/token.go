package config

import (
	"errors"

	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/sat"
)

var errNoTokens = errors.New("there is nobody to ask about service account tokens: " +
	"run in a pod of the cluster, or give --sat-issuer and --sat-jwks to verify tokens offline")

// serviceAccountToken compiles a method that verifies service account tokens.
func (c *compiler) serviceAccountToken(m *resource.Method, spec *methodSpec) *sat.Method {
	if c.options.Tokens == nil {
		c.fail(m.Locate("method"), m.Field("method"), errNoTokens)
		return nil
	}
	spec.Audiences = m.ServiceAccountToken.Audiences
	method, err := sat.New(c.options.Tokens, c.options.Accounts, sat.Config{
		Audiences: spec.Audiences,
		Usernames: sat.UsernameK8SSAT, // SAT-2
	})
	if err != nil {
		c.fail(m.Locate("serviceAccountTokenSettings"), m.Field("serviceAccountTokenSettings"), err)
		return nil
	}
	return method
}
