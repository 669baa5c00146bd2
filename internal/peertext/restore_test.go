package peertext_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/peertext"
)

// Restore undoes Clean, or says that something is lost (OPS-1).
func FuzzRestore(f *testing.F) {
	for _, s := range []string{"", "plain", `a\b`, `\\`, "\x1b[31m", "\u202e", "\xff\xfe", "ä…", "\ufffd", strings.Repeat("x", 300), strings.Repeat("\u202e", 60)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := peertext.Restore(peertext.Clean(s))
		if err == nil && got != s {
			t.Errorf("Restore(Clean(%q)) = %q", s, got)
		}
		if err != nil && !errors.Is(err, peertext.ErrCut) {
			t.Errorf("Restore(Clean(%q)): %v", s, err)
		}
		if err != nil && len(s) < 20 {
			t.Errorf("%q counts as cut", s)
		}
		_, _ = peertext.Restore(s) // does not panic
	})
}

func TestRestoreErrors(t *testing.T) {
	for _, s := range []string{`\`, `a\`, `\n`, `\x`, `\x4`, `\x41`, `\xzz`, `\u`, `\u{`, `\u{}`, `\u{110000}`, `\u{d800}`, `\u{ffffffffff}`} {
		if got, err := peertext.Restore(s); err == nil || errors.Is(err, peertext.ErrCut) {
			t.Errorf("Restore(%q) = %q, %v", s, got, err)
		}
	}
	if _, err := peertext.Restore(peertext.Clean(strings.Repeat("a", 257))); !errors.Is(err, peertext.ErrCut) {
		t.Errorf("a cut text: %v", err)
	}
}
