package mqttauthz

// Rule is one entry of authorizationPolicies.rules of a BrokerAuthorization:
// who it is about, and what those may do. It has the JSON shape of the
// documents. Rules only allow; what no rule allows is denied (AUTHZ-1).
type Rule struct {
	Principals          Principals           `json:"principals"`
	BrokerResources     []BrokerResource     `json:"brokerResources,omitempty"`
	StateStoreResources []StateStoreResource `json:"stateStoreResources,omitempty"`
}

// Principals says whom a rule is about. The three kinds, and the entries of
// each, are alternatives; the pairs of one attribute map must hold together.
// Principals without any entry match nobody (AUTHZ-2).
type Principals struct {
	ClientIDs  []string            `json:"clientIds,omitempty"`  // compared exactly
	Usernames  []string            `json:"usernames,omitempty"`  // compared exactly, with the verified username only (AUTHZ-3)
	Attributes []map[string]string `json:"attributes,omitempty"` // one map: all of its pairs
}

// BrokerResource allows one operation of MQTT.
type BrokerResource struct {
	Method BrokerMethod `json:"method"`

	// ClientIDs restricts Connect to client IDs that match one of these
	// globs. None: any client ID. An error with any other method (AUTHZ-4).
	ClientIDs []string `json:"clientIds,omitempty"`

	// Topics are the patterns for Publish and Subscribe (AUTHZ-5, AUTHZ-6).
	// An error with Connect.
	Topics []string `json:"topics,omitempty"`
}

// BrokerMethod is an operation of MQTT. Compile reads it in any letter case.
type BrokerMethod string

// The operations of MQTT.
const (
	Connect   BrokerMethod = "Connect"
	Publish   BrokerMethod = "Publish"
	Subscribe BrokerMethod = "Subscribe"
)

// StateStoreResource allows access to keys of the state store (STORE-2).
type StateStoreResource struct {
	Method  StateStoreMethod `json:"method"`
	KeyType KeyType          `json:"keyType,omitempty"` // "" means Pattern
	Keys    []string         `json:"keys"`
}

// StateStoreMethod is what may be done with a key. Compile reads it in any
// letter case.
type StateStoreMethod string

// The kinds of access to a key.
const (
	Read      StateStoreMethod = "Read"      // get, keynotify
	Write     StateStoreMethod = "Write"     // set, del, vdel
	ReadWrite StateStoreMethod = "ReadWrite" // both
)

// KeyType says how the keys of a StateStoreResource are written. Compile reads
// it in any letter case.
type KeyType string

// The ways to write keys.
const (
	Pattern KeyType = "Pattern" // a glob over the whole key, with tokens (STORE-3)
	String  KeyType = "String"  // the key itself
	Binary  KeyType = "Binary"  // the key in standard base64, padded or not
)
