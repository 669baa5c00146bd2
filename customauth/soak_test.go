package customauth_test

import (
	"errors"
	"flag"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

var exchanges = flag.Int64("exchanges", 300, "how many faulty exchanges TestSoak goes through")

// TestSoak: goroutines and memory are back to the start after many faulty
// exchanges, and none of them accepted (CUST-6).
//
//	go test -run TestSoak -exchanges 10000 ./customauth
func TestSoak(t *testing.T) {
	faults := []func(net.Conn, int) bool{
		then("", hang), then(head, hang), then("", cut), then("HTTP/1.1 20", cut), says(ok("{")), says(ok(`{"attributes":{"a":1}}`)),
		then(head+"Content-Length: 2\n\n{", hang), then(head+"Content-Length: 3\n\n{}", cut), then(head+"\n{", forever(strings.Repeat(" ", 1<<14))),
		then("HTTP/1.1 200 OK\n", forever("X: y\n")), then("", forever("HTTP/1.1 103 Early Hints\n\n")),
		says(answered("403 Forbidden", "application/json", "{")), says(answered("500 Oops", "text/plain", strings.Repeat("x", 60000))),
		then("HTTP/1.1 101 Switching Protocols\nUpgrade: x\nConnection: upgrade\n\n", hang), says("HTTP/1.1 302 Found\nContent-Length: 0\n\n"),
	}
	server := script{answer: func(c net.Conn, n int) bool { return faults[n%len(faults)](c, n) }}
	goroutines, heap := atRest(t, 0)
	t.Run("exchanges", func(t *testing.T) {
		f := server.start(t)
		m := method(t, customauth.Config{Endpoint: f.url(), Timeout: impatient, MaxConcurrent: 8})
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for f.requests.Load() < *exchanges {
					c := login()
					r, err := m.Authenticate(t.Context(), &c)
					if mqttauth.OutcomeOf(r, err) == mqttauth.Accepted {
						t.Error("accepted")
					}
					// A server that was given up is asked nothing until a probe reaches it.
					// Eight that came back at once would leave the probe no processor.
					if errors.Is(err, mqttauth.ErrUnavailable) {
						time.Sleep(5 * time.Millisecond)
					}
				}
			})
		}
		all.Wait()
		t.Logf("%d exchanges, %+v", f.requests.Load(), m.Stats())
	})
	after, heapAfter := atRest(t, goroutines)
	if after > goroutines {
		t.Errorf("%d goroutines, %d before", after, goroutines)
	}
	if heapAfter > heap+2<<20 {
		t.Errorf("%d bytes of heap, %d before", heapAfter, heap)
	}
}

// atRest counts goroutines and heap once those that are ending have ended.
func atRest(t *testing.T, want int) (goroutines int, heap uint64) {
	t.Helper()
	var memory runtime.MemStats
	for end := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		runtime.GC()
		runtime.ReadMemStats(&memory)
		if n := runtime.NumGoroutine(); want == 0 || n <= want || time.Now().After(end) {
			return n, memory.HeapAlloc
		}
	}
}

// CUST-6: a server that hangs holds as many connections as configured.
func TestStalledServerIsBounded(t *testing.T) {
	f := script{answer: then("", hang)}.start(t)
	m := method(t, customauth.Config{Endpoint: f.url(), Timeout: impatient, MaxConcurrent: 4, MaxWaiting: 8, MaxWait: 10 * time.Millisecond})
	var all sync.WaitGroup
	var counts [mqttauth.Accepted + 1]atomic.Int64
	for range 200 {
		all.Go(func() {
			c := login()
			r, err := m.Authenticate(t.Context(), &c)
			counts[mqttauth.OutcomeOf(r, err)].Add(1)
		})
	}
	all.Wait()
	if got := f.mostOpen.Load(); got > 4 {
		t.Errorf("%d connections, want 4 at most", got)
	}
	found, turned := counts[mqttauth.Unavailable].Load(), counts[mqttauth.Failed].Load()
	if found < 4 || found+turned != 200 {
		t.Errorf("%d found an outage and %d were told to come back, of 200", found, turned)
	}
}
