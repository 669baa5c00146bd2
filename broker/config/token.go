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
	spec.Annotations = m.ServiceAccountToken.AnnotationPrefix
	spec.Usernames = usernameForms(m.ServiceAccountToken.Usernames)
	method, err := sat.New(c.options.Tokens, c.options.Accounts, sat.Config{
		Audiences:        spec.Audiences,
		AnnotationPrefix: spec.Annotations,
		Usernames:        spec.Usernames,
	})
	if err != nil {
		c.fail(m.Locate("serviceAccountTokenSettings"), m.Field("serviceAccountTokenSettings"), err)
		return nil
	}
	return method
}

// usernameForms translates the form of user names that stand before a token
// (SAT-2).
func usernameForms(u resource.TokenUsernames) sat.UsernameForms {
	switch u {
	case resource.TokenUsernamesK8S:
		return sat.UsernameK8SSAT
	case resource.TokenUsernamesSAT:
		return sat.UsernameSAT
	default:
		return 0
	}
}

// tokenForms returns the forms of user names that the ServiceAccountToken entry
// of a chain takes for itself (PASS-1).
func tokenForms(a *resource.Authentication) sat.UsernameForms {
	for _, m := range a.Methods {
		if m.ServiceAccountToken != nil {
			return usernameForms(m.ServiceAccountToken.Usernames)
		}
	}
	return 0
}
