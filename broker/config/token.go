package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/sat"
)

var (
	errNoTokens   = errors.New("there is nobody to ask about service account tokens")
	errNoAccounts = errors.New("clients are judged again by their service accounts, which nobody can read here: " +
		"tokens are verified offline; remove the annotation, or say where the API server is")
)

// serviceAccountToken compiles a method that verifies service account tokens.
func (c *compiler) serviceAccountToken(m *resource.Method, spec *methodSpec) *sat.Method {
	t := m.ServiceAccountToken
	switch {
	case c.options.Tokens == nil && c.options.NoTokens != nil:
		c.fail(m.Locate("method"), m.Field("method"), fmt.Errorf("%w: %w", errNoTokens, c.options.NoTokens))
		return nil
	case c.options.Tokens == nil:
		c.fail(m.Locate("method"), m.Field("method"), errNoTokens)
		return nil
	case c.options.Accounts == nil && t.RevalidateAfter > 0:
		c.fail(m.Locate("method"), m.Field("method"), errNoAccounts)
		return nil
	}
	spec.Token = t
	method, err := sat.New(c.options.Tokens, c.options.Accounts, sat.Config{
		Audiences:        t.Audiences,
		Namespaces:       t.Namespaces,
		AnnotationPrefix: t.AnnotationPrefix,
		Usernames:        usernameForms(t.Usernames),
		RevalidateAfter:  t.RevalidateAfter,
		ReviewAgain:      t.ReviewAgain,
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

// token says what is probably not meant in a ServiceAccountToken method.
func (l *linter) token(at resource.Position, t *resource.ServiceAccountToken) {
	for _, a := range t.Audiences {
		if a == l.issuer || isAPIServer(a) { // SAT-4
			l.say(at, "audience %q is the API server's own: with it, the token that every pod has anyway is accepted; choose one that clients have to request", a)
		}
	}
	if t.Namespaces == nil { // SAT-10
		l.say(at, "service accounts of all namespaces are accepted: whoever may annotate a service account, in any of them, gives it attributes; "+
			"list the namespaces in the annotation mqttwarden/method-<index>-namespaces")
	}
}

// isAPIServer reports whether an audience is one that clusters give to their
// own API server: by default it is the issuer of their tokens.
func isAPIServer(audience string) bool {
	_, rest, isURL := strings.Cut(audience, "://")
	if !isURL {
		rest = audience
	}
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, ":")
	switch {
	case host == "kubernetes.default" || strings.HasPrefix(host, "kubernetes.default.svc"):
		return true
	case !isURL:
		return audience == "k3s"
	default: // managed clusters
		return strings.HasSuffix(host, ".oic.prod-aks.azure.com") || strings.HasSuffix(host, ".azmk8s.io") ||
			strings.HasPrefix(host, "oidc.eks.") || host == "container.googleapis.com"
	}
}
