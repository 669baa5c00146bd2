package websocket_test

import (
	"go/build"
	"strings"
	"testing"
)

// The package knows frames and nothing of MQTT or of who a client is: it must
// stay usable under any listener.
func TestDependencies(t *testing.T) {
	p, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range p.Imports {
		if strings.Contains(path, "mqttwarden") {
			t.Errorf("imports %s", path)
		}
		if strings.Contains(path, ".") && path != "github.com/gobwas/ws" {
			t.Errorf("imports %s: outside the standard library only the frame library is needed", path)
		}
	}
}
