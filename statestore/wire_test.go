package statestore_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/statestore"
)

var update = flag.Bool("update", false, "rewrite the replies in testdata/wire")

// TestWire replays the conversations of testdata/wire, whose README says how to
// read them, and compares every byte and property (STORE-1).
func TestWire(t *testing.T) {
	files, err := filepath.Glob("testdata/wire/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := newConversation(t).replay(string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want), got); diff != "" && !*update {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// conversation prints back what it reads, with what the service answers.
type conversation struct {
	t       *testing.T
	service *statestore.Service[string]
	now     time.Time
	rights  map[string]keysFrom
	pending *request
	out     strings.Builder
}

func newConversation(t *testing.T) *conversation {
	return &conversation{t: t, service: newService(t, statestore.Config{}), now: epoch, rights: map[string]keysFrom{}}
}

func (c *conversation) replay(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if c.pending != nil && strings.HasPrefix(line, "    ") {
			c.readDetail(strings.TrimSpace(line))
			fmt.Fprintln(&c.out, line)
			continue
		}
		c.flush()
		if line != "" && strings.ContainsAny(line[:1], "<! ") {
			continue // an answer; ours is printed in its place
		}
		fmt.Fprintln(&c.out, line)
		if line != "" && line[0] != '#' {
			c.step(line)
		}
	}
	c.flush()
	return c.out.String()
}

func (c *conversation) step(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case ">":
		client, wire, _ := strings.Cut(rest, " ")
		var keys statestore.KeyAuthorizer = allKeys{}
		if rights, ok := c.rights[client]; ok {
			keys = rights
		}
		c.pending = &request{
			Session: client, ClientID: client, QoS: 1, ResponseTopic: "clients/" + client + "/r",
			HasCorrelationData: true, Payload: []byte(c.unquote(wire)), Keys: keys,
		}
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			c.t.Fatal(err)
		}
		c.now = c.now.Add(d)
	case "quota":
		n, err := strconv.Atoi(rest)
		if err != nil {
			c.t.Fatal(err)
		}
		c.service = newService(c.t, statestore.Config{Store: statestore.NewMemory(int64(n))})
	case "rights":
		f := strings.Fields(rest)
		c.rights[f[0]] = keysFrom{read: f[1], write: f[2]}
	case "disconnect":
		c.service.Disconnect(rest)
	case "expire":
		ns, err := c.service.Expire(c.now, nil)
		if err != nil {
			c.t.Fatal(err)
		}
		c.printNotifications(ns)
	default:
		c.t.Fatalf("unknown line %q", line)
	}
}

func (c *conversation) readDetail(detail string) {
	switch {
	case detail == "without correlation data":
		c.pending.HasCorrelationData = false
	case strings.HasPrefix(detail, "qos "):
		c.pending.QoS = detail[4] - '0'
	case strings.HasPrefix(detail, "response topic "):
		c.pending.ResponseTopic = strings.Trim(detail[len("response topic "):], `"`)
	default:
		name, value, ok := strings.Cut(detail, "=")
		if !ok {
			c.t.Fatalf("unknown detail %q", detail)
		}
		c.pending.Properties = append(c.pending.Properties, property{Name: name, Value: c.unquote(value)})
	}
}

// flush executes the request that has been read.
func (c *conversation) flush() {
	if c.pending == nil {
		return
	}
	var reply statestore.Reply
	ns, err := c.service.Handle(c.pending, c.now, &reply, nil)
	c.pending = nil
	if err != nil {
		fmt.Fprintf(&c.out, "< no reply: %v\n", err)
		return
	}
	fmt.Fprintf(&c.out, "< %s\n", quote(reply.Payload))
	c.printProperties(reply.Properties)
	c.printNotifications(ns)
}

func (c *conversation) printNotifications(ns []notification) {
	for _, n := range ns {
		fmt.Fprintf(&c.out, "! %s %s\n  on %s\n", n.Session, quote(n.Payload), n.Topic)
		c.printProperties(n.Properties)
	}
}

func (c *conversation) printProperties(properties []property) {
	for _, p := range properties {
		fmt.Fprintf(&c.out, "  %s=%s\n", p.Name, p.Value)
	}
}

func quote(b []byte) string { return strings.Trim(strconv.Quote(string(b)), `"`) }

func (c *conversation) unquote(s string) string {
	text, err := strconv.Unquote(`"` + s + `"`)
	if err != nil {
		c.t.Fatalf("%s: %v", s, err)
	}
	return text
}
