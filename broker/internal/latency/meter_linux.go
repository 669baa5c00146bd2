package latency

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
)

// Meter sends packets to a broker and notes how long their answers took to arrive.
type Meter struct {
	b     *testing.B
	out   net.Conn
	in    *stamped
	r     *wire.Reader
	kinds []Exchange
	host  *host
	took  map[string][]time.Duration // by exchange and situation
	left  map[string]int             // out, by situation
}

// Exchange is a packet, and what is to come of it.
type Exchange struct {
	Name   string
	Packet []byte
	Answer wire.Type
}

// NewMeter returns a meter that writes packets to out and reads their answers from
// in, which may be the same.
func NewMeter(b *testing.B, out, in net.Conn, kinds ...Exchange) *Meter {
	comeFirst(b)
	m := &Meter{b: b, out: out, in: newStamped(b, in), kinds: kinds, host: watchHost(b), took: make(map[string][]time.Duration), left: make(map[string]int)}
	m.r = wire.NewReader(m.in)
	return m
}

// Sample sends packets of all kinds by turns until end is closed, or says
// something. No garbage is collected meanwhile.
func (m *Meter) Sample(situation string, end <-chan time.Time) {
	type exchange struct {
		kind       string
		sent, came time.Time
	}
	var all []exchange
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	m.host.gaps(m.b) // those that were before
	for over := false; !over; {
		for _, k := range m.kinds {
			sent, came := m.exchange(k)
			all = append(all, exchange{k.Name, sent, came})
		}
		select {
		case <-end:
			over = true
		default:
		}
	}
	gaps := m.host.gaps(m.b)
	for _, e := range all {
		if gaps.meet(e.sent, e.came) {
			m.left[situation]++
			continue
		}
		name := e.kind + "-" + situation
		m.took[name] = append(m.took[name], e.came.Sub(e.sent))
	}
}

// exchange waits for half a millisecond to one and a half: who sends as fast as
// possible measures mostly whom the operating system has run in its place. It
// wakes us too: timers of package time wait for whole milliseconds from the latest
// packet on, as those of the broker do, and we would meet its timers always or
// never.
func (m *Meter) exchange(k Exchange) (sent, came time.Time) {
	pause := syscall.NsecToTimespec(500_000 + rand.Int64N(1_000_000)) //nolint:gosec // not a secret
	if err := syscall.Nanosleep(&pause, nil); err != nil && err != syscall.EINTR {
		m.b.Fatal(err)
	}
	sent = time.Now()
	if _, err := m.out.Write(k.Packet); err != nil {
		m.b.Fatal(err)
	}
	if f, err := m.r.Next(1 << 16); err != nil || f.Type != k.Answer {
		m.b.Fatal(f.Type, err)
	}
	return sent, m.in.arrived
}

// Report reports percentiles of all exchanges of each situation in microseconds,
// the hundredth being the longest, and how many exchanges were left out.
func (m *Meter) Report(percentiles ...int) {
	for name, took := range m.took {
		slices.Sort(took)
		for _, p := range percentiles {
			t := took[min(len(took)*p/100, len(took)-1)]
			m.b.ReportMetric(float64(t.Nanoseconds())/1e3, fmt.Sprintf("p%d-%s-µs", p, name))
		}
	}
	for situation, n := range m.left {
		m.b.ReportMetric(float64(n), "left-out-"+situation)
	}
}

// stamped reads from a connection and knows when the latest bytes arrived.
type stamped struct {
	raw     syscall.RawConn
	arrived time.Time
}

func newStamped(b *testing.B, nc net.Conn) *stamped {
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		b.Fatal(err)
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1)
	})
	if err := errors.Join(err, set); err != nil {
		b.Fatal(err)
	}
	return &stamped{raw: raw}
}

func (s *stamped) Read(p []byte) (n int, err error) {
	var control [128]byte
	var length int
	waiting := s.raw.Read(func(fd uintptr) bool {
		n, length, _, _, err = syscall.Recvmsg(int(fd), p, control[:], 0)
		return err != syscall.EAGAIN
	})
	switch {
	case waiting != nil || err != nil:
		return 0, errors.Join(waiting, err)
	case n == 0:
		return 0, io.EOF
	}
	messages, err := syscall.ParseSocketControlMessage(control[:length])
	if err != nil {
		return n, err
	}
	for _, m := range messages {
		var at syscall.Timespec
		if m.Header.Level == syscall.SOL_SOCKET && m.Header.Type == syscall.SO_TIMESTAMPNS && len(m.Data) == int(unsafe.Sizeof(at)) {
			at = *(*syscall.Timespec)(unsafe.Pointer(&m.Data[0]))
			s.arrived = time.Unix(at.Unix())
			return n, nil
		}
	}
	return n, errors.New("the operating system does not say when bytes arrived")
}
