// Command authz is what a firmware that only authorizes would be. Its size is
// recorded and watched.
package main

import (
	"os"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

func main() {
	policy, err := mqttauthz.Compile([]mqttauthz.Rule{{
		Principals:      mqttauthz.Principals{Usernames: os.Args[1:2]},
		BrokerResources: []mqttauthz.BrokerResource{{Method: mqttauthz.Publish, Topics: os.Args[2:]}},
	}})
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	println(policy.Grants(mqttauthz.Principal{Username: os.Args[1]}).Publish(os.Args[2]).Allowed())
}
