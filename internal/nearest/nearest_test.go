package nearest_test

import (
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/nearest"
)

func TestWord(t *testing.T) {
	known := []string{"topics", "clientIds", "packet-size", "watches"}
	for word, want := range map[string]string{
		"topics":                 "topics",
		"topic":                  "topics",
		"CLIENTIDS":              "clientIds",
		"packetsize":             "packet-size",
		"pakcet-size":            "packet-size", // two bytes are wrong
		"packet-length":          "",
		"w":                      "",
		"":                       "",
		strings.Repeat("x", 100): "",
	} {
		if got := nearest.Word(word, known); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
