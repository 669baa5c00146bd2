package resource_test

import (
	"fmt"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// What is wrong is reported all at once, with places.
func ExampleParse() {
	const document = `apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerListener
metadata:
  name: mqtts-endpoint
spec:
  ports:
  - port: 8883
    authenticatonRef: x509-auth
    authorizationRef: abac-authz
    tls:
      mode: Manual
`
	_, err := resource.Parse("listener.yaml", []byte(document))
	fmt.Println(err)
	// Output:
	// listener.yaml:8:5: spec.ports[0].authenticatonRef: unknown field; did you mean authenticationRef?
	// listener.yaml:9:23: spec.ports[0].authorizationRef: port 8883 of BrokerListener default/mqtts-endpoint has no authentication, so its authorization abac-authz would not apply; add authenticationRef
	// listener.yaml:11:7: spec.ports[0].tls.manual: missing; this field is required
}

// A reference to what is not there yet is no error: the port stays closed.
func ExampleSet_MissingFor() {
	set, err := resource.Load("testdata/valid/kubectl-get.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	listener := set.Listeners[0]
	for i := range listener.Ports {
		port := &listener.Ports[i]
		fmt.Printf("port %d lacks %d objects\n", port.Number, len(set.MissingFor(listener, port)))
	}
	// Output:
	// port 18883 lacks 1 objects
	// port 8080 lacks 0 objects
}
