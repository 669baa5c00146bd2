package broker_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the server says into the conversations")

// TestConversations plays testdata/conversations/*.txt. A line is a comment
// (#), or the letter of a client and
//
//	> what it sends            A> PUBLISH qos=1 id=1 topic=t payload=x retain
//	< what it must receive     A< PUBACK id=1 0x00
//	| what else happens        A| quiet    nothing is on its way to it
//	                           A| cut      it closes its connection
//
// A client that sends CONNECT without a connection makes one. "closed" is
// received when the server closes. All ports let everybody do everything: what
// is denied is tested elsewhere.
//
// The conversations statestore*.txt are with a server that has a state store.
// {request} and {notify} stand for its topics, {now} for a time stamp of now, and
// {v1}, {v2} and so on for the versions that it gave, in the order in which they
// were seen first; \r and \n are line ends.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/conversations/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := &conversation{t: t, port: openPort(t), peers: make(map[string]*peer)}
			if strings.HasPrefix(filepath.Base(file), "statestore") {
				c.port = openStore(t)
			}
			var out strings.Builder
			for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
				c.line = i + 1
				out.WriteString(c.play(line) + "\n")
			}
			if *update {
				if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

type conversation struct {
	t     *testing.T
	port  *port
	peers map[string]*peer // that are connected
	line  int

	versions []string // that the state store gave
}

var lineForm = regexp.MustCompile(`^([A-Z])([<>|]) (\S.*)$`)

// play plays one line and returns it as it should have been.
func (c *conversation) play(line string) string {
	c.t.Helper()
	if line == "" || strings.HasPrefix(line, "#") {
		return line
	}
	m := lineForm.FindStringSubmatch(line)
	if m == nil {
		c.t.Fatalf("line %d is malformed: %q", c.line, line)
	}
	name, what := m[1], m[3]
	p := c.peers[name]
	if p == nil {
		if !strings.HasPrefix(what, "CONNECT") && !strings.HasPrefix(what, "RAW") {
			c.t.Fatalf("line %d: %s is not connected", c.line, name)
		}
		p = c.port.peer()
		c.peers[name] = p
	}
	switch m[2] {
	case ">":
		b, err := parsePacket(c.spellOut(what), p)
		if err != nil {
			c.t.Fatalf("line %d: %v", c.line, err)
		}
		p.raw(b)
	case "<":
		return c.receive(name, p, line)
	default:
		c.event(name, p, what)
	}
	return line
}

func (c *conversation) receive(name string, p *peer, line string) string {
	c.t.Helper()
	k, err := p.read()
	if err != nil {
		c.t.Fatalf("line %d: %s waits for %q: %v", c.line, name, line, err)
	}
	if k == (closed{}) {
		_ = p.nc.Close()
		delete(c.peers, name)
	}
	got := name + "< " + c.abbreviate(formatPacket(k, p.v))
	if got != line && !*update {
		c.t.Fatalf("line %d:\nwant %s\ngot  %s", c.line, line, got)
	}
	return got
}

func (c *conversation) event(name string, p *peer, what string) {
	c.t.Helper()
	switch what {
	case "quiet":
		c.t.Logf("line %d", c.line)
		p.quiet()
	case "cut":
		_ = p.nc.Close()
		delete(c.peers, name)
	default:
		c.t.Fatalf("line %d: what is %q?", c.line, what)
	}
}
