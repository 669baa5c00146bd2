package customauth_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/internal/devca"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// mode is what a server in a bubble does.
type mode int32

const (
	up       mode = iota // accepts everybody
	down                 // refuses connections
	hanging              // takes requests and never answers
	poisoned             // is cut off by one client's requests
	broken               // answers 500
	gateway              // answers 503
	slow                 // answers after 20 ms
	spent                // we have no file descriptors left
)

// bubble is a server behind in-memory connections, for synctest's time.
type bubble struct {
	*customauth.Method
	mode     atomic.Int32
	dials    atomic.Int64
	requests atomic.Int64
	mu       sync.Mutex
	probes   []time.Time // when requests without credentials came, or connections were refused
}

// inBubble runs f with a method in a time of its own.
func inBubble(t *testing.T, f func(t *testing.T, b *bubble)) {
	inBubbleWith(t, customauth.Config{}, f)
}

// inBubbleWith sets the limits of the method.
func inBubbleWith(t *testing.T, limits customauth.Config, f func(t *testing.T, b *bubble)) {
	synctest.Test(t, func(t *testing.T) {
		long := devca.Spec{NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(100, 0, 0), Hosts: []string{"auth.example"}}
		long.Subject = pkix.Name{CommonName: "auth"}
		root, err := devca.Root(long)
		if err != nil {
			t.Fatal(err)
		}
		server, err := root.Leaf(long)
		if err != nil {
			t.Fatal(err)
		}
		b := new(bubble)
		config := &tls.Config{Certificates: []tls.Certificate{server.TLS()}}
		limits.Endpoint, limits.TLS.RootCAs = "https://auth.example", root.PEM()
		b.Method, err = customauth.NewWithDial(limits,
			func(context.Context, string, string) (net.Conn, error) {
				b.dials.Add(1)
				switch mode(b.mode.Load()) {
				case down:
					b.note()
					return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
				case spent:
					return nil, &net.OpError{Op: "dial", Err: syscall.EMFILE}
				default:
				}
				client, server := net.Pipe()
				go b.serve(tls.Server(server, config))
				return client, nil
			})
		if err != nil {
			t.Fatal(err)
		}
		f(t, b)
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (b *bubble) note() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probes = append(b.probes, time.Now())
}

func (b *bubble) serve(c net.Conn) {
	defer c.Close()
	reader := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		b.requests.Add(1)
		answer := ok("{}")
		switch mode(b.mode.Load()) {
		case hanging:
			hang(c)
			return
		case poisoned:
			if bytes.Contains(body, []byte(`"poison"`)) {
				return
			}
		case broken:
			answer = answered("500 Oops", "text/plain", "")
		case slow:
			time.Sleep(20 * time.Millisecond)
		case gateway:
			answer = answered("503 Service Unavailable", "text/plain", "")
		default:
		}
		if !write(c, answer) {
			return
		}
	}
}

func (b *bubble) ask(t *testing.T, username string) mqttauth.Outcome {
	c := login()
	c.Username = username
	r, err := b.Authenticate(t.Context(), &c)
	return mqttauth.OutcomeOf(r, err)
}

func (b *bubble) wants(t *testing.T, n int, want mqttauth.Outcome) {
	t.Helper()
	for i := range n {
		if got := b.ask(t, "alice"); got != want {
			t.Fatalf("request %d: %v, want %v", i, got, want)
		}
	}
	synctest.Wait()
}

// give gives up the server.
func (b *bubble) give(t *testing.T, m mode) {
	t.Helper()
	b.mode.Store(int32(m))
	b.wants(t, 5, mqttauth.Unavailable)
	time.Sleep(customauth.DefaultTimeout) // for the probe
	synctest.Wait()
	if s := b.Stats(); !s.Open || s.Opened != 1 || s.Probes != 1 || s.InFlight != 0 {
		t.Fatalf("%+v, want the server given up", s)
	}
}

func TestBreakerOpens(t *testing.T) {
	for name, m := range map[string]mode{"down": down, "hanging": hanging, "gateway": gateway} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				b.give(t, m)
			})
		})
	}
}

