package resource_test

import (
	"strings"
	"testing"
)

// TestV1beta1Names reads both spellings of v1beta1, one at a time, and only there.
func TestV1beta1Names(t *testing.T) {
	const head = "apiVersion: mqttbroker.iotoperations.azure.com/v1beta1\nkind: BrokerAuthentication\nmetadata: {name: main-authn}\nspec:\n  authenticationMethods:\n"
	runErrorCases(t, "f", []errorCase{
		{"in v1", methodHead + "  - method: Custom\n    custom: {endpoint: 'https://a'}\n  - method: x509Credentials\n", []string{
			"6:5: spec.authenticationMethods[0].customSettings: missing; this field is required",
			"7:5: spec.authenticationMethods[0].custom: the name of an older version; write customSettings",
			`8:13: spec.authenticationMethods[1].method: unknown value "x509Credentials"; want X509, ServiceAccountToken or Custom`,
		}},
		{"both", head + "  - method: Custom\n    custom: {endpoint: 'https://a', caCert: a, caCertConfigMap: b}\n    customSettings: {endpoint: 'https://a'}\n", []string{
			"7:5: spec.authenticationMethods[0].custom: another name of customSettings, which is also here; remove one of them",
		}},
		{"settings of another method", head + "  - method: X509\n    serviceAccountToken: {audiences: [a]}\n", []string{
			"7:5: spec.authenticationMethods[0].serviceAccountToken: belongs to method ServiceAccountToken; this method is X509",
		}},
		{"X509-8", head + "  - method: X509\n    x509Credentials: {attributes: {secretName: a}, authorizationAttributes: {}}\n", []string{
			"7:52: spec.authenticationMethods[0].x509Credentials.authorizationAttributes: stands beside attributes.secretName; remove one of them",
		}},
		{"two namespaces, LINK-9", head + "  - method: Custom\n    custom: {endpoint: 'https://a', auth: {x509: {secretName: a, secretNamespace: other}}}\n", []string{
			`7:83: spec.authenticationMethods[0].custom.auth.x509.secretNamespace: secret must be in the namespace of the resource, "default"`,
		}},
	})
}

