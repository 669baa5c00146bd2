package peertext_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mqttwarden/mqttwarden/internal/peertext"
)

// OPS-1
func TestClean(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "thermostat-17", "thermostat-17"},
		{"empty", "", ""},
		{"letters of any script", "Ω温", "Ω温"},
		{"a new line cannot forge a log line", "a\nlevel=INFO", `a\u{a}level=INFO`},
		{"terminal escape", "\x1b[2J", `\u{1b}[2J`},
		{"right-to-left override", "a\u202eb", `a\u{202e}b`},
		{"zero width space", "a\u200bb", `a\u{200b}b`},
		{"line separator", "a\u2028b", `a\u{2028}b`},
		{"no-break space", "a\u00a0b", `a\u{a0}b`},
		{"invalid UTF-8", "a\xffb", `a\xffb`},
		{"a backslash of the peer's", `a\xff`, `a\\xff`},
		{"NUL", "a\x00", `a\u{0}`},
		{"too long", strings.Repeat("x", 300), strings.Repeat("x", 253) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := peertext.Clean(tt.in); got != tt.want {
				t.Errorf("Clean(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\u202e\xff\\" + strings.Repeat("é", 200))
	f.Fuzz(func(t *testing.T, s string) {
		got := peertext.Clean(s)
		if len(got) > peertext.MaxBytes || !utf8.ValidString(got) {
			t.Fatalf("Clean(%q) = %q: too long or not UTF-8", s, got)
		}
		if strings.ContainsAny(got, "\x00\n\r\x1b\u202e\u2028\u200b") {
			t.Fatalf("Clean(%q) = %q: not clean", s, got)
		}
	})
}
