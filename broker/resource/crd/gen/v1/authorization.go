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
	// BrokerRef is validated and not acted on.
	BrokerRef Name `json:"brokerRef,omitempty"`

	AuthorizationPolicies AuthorizationPolicies `json:"authorizationPolicies"`
}

// AuthorizationPolicies is a list of rules.
type AuthorizationPolicies struct {
	// Cache is accepted; it never changes a decision.
	Cache Cache `json:"cache,omitempty"`

	// Rules allow. Without rules, everything is denied.
	Rules []Rule `json:"rules,omitempty"`
}

// Cache says whether decisions may be remembered.
//
// +kubebuilder:validation:Enum=Enabled;Disabled
type Cache string

// Rule allows its principals what its resources say.
type Rule struct {
	Principals          Principals           `json:"principals"`
	BrokerResources     []BrokerResource     `json:"brokerResources"`
	StateStoreResources []StateStoreResource `json:"stateStoreResources,omitempty"`
}

// Principals says whom a rule is about: clients with one of these client IDs, one
// of these user names, or all attributes of one of these maps.
type Principals struct {
	ClientIDs  []Text       `json:"clientIds,omitempty"`
	Usernames  []Text       `json:"usernames,omitempty"`
	Attributes []Attributes `json:"attributes,omitempty"`
}

// Attributes must all be there.
//
// +kubebuilder:validation:MinProperties=1
type Attributes map[string]string

// BrokerResource is one right. Connect may have clientIds, Publish and Subscribe
// have topics.
type BrokerResource struct {
	Method    BrokerMethod `json:"method"`
	ClientIDs []Text       `json:"clientIds,omitempty"`
	Topics    []Text       `json:"topics,omitempty"`
}

// BrokerMethod is what a client does.
//
// +kubebuilder:validation:Enum=Connect;Publish;Subscribe
type BrokerMethod string

// StateStoreResource is a right to keys of the state store.
type StateStoreResource struct {
	Method StateStoreMethod `json:"method"`

	// KeyType says what keys are: patterns (the default), strings, or binary in
	// base64.
	KeyType KeyType `json:"keyType,omitempty"`

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
