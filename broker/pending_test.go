package broker_test

import (
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
)

// AUTHN-13: one address may only have so many connections that are not
// accepted; accepted ones do not count.
func TestAUTHN13PendingPerSource(t *testing.T) {
	b := newServer(t, broker.Limits{PendingPerSource: 2}).listen(open())
	accepted := []*peer{b.connect(v5, "a"), b.connect(v5, "b"), b.connect(v5, "c")}
	first := b.peer()
	b.peer()
	b.peer().gone() // they come in the order of their connects
	for _, p := range accepted {
		p.quiet()
	}
	_ = first.nc.Close()
	eventually(t, "the place that was given back", func() bool {
		p := b.peer()
		p.sendConnect(connectPacket(v5, "d"))
		_, err := p.read()
		return err == nil
	})
}

// AUTHN-13, S-19: the bytes that they make the server hold are bounded, however
// many connections there are.
func TestS19PendingBytes(t *testing.T) {
	b := newServer(t, broker.Limits{PendingBytes: 256 << 10}).listen(open())
	accepted := b.connect(v5, "a")
	closed := make(chan struct{}, 4)
	for range 4 { // of 76,000 bytes each, their own costs included
		p := b.peer()
		p.raw(append([]byte{0x10, 0xF0, 0xFF, 0x0F}, make([]byte, 60_000)...)) // the beginning of a CONNECT
		go func() {
			_, _ = p.nc.Read(make([]byte, 1))
			closed <- struct{}{}
		}()
	}
	select {
	case <-closed: // long before the deadline of a CONNECT, which is 10 s
	case <-time.After(5 * time.Second):
		t.Error("no connection was closed")
	}
	accepted.quiet()
}
