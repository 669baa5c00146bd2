package e2e_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen. Nothing takes that
// long unless something is wrong.
const patience = 20 * time.Second

// process is a program that a test started, and what it has said so far.
type process struct {
	cmd  *exec.Cmd
	said *transcript
	read int           // lines of said that expect has passed
	done chan struct{} // closed when it has ended
}

// start starts a program in a process group of its own, which ends with the
// test at the latest. Its output is line buffered, so that what it says can be
// waited for.
func start(t *testing.T, dir, name string, args ...string) *process {
	t.Helper()
	p := &process{said: newTranscript(), done: make(chan struct{})}
	p.cmd = exec.Command("stdbuf", append([]string{"-oL", name}, args...)...)
	p.cmd.Dir = dir
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	// A race detector would sleep a second at the end of the program.
	p.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // the exit status is in ProcessState
	}()
	t.Cleanup(p.kill)
	return p
}

// shell starts a command as it would be pasted into a terminal.
func shell(t *testing.T, dir, command string) *process {
	t.Helper()
	return start(t, dir, "sh", "-c", command)
}

// kill ends the process and all it started.
func (p *process) kill() {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
}

// signal asks the process to do something.
func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("%v: %v", s, err)
	}
}

// expect waits for a line that has all the parts, from the last expected line
// on, and returns it.
func (p *process) expect(t *testing.T, parts ...string) string {
	t.Helper()
	late := time.After(patience)
	for {
		lines, more := p.said.all()
		for p.read < len(lines) {
			line := lines[p.read]
			p.read++
			if hasAll(line, parts) {
				return line
			}
		}
		select {
		case <-more:
			continue
		case <-p.done:
			if lines, _ := p.said.all(); p.read < len(lines) {
				continue
			}
			t.Fatalf("%v ended without a line that has %q; it said:\n%v", p.cmd.Args, parts, p.said)
		case <-late:
			t.Fatalf("%v: no line that has %q; it said:\n%v", p.cmd.Args, parts, p.said)
		}
	}
}

func hasAll(line string, parts []string) bool {
	for _, s := range parts {
		if !strings.Contains(line, s) {
			return false
		}
	}
	return true
}

// lines returns all that the process has said so far.
func (p *process) lines() []string {
	lines, _ := p.said.all()
	return lines
}

// end waits until the process has ended by itself and returns its exit status.
func (p *process) end(t *testing.T) int {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("it did not end"))
	defer cancel()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-ctx.Done():
		t.Fatalf("%v: %v; it said:\n%v", p.cmd.Args, context.Cause(ctx), p.said)
		return -1
	}
}
