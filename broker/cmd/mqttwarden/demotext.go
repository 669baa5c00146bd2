package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// trial is one command of the tutorial.
type trial struct {
	title   string
	program string // mosquitto_pub or mosquitto_sub
	client  string // name of its certificate
	args    string
	expect  string
}

// trials are the commands that demo prints, in the order of the tutorial.
var trials = []trial{
	{
		"The thermostat may not publish the humidity:", "mosquitto_pub", "thermostat",
		`-t "telemetry/humidity" -m "example temperature measurement" -q 1`,
		`PUBACK (Mid: 1, RC:135), "Publish 1 failed: Not authorized."`,
	},
	{
		"The heater listens to the temperature. Leave it running:", "mosquitto_sub", "heater",
		`-t "telemetry/temperature" -q 1`,
		`"Subscribed (mid: 1): 1"`,
	},
	{
		"The thermostat may publish the temperature, and the heater receives it:", "mosquitto_pub", "thermostat",
		`-t "telemetry/temperature" -m "example temperature measurement" -q 1`,
		`PUBACK (Mid: 1, RC:0); in the heater's terminal: "example temperature measurement"`,
	},
	{
		"The lightbulb has an attribute by its intermediate certificate and may send heartbeats, which the heater does not receive:", "mosquitto_pub", "lightbulb",
		`-t "health/heartbeat" -m "example heartbeat" -q 1`,
		`PUBACK (Mid: 1, RC:0)`,
	},
	{
		"The heater may not listen to heartbeats. End the running one first: there is one heater.", "mosquitto_sub", "heater",
		`-t "health/heartbeat" -q 1`,
		`"Subscribed (mid: 1): 135"`,
	},
}

// demoText tells what to do next.
func demoText(dir string, port uint16) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Certificates and policies are in %s\n", dir)
	fmt.Fprintf(&b, "Paste these into other terminals (mosquitto_pub and mosquitto_sub are in Debian's mosquitto-clients):\n")
	for i, t := range trials {
		fmt.Fprintf(&b, "\n%d. %s\n\n%s\n\n   expect: %s\n", i+1, t.title, t.command(dir, port), t.expect)
	}
	fmt.Fprintf(&b, "\n%d. Take the policy away: delete the line authorizationRef in\n   %s\n   while the broker runs. Then every device may do everything, and command 1 is answered RC:0.\n\n",
		len(trials)+1, filepath.Join(dir, "listener.yaml"))
	return b.String()
}

// command is what to paste into a shell.
func (t trial) command(dir string, port uint16) string {
	return fmt.Sprintf("%s %s -i %s -V mqttv5 -d \\\n  -h localhost -p %d --key %s --cert %s --cafile %s",
		t.program, t.args, t.client, port,
		quote(filepath.Join(dir, t.client+".key")), quote(filepath.Join(dir, t.client+".crt")), quote(filepath.Join(dir, "contoso_root_ca.crt")))
}

// quote makes a path safe for a POSIX shell.
func quote(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
