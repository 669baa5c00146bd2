package broker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// storeModel is a naive state store behind a broker: what each command is
// answered, and who is told. It knows nothing of timestamps but their order.
type storeModel struct {
	entries map[string]storeEntry
	clients []*storeClient
	last    string // the greatest version so far
}

type storeEntry struct {
	value, version, fence string
}

// storeClient is a client, the prefixes of keys that it may read and write, and
// the keys that it watches.
type storeClient struct {
	*peer
	id          string
	read, write []string
	watches     map[string]bool
}

func (c *storeClient) may(prefixes []string, key string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
}

// TestStoreModel: random commands of several clients with different rights, who
// come and go, are answered as the model says, and everybody is told what the
// model says, in order, and nothing else.
func TestStoreModel(t *testing.T) {
	steps := 600
	if testing.Short() {
		steps = 200
	}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			runStoreModel(t, rand.New(rand.NewPCG(seed, 7)), steps)
		})
	}
}

func runStoreModel(t *testing.T, r *rand.Rand, steps int) {
	m := &storeModel{entries: make(map[string]storeEntry)}
	var rules []mqttauthz.Rule
	for i, rights := range [][2]string{{"ab", "ab"}, {"ab", "a"}, {"a", "b"}, {"b", ""}, {"", "ab"}} {
		c := &storeClient{id: fmt.Sprint("c", i), watches: make(map[string]bool)}
		c.read, c.write = strings.Split(rights[0], ""), strings.Split(rights[1], "")
		m.clients = append(m.clients, c)
		rules = append(rules, keyed(c.id, prefixed(mqttauthz.Read, c.read), prefixed(mqttauthz.Write, c.write)))
	}
	b := storePort(t, rules...)
	observer := b.connect(v5, "observer", as("all"))
	observer.subscribe(1, "#", "clients/#", "statestore/#", "$share/g/#")
	for _, c := range m.clients {
		c.peer = b.client(c.id, as(c.id))
	}
	for range steps {
		c := m.clients[r.IntN(len(m.clients))]
		if r.IntN(40) == 0 {
			c.leave()
			c.peer = b.client(c.id, as(c.id))
			clear(c.watches)
		}
		m.step(t, r, c)
	}
	for _, c := range m.clients {
		c.quiet()
	}
	observer.quiet()
}

func prefixed(method mqttauthz.StateStoreMethod, prefixes []string) mqttauthz.StateStoreResource {
	var patterns []string
	for _, p := range prefixes {
		patterns = append(patterns, p+"*")
	}
	if patterns == nil {
		patterns = []string{"nothing"}
	}
	return keys(method, patterns...)
}

// step has a client send one random command, and checks all that follows.
func (m *storeModel) step(t *testing.T, r *rand.Rand, c *storeClient) {
	t.Helper()
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	key := pick("a1", "a2", "b1", "b2")
	words := []string{pick("GET", "SET", "SET", "DEL", "VDEL", "KEYNOTIFY", "KEYNOTIFY"), key}
	switch words[0] {
	case "SET":
		words = append(words, pick("x", "y"))
		words = append(words, strings.Fields(pick("", "NX", "NEX", "PX 3600000", "NEX PX 3600000"))...)
	case "VDEL":
		words = append(words, pick("x", "y"))
	case "KEYNOTIFY":
		words = append(words, strings.Fields(pick("", "", "STOP"))...)
	}
	fence := ""
	if m.last != "" && r.IntN(4) == 0 {
		fence = pick(m.last, m.entries[key].version)
	}
	q := c.request(words...)
	if fence != "" {
		if err := q.UserProperties.Add("__ft", fence); err != nil {
			t.Fatal(err)
		}
	}
	want, told := m.execute(c, fence, words)
	c.send(q)
	if code := receive[wire.Ack](c.peer).Code; code != 0 {
		t.Fatalf("%q: PUBACK %v", words, code)
	}
	reply := c.reply(words...)
	version := property(reply, "__ts")
	if got := string(reply.Payload); got != want.payload || (version != "") != want.versioned {
		t.Fatalf("%s %q with token %q: %q, version %q, want %+v", c.id, words, fence, got, version, want)
	}
	m.settle(t, key, version, want, fence)
	if told == "" {
		return
	}
	for _, w := range m.clients {
		if w.watches[key] {
			if got := w.notified(w.id, key, told); got != version {
				t.Fatalf("notification of version %s, want %s", got, version)
			}
		}
	}
}

// storeAnswer is what a command is answered. A change has a version of its own.
type storeAnswer struct {
	payload   string
	versioned bool
	changed   bool
	value     string // that the key has then
	gone      bool
}

// settle checks the version, and puts it where it belongs.
func (m *storeModel) settle(t *testing.T, key, version string, a storeAnswer, fence string) {
	t.Helper()
	switch {
	case !a.versioned:
		return
	case !a.changed:
		if version != m.entries[key].version {
			t.Fatalf("version %s of what was not changed since %s", version, m.entries[key].version)
		}
		return
	case version <= m.last:
		t.Fatalf("version %s follows %s", version, m.last)
	}
	m.last = version
	if a.gone {
		delete(m.entries, key)
		return
	}
	m.entries[key] = storeEntry{a.value, version, fence}
}

// execute says how a command is answered, and what watchers are told.
func (m *storeModel) execute(c *storeClient, fence string, words []string) (a storeAnswer, told string) {
	key := words[1]
	old, exists := m.entries[key]
	switch {
	case words[0] == "KEYNOTIFY" && len(words) == 3:
		was := c.watches[key]
		delete(c.watches, key)
		return storeAnswer{payload: map[bool]string{true: ok, false: ":0\r\n"}[was]}, ""
	case words[0] == "KEYNOTIFY" && c.may(c.read, key):
		c.watches[key] = true
		return storeAnswer{payload: ok}, ""
	case words[0] == "GET" && c.may(c.read, key):
		if !exists {
			return storeAnswer{payload: absent}, ""
		}
		return storeAnswer{payload: bulk(old.value), versioned: true}, ""
	case words[0] == "GET", words[0] == "KEYNOTIFY", !c.may(c.write, key):
		return storeAnswer{payload: forbidden}, ""
	case !exists && words[0] != "SET":
		return storeAnswer{payload: ":0\r\n"}, ""
	case old.fence != "" && fence == "":
		return storeAnswer{payload: "-ERR a fencing token is required for this request\r\n"}, ""
	case fence < old.fence:
		return storeAnswer{payload: "-ERR the request fencing token is a lower version than the fencing token protecting the resource\r\n"}, ""
	case words[0] == "SET" && exists && (slices.Contains(words[3:], "NX") || slices.Contains(words[3:], "NEX") && old.value != words[2]),
		words[0] == "VDEL" && old.value != words[2]:
		return storeAnswer{payload: ":-1\r\n", versioned: true}, ""
	case words[0] == "SET":
		return storeAnswer{payload: ok, versioned: true, changed: true, value: words[2]}, assigned(words[2])
	}
	return storeAnswer{payload: ":1\r\n", versioned: true, changed: true, gone: true}, deleted
}
