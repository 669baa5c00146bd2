package resource_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

const (
	listenerHead       = "apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: BrokerListener\nmetadata: {name: main-listener}\n"
	authenticationHead = "apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: BrokerAuthentication\nmetadata: {name: main-authn}\n"
	authorizationHead  = "apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: BrokerAuthorization\nmetadata: {name: main-authz}\n"
	ruleHead           = authorizationHead + "spec:\n  authorizationPolicies:\n    rules:\n"
	methodHead         = authenticationHead + "spec:\n  authenticationMethods:\n"
	customMethod       = "  - method: Custom\n    customSettings: {endpoint: https://a}\n"
	tokenMethod        = "  - method: ServiceAccountToken\n    serviceAccountTokenSettings: {audiences: [a]}\n"
	portHead           = listenerHead + "spec:\n  ports:\n"
)

// errorCase is a document and all the errors it gives, without the file name.
type errorCase struct {
	name string
	text string
	want []string
}

func runErrorCases(t *testing.T, file string, cases []errorCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			set, err := resource.Parse(file, []byte(c.text))
			if set != nil {
				t.Error("a set in spite of errors")
			}
			var got []string
			var all resource.Errors
			if errors.As(err, &all) {
				for _, e := range all {
					got = append(got, strings.TrimPrefix(e.Error(), file+":"))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestStrictness has every row of LINK-8 that one document can show: unknown
// keys, wrong nesting and duplicates are errors, never "no rules" (S-17).
func TestStrictness(t *testing.T) {
	runErrorCases(t, "f", []errorCase{
		{"unknown field", portHead + "  - port: 1883\n    authentcationRef: x\n", []string{
			"7:5: spec.ports[0].authentcationRef: unknown field; did you mean authenticationRef?",
		}},
		{"unknown field far from any", listenerHead + "spec: {ports: [{port: 1}], xyzzy: 1}\n", []string{
			"4:28: spec.xyzzy: unknown field; known here: brokerRef, serviceName, serviceType, ports",
		}},
		{"field in other letter case", portHead + "  - Port: 1883\n", []string{
			"6:5: spec.ports[0].port: missing; this field is required",
			"6:5: spec.ports[0].Port: unknown field; did you mean port?",
		}},
		{"duplicate key", portHead + "  - port: 1883\n    port: 1884\n", []string{
			"7:5: spec.ports[0].port: duplicate key; the first is at line 6, column 5",
		}},
		{"duplicate attribute", ruleHead + "    - principals: {attributes: [{a: x, a: y}]}\n      brokerResources: []\n", []string{
			"7:40: spec.authorizationPolicies.rules[0].principals.attributes[0].a: duplicate key; the first is at line 7, column 34",
		}},
		{"wrong nesting", authorizationHead + "spec:\n  rules: []\n", []string{
			"5:3: spec.authorizationPolicies: missing; this field is required",
			"5:3: spec.rules: rules belong to spec.authorizationPolicies",
		}},
		{"null rules", authorizationHead + "spec:\n  authorizationPolicies:\n    rules:\n", []string{
			"6:5: spec.authorizationPolicies.rules: want a list, found null",
		}},
		{"missing field", methodHead + "  - x509Settings: {}\n", []string{
			"6:5: spec.authenticationMethods[0].method: missing; this field is required; write method: X509",
		}},
		{"number for a string", methodHead + "  - method: X509\n    x509Settings:\n      authorizationAttributes:\n        fan: {subject: CN=fan, attributes: {building: 17}}\n", []string{
			`9:55: spec.authenticationMethods[0].x509Settings.authorizationAttributes.fan.attributes.building: want a string, found a number; write building: "17"`,
		}},
		{"boolean for a string", ruleHead + "    - principals: {usernames: [true]}\n      brokerResources: []\n", []string{
			`7:32: spec.authorizationPolicies.rules[0].principals.usernames[0]: want a string, found a boolean; write "true"`,
		}},
		{"boolean of YAML 1.1 for a string", ruleHead + "    - principals: {attributes: [{armed: yes}]}\n      brokerResources: []\n", []string{
			`7:41: spec.authorizationPolicies.rules[0].principals.attributes[0].armed: want a string, found a boolean; write armed: "yes"`,
		}},
		{"null for a string", ruleHead + "    - principals: {attributes: [{city: null}]}\n      brokerResources: []\n", []string{
			`7:34: spec.authorizationPolicies.rules[0].principals.attributes[0].city: want a string, found null; write city: "null"`,
		}},
		{"unknown method", methodHead + "  - method: Password\n", []string{
			`6:13: spec.authenticationMethods[0].method: unknown value "Password"; want X509, ServiceAccountToken or Custom`,
		}},
		{"settings of another method", methodHead + "  - method: X509\n    serviceAccountTokenSettings: {audiences: [a]}\n", []string{
			"7:5: spec.authenticationMethods[0].serviceAccountTokenSettings: belongs to method ServiceAccountToken; this method is X509",
		}},
		{"two methods of one kind", methodHead + "  - method: X509\n  - method: Custom\n    customSettings: {endpoint: https://a}\n  - method: X509\n", []string{
			"9:13: spec.authenticationMethods[2].method: more than one X509 method; the first is at f:6:13",
		}},
		{"no methods", authenticationHead + "spec:\n  authenticationMethods: []\n", []string{
			"5:26: spec.authenticationMethods: must have at least one method; to let anybody in, leave authenticationRef out of the port",
		}},
		{"no audiences", methodHead + "  - method: ServiceAccountToken\n    serviceAccountTokenSettings: {audiences: []}\n", []string{
			"7:46: spec.authenticationMethods[0].serviceAccountTokenSettings.audiences: must have at least one audience; without one every token of the cluster would be accepted",
		}},
		{"empty audience", methodHead + "  - method: ServiceAccountToken\n    serviceAccountTokenSettings: {audiences: ['']}\n", []string{
			"7:47: spec.authenticationMethods[0].serviceAccountTokenSettings.audiences[0]: must not be empty",
		}},
		{"one object twice", authorizationHead + "spec: {authorizationPolicies: {}}\n---\n" + authorizationHead + "spec: {authorizationPolicies: {}}\n", []string{
			"6:1: metadata.name: BrokerAuthorization default/main-authz is defined twice; the first is at f:1:1",
		}},
		{"one port twice", portHead + "  - port: 1883\n  - port: 1883\n", []string{
			"7:11: spec.ports[1].port: port 1883 is used twice; the first is at f:6:11",
		}},
		{"LINK-13 origins of a port without WebSockets", strings.Replace(portHead, "metadata: {", "metadata: {annotations: {mqttwarden/port-1883-allowed-origins: https://a.example, mqttwarden/port-1-allowed-origins: https://a.example}, ", 1) + "  - port: 1883\n", []string{
			"3:64: metadata.annotations.mqttwarden/port-1883-allowed-origins: port 1883 has no protocol WebSockets; only browsers there have an origin",
			"3:118: metadata.annotations.mqttwarden/port-1-allowed-origins: unknown setting; a BrokerAuthentication knows mqttwarden/method-<index>-on-unavailable, for ServiceAccountToken also -namespaces, -revalidate-after and -review-again, for X509 -stale-crl, for Custom -requests-per-second, the index counting its methods from 0, and mqttwarden/throttle-failures; a BrokerAuthorization mqttwarden/keep-clients and mqttwarden/recheck-retained; a BrokerListener mqttwarden/port-<number>-allowed-origins, of its WebSockets ports",
		}},
		{"several errors", portHead + "  - port: '1883'\n    protocol: udp\n    tls: {}\n", []string{
			"6:11: spec.ports[0].port: want a number, found a string; remove the quotes",
			`7:15: spec.ports[0].protocol: unknown value "udp"; want Mqtt or WebSockets`,
			"8:10: spec.ports[0].tls.mode: missing; this field is required",
		}},
	})
}

func TestLinks(t *testing.T) {
	runErrorCases(t, "f", []errorCase{
		{"LINK-2 null", portHead + "  - port: 1883\n    authenticationRef:\n", []string{
			"7:5: spec.ports[0].authenticationRef: want a string, found null; give it a value or remove it",
		}},
		{"LINK-2 empty", portHead + "  - port: 1883\n    authenticationRef: ''\n    authorizationRef: abac\n", []string{
			"7:24: spec.ports[0].authenticationRef: must not be empty",
		}},
		{"LINK-2 not a name", portHead + "  - port: 1883\n    authenticationRef: X509_auth\n", []string{
			`7:24: spec.ports[0].authenticationRef: "X509_auth" is not a name: want 3 to 63 of a-z, 0-9 and "-", with a letter or digit at both ends`,
		}},
		{"LINK-4", portHead + "  - port: 1883\n    authorizationRef: abac\n", []string{
			"7:23: spec.ports[0].authorizationRef: port 1883 of BrokerListener default/main-listener has no authentication, so its authorization abac would not apply; add authenticationRef",
		}},
		{"LINK-5", portHead + "  - port: 1883\n    authenticationRef: main-authn\n---\n" + methodHead + "  - method: X509\n", []string{
			"7:24: spec.ports[0].authenticationRef: BrokerAuthentication default/main-authn has method X509, which needs TLS; add tls to port 1883",
		}},
		{"LINK-9 namespace", methodHead + "  - method: Custom\n    customSettings:\n      endpoint: https://a\n      auth: {x509: {secretRef: s, namespace: other}}\n", []string{
			`9:46: spec.authenticationMethods[0].customSettings.auth.x509.namespace: secret must be in the namespace of the resource, "default"`,
		}},
		{"LINK-9 headers", methodHead + "  - method: Custom\n    customSettings:\n      endpoint: https://a\n      headers:\n        host: x\n        X-A: \"a\\r\\nb\"\n        x-a: b\n        \"a b\": c\n", []string{
			"10:15: spec.authenticationMethods[0].customSettings.headers.host: this header is set by the broker; remove it",
			"11:14: spec.authenticationMethods[0].customSettings.headers.X-A: a header value must not hold line breaks or other control characters",
			"12:14: spec.authenticationMethods[0].customSettings.headers.x-a: the same header as X-A; names do not depend on letter case",
			`13:16: spec.authenticationMethods[0].customSettings.headers["a b"]: not a name of an HTTP header`,
		}},
		{"LINK-10 unknown setting", strings.Replace(methodHead, "{name: main-authn}", "{name: main-authn, annotations: {mqttwarden/crl: warn, mqttwarden/method-1-on-unavailable: next}}", 1) + "  - method: X509\n", []string{
			"3:60: metadata.annotations.mqttwarden/crl: unknown setting; a BrokerAuthentication knows mqttwarden/method-<index>-on-unavailable, for ServiceAccountToken also -namespaces, -revalidate-after and -review-again, for X509 -stale-crl, for Custom -requests-per-second, the index counting its methods from 0, and mqttwarden/throttle-failures; a BrokerAuthorization mqttwarden/keep-clients and mqttwarden/recheck-retained; a BrokerListener mqttwarden/port-<number>-allowed-origins, of its WebSockets ports",
			"3:102: metadata.annotations.mqttwarden/method-1-on-unavailable: unknown setting; a BrokerAuthentication knows mqttwarden/method-<index>-on-unavailable, for ServiceAccountToken also -namespaces, -revalidate-after and -review-again, for X509 -stale-crl, for Custom -requests-per-second, the index counting its methods from 0, and mqttwarden/throttle-failures; a BrokerAuthorization mqttwarden/keep-clients and mqttwarden/recheck-retained; a BrokerListener mqttwarden/port-<number>-allowed-origins, of its WebSockets ports",
		}},
		{"LINK-10 wrong value", strings.Replace(methodHead, "{name: main-authn}", "{name: main-authn, annotations: {mqttwarden/method-0-on-unavailable: maybe}}", 1) + "  - method: X509\n", []string{
			`3:80: metadata.annotations.mqttwarden/method-0-on-unavailable: unknown value "maybe"; want next or stop`,
		}},
		{"LINK-10 token settings", strings.Replace(methodHead, "{name: main-authn}", "{name: main-authn, annotations: {mqttwarden/method-0-namespaces: 'a,,B', mqttwarden/method-0-revalidate-after: 1ms, mqttwarden/method-1-review-again: 'true', mqttwarden/method-0-review-again: 'yes'}}", 1) + tokenMethod + "  - method: X509\n", []string{
			`3:76: metadata.annotations.mqttwarden/method-0-namespaces: "" is not a name: want at most 63 of a-z, 0-9 and "-", with a letter or digit at both ends; write several with commas between them`,
			`3:76: metadata.annotations.mqttwarden/method-0-namespaces: "B" is not a name: want at most 63 of a-z, 0-9 and "-", with a letter or digit at both ends; write several with commas between them`,
			"3:122: metadata.annotations.mqttwarden/method-0-revalidate-after: want at least 1s",
			"3:161: metadata.annotations.mqttwarden/method-1-review-again: unknown setting; a BrokerAuthentication knows mqttwarden/method-<index>-on-unavailable, for ServiceAccountToken also -namespaces, -revalidate-after and -review-again, for X509 -stale-crl, for Custom -requests-per-second, the index counting its methods from 0, and mqttwarden/throttle-failures; a BrokerAuthorization mqttwarden/keep-clients and mqttwarden/recheck-retained; a BrokerListener mqttwarden/port-<number>-allowed-origins, of its WebSockets ports",
			`3:203: metadata.annotations.mqttwarden/method-0-review-again: unknown value "yes"; want true or false`,
		}},
		{"LINK-10 requests per second", strings.Replace(methodHead, "{name: main-authn}", "{name: main-authn, annotations: {mqttwarden/method-0-requests-per-second: '0', mqttwarden/method-1-requests-per-second: '65536', mqttwarden/method-2-requests-per-second: '+5', mqttwarden/method-3-requests-per-second: '', mqttwarden/method-4-requests-per-second: 9}}", 1) + strings.Repeat(customMethod, 5), []string{
			`3:85: metadata.annotations.mqttwarden/method-0-requests-per-second: want an integer from 1 to 65535, found "0"`,
			`3:131: metadata.annotations.mqttwarden/method-1-requests-per-second: want an integer from 1 to 65535, found "65536"`,
			`3:181: metadata.annotations.mqttwarden/method-2-requests-per-second: want an integer from 1 to 65535, found "+5"`,
			"3:228: metadata.annotations.mqttwarden/method-3-requests-per-second: must not be empty",
			`3:273: metadata.annotations.mqttwarden/method-4-requests-per-second: want a string, found a number; write mqttwarden/method-4-requests-per-second: "9"`,
		}},
		{"LINK-10 reviewed again, but when", strings.Replace(methodHead, "{name: main-authn}", "{name: main-authn, annotations: {mqttwarden/method-0-review-again: 'true'}}", 1) + tokenMethod, []string{
			"3:78: metadata.annotations.mqttwarden/method-0-review-again: tokens are reviewed again when their clients are judged again; add mqttwarden/method-0-revalidate-after",
		}},
		{"LINK-10 as a label", strings.Replace(methodHead, "{name: main-authn}", "{name: main-authn, labels: {mqttwarden/method-0-on-unavailable: stop}}", 1) + "  - method: X509\n", []string{
			"3:75: metadata.labels.mqttwarden/method-0-on-unavailable: settings are annotations; move it to metadata.annotations",
		}},
		{"LINK-12", listenerHead + "spec:\n  serviceType: External\n  serviceName: a.b\n  brokerRef: 5\n  ports: [{port: 70000, nodePort: -1}]\n", []string{
			`5:16: spec.serviceType: unknown value "External"; want ClusterIp, LoadBalancer or NodePort`,
			`6:16: spec.serviceName: "a.b" is not a name: want at most 63 of a-z, 0-9 and "-", with a letter or digit at both ends`,
			`7:14: spec.brokerRef: want a string, found a number; write brokerRef: "5"`,
			"8:18: spec.ports[0].port: want a number from 0 to 65535 in plain decimal, found 70000",
			"8:35: spec.ports[0].nodePort: want a number from 0 to 65535 in plain decimal, found -1",
		}},
		{"no ports", listenerHead + "spec: {ports: []}\n", []string{"4:15: spec.ports: must have at least one port"}},
		{"port outside of ports", listenerHead + "spec: {port: 1883}\n", []string{
			"4:7: spec.ports: missing; this field is required",
			"4:8: spec.port: port belongs to an entry of spec.ports",
		}},
		{"Manual without secret", portHead + "  - port: 8883\n    tls: {mode: manual, certManagerCertificateSpec: {}}\n", []string{
			"7:10: spec.ports[0].tls.manual: missing; this field is required",
			"7:25: spec.ports[0].tls.certManagerCertificateSpec: belongs to mode Automatic; this mode is Manual",
		}},
		{"Automatic with a secret", portHead + "  - port: 8883\n    tls: {mode: automatic, manual: {secretRef: s}, certManagerCertificateSpec: {duration: 30d}}\n", []string{
			"7:28: spec.ports[0].tls.manual: belongs to mode Manual; this mode is Automatic",
			"7:80: spec.ports[0].tls.certManagerCertificateSpec.issuerRef: missing; this field is required",
			`7:91: spec.ports[0].tls.certManagerCertificateSpec.duration: "30d" is not a duration; write it in hours, minutes and seconds, such as "720h" or "1h30m"`,
		}},
	})
}

func TestAuthenticationFields(t *testing.T) {
	runErrorCases(t, "f", []errorCase{
		{"additional validation", methodHead + "  - method: X509\n    x509Settings: {additionalValidation: AzureDeviceRegistry}\n", []string{
			"7:42: spec.authenticationMethods[0].x509Settings.additionalValidation: AzureDeviceRegistry is not available here; remove the field or write None",
		}},
		{"certificate rule", methodHead + "  - method: X509\n    x509Settings: {authorizationAttributes: {a: {subject: ''}, b: {subject: CN=b, attributes: {'': x}}}}\n", []string{
			"7:49: spec.authenticationMethods[0].x509Settings.authorizationAttributes.a.attributes: missing; this field is required",
			"7:59: spec.authenticationMethods[0].x509Settings.authorizationAttributes.a.subject: must not be empty",
			"7:95: spec.authenticationMethods[0].x509Settings.authorizationAttributes.b.attributes: the name of an attribute must not be empty",
		}},
		{"X509-8 attributes secret", methodHead + "  - method: X509\n    x509Settings: {attributes: {secretName: s}}\n", []string{
			"7:20: spec.authenticationMethods[0].x509Settings.attributes: unknown field; known here: trustedClientCaCert, authorizationAttributes, additionalValidation",
		}},
		{"endpoint not https", methodHead + "  - method: Custom\n    customSettings: {endpoint: 'http://a'}\n", []string{
			"7:32: spec.authenticationMethods[0].customSettings.endpoint: want a URL that begins with https://",
		}},
		{"endpoint without host", methodHead + "  - method: Custom\n    customSettings: {endpoint: 'https:///x'}\n", []string{
			"7:32: spec.authenticationMethods[0].customSettings.endpoint: the URL has no host; want https://HOST or https://HOST:PORT",
		}},
		{"endpoint with query", methodHead + "  - method: Custom\n    customSettings: {endpoint: 'https://a?b'}\n", []string{
			"7:32: spec.authenticationMethods[0].customSettings.endpoint: the URL must not have a query or fragment",
		}},
	})
}

// TestAuthorizationFields has the field rules of AUTHZ-2, AUTHZ-4 and STORE-2.
func TestAuthorizationFields(t *testing.T) {
	const principals = "    - principals: {}\n      brokerResources:\n"
	const at = "spec.authorizationPolicies.rules[0]."
	runErrorCases(t, "f", []errorCase{
		{"AUTHZ-2 empty principals", ruleHead + "    - principals: {clientIds: [''], usernames: [''], attributes: [{}, {'': x}]}\n      brokerResources: []\n", []string{
			"7:32: " + at + "principals.clientIds[0]: must not be empty",
			"7:49: " + at + "principals.usernames[0]: must not be empty",
			"7:67: " + at + "principals.attributes[0]: must have at least one attribute; an empty map would match every client",
			"7:71: " + at + "principals.attributes[1]: the name of an attribute must not be empty",
		}},
		{"AUTHZ-4 Connect with topics", ruleHead + principals + "      - {method: connect, topics: [a]}\n", []string{
			"9:35: " + at + "brokerResources[0].topics: belongs to Publish and Subscribe; this method is Connect",
		}},
		{"AUTHZ-4 Publish with client IDs", ruleHead + principals + "      - {method: Publish, topics: [a], clientIds: [b]}\n", []string{
			"9:51: " + at + "brokerResources[0].clientIds: belongs to Connect; this method is Publish",
		}},
		{"AUTHZ-4 Subscribe without topics", ruleHead + principals + "      - {method: Subscribe}\n      - {method: Subscribe, topics: []}\n", []string{
			"9:9: " + at + "brokerResources[0].topics: missing; this field is required",
			"10:37: " + at + "brokerResources[1].topics: Subscribe needs at least one topic",
		}},
		{"STORE-2", ruleHead + principals + "      - {method: Connect, stateStoreResources: []}\n      stateStoreResources:\n      - {method: delete, keyType: regex, keys: []}\n      - {}\n", []string{
			"9:27: " + at + "brokerResources[0].stateStoreResources: stateStoreResources belongs beside brokerResources",
			`11:18: ` + at + `stateStoreResources[0].method: unknown value "delete"; want Read, Write or ReadWrite`,
			`11:35: ` + at + `stateStoreResources[0].keyType: unknown value "regex"; want Pattern, String or Binary`,
			"11:48: " + at + "stateStoreResources[0].keys: must have at least one key",
			"12:9: " + at + "stateStoreResources[1].method: missing; this field is required",
			"12:9: " + at + "stateStoreResources[1].keys: missing; this field is required",
		}},
		{"fields at the rule", ruleHead + "    - principals: {}\n      clientIds: [a]\n      method: Connect\n", []string{
			"7:7: " + at + "brokerResources: missing; this field is required",
			"8:7: " + at + "clientIds: clientIds belongs to the principals of the rule",
			"9:7: " + at + "method: method belongs to an entry of brokerResources",
		}},
		{"cache", authorizationHead + "spec: {authorizationPolicies: {cache: true, rules: []}}\n", []string{
			"4:39: spec.authorizationPolicies.cache: want Enabled or Disabled, found a boolean",
		}},
	})
}

func TestObjects(t *testing.T) {
	runErrorCases(t, "f", []errorCase{
		{"unknown version", "apiVersion: mqttbroker.iotoperations.azure.com/v2\nkind: BrokerListener\n", []string{
			`1:13: apiVersion: unknown version "mqttbroker.iotoperations.azure.com/v2" of BrokerListener; want mqttbroker.iotoperations.azure.com/v1, mqttbroker.iotoperations.azure.com/v1beta1 or az-edge.com/v1alpha4`,
		}},
		{"unknown kind", "apiVersion: apps/v1\nkind: Deployment\n", []string{
			`2:7: kind: unknown kind "Deployment" of "apps/v1"; known kinds are Broker, BrokerListener, BrokerAuthentication, BrokerAuthorization, ConfigMap, Secret`,
		}},
		{"misspelt kind", "apiVersion: v1\nkind: Secert\n", []string{`2:7: kind: unknown kind "Secert" of v1; did you mean Secret?`}},
		{"List in a List", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: []}\n", []string{"4:3: items[0]: a List in a List is not allowed"}},
		{"not a mapping", "- a\n", []string{"1:1: want a mapping, found a list"}},
		{"names", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: -a, namespace: A, labels: {a: 1}, annotations: {b: true}, nme: x}\n", []string{
			`3:18: metadata.name: "-a" is not a name: want at most 253 of a-z, 0-9, "-" and ".", with a letter or digit at both ends of each part`,
			`3:33: metadata.namespace: "A" is not a name: want at most 63 of a-z, 0-9 and "-", with a letter or digit at both ends`,
			`3:48: metadata.labels.a: want a string, found a number; write a: "1"`,
			`3:69: metadata.annotations.b: want a string, found a boolean; write b: "true"`,
			"3:76: metadata.nme: unknown field; did you mean name?",
		}},
		{"ConfigMap", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nimmutable: no way\ndata: {a: 1, b/c: x, d: x}\nbinaryData: {d: '', e: '*', f: 3}\n", []string{
			"4:12: immutable: want true or false, found a string",
			`5:11: data.a: want a string, found a number; write a: "1"`,
			`5:14: data.b/c: not a key of data: want at most 253 letters, digits, "-", "_" and "."`,
			"6:17: binaryData.d: key is also in data; one key belongs to one of both",
			"6:24: binaryData.e: not standard base64 with padding",
			"6:32: binaryData.f: want a string of base64, found a number",
		}},
		{"TLS secret", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/tls\nstringData: {tls.crt: x}\n", []string{
			"1:1: a secret of type kubernetes.io/tls must have tls.key in data or stringData",
		}},
	})
}

// TestErrorsAs shows how callers get at the single errors.
func TestErrorsAs(t *testing.T) {
	_, err := resource.Parse("f.yaml", []byte(portHead+"  - port: x\n"))
	var one *resource.Error
	if !errors.As(err, &one) {
		t.Fatalf("%v has no *Error", err)
	}
	want := resource.Error{
		Position: resource.Position{File: "f.yaml", Line: 6, Column: 11},
		Field:    "spec.ports[0].port",
		Detail:   "want a number, found a string",
	}
	if diff := cmp.Diff(want, *one); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
