package broker_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// A server with one port: who connects is anonymous and may do what the policy
// says about its client ID. While it runs, the policy is replaced.
func Example() {
	policy := func(topic string) *mqttauthz.Policy {
		p, err := mqttauthz.Compile([]mqttauthz.Rule{{
			Principals: mqttauthz.Principals{ClientIDs: []string{"press-1"}},
			BrokerResources: []mqttauthz.BrokerResource{
				{Method: mqttauthz.Connect},
				{Method: mqttauthz.Publish, Topics: []string{topic}},
			},
		}})
		if err != nil {
			panic(err)
		}
		return p
	}
	server := broker.NewServer(broker.Options{})
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	access := broker.Access{Authentication: mqttauth.AllowAnonymous(), Authorization: policy("telemetry/+")}
	port, err := server.Listen(socket, broker.Port{Name: "mqtt", Access: access})
	if err != nil {
		fmt.Println(err)
		return
	}

	access.Authorization = policy("telemetry/press-1")
	if err := port.SetAccess(access); err != nil { // clients come back under the new policy
		fmt.Println(err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	fmt.Println(port.Addr().Network(), server.Stats().Connections, server.Shutdown(ctx))
	// Output: tcp 0 <nil>
}
