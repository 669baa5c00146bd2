package resource

import "fmt"

// Check reports what is wrong with the set as a whole, whatever else might be
// added to it: objects that are there twice, port numbers that are there
// twice, links that contradict each other, and methods that exclude each
// other (LINK-4, LINK-5, LINK-6, LINK-8). [Load], [Parse] and [Merge] call it.
func (s *Set) Check() Errors {
	errs := s.checkDefinitions()
	errs = append(errs, s.checkBrokers()...)
	errs = append(errs, s.checkNumbers()...)
	errs = append(errs, s.checkListenerRefs()...)
	for _, l := range s.Listeners {
		for i := range l.Ports {
			errs = append(errs, s.checkLinks(l, &l.Ports[i])...)
		}
	}
	for _, a := range s.Authentications {
		errs = append(errs, a.checkMethods()...)
	}
	errs.Sort()
	return errs
}

// definition is one object of the set, whatever its kind.
type definition struct {
	kind     string
	key      Key
	position Position
}

func (s *Set) definitions() []definition {
	var all []definition
	for _, v := range s.Brokers {
		all = append(all, definition{kindBroker, v.Key, v.Position})
	}
	for _, v := range s.Listeners {
		all = append(all, definition{kindListener, v.Key, v.Position})
	}
	for _, v := range s.Authentications {
		all = append(all, definition{kindAuthentication, v.Key, v.Position})
	}
	for _, v := range s.Authorizations {
		all = append(all, definition{kindAuthorization, v.Key, v.Position})
	}
	for _, v := range s.ConfigMaps {
		all = append(all, definition{kindConfigMap, v.Key, v.Position})
	}
	for _, v := range s.Secrets {
		all = append(all, definition{kindSecret, v.Key, v.Position})
	}
	return all
}

// checkBrokers reports a second Broker: this program is one.
func (s *Set) checkBrokers() Errors {
	var errs Errors
	for i, b := range s.Brokers {
		if i > 0 && b.Key != s.Brokers[0].Key {
			errs = append(errs, &Error{Position: b.Position, Field: "kind", Detail: fmt.Sprintf("a second Broker; the first is at %s, and one program is one broker", s.Brokers[0].Position)})
		}
	}
	return errs
}

// checkDefinitions reports objects of one kind, namespace and name.
func (s *Set) checkDefinitions() Errors {
	type identity struct {
		kind string
		key  Key
	}
	var errs Errors
	first := map[identity]Position{}
	for _, d := range s.definitions() {
		if d.key.Name == "" { // missing or malformed, which has been reported
			continue
		}
		id := identity{d.kind, d.key}
		if earlier, ok := first[id]; ok {
			errs = append(errs, &Error{Position: d.position, Field: "metadata.name", Detail: fmt.Sprintf("%s %s is defined twice; the first is at %s", d.kind, d.key, earlier)})
			continue
		}
		first[id] = d.position
	}
	return errs
}

// checkNumbers reports port numbers that are there twice, in one listener or
// in two. Number 0 stands for any free port and may be repeated.
func (s *Set) checkNumbers() Errors {
	var errs Errors
	first := map[uint16]Position{}
	for _, l := range s.Listeners {
		for i := range l.Ports {
			p := &l.Ports[i]
			if p.Number == 0 {
				continue
			}
			at := p.Locate("port")
			if earlier, ok := first[p.Number]; ok {
				errs = append(errs, &Error{Position: at, Field: p.origin.field("port"), Detail: fmt.Sprintf("port %d is used twice; the first is at %s", p.Number, earlier)})
				continue
			}
			first[p.Number] = at
		}
	}
	return errs
}

// checkLinks checks what the policies of a port need from it.
func (s *Set) checkLinks(l *Listener, p *Port) Errors {
	if p.Anonymous && p.AuthorizationRef != "" {
		return Errors{p.errorAt("authorizationRef", "port %d of BrokerListener %s has no authentication, so its authorization %s would not apply; %s", p.Number, l.Key, p.AuthorizationRef, l.linkAdvice())}
	}
	a := s.Authentication(l.Sibling(p.AuthenticationRef))
	if a == nil || p.TLS != nil || !a.has(MethodX509) {
		return nil
	}
	return Errors{p.errorAt("authenticationRef", "BrokerAuthentication %s has method X509, which needs TLS; add tls to port %d", a.Key, p.Number)}
}

func (p *Port) errorAt(field, format string, args ...any) *Error {
	return &Error{Position: p.Locate(field), Field: p.Field(field), Detail: fmt.Sprintf(format, args...)}
}

// linkAdvice says how a listener gets authentication.
func (l *Listener) linkAdvice() string {
	if l.linked {
		return "remove authenticationEnabled: false"
	}
	return "add authenticationRef"
}

func (a *Authentication) has(kind MethodKind) bool {
	for _, m := range a.Methods {
		if m.Kind == kind {
			return true
		}
	}
	return false
}

// checkMethods reports more than one X509 or ServiceAccountToken entry.
func (a *Authentication) checkMethods() Errors {
	var errs Errors
	first := map[MethodKind]Position{}
	for i := range a.Methods {
		m := &a.Methods[i]
		if m.Kind != MethodX509 && m.Kind != MethodServiceAccountToken {
			continue
		}
		at := m.Locate("method")
		if earlier, ok := first[m.Kind]; ok {
			errs = append(errs, &Error{Position: at, Field: m.origin.field("method"), Detail: fmt.Sprintf("more than one %s method; the first is at %s", m.Kind, earlier)})
			continue
		}
		first[m.Kind] = at
	}
	return errs
}