// TestV1alpha4Strictness refuses what the version does not have, and says what
// it has instead.
func TestV1alpha4Strictness(t *testing.T) {
	const methods = alpha + "kind: BrokerAuthentication\nmetadata: {name: main-authn}\nspec:\n  listenerRef: [main]\n  authenticationMethods:\n"
	const listener = alpha + "kind: BrokerListener\nmetadata: {name: main}\nspec:\n"
	runErrorCases(t, "f", []errorCase{
		{"methods of v1", methods + "  - method: X509\n    x509Settings: {}\n", []string{
			"7:5: spec.authenticationMethods[0].method: belongs to mqttbroker.iotoperations.azure.com/v1; in this version the entry is the name of the method with its settings below",
			"8:5: spec.authenticationMethods[0].x509Settings: unknown field; known here: usernamePassword, sat, x509, custom, method",
		}},
		{"two methods in one entry", methods + "  - sat: {audiences: [a]}\n    x509: {trustedClientCaCert: a}\n", []string{
			"8:5: spec.authenticationMethods[0].x509: a second method in one entry; give it an entry of its own, that begins with a dash",
		}},
		{"nothing", methods + "  - {}\n  - svid: {}\n", []string{
			"7:5: spec.authenticationMethods[0]: names no method; want usernamePassword, sat, x509 or custom",
			"8:5: spec.authenticationMethods[1].svid: not available here; known are usernamePassword, sat, x509, custom",
		}},
		{"no methods, no audiences", alpha + "kind: BrokerAuthentication\nmetadata: {name: main-authn}\nspec: {listenerRef: [main], authenticationMethods: []}\n", []string{
			"4:52: spec.authenticationMethods: must have at least one method; to let anybody in, write authenticationEnabled: false in the BrokerListener",
		}},
		{"a namespace that is another, LINK-9", methods + "  - custom: {endpoint: 'https://a', auth: {x509: {secret: a, namespace: other}}}\n", []string{
			`7:73: spec.authenticationMethods[0].custom.auth.x509.namespace: secret must be in the namespace of the resource, "default"`,
		}},
		{"a listener of v1", listener + "  authenticationRef: a\n  ports: [{port: 1883}]\n", []string{
			"5:3: spec.port: missing; this field is required",
			"5:3: spec.authenticationRef: belongs to mqttbroker.iotoperations.azure.com/v1; in this version the policy names the listener, by listenerRef",
			"6:3: spec.ports: belongs to mqttbroker.iotoperations.azure.com/v1; a listener of this version has one port",
		}},
		{"words for a boolean", listener + "  port: 1883\n  authenticationEnabled: no\n  authorizationEnabled: 'false'\n", []string{
			`6:26: spec.authenticationEnabled: want true or false, found "no"`,
			"7:25: spec.authorizationEnabled: want true or false, found a string",
		}},
		{"TLS", listener + "  port: 8883\n  tls: {keyVault: {}}\n", []string{
			"6:9: spec.tls.keyVault: a key vault is not available here; write manual with the name of a secret",
		}},
		{"TLS twice", listener + "  port: 8883\n  tls: {automatic: {issuerRef: {name: a, kind: Issuer}}, manual: {secret: a}}\n", []string{
			"6:8: spec.tls: has both automatic and manual; remove one of them",
		}},
		{"no TLS in tls", listener + "  port: 8883\n  tls: {}\n", []string{"6:8: spec.tls: want automatic or manual"}},
		{"rules in the wrong place", alpha + "kind: BrokerAuthorization\nmetadata: {name: main}\nspec: {listenerRef: [main], authorizationPolicies: {cache: Enabled}, rules: []}\n", []string{
			"4:53: spec.authorizationPolicies.cache: belongs to mqttbroker.iotoperations.azure.com/v1; write enableCache: true or false",
			"4:70: spec.rules: rules belong to spec.authorizationPolicies",
		}},
	})
}

// TestBroker bounds the limits as the documents do, and knows what it ignores.
func TestBroker(t *testing.T) {
	const head = "apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: Broker\nmetadata: {name: default}\n"
	runErrorCases(t, "f", []errorCase{
		{"ranges", head + "spec: {advanced: {clients: {maxSessionExpirySeconds: 0, maxPacketSizeBytes: 268435457, maxReceiveMaximum: 65536, maxKeepAliveSeconds: -1,\n" +
			"  subscriberQueueLimit: {length: 0, strategy: DropNewest}}}}\n", []string{
			"4:54: spec.advanced.clients.maxSessionExpirySeconds: want a number from 1 to 4294967295 in plain decimal, found 0",
			"4:77: spec.advanced.clients.maxPacketSizeBytes: want a number from 1 to 268435456 in plain decimal, found 268435457",
			"4:107: spec.advanced.clients.maxReceiveMaximum: want a number from 1 to 65535 in plain decimal, found 65536",
			"4:135: spec.advanced.clients.maxKeepAliveSeconds: want a number from 0 to 65535 in plain decimal, found -1",
			"5:34: spec.advanced.clients.subscriberQueueLimit.length: want a number from 1 to 2147483647 in plain decimal, found 0",
			`5:47: spec.advanced.clients.subscriberQueueLimit.strategy: unknown value "DropNewest"; want None or DropOldest`,
		}},
		{"unknown", head + "spec: {clients: {}, advanced: {client: {}}}\n", []string{
			"4:8: spec.clients: unknown field; known here: advanced, cardinality, diagnostics, diskBackedMessageBuffer, generateResourceLimits, memoryProfile, persistence",
			"4:32: spec.advanced.client: unknown field; did you mean clients?",
		}},
		{"two", head + "---\n" + strings.Replace(head, "default", "other", 1), []string{
			"5:1: kind: a second Broker; the first is at f:1:1, and one program is one broker",
		}},
	})
}
