package config_test

import (
	"fmt"
	"log/slog"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// What a set of documents means: its ports, and what is odd about them. A Keeper
// would open them.
func Example() {
	set, err := resource.Parse("listener.yaml", []byte(`
apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerListener
metadata:
  name: public
spec:
  ports:
    - port: 1883
      authenticationRef: users
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := config.Compile(set, config.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer plan.Close()
	for _, p := range plan.Ports {
		fmt.Println(p, p.Transport(), p.Authentication())
		for _, m := range p.Missing {
			fmt.Println("closed:", m)
		}
	}
	// Output:
	// default/public:1883 tcp users (incomplete)
	// closed: listener.yaml:9:26: spec.ports[0].authenticationRef: BrokerAuthentication default/users does not exist
}
