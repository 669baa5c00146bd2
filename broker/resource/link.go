package resource

import "fmt"

// listenerRef is the name of a listener in a policy of version v1alpha4, where
// policies name listeners instead of ports naming policies (LINK-6).
type listenerRef struct {
	name     string
	position Position
	path     string
}

// readListenerRefs reads a list of listeners, which must not be empty.
func readListenerRefs(f *field) []listenerRef {
	var refs []listenerRef
	for _, entry := range f.list() {
		refs = append(refs, listenerRef{entry.reference(brokerName), entry.position(), entry.path()})
	}
	if f != nil && f.node.kind == sequenceNode && len(refs) == 0 {
		f.errorf("must name at least one BrokerListener")
	}
	return refs
}

// linkedPolicy is a policy with the listeners that it names.
type linkedPolicy struct {
	kind      string
	key       Key
	listeners []listenerRef
}

func (s *Set) linkedPolicies() []linkedPolicy {
	var all []linkedPolicy
	for _, a := range s.Authentications {
		all = append(all, linkedPolicy{kindAuthentication, a.Key, a.listeners})
	}
	for _, a := range s.Authorizations {
		all = append(all, linkedPolicy{kindAuthorization, a.Key, a.listeners})
	}
	return all
}

// link gives the listeners of version v1alpha4 the policies that name them. It
// replaces them by copies: other sets may hold the same ones.
func (s *Set) link() {
	policies := s.linkedPolicies()
	for i, l := range s.Listeners {
		if !l.linked {
			continue
		}
		linked := *l
		p := l.Ports[0]
		p.AuthenticationRef, p.AuthorizationRef = "", ""
		for _, policy := range policies {
			if !policy.names(l.Key) {
				continue
			}
			if policy.kind == kindAuthentication && !p.Anonymous {
				p.AuthenticationRef = policy.key.Name
			}
			if policy.kind == kindAuthorization && !p.Unrestricted {
				p.AuthorizationRef = policy.key.Name
			}
		}
		linked.Ports = []Port{p}
		s.Listeners[i] = &linked
	}
}

func (p *linkedPolicy) names(listener Key) bool {
	for _, r := range p.listeners {
		if p.key.Sibling(r.name) == listener {
			return true
		}
	}
	return false
}

// checkListenerRefs reports listeners that two policies of one kind name: which
// of them applied would be a matter of chance.
func (s *Set) checkListenerRefs() Errors {
	type subject struct {
		kind     string
		listener Key
	}
	var errs Errors
	first := map[subject]linkedPolicy{}
	for _, policy := range s.linkedPolicies() {
		for _, r := range policy.listeners {
			if r.name == "" { // malformed, which has been reported
				continue
			}
			id := subject{policy.kind, policy.key.Sibling(r.name)}
			earlier, ok := first[id]
			if ok && earlier.key != policy.key {
				errs = append(errs, &Error{Position: r.position, Field: r.path, Detail: fmt.Sprintf("BrokerListener %s is named by %s %s too; name it in one of them", id.listener, earlier.kind, earlier.key)})
			}
			if !ok {
				first[id] = policy
			}
		}
	}
	return errs
}

// missingListeners returns the references of policies to listeners that the set
// does not hold.
func (s *Set) missingListeners() []Missing {
	var out []Missing
	for _, policy := range s.linkedPolicies() {
		for _, r := range policy.listeners {
			k := policy.key.Sibling(r.name)
			if s.Listener(k) == nil {
				out = append(out, Missing{Position: r.position, Field: r.path, Kind: kindListener, Key: k})
			}
		}
	}
	return out
}
