package resource

// readAuthorizationV1alpha4 reads a BrokerAuthorization of version v1alpha4:
// that of v1, but for listenerRef, enableCache and the spelling of clientids.
func readAuthorizationV1alpha4(d document) {
	d.decoder.lowerClientIDs = true
	defer func() { d.decoder.lowerClientIDs = false }()
	d.ignored("status")
	spec := d.required("spec").object()
	a := &Authorization{
		Key: d.key, Position: d.position, Cache: true,
		KeepClients: d.switched("keep-clients"), RecheckRetained: d.switched("recheck-retained"),
	}
	a.BrokerRef = spec.optional("brokerRef").reference(brokerName)
	a.listeners = readListenerRefs(spec.required("listenerRef"))
	policies := spec.required("authorizationPolicies").object()
	a.Cache = !policies.optional("enableCache").isFalse()
	if rules := policies.optional("rules"); rules != nil {
		readRulesV1(a, rules)
	}
	policies.misplaced("cache", "belongs to "+groupV1+"; write enableCache: true or false")
	policies.done()
	spec.misplaced("rules", "rules belong to spec.authorizationPolicies")
	spec.done()
	d.set.Authorizations = append(d.set.Authorizations, a)
}
