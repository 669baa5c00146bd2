// Package authorize_test shows how any broker asks what a client may do.
package authorize_test

import (
	"fmt"
	"log"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

func Example() {
	policy, err := mqttauthz.Compile([]mqttauthz.Rule{{
		Principals: mqttauthz.Principals{
			Attributes: []map[string]string{{"building": "17"}},
		},
		BrokerResources: []mqttauthz.BrokerResource{
			{Method: mqttauthz.Connect},
			{Method: mqttauthz.Publish, Topics: []string{"sensors/{principal.clientId}/+"}},
			{Method: mqttauthz.Subscribe, Topics: []string{"commands/{principal.attributes.building}/#"}},
		},
	}})
	if err != nil {
		log.Fatal(err)
	}

	// Once per connection, with what authentication found out:
	grants := policy.Grants(mqttauthz.Principal{
		ClientID:   "thermostat-3",
		Attributes: map[string]string{"building": "17"},
	})

	// For every packet; no locks, no allocations:
	fmt.Println(grants.Publish("sensors/thermostat-3/temperature").Allowed())
	fmt.Println(grants.Publish("sensors/thermostat-4/temperature").Allowed())
	fmt.Println(grants.Subscribe("commands/17/+/reset").Allowed())
	fmt.Println(grants.Subscribe("commands/#").Allowed())
	// Output:
	// true
	// false
	// true
	// false
}
