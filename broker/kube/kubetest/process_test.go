package kubetest_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is the running program, and what it has said.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	said *transcript
	done chan struct{} // closed when it has ended
}

// launch starts the program. It ends with the test, and must not have met a
// data race.
func launch(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(program, args...), said: newTranscript(), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	p.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // the exit status is in ProcessState
	}()
	t.Cleanup(func() {
		p.end()
		text, _ := p.said.all()
		if strings.Contains(text, "DATA RACE") || strings.Contains(text, "panic") {
			t.Error("the program is faulty")
		}
		if t.Failed() {
			t.Logf("the program said:\n%s", text)
		}
	})
	return p
}

// end asks the program to end, and makes it.
func (p *process) end() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.done
		p.t.Error("the program does not end on SIGTERM")
	}
}

// mark returns where the log is now.
func (p *process) mark() int {
	text, _ := p.said.all()
	return len(text)
}

// expect waits for a line after a mark that has all the parts, and returns it.
func (p *process) expect(from int, parts ...string) string {
	p.t.Helper()
	late := time.After(patience)
	for {
		text, more := p.said.all()
		for line := range strings.Lines(text[from:]) {
			if hasAll(line, parts) {
				return line
			}
		}
		select {
		case <-more:
		case <-late:
			p.t.Fatalf("the program does not say %q", parts)
		case <-p.done:
			p.t.Fatalf("the program ended without saying %q", parts)
		}
	}
}

func hasAll(line string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(line, part) {
			return false
		}
	}
	return true
}

// transcript keeps what a process says. It is safe for concurrent use.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed when there is more
}

func newTranscript() *transcript { return &transcript{more: make(chan struct{})} }

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.more)
	t.more = make(chan struct{})
	return t.text.Write(p)
}

func (t *transcript) all() (string, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String(), t.more
}
