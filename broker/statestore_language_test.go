package broker_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/statestore"
)

// openStore is openPort with a state store.
func openStore(t testing.TB) *port {
	t.Helper()
	return newServerWith(t, broker.Options{StateStore: statestore.NewMemory(0)}).listen(open())
}

// notifyRoot is what the topics of notifications begin with.
var notifyRoot = "clients/" + strings.TrimSuffix(statestore.RequestTopic, "/command/invoke")

// now returns a time stamp of a client.
func now() string {
	return statestore.Timestamp{Wall: time.Now().UnixMilli(), Node: "test"}.String()
}

var versionName = regexp.MustCompile(`\{v(\d+)\}`)

// spellOut puts in what a line cannot know.
func (c *conversation) spellOut(line string) string {
	line = strings.NewReplacer("{request}", statestore.RequestTopic, "{notify}", notifyRoot, "{now}", now()).Replace(line)
	return versionName.ReplaceAllStringFunc(line, func(name string) string {
		var n int
		if _, err := fmt.Sscanf(name, "{v%d}", &n); err != nil || n > len(c.versions) {
			c.t.Fatalf("line %d: %s has not been seen", c.line, name)
		}
		return c.versions[n-1]
	})
}

var version = regexp.MustCompile(`\d{15}:\d{5}:StateStore`)

// abbreviate is the reverse of spellOut.
func (c *conversation) abbreviate(line string) string {
	line = version.ReplaceAllStringFunc(line, func(text string) string {
		i := slices.Index(c.versions, text)
		if i < 0 {
			i = len(c.versions)
			c.versions = append(c.versions, text)
		}
		return fmt.Sprintf("{v%d}", i+1)
	})
	return strings.NewReplacer("\r", `\r`, "\n", `\n`, statestore.RequestTopic, "{request}", notifyRoot, "{notify}").Replace(line)
}
