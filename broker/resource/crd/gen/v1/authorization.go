package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BrokerAuthorization says what clients may do. What no rule allows is denied.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:printcolumn:name=Ready,type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name=Age,type=date,JSONPath=`.metadata.creationTimestamp`
type BrokerAuthorization struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   BrokerAuthorizationSpec `json:"spec"`
	Status Status                  `json:"status,omitempty"`
}

// BrokerAuthorizationSpec holds the policy.
type BrokerAuthorizationSpec struct {
	// BrokerRef is checked and not acted on: there is one broker. Default: none.
	BrokerRef Name `json:"brokerRef,omitempty"`

	// AuthorizationPolicies hold the rules.
	AuthorizationPolicies AuthorizationPolicies `json:"authorizationPolicies"`
}

// AuthorizationPolicies is a list of rules.
type AuthorizationPolicies struct {
	// Cache is checked and not acted on: it never changes a decision. Default:
	// Enabled.
	Cache Cache `json:"cache,omitempty"`

	// Rules allow; what none allows is denied. Default: none: everything is
	// denied.
	Rules []Rule `json:"rules,omitempty"`
}

// Cache says whether decisions may be remembered.
//
// +kubebuilder:validation:Enum=Enabled;Disabled
type Cache string

// Rule allows its principals what its resources say.
type Rule struct {
	// Principals say whom the rule is about: a client that one of their entries
	// matches. Without entries it is about nobody.
	Principals Principals `json:"principals"`

	// BrokerResources are what these clients may do.
	BrokerResources []BrokerResource `json:"brokerResources"`

	// StateStoreResources are the keys of the state store that these clients may
	// use, besides the topics of the state store. Default: none.
	StateStoreResources []StateStoreResource `json:"stateStoreResources,omitempty"`
}

// Principals says whom a rule is about: clients with one of these client IDs, one
// of these user names, or all attributes of one of these maps.
type Principals struct {
	// ClientIDs are client IDs, letter for letter. A client chooses its own.
	// Default: none.
	ClientIDs []Text `json:"clientIds,omitempty"`

	// Usernames are user names that a method has verified, letter for letter.
	// Default: none.
	Usernames []Text `json:"usernames,omitempty"`

	// Attributes are maps: a client matches that has all attributes of one of
	// them. Default: none.
	Attributes []Attributes `json:"attributes,omitempty"`
}

// Attributes must all be there.
//
// +kubebuilder:validation:MinProperties=1
type Attributes map[string]string

// BrokerResource is one right. Connect may have clientIds, Publish and Subscribe
// have topics.
type BrokerResource struct {
	// Method is what may be done.
	Method BrokerMethod `json:"method"`

	// ClientIDs are globs, for Connect: the client IDs that may be used. Tokens
	// such as {principal.username} are replaced. Default: every client ID.
	ClientIDs []Text `json:"clientIds,omitempty"`

	// Topics are patterns, for Publish and Subscribe, which need one: topic
	// filters in which a level may be a token, such as
	// {principal.attributes.building}. Default: none.
	Topics []Text `json:"topics,omitempty"`
}

// BrokerMethod is what a client does.
//
// +kubebuilder:validation:Enum=Connect;Publish;Subscribe
type BrokerMethod string

// StateStoreResource is a right to keys of the state store.
type StateStoreResource struct {
	// Method is what may be done with the keys.
	Method StateStoreMethod `json:"method"`

	// KeyType says what the keys are: globs with tokens, keys letter for letter,
	// or keys in base64. Default: Pattern.
	KeyType KeyType `json:"keyType,omitempty"`

	// Keys are what is allowed, in the form that keyType says.
	//
	// +kubebuilder:validation:MinItems=1
	Keys []Text `json:"keys"`
}

// StateStoreMethod is what a client does with a key.
//
// +kubebuilder:validation:Enum=Read;Write;ReadWrite
type StateStoreMethod string

// KeyType is a way to write keys.
//
// +kubebuilder:validation:Enum=Pattern;String;Binary
type KeyType string
