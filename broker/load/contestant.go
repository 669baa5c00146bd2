package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// contestant is a broker that can be measured.
type contestant struct {
	name     string
	versions []version
	rules    int // of its authorization policy; only for the scenarios that ask for it
	command  func(w *workshop, p port) (program string, args []string, err error)
}

// link is what MQTT is spoken on. The zero value is bare TCP.
type link struct {
	tls       bool // with client certificates
	webSocket bool
}

// port says where a broker is to listen, and how.
type port struct {
	link
	number int
	store  string // an empty folder
}

func (p port) address() string { return "127.0.0.1:" + strconv.Itoa(p.number) }

const (
	ours     = "mqttwarden"
	ruled    = "mqttwarden with 1,000 rules"
	baseline = "mosquitto"

	rules = 1000
)

// contestants are all brokers, in the order in which they are measured.
func contestants() []contestant {
	both := []version{v311, v5}
	return []contestant{
		{name: baseline, versions: both, command: mosquitto},
		{name: ours, versions: both, command: built("mqttwarden")},
		{name: ruled, rules: rules, versions: both, command: built("mqttwarden", "-rules", strconv.Itoa(rules))},
		{name: "mochi", versions: both, command: built("mochi")},
		{name: "nats", versions: []version{v311}, command: built("nats")},
	}
}

// built is the command of a broker of this module.
func built(name string, args ...string) func(*workshop, port) (string, []string, error) {
	return func(w *workshop, p port) (string, []string, error) {
		all := append([]string{"-listen", p.address(), "-store", p.store}, args...)
		if p.tls {
			all = append(all, "-ca", w.file("ca.pem"), "-cert", w.file("server.pem"), "-key", w.file("server.key"))
		}
		if p.webSocket {
			all = append(all, "-websocket")
		}
		if w.profiles != "" && name == ours {
			all = append(all,
				"-cpuprofile", filepath.Join(w.profiles, w.scenario+".cpu"),
				"-heapprofile", filepath.Join(w.profiles, w.scenario+".heap"))
		}
		return w.file(name), all, nil
	}
}

// mosquitto is the command of the Debian package. Its limits let everything
// through that a flow can have on its way; the queue of a client that does not
// read is bounded. A limit for what is in flight makes 2.0.11 stall for good now
// and then, so there is none.
func mosquitto(w *workshop, p port) (string, []string, error) {
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/mosquitto"); err != nil {
			return "", nil, fmt.Errorf("mosquitto is missing: apt-get install mosquitto: %w", err)
		}
	}
	config := fmt.Sprintf(`user root
log_type error
log_dest stderr
set_tcp_nodelay true
allow_anonymous true
max_inflight_messages 0
max_queued_messages 10000
listener %d 127.0.0.1
`, p.number)
	if p.tls {
		config += fmt.Sprintf("cafile %s\ncertfile %s\nkeyfile %s\nrequire_certificate true\n",
			w.file("ca.pem"), w.file("server.pem"), w.file("server.key"))
	}
	if p.webSocket {
		// 2.0.11 ends at once when it has no other listener.
		config += fmt.Sprintf("protocol websockets\nlistener 0 %s\n", filepath.Join(p.store, "mosquitto.sock"))
	}
	file := filepath.Join(p.store, "mosquitto.conf")
	return program, []string{"-c", file}, os.WriteFile(file, []byte(config), 0o600)
}

// build makes one of the brokers of this module.
func (w *workshop) build(ctx context.Context, name string) error {
	//nolint:gosec // arguments of our own
	cmd := exec.CommandContext(ctx, "go", "build", "-o", w.folder, "./brokers/"+name)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return nil
}
