package mqttauthz_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// TestGolden decides the examples of the documents. A file of testdata/golden
// has rules in the JSON of the documents, and decisions: a line "client ID
// [user=NAME] [attribute=value …]", then, indented, lines of allow or deny, the
// operation and its topic, filter or key ("hex:…" for bytes).
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, rest, _ := strings.Cut(string(data), "-- rules --\n")
			rules, decisions, ok := strings.Cut(rest, "-- decisions --\n")
			if !ok {
				t.Fatal("no rules or no decisions")
			}
			runGolden(t, mustCompile(t, parseRules(t, rules)), decisions)
		})
	}
}

func parseRules(t *testing.T, text string) []mqttauthz.Rule {
	t.Helper()
	var rules []mqttauthz.Rule
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&rules); err != nil {
		t.Fatal(err)
	}
	return rules
}

func runGolden(t *testing.T, policy *mqttauthz.Policy, decisions string) {
	t.Helper()
	var client string
	var grants *mqttauthz.Grants
	for line := range strings.Lines(decisions) {
		line = strings.TrimSuffix(line, "\n")
		if who, ok := strings.CutPrefix(line, "client "); ok {
			client, grants = line, policy.Grants(goldenPrincipal(t, who))
			continue
		}
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if len(words) < 2 || words[0] != "allow" && words[0] != "deny" {
			t.Fatalf("cannot read %q", line)
		}
		_, subject, _ := strings.Cut(line, words[1]+" ")
		d := goldenDecision(t, grants, words[1], subject)
		if d.Allowed() != (words[0] == "allow") {
			t.Errorf("%s: %s: %v", client, strings.TrimSpace(line), d)
		}
	}
}

func goldenPrincipal(t *testing.T, line string) mqttauthz.Principal {
	t.Helper()
	words := strings.Fields(line)
	who := mqttauthz.Principal{ClientID: words[0], Attributes: make(map[string]string)}
	for _, w := range words[1:] {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			t.Fatalf("cannot read %q", w)
		}
		if name == "user" {
			who.Username = value
			continue
		}
		who.Attributes[name] = value
	}
	return who
}

func goldenDecision(t *testing.T, g *mqttauthz.Grants, op, subject string) mqttauthz.Decision {
	t.Helper()
	key := []byte(subject)
	if digits, ok := strings.CutPrefix(subject, "hex:"); ok {
		decoded, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		key = decoded
	}
	switch op {
	case "connect":
		return g.Connect()
	case "publish":
		return g.Publish(subject)
	case "subscribe":
		return g.Subscribe(subject)
	case "read":
		return g.ReadKey(key)
	case "write":
		return g.WriteKey(key)
	}
	t.Fatalf("unknown operation %q", op)
	return mqttauthz.Decision{}
}
