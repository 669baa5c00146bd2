package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a broker that is running.
type process struct {
	target
	cmd   *exec.Cmd
	said  bytes.Buffer // to be read when it has ended
	ended chan struct{}
	store string
	atEnd func() // unless nil, called when the broker has ended
}

// launch starts a broker and waits until it accepts connections.
func (w *workshop) launch(ctx context.Context, c contestant, v version, l link) (*process, error) {
	store, err := os.MkdirTemp(w.folder, "store-")
	if err != nil {
		return nil, err
	}
	number, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	listen := port{link: l, number: number, store: store}
	program, args, err := c.command(w, listen)
	if err != nil {
		return nil, err
	}
	p := &process{target: target{address: listen.address(), webSocket: l.webSocket, version: v}, ended: make(chan struct{}), store: store}
	if l.tls {
		p.tls = w.client
	}
	p.cmd = exec.Command(program, args...) //nolint:gosec,noctx // a broker of ours; ends with close
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	if err := p.ready(ctx); err != nil {
		p.close()
		return nil, fmt.Errorf("%s: %w\n%s", c.name, err, &p.said)
	}
	return p, nil
}

// freePort returns a port that nobody listens on; the brokers do not tell which
// one they chose. It is none of those that Linux gives to clients, which begin
// at 32768: mosquitto does not get one for WebSockets that a closed connection
// had a moment ago.
func freePort(ctx context.Context) (int, error) {
	const first, ports, tries = 20_000, 12_000, 100
	var config net.ListenConfig
	var last error
	for range tries {
		number := first + rand.N(ports) //nolint:gosec // any will do
		l, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(number)))
		if err == nil {
			return number, l.Close()
		}
		last = err
	}
	return 0, fmt.Errorf("no free port: %w", last)
}

// ready waits until a client has been served.
func (p *process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		c, err := p.dial(ctx, "load-first", 16)
		if err == nil {
			return c.leave()
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return errors.New("ended at once")
		case <-ctx.Done():
			return fmt.Errorf("does not serve: %w", last)
		}
	}
}

// close ends the process.
func (p *process) close() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	if p.atEnd != nil {
		p.atEnd()
	}
	_ = os.RemoveAll(p.store) //nolint:gosec // a folder of our own
}

// clockTick is the unit of times in /proc: USER_HZ, 100 on every Linux.
const clockTick = time.Second / 100

// cpu returns the processor time that the process has used, in user and system
// mode.
func (p *process) cpu() (time.Duration, error) {
	text, err := p.proc("stat")
	if err != nil {
		return 0, err
	}
	return parseStat(text)
}

// proc reads a file of the process in /proc.
func (p *process) proc(name string) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name)) //nolint:gosec // nothing from outside
	return string(text), err
}

// parseStat reads utime and stime, fields 14 and 15. The second field, the name
// in parentheses, may contain anything.
func parseStat(text string) (time.Duration, error) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat: %d fields", len(fields))
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick, err
}

// rss returns the resident memory in bytes.
func (p *process) rss() (int64, error) {
	text, err := p.proc("statm")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(text)
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc/PID/statm: %d fields", len(fields))
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
