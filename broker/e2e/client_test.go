package e2e_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
)

// A party is how a client is to connect: transport, protocol version, and the
// QoS that it publishes and subscribes with.
type party struct {
	transport string // tcp or ws
	port      int
	version   int // 4 is MQTT 3.1.1, as in the CONNECT packet
	qos       byte
}

func (p party) String() string {
	return fmt.Sprintf("%s/mqtt%d/qos%d", p.transport, p.version, p.qos)
}

func (p party) url(tcp string) string {
	if p.transport == "ws" {
		return fmt.Sprintf("ws://127.0.0.1:%d/mqtt", p.port)
	}
	return fmt.Sprintf("%s://127.0.0.1:%d", tcp, p.port)
}

// subscriber is a client that waits for messages.
type subscriber interface {
	expect(t *testing.T, parts ...string) string
}

// family is a client library, or a program.
type family struct {
	name       string
	transports []string
	versions   []int

	// subscribe starts a subscriber.
	subscribe func(t *testing.T, p party, topic string) subscriber

	// publish returns when the message is acknowledged.
	publish func(t *testing.T, p party, topic, text string, retain bool)

	// blind clients do not tell with which QoS a message came.
	blind bool
}

// openPorts are a TCP port and a WebSocket port that let everybody do
// everything.
func openPorts(t *testing.T) map[string]int {
	t.Helper()
	f := &folder{path: t.TempDir(), port: freePort(t)}
	web := freePort(t)
	f.write(t, "listener.yaml", fmt.Sprintf(`apiVersion: mqttbroker.iotoperations.azure.com/v1
kind: BrokerListener
metadata:
  name: open
spec:
  ports:
    - port: %d
    - port: %d
      protocol: WebSockets
`, f.port, web))
	serve(t, f).expect(t, "msg=listening", ":"+strconv.Itoa(web)+" ", "transport=websocket")
	return map[string]int{"tcp": f.port, "ws": web}
}

// Each client library gets what it publishes itself, retained and live, over
// each transport, in each protocol version and with each QoS.
func TestClients(t *testing.T) {
	t.Parallel()
	ports := openPorts(t)
	for _, f := range families(t) {
		for _, transport := range f.transports {
			for _, version := range f.versions {
				for qos := range byte(3) {
					p := party{transport, ports[transport], version, qos}
					t.Run(f.name+"/"+p.String(), func(t *testing.T) {
						t.Parallel()
						f.converse(t, p)
					})
				}
			}
		}
	}
}

// converse publishes a retained message, which shows when the subscription
// stands, and one live.
func (f *family) converse(t *testing.T, p party) {
	t.Helper()
	topic := "clients/" + f.name + "/" + p.String()
	f.publish(t, p, topic, "kept text", true)
	s := f.subscribe(t, p, topic)
	retained, live := []string{"kept text"}, []string{"live text"}
	if !f.blind {
		retained = append(retained, fmt.Sprintf("qos%d retain1", p.qos))
		live = append(live, fmt.Sprintf("qos%d retain0", p.qos))
	}
	s.expect(t, retained...)
	f.publish(t, p, topic, "live text", false)
	s.expect(t, live...)
}

// families are the client libraries that must work (behaviour, section 11).
func families(t *testing.T) []*family {
	t.Helper()
	both := []string{"tcp", "ws"}
	script, err := filepath.Abs(filepath.Join("testdata", "python_client.py"))
	if err != nil {
		t.Fatal(err)
	}
	modules := installMQTTjs(t)
	return []*family{
		mosquittoFamily(),
		pahoC("paho-c-async", "paho_c", both),
		pahoC("paho-c-sync", "paho_cs", both),
		scripted("paho-python", func(mode string, p party) []string {
			return []string{"/usr/bin/python3", script, mode, p.transport, strconv.Itoa(p.port), strconv.Itoa(p.version)}
		}),
		scripted("mqtt.js", func(mode string, p party) []string {
			return []string{"node", filepath.Join(modules, "client.js"), mode, p.url("mqtt"), strconv.Itoa(p.version)}
		}),
		{name: "paho.mqtt.golang", transports: both, versions: []int{4}, subscribe: subscribe3, publish: publish3},
		{name: "paho.golang", transports: both, versions: []int{5}, subscribe: subscribe5, publish: publish5},
	}
}

// run runs a client to its end, which must be a good one.
func run(t *testing.T, command []string) {
	t.Helper()
	p := start(t, t.TempDir(), command[0], command[1:]...)
	if status := p.end(t); status != 0 {
		t.Fatalf("%q: exit status %d:\n%v", command, status, p.said)
	}
}

func mosquittoFamily() *family {
	command := func(program string, p party, topic string) []string {
		return []string{program, "-h", "127.0.0.1", "-p", strconv.Itoa(p.port), "-V", map[int]string{4: v311, 5: v5}[p.version], "-q", fmt.Sprint(p.qos), "-t", topic}
	}
	return &family{
		name: "mosquitto", transports: []string{"tcp"}, versions: []int{4, 5},
		subscribe: func(t *testing.T, p party, topic string) subscriber {
			c := append(command("mosquitto_sub", p, topic), "-F", "qos%q retain%r %p")
			return start(t, t.TempDir(), c[0], c[1:]...)
		},
		publish: func(t *testing.T, p party, topic, text string, retain bool) {
			c := append(command("mosquitto_pub", p, topic), "-m", text)
			if retain {
				c = append(c, "-r")
			}
			run(t, c)
		},
	}
}

// pahoC is one of the two interfaces of Paho C.
func pahoC(name, program string, transports []string) *family {
	command := func(what string, p party, topic string) []string {
		return []string{
			program + what, "-c", p.url("mqtt"), "-i", name + what + p.transport + strconv.Itoa(p.version) + strconv.Itoa(int(p.qos)),
			"-V", map[int]string{4: "311", 5: "5"}[p.version], "-q", strconv.Itoa(int(p.qos)), "-t", topic,
		}
	}
	return &family{
		name: name, transports: transports, versions: []int{4, 5}, blind: true,
		subscribe: func(t *testing.T, p party, topic string) subscriber {
			c := command("_sub", p, topic)
			return start(t, t.TempDir(), c[0], c[1:]...)
		},
		publish: func(t *testing.T, p party, topic, text string, retain bool) {
			c := append(command("_pub", p, topic), "-m", text)
			if retain {
				c = append(c, "-r")
			}
			run(t, c)
		},
	}
}

// scripted is a library with a script in testdata.
func scripted(name string, command func(mode string, p party) []string) *family {
	full := func(mode string, p party, topic string, more ...string) []string {
		return append(append(command(mode, p), strconv.Itoa(int(p.qos)), topic), more...)
	}
	return &family{
		name: name, transports: []string{"tcp", "ws"}, versions: []int{4, 5},
		subscribe: func(t *testing.T, p party, topic string) subscriber {
			c := full("sub", p, topic)
			return start(t, t.TempDir(), c[0], c[1:]...)
		},
		publish: func(t *testing.T, p party, topic, text string, retain bool) {
			run(t, full("pub", p, topic, text, map[bool]string{true: "retain", false: "live"}[retain]))
		},
	}
}
