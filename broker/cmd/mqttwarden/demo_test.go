package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A demo whose port is taken leaves its folder alone: another one may serve from
// it.
func TestDemoPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	dir := filepath.Join(t.TempDir(), "demo")
	_, err = execute(t, "demo", "--dir", dir, "--port", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	if err == nil || !strings.Contains(err.Error(), "--port") {
		t.Errorf("error %v, want one that names --port", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder was made: %v", err)
	}
}
