package e2e_test

import (
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is the running mqttwarden.
type program struct {
	*process
}

// launch starts the program, which must end without having met a data race.
func launch(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{start(t, t.TempDir(), programPath(), args...)}
	t.Cleanup(func() {
		p.stop()
		if s := p.said.String(); strings.Contains(s, "DATA RACE") || strings.Contains(s, "panic") {
			t.Errorf("the program is faulty:\n%s", s)
		}
		if t.Failed() {
			t.Logf("the program said:\n%v", p.said)
		}
	})
	return p
}

// stop asks the program to end, and makes it.
func (p *program) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience):
		p.kill()
	}
}

// serve serves a folder, once its ports are open.
func serve(t *testing.T, f *folder) *program {
	t.Helper()
	p := launch(t, "serve", "-f", f.path, "--address", "127.0.0.1")
	p.expect(t, "msg=listening", ":"+strconv.Itoa(f.port)+" ")
	return p
}

// open reports whether something listens on a port.
func open(port int) bool {
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
