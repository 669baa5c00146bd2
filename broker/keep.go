package broker

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// compareTime bounds the comparison of two policies and the search for whom it
// concerns. Who is not found to be safe by then is disconnected, still within
// the two seconds of AUTHZ-13.
const compareTime = time.Second

// keeps returns what tells, until ctx ends, the clients that may stay when a
// takes the place of old, or nil if none may.
func (a *Access) keeps(ctx context.Context, old *Access) func(mqttauthz.Principal) bool {
	if !a.KeepClients || !same(a.Authentication, old.Authentication) {
		return nil
	}
	report, err := mqttauthz.Diff(ctx, old.Authorization, a.Authorization, mqttauthz.DiffOptions{})
	if err != nil {
		return nil
	}
	if len(report.Denied) == 0 && !slices.ContainsFunc(report.Undecided, ofOldPolicy) {
		return func(mqttauthz.Principal) bool { return true }
	}
	coverage := mqttauthz.NewCoverage(old.Authorization, a.Authorization, mqttauthz.DiffOptions{})
	return func(p mqttauthz.Principal) bool { return coverage.Of(ctx, p) }
}

// ofOldPolicy reports whether somebody may lose what u is about.
func ofOldPolicy(u mqttauthz.Undecided) bool { return !u.New }

// same reports whether two methods are one. Some cannot be compared.
func same(m, n mqttauth.Method) bool { return reflect.ValueOf(m).Comparable() && m == n }

// keep reports whether the client stays when its rights have changed. Its
// subscriptions and registrations are decided on again all the same (AUTHZ-12).
func (c *conn) keep(keeps func(mqttauthz.Principal) bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if keeps == nil || c.client == nil || c.gone || !keeps(c.principal) {
		return false
	}
	c.client.reauthorize(c.principal, c.grants())
	c.reauthorizeKeys()
	return true
}

// recheckRetained deletes the retained messages of clients of a port that the
// policy of the moment does not let publish them (AUTHZ-9, S-06).
func (s *Server) recheckRetained(l *Listener) {
	policy := l.policy()
	grants := make(map[*client]*mqttauthz.Grants) // nil: of another port
	for name, m := range s.retained.topics.All() {
		author, ok := m.Publisher().(*client)
		if !ok { // the server's own
			continue
		}
		g, known := grants[author]
		if !known {
			g = author.grantsAt(l, policy)
			grants[author] = g
		}
		if g != nil && !g.Publish(name).Allowed() {
			s.retained.expire(name, m)
		}
	}
}

// grantsAt returns the client's rights under a policy, or nil if it was last
// accepted at another port.
func (cl *client) grantsAt(l *Listener, policy *mqttauthz.Policy) *mqttauthz.Grants {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.listener != l {
		return nil
	}
	cl.queue.Lock()
	defer cl.queue.Unlock()
	return policy.Grants(cl.owner)
}
