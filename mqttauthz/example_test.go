package mqttauthz_test

import (
	"context"
	"fmt"
	"log"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// pumps returns the rules of the examples: pumps publish below topic.
func pumps(topic string) []mqttauthz.Rule {
	return []mqttauthz.Rule{{
		Principals: mqttauthz.Principals{Attributes: []map[string]string{{"building": "17"}}},
		BrokerResources: []mqttauthz.BrokerResource{
			{Method: mqttauthz.Connect, ClientIDs: []string{"pump-*"}},
			{Method: mqttauthz.Publish, Topics: []string{topic}},
		},
	}}
}

func ExamplePolicy_Explain() {
	policy, err := mqttauthz.Compile(pumps("sensors/{principal.clientId}/+"))
	if err != nil {
		log.Fatal(err)
	}
	who := mqttauthz.Principal{ClientID: "pump-1", Attributes: map[string]string{"building": "17"}}
	fmt.Print(policy.Explain(who, mqttauthz.OpPublish, "sensors/pump-2/heat"))
	// Output:
	// client ID "pump-1", attribute "building" = "17" publish "sensors/pump-2/heat"
	// denied: no rule allows it
	//   {principal.clientId} is "pump-1"
	// rules[0] applies: attribute "building" = "17"
	//   - "sensors/{principal.clientId}/+": level 2: "pump-2" is not the client's own value of {principal.clientId}
	// * rules[0].brokerResources[1].topics[0] "sensors/{principal.clientId}/+" would match if {principal.clientId} were "pump-2"
	// * allowed to client ID "pump-2", attribute "building" = "17", by rules[0].brokerResources[1].topics[0] "sensors/{principal.clientId}/+"
}

func ExamplePolicy_WhoCan() {
	policy, err := mqttauthz.Compile(pumps("sensors/{principal.clientId}/+"))
	if err != nil {
		log.Fatal(err)
	}
	for _, holder := range policy.WhoCan(mqttauthz.OpPublish, "sensors/valve/heat").Holders {
		fmt.Println(holder)
	}
	// Output:
	// client ID "valve", attribute "building" = "17", by rules[0].brokerResources[1].topics[0] "sensors/{principal.clientId}/+"
}

func ExamplePolicy_WhatCan() {
	policy, err := mqttauthz.Compile(pumps("sensors/{principal.clientId}/+"))
	if err != nil {
		log.Fatal(err)
	}
	who := mqttauthz.Principal{ClientID: "pump-1", Attributes: map[string]string{"building": "17"}}
	for _, right := range policy.WhatCan(who) {
		fmt.Println(right.Operation, right.Filled)
	}
	// Output:
	// connect pump-*
	// publish sensors/pump-1/+
}

func ExampleDiff() {
	old, err := mqttauthz.Compile(pumps("sensors/{principal.clientId}/+"))
	if err != nil {
		log.Fatal(err)
	}
	changed, err := mqttauthz.Compile(pumps("sensors/+/heat"))
	if err != nil {
		log.Fatal(err)
	}
	report, err := mqttauthz.Diff(context.Background(), old, changed, mqttauthz.DiffOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range report.Allowed {
		fmt.Println("allowed:", c)
	}
	for _, c := range report.Denied {
		fmt.Println("denied:", c)
	}
	fmt.Println("undecided:", len(report.Undecided))
	// Output:
	// allowed: client ID "client", attribute "building" = "17" publish "sensors/x/heat", by rules[0].brokerResources[1].topics[0] "sensors/+/heat"
	// denied: client ID "x1", attribute "building" = "17" publish "sensors/x1/x", by rules[0].brokerResources[1].topics[0] "sensors/{principal.clientId}/+"
	// undecided: 0
}

func ExampleLint() {
	for _, finding := range mqttauthz.Lint(pumps("sensors/*{principal.clientId}/*"), mqttauthz.LintOptions{}) {
		fmt.Println(finding)
	}
	// Output:
	// rules[0].brokerResources[1].topics[0]: level 2, "*{principal.clientId}", is a glob or a token beside other text: most brokers know only + and # and tokens that fill a level (not-portable)
	// rules[0].brokerResources[1].topics[0]: * is exactly one level, as + is; write + if that is meant, # for everything below (star)
	// rules[0].brokerResources[1].topics[0]: a token stands beside a wildcard: one value can be taken for another; put a character between them that no value has; for example "sensors/xx/" matches for clients with {principal.clientId} = "xx" and with {principal.clientId} = "x" (token-beside)
	// rules[0].brokerResources[1].topics[0]: {principal.clientId} keeps clients apart only if nothing lets one connect with the client ID of another; for example rules[0].brokerResources[0].clientIds[0] "pump-*" lets clients choose theirs (client-id-sandbox)
}
