package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// subscribeTable is the tutorial's policy: which filters the heater may
// subscribe to. Nobody else may subscribe to anything.
var subscribeTable = []struct {
	filter string
	heater bool
}{
	{"telemetry/temperature", true},
	{"telemetry/humidity", true},
	{"health/heartbeat", false},
	{"example/topic", false},
	{"telemetry/+", false}, // AUTHZ-7: covered by no single pattern
	{"telemetry/#", false},
	{"#", false},
	{"+/+", false},
	{"$share/g/telemetry/temperature", true}, // AUTHZ-8
	{"$share/g/health/heartbeat", false},
	{"$share/g/telemetry/#", false},
	{"$share/g/#", false},
	{"$SYS/#", false},
	{"$SHARE/g/telemetry/temperature", false},
}

// Every device subscribes to all the filters in one packet; each is decided by
// itself (AUTHZ-11).
func TestSubscribeTruthTable(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	for _, device := range devices {
		for _, v := range []struct{ version, denied string }{{v5, "135"}, {v311, "128"}} {
			for qos := range 3 {
				t.Run(fmt.Sprintf("%s/%s/qos%d", device, v.version, qos), func(t *testing.T) {
					args := append(f.as(device, v.version), "-E", "-q", fmt.Sprint(qos))
					want := make(map[string]string)
					for _, row := range subscribeTable {
						args = append(args, "-t", row.filter)
						want[row.filter] = v.denied
						if device == "heater" && row.heater {
							want[row.filter] = fmt.Sprint(qos)
						}
					}
					said, _ := mosquitto(t, "mosquitto_sub", args...)
					if diff := cmp.Diff(want, granted(t, said)); diff != "" {
						t.Errorf("codes of SUBACK (-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}

// granted returns the codes of the SUBACK that mosquitto_sub tells about, by
// filter.
func granted(t *testing.T, said string) map[string]string {
	t.Helper()
	_, codes, ok := strings.Cut(said, "Subscribed (mid: 1): ")
	if !ok {
		t.Fatalf("no SUBACK:\n%s", said)
	}
	codes, _, _ = strings.Cut(codes, "\n")
	all := strings.Split(codes, ", ")
	if len(all) != len(subscribeTable) {
		t.Fatalf("%d codes for %d filters: %s", len(all), len(subscribeTable), codes)
	}
	out := make(map[string]string)
	for i, row := range subscribeTable {
		out[row.filter] = all[i]
	}
	return out
}

// A malformed share is no filter at all (AUTHZ-8). mosquitto_sub refuses to
// send one, so this is Paho's.
func TestMalformedShare(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	serve(t, f)
	filters := []string{"$share//telemetry/temperature", "$share/g/", "$share/g", "$share/+/telemetry/temperature", "$share/g/$share/h/telemetry/temperature"}
	c := connect5(t, f, "heater", "heater", nil)
	for _, filter := range filters {
		if got := c.subscribe(t, filter, 1); got != 0x8F {
			t.Errorf("v5: SUBACK for %s: %#x, want 0x8f", filter, got)
		}
	}
	if got := c.subscribe(t, "telemetry/temperature", 1); got != 1 {
		t.Errorf("v5: after malformed filters, SUBACK %#x, want 1", got)
	}
}
