package main

import (
	"bytes"
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Colours are for terminals only; a file or a pipe gets plain words.
func TestPainter(t *testing.T) {
	if p := newPainter(new(bytes.Buffer)); p || p.verdict(true) != "allowed" {
		t.Errorf("what is no terminal gets %q", p.verdict(true))
	}
	for _, tt := range []struct {
		reason  string
		allowed bool
		want    string
	}{
		{`allowed by rules[0]: "a"`, true, "\x1b[32mallowed\x1b[0m by rules[0]: \"a\""},
		{"denied: no rule allows it", false, "\x1b[31mdenied\x1b[0m: no rule allows it"},
		{"something else", false, "something else"},
	} {
		if got := painter(true).decision(tt.reason, tt.allowed); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// What the toolchain noted is told, and what it did not is not made up.
func TestBuild(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abc"},
		{Key: "vcs.time", Value: "2026-01-01T00:00:00Z"},
		{Key: "vcs.modified", Value: "true"},
		{Key: "GOOS", Value: "linux"},
		{Key: "GOARCH", Value: "arm64"},
	}}
	var out bytes.Buffer
	if err := newBuild(info).print(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("mqttwarden v0.1.0\nrevision abc with changes\ngo1.26.8 linux/arm64\n", out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if b := newBuild(nil); b != (build{Version: release}) {
		t.Errorf("without any information: %+v", b)
	}
}
