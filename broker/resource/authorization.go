package resource

import "github.com/mqttwarden/mqttwarden/mqttauthz"

// Authorization is a BrokerAuthorization. Without rules it denies everything
// (LINK-3).
type Authorization struct {
	Key
	Position  Position
	BrokerRef string // validated, not acted on (LINK-12)

	Cache bool // accepted; it never changes a decision (AUTHZ-14)
	Rules []mqttauthz.Rule

	// KeepClients and RecheckRetained are the annotations
	// mqttwarden/keep-clients and mqttwarden/recheck-retained: what a change
	// of the policy does besides what it always does (AUTHZ-9, AUTHZ-13).
	KeepClients     bool
	RecheckRetained bool

	rules *node  // as written
	path  string // of the list of rules

	listeners []listenerRef // that the policy names, in v1alpha4
}

// Locate returns the place of a field of a rule, such as
// "brokerResources[1].topics[0]" of rule 0, or of the nearest thing around it
// that the document has. Rules and list entries count from 0.
//
// It turns the rule number and field of an error of mqttauthz.Compile into a
// place that can be printed.
func (a *Authorization) Locate(rule int, field string) Position {
	return origin{node: a.rules.at(rule)}.locate(field, a.Position)
}

// Field returns the whole path of a field of a rule, such as
// "spec.authorizationPolicies.rules[0].brokerResources[1].topics[0]". A
// negative rule means the list of rules.
func (a *Authorization) Field(rule int, field string) string {
	if rule < 0 {
		return a.path
	}
	return origin{path: a.path + joinIndex(rule)}.field(field)
}
