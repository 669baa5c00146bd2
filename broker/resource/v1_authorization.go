package resource

import "github.com/mqttwarden/mqttwarden/mqttauthz"

// readAuthorizationV1 reads a BrokerAuthorization of version v1. Patterns are
// taken as they are; mqttauthz.Compile reads them.
func readAuthorizationV1(d document) {
	d.ignored("status")
	spec := d.required("spec").object()
	a := &Authorization{
		Key: d.key, Position: d.position, Cache: true,
		KeepClients: d.switched("keep-clients"), RecheckRetained: d.switched("recheck-retained"),
	}
	a.BrokerRef = spec.optional("brokerRef").reference(brokerName)
	policies := spec.required("authorizationPolicies").object()
	if cache := policies.optional("cache"); cache != nil {
		a.Cache = cache.oneOf("Enabled", "Disabled") == "Enabled"
	}
	if rules := policies.optional("rules"); rules != nil {
		readRulesV1(a, rules)
	}
	policies.done()
	spec.misplaced("rules", "rules belong to spec.authorizationPolicies")
	spec.misplaced("cache", "cache belongs to spec.authorizationPolicies")
	spec.misplaced("listenerRef", "belongs to "+groupV1alpha4+"; in this version the ports of a BrokerListener name the policy, by authorizationRef")
	spec.done()
	d.set.Authorizations = append(d.set.Authorizations, a)
}

func readRulesV1(a *Authorization, f *field) {
	a.rules, a.path = f.node, f.path()
	for _, f := range f.list() {
		a.Rules = append(a.Rules, readRuleV1(f))
	}
}

func readRuleV1(f *field) mqttauthz.Rule {
	o := f.object()
	r := mqttauthz.Rule{Principals: readPrincipalsV1(o.required("principals"))}
	for _, f := range o.required("brokerResources").list() {
		r.BrokerResources = append(r.BrokerResources, readBrokerResourceV1(f))
	}
	for _, f := range o.optional("stateStoreResources").list() {
		r.StateStoreResources = append(r.StateStoreResources, readStateStoreResourceV1(f))
	}
	for _, name := range []string{"clientIds", "usernames", "attributes"} {
		o.misplaced(name, name+" belongs to the principals of the rule")
	}
	for _, name := range []string{"method", "topics"} {
		o.misplaced(name, name+" belongs to an entry of brokerResources")
	}
	o.done()
	return r
}

// readPrincipalsV1 reads whom a rule is about. An entry that is empty would be
// equal to an absent value, so it is refused (AUTHZ-2).
func readPrincipalsV1(f *field) mqttauthz.Principals {
	o := f.object()
	p := mqttauthz.Principals{
		ClientIDs: o.optional(o.clientIDsName()).texts(),
		Usernames: o.optional("usernames").texts(),
	}
	for _, f := range o.optional("attributes").list() {
		pairs := readAttributes(f)
		if f.node.kind == mappingNode && len(f.node.pairs) == 0 {
			f.errorf("must have at least one attribute; an empty map would match every client")
		}
		p.Attributes = append(p.Attributes, pairs)
	}
	o.done()
	return p
}

// clientIDsName returns how the client IDs of principals are spelt: as in v1,
// or as in v1alpha4.
func (o *object) clientIDsName() string {
	if !o.broken && o.decoder.lowerClientIDs && !o.has("clientIds") {
		return "clientids"
	}
	return "clientIds"
}

// readBrokerResourceV1 reads one right, and which fields go with its method
// (AUTHZ-4).
func readBrokerResourceV1(f *field) mqttauthz.BrokerResource {
	o := f.object()
	method := o.required("method").oneOf(string(mqttauthz.Connect), string(mqttauthz.Publish), string(mqttauthz.Subscribe))
	clientIDs, topics := o.optional("clientIds"), o.optional("topics")
	r := mqttauthz.BrokerResource{
		Method:    mqttauthz.BrokerMethod(method),
		ClientIDs: clientIDs.texts(),
		Topics:    topics.texts(),
	}
	switch {
	case method == "":
	case r.Method == mqttauthz.Connect && len(r.Topics) > 0:
		topics.errorf("belongs to Publish and Subscribe; this method is Connect")
	case r.Method != mqttauthz.Connect && len(r.ClientIDs) > 0:
		clientIDs.errorf("belongs to Connect; this method is %s", method)
	case r.Method != mqttauthz.Connect && topics == nil:
		o.required("topics")
	case r.Method != mqttauthz.Connect && topics.node.kind == sequenceNode && len(r.Topics) == 0:
		topics.errorf("%s needs at least one topic", method)
	}
	o.misplaced("stateStoreResources", "stateStoreResources belongs beside brokerResources")
	o.misplaced("keys", "keys belongs to an entry of stateStoreResources")
	o.done()
	return r
}

func readStateStoreResourceV1(f *field) mqttauthz.StateStoreResource {
	o := f.object()
	method := o.required("method").oneOf(string(mqttauthz.Read), string(mqttauthz.Write), string(mqttauthz.ReadWrite))
	keys := o.required("keys")
	r := mqttauthz.StateStoreResource{
		Method:  mqttauthz.StateStoreMethod(method),
		KeyType: mqttauthz.Pattern,
		Keys:    keys.texts(),
	}
	if f := o.optional("keyType"); f != nil {
		r.KeyType = mqttauthz.KeyType(f.oneOf(string(mqttauthz.Pattern), string(mqttauthz.String), string(mqttauthz.Binary)))
	}
	if keys != nil && keys.node.kind == sequenceNode && len(r.Keys) == 0 {
		keys.errorf("must have at least one key")
	}
	o.done()
	return r
}
