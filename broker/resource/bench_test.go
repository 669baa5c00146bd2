package resource_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// manyRules returns a BrokerAuthorization of n rules in YAML.
func manyRules(n int) []byte {
	var b strings.Builder
	b.WriteString("apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: BrokerAuthorization\nmetadata:\n  name: many-rules\nspec:\n  authorizationPolicies:\n    rules:\n")
	for i := range n {
		fmt.Fprintf(&b, `    - principals:
        attributes:
        - building: "building-%d"
          organization: contoso
      brokerResources:
      - method: Connect
        clientIds: ["{principal.attributes.building}*"]
      - method: Publish
        topics:
        - sensors/%d/{principal.clientId}/telemetry
      - method: Subscribe
        topics:
        - commands/%d/#
`, i, i, i)
	}
	return []byte(b.String())
}

func BenchmarkParse10000Rules(b *testing.B) {
	data := manyRules(10_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		set, err := resource.Parse("many.yaml", data)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(set.Authorizations[0].Rules); n != 10_000 {
			b.Fatalf("%d rules", n)
		}
	}
}

// BenchmarkParse10000RulesJSON reads as many rules as the portal writes them.
func BenchmarkParse10000RulesJSON(b *testing.B) {
	const rule = `{"principals": {"attributes": [{"building": "building-%d", "organization": "contoso"}]}, "brokerResources": [` +
		`{"method": "Connect", "clientIds": ["{principal.attributes.building}*"]}, {"method": "Publish", "topics": ["sensors/%d/{principal.clientId}/telemetry"]}]}`
	var text strings.Builder
	for i := range 10_000 {
		text.WriteString(",\n  ")
		fmt.Fprintf(&text, rule, i, i)
	}
	data := []byte("[" + text.String()[1:] + "]")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := resource.ParseRules("many.json", data); err != nil {
			b.Fatal(err)
		}
	}
}