// While it is open everybody is answered at once, and one probe at a time goes
// out.
func TestBreakerOpen(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.give(t, hanging)
		requests := b.requests.Load()
		time.Sleep(longerThanFirstRest)
		begun := time.Now()
		var all sync.WaitGroup
		var waited atomic.Int64
		for range 100 {
			all.Go(func() {
				if got := b.ask(t, "alice"); got != mqttauth.Unavailable {
					t.Errorf("%v", got)
				}
				if time.Since(begun) > 0 {
					waited.Add(1)
				}
			})
		}
		all.Wait()
		synctest.Wait()
		if got := b.requests.Load() - requests; got != 1 {
			t.Errorf("%d requests went out, want one probe", got)
		}
		if got := waited.Load(); got != 1 {
			t.Errorf("%d clients waited, want the one for whom the probe went out", got)
		}
		b.mode.Store(int32(up))
		b.wants(t, 1, mqttauth.Unavailable) // the next probe is not due
		time.Sleep(time.Minute)
		b.wants(t, 10, mqttauth.Accepted)
		if s := b.Stats(); s.Open || s.Opened != 1 || s.Probes != 3 || s.Accepted != 10 {
			t.Errorf("%+v", s)
		}
	})
}

const longerThanFirstRest = 2 * time.Second

// The rests grow to half a minute.
func TestBreakerRests(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.give(t, down)
		b.mu.Lock()
		b.probes = nil
		b.mu.Unlock()
		for range 120 * 10 {
			b.wants(t, 1, mqttauth.Unavailable)
			time.Sleep(100 * time.Millisecond)
		}
		var last time.Duration
		for i := 1; i < len(b.probes); i++ {
			rest := b.probes[i].Sub(b.probes[i-1])
			if rest < last || rest > 30*time.Second+time.Second {
				t.Errorf("a rest of %v after one of %v", rest, last)
			}
			last = rest
		}
		if n := len(b.probes); n < 5 || n > 8 {
			t.Errorf("%d probes in two minutes", n)
		}
	})
}

// AUTHN-5: one client whose requests the server does not survive does not
// close it to the others.
func TestBreakerOneClient(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.mode.Store(int32(poisoned))
		for range 100 {
			if got := b.ask(t, "poison"); got != mqttauth.Unavailable {
				t.Fatal(got)
			}
		}
		synctest.Wait()
		b.wants(t, 1, mqttauth.Accepted)
		if s := b.Stats(); s.Opened != 0 || s.Probes == 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Only what is unreachable moves the breaker.
func TestBreakerUnmoved(t *testing.T) {
	for name, m := range map[string]mode{"500": broken, "no file descriptors": spent} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				b.mode.Store(int32(m))
				b.wants(t, 50, mqttauth.Failed)
				if s := b.Stats(); s.Opened != 0 || s.Probes != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
	t.Run("callers that give up", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bubble) {
			b.mode.Store(int32(hanging))
			for range 50 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				c := login()
				r, err := b.Authenticate(ctx, &c)
				cancel()
				if got := mqttauth.OutcomeOf(r, err); got != mqttauth.Failed {
					t.Fatalf("AUTHN-8: %v", err)
				}
			}
			if s := b.Stats(); s.Opened != 0 || s.Probes != 0 {
				t.Errorf("%+v", s)
			}
		})
	})
}

// S-24: no answer is remembered, and an outage is not a denial.
func TestNothingIsCached(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		for _, step := range []struct {
			mode mode
			want mqttauth.Outcome
		}{{broken, mqttauth.Failed}, {up, mqttauth.Accepted}, {down, mqttauth.Accepted}, {gateway, mqttauth.Unavailable}, {up, mqttauth.Accepted}} {
			b.mode.Store(int32(step.mode)) // down comes too late: the connection is kept
			b.wants(t, 1, step.want)
		}
	})
}

// Closing ends a probe.
func TestCloseEndsProbe(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.mode.Store(int32(hanging))
		b.wants(t, 5, mqttauth.Unavailable)
		begun := time.Now()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("Close took %v", took)
		}
		if s := b.Stats(); s.Open || s.InFlight != 0 {
			t.Errorf("%+v", s)
		}
	})
}
