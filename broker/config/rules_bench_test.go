package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// BenchmarkLoad10000Rules decodes, validates and compiles one document of 10,000
// rules: what a reload costs.
func BenchmarkLoad10000Rules(b *testing.B) {
	var text strings.Builder
	text.WriteString("apiVersion: mqttbroker.iotoperations.azure.com/v1\nkind: BrokerAuthorization\nmetadata:\n  name: many-rules\nspec:\n  authorizationPolicies:\n    rules:\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, `    - principals:
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
	data := []byte(text.String())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		set, err := resource.Parse("many.yaml", data)
		if err != nil {
			b.Fatal(err)
		}
		plan, err := config.Compile(set, config.Options{})
		if err != nil {
			b.Fatal(err)
		}
		plan.Close()
	}
}
