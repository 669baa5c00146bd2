package broker_test

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// moments are those at which something happened, to the millisecond, from a
// beginning on.
type moments struct {
	mu    sync.Mutex
	start time.Time
	all   []time.Duration
}

func (m *moments) note() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, time.Since(m.start).Truncate(time.Millisecond))
}

// Observe notes the ends of connections.
func (m *moments) Observe(e broker.Event) {
	if e.Action == broker.ActionDisconnect {
		m.note()
	}
}

// most returns how often it happened at the busiest moment.
func (m *moments) most() int {
	slices.Sort(m.all)
	most, same := 0, 0
	for i, t := range m.all {
		if i == 0 || m.all[i-1] != t {
			same = 0
		}
		same++
		most = max(most, same)
	}
	return most
}

// AUTHZ-13: the clients of a port are sent away within 1.4 seconds, few of them
// in less, and never many at one moment.
func TestAUTHZ13Pace(t *testing.T) {
	for _, test := range []struct {
		clients int
		took    time.Duration // to send them away
		told    int           // at most, at one moment
	}{
		{clients: 1, took: time.Millisecond, told: 1},
		{clients: 10, took: 2 * time.Millisecond, told: 8},
		{clients: 1000, took: 140 * time.Millisecond, told: 8},
		{clients: 15_000, took: 1400 * time.Millisecond, told: 12},
	} {
		t.Run(fmt.Sprint(test.clients), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told moments
				l := newPipes()
				many := broker.Limits{ConnectionsPerSource: 2 * test.clients, ConnectRate: 2 * test.clients, SessionsPerIdentity: 2 * test.clients}
				b := newServer(t, many).open(broker.Port{Access: open()}, l)
				var clients sync.WaitGroup
				for range test.clients {
					p := another(t, l)
					clients.Go(func() {
						p.expect(&wire.Disconnect{Code: wire.AdministrativeAction})
						told.note()
						_ = p.nc.Close()
					})
				}
				told.start = time.Now()
				b.set(open())
				if took := time.Since(told.start); took != test.took {
					t.Errorf("the change took %v, want %v", took, test.took)
				}
				clients.Wait()
				if len(told.all) != test.clients || told.most() > test.told {
					t.Errorf("%d clients were told, up to %d at a moment, want %d and %d", len(told.all), told.most(), test.clients, test.told)
				}
			})
		})
	}
}

// another returns one more client.
func another(t *testing.T, l *pipeListener) *peer {
	t.Helper()
	nc, err := l.dial()
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, nc)
	p.sendConnect(connectPacket(v5, ""))
	if ack := receive[wire.Connack](p); ack.Code != mqttauth.Success {
		t.Fatal(ack)
	}
	return p
}

// A port that closes sends its clients away as a change of its rules does. After
// two seconds it is closed, even if none of them closes its connection.
func TestClosePace(t *testing.T) {
	const clients = 10_000
	for _, test := range []struct {
		name   string
		closes time.Duration // after the beginning, or when the client is told
		took   time.Duration // and some milliseconds at most
	}{
		{"clients who close at once", 0, 1400 * time.Millisecond},
		{"clients who close late", 1900 * time.Millisecond, 1900 * time.Millisecond},
		{"clients who close much later", time.Minute, 2 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told, closed moments
				l := newPipes()
				many := broker.Limits{ConnectionsPerSource: 2 * clients, ConnectRate: 2 * clients, SessionsPerIdentity: 2 * clients}
				b := newServerWith(t, broker.Options{Observer: &closed, Limits: many}).open(broker.Port{Access: open()}, l)
				var peers sync.WaitGroup
				for range clients {
					p := another(t, l)
					peers.Go(func() {
						p.expect(&wire.Disconnect{Code: wire.AdministrativeAction})
						told.note()
						time.Sleep(test.closes - time.Since(told.start))
						_ = p.nc.Close()
					})
				}
				told.start, closed.start = time.Now(), time.Now()
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(told.start); took < test.took || took > test.took+10*time.Millisecond {
					t.Errorf("closing took %v, want %v", took, test.took)
				}
				if len(told.all) != clients || told.most() > 8 {
					t.Errorf("%d clients were told, up to %d at a moment, want %d and 8", len(told.all), told.most(), clients)
				}
				if len(closed.all) != clients {
					t.Errorf("%d connections were closed, want %d", len(closed.all), clients)
				}
				peers.Wait()
			})
		})
	}
}

// A port that closes does not wait for those who have said nothing yet.
func TestCloseBeforeConnect(t *testing.T) {
	bubble(t, func(t *testing.T, b *port) {
		nc, err := b.dial()
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		start := time.Now()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("closing took %v", took)
		}
		if n, err := nc.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("read %d bytes, %v; want the end", n, err)
		}
	})
}

// AUTHZ-13: the will of a client that is sent away is published at once, and not
// when the client closes its connection.
func TestAUTHZ13WillAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, broker.Limits{})
		port := func() *port {
			l := newPipes()
			b := s.open(broker.Port{Access: open()}, l)
			b.dial = l.dial
			return b
		}
		changed, other := port(), port()
		watcher := other.connect(v5, "watcher")
		watcher.subscribe(0, "will")
		changed.connect(v5, "a", will(wire.Will{Topic: "will", Payload: []byte("x")}))
		start := time.Now()
		changed.set(open())
		watcher.message("will", "x")
		if took := time.Since(start); took > 2*time.Millisecond {
			t.Errorf("the will came after %v", took)
		}
	})
}

// AUTHZ-13: that many clients are sent away takes its time, and those who stay do
// not lose their connection by it.
func TestAUTHZ13KeepManyInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 6000
		var ended moments
		many := broker.Limits{ConnectionsPerSource: 3 * each, ConnectRate: 3 * each, SessionsPerIdentity: 3 * each}
		l := newPipes()
		// The rights of each client are others: what is known of one says nothing.
		own := pub("a/{principal.clientId}")
		a := access(t, allow("alice", own), allow("bob", own))
		a.KeepClients = true
		b := newServerWith(t, broker.Options{Observer: &ended, Limits: many}).open(broker.Port{Access: a}, l)
		b.dial = l.dial
		for i := range each {
			for _, name := range []string{"alice", "bob"} {
				p := b.connect(v5, fmt.Sprint(name, i), as(name))
				go func() { _, _ = io.Copy(io.Discard, p.nc); _ = p.nc.Close() }()
			}
		}
		a.Authorization = policy(t, allow("alice", pub("a/+")), allow("bob"))
		b.set(a)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if len(ended.all) != each {
			t.Errorf("%d clients were disconnected, want %d", len(ended.all), each)
		}
	})
}
