package resource_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// An object of a cluster is held to the rules of documents (LINK-8), and its
// errors name it in place of a file.
func TestParseObject(t *testing.T) {
	t.Parallel()
	const name = "BrokerListener default/edge"
	const head = `{"apiVersion":"mqttbroker.iotoperations.azure.com/v1","kind":"BrokerListener","metadata":{"name":"edge"},"spec":`
	tests := []struct {
		name, text string
		want       []string
	}{
		{"valid", head + `{"ports":[{"port":1883}]},"status":{"conditions":[]}}`, nil},
		{"unknown field", head + `{"ports":[{"port":1883,"tsl":{}}]}}`, []string{
			name + ": spec.ports[0].tsl: unknown field; known here: port, nodePort, authenticationRef, authorizationRef, protocol, tls",
		}},
		{"number as a string", head + `{"ports":[{"port":"1883"}]}}`, []string{
			name + `: spec.ports[0].port: want a number, found a string; remove the quotes`,
		}},
		{"two errors", head + `{"ports":[{"port":1883},{"port":1883}],"x":1}}`, []string{
			name + ": spec.x: unknown field; known here: brokerRef, serviceName, serviceType, ports",
			name + ": spec.ports[1].port: port 1883 is used twice; the first is at " + name,
		}},
		{"authorization alone (LINK-4)", head + `{"ports":[{"port":1883,"authorizationRef":"abac"}]}}`, []string{
			name + ": spec.ports[0].authorizationRef: port 1883 of BrokerListener default/edge has no authentication, so its authorization abac would not apply; add authenticationRef",
		}},
		{"cut", head, []string{name + ": cannot read JSON: the text ends too early"}},
		{"control character", "\x01", []string{name + ": control character U+0001; remove it"}},
		{"nothing", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			set, err := resource.ParseObject(name, []byte(tt.text))
			var errs resource.Errors
			if err != nil && !errors.As(err, &errs) {
				t.Fatalf("error of type %T", err)
			}
			var got []string
			for _, e := range errs {
				got = append(got, e.Error())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if (set == nil) != (err != nil) {
				t.Errorf("set %v with error %v", set, err)
			}
		})
	}
}

// What is missing names the object that refers to it, and the field.
func TestParseObjectMissing(t *testing.T) {
	t.Parallel()
	set, err := resource.ParseObject("BrokerListener default/edge", []byte(
		`{"apiVersion":"mqttbroker.iotoperations.azure.com/v1","kind":"BrokerListener","metadata":{"name":"edge"},
		"spec":{"ports":[{"port":1883,"authenticationRef":"x509"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	missing := set.Missing()
	if len(missing) != 1 {
		t.Fatalf("missing: %v", missing)
	}
	got := []string{missing[0].String()}
	missing[0].Reason = "is not valid"
	got = append(got, missing[0].String())
	want := []string{
		"BrokerListener default/edge: spec.ports[0].authenticationRef: BrokerAuthentication default/x509 does not exist",
		"BrokerListener default/edge: spec.ports[0].authenticationRef: BrokerAuthentication default/x509 is not valid",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
