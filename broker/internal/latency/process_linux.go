package latency

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Process is the binary of the benchmark, run again in another role.
type Process struct {
	// Ready is what it said when it was ready.
	Ready string

	stdin io.WriteCloser
	out   *bufio.Reader
}

const (
	roleVariable = "LATENCY_ROLE"
	roleWatching = "watching the processors"
)

// Play plays the role that this process was started in, and reports whether it
// has one: TestMain begins with it. A role prints a line when it is ready, gets
// lines from its input, and ends when that does.
func Play(roles map[string]func(args []string)) bool {
	role := os.Getenv(roleVariable)
	switch f := roles[role]; {
	case role == "":
		return false
	case role == roleWatching:
		watchProcessors()
	case f == nil:
		panic("no role " + role)
	default:
		waitWithoutThread()
		f(os.Args[1:])
	}
	return true
}

// waitWithoutThread makes os.Stdin one that a goroutine waits for as it does for a
// connection. Otherwise a thread does, and keeps its processor from the other
// goroutines for up to 20 ms.
func waitWithoutThread() {
	fd, err := syscall.Dup(int(os.Stdin.Fd()))
	if err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		panic(err)
	}
	os.Stdin = os.NewFile(uintptr(fd), "stdin")
}

// Order is whom the operating system runs first, as the beginning of a command.
type Order []string

// BehindOthers returns the order of what would be on other machines.
func BehindOthers() Order { return Order{"chrt", "--idle", "0"} }

// BeforeOthers returns the order of what is measured: the services of the machine,
// some of which come before ordinary processes, do not hold it up. It needs
// privileges; without them it is that of others.
func BeforeOthers(b *testing.B) Order { return ifAllowed(b, Order{"chrt", "--rr", "1"}) }

// beforeAll is the order of who watches what is measured.
func beforeAll(b *testing.B) Order { return ifAllowed(b, Order{"chrt", "--fifo", "2"}) }

func ifAllowed(b *testing.B, o Order) Order {
	try := o.command(b, "true")
	if err := try.Run(); err != nil {
		b.Logf("%v: %v; the machine's services and its host are not left out", try, err)
		return nil
	}
	return o
}

// comeFirst has this process come before others as long as the benchmark runs.
func comeFirst(b *testing.B) {
	if BeforeOthers(b) == nil {
		return
	}
	change := func(policy, priority string) {
		cmd := exec.Command("chrt", "--all-tasks", policy, "--pid", priority, strconv.Itoa(os.Getpid())) //nolint:gosec,noctx // the benchmark's own; also after it
		if err := cmd.Run(); err != nil {
			b.Error(cmd, err)
		}
	}
	change("--rr", "1")
	b.Cleanup(func() { change("--other", "0") })
}

func (o Order) command(b *testing.B, args ...string) *exec.Cmd {
	line := slices.Concat(o, args)
	return exec.CommandContext(b.Context(), line[0], line[1:]...) //nolint:gosec // what the benchmark says
}

// Start starts a process, which ends with the benchmark. It uses as many processors
// as the benchmark does.
func Start(b *testing.B, o Order, role string, args ...string) *Process {
	b.Helper()
	cmd := o.command(b, append([]string{os.Args[0]}, args...)...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, "GOMAXPROCS="+strconv.Itoa(runtime.GOMAXPROCS(0)))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &Process{stdin: in, out: bufio.NewReader(out)}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	p.Ready = p.Read(b)
	return p
}

// Read returns the next line that the process prints.
func (p *Process) Read(b *testing.B) string {
	b.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return line[:len(line)-1]
}

// Say writes a line to the process.
func (p *Process) Say(b *testing.B, line string) {
	b.Helper()
	if _, err := fmt.Fprintln(p.stdin, line); err != nil {
		b.Fatal(err)
	}
}

// Until returns a channel that is closed when the process has printed a line.
func (p *Process) Until(b *testing.B) <-chan time.Time {
	said := make(chan time.Time)
	go func() {
		defer close(said)
		if _, err := p.out.ReadString('\n'); err != nil {
			b.Error(err)
		}
	}()
	return said
}
