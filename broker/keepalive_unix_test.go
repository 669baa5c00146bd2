//go:build unix

package broker_test

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
)

// A client that is gone without a word is noticed by MQTT's keep alive, one and
// a half times as long as the client said, or by TCP's, which takes 150 s.
func TestTCPKeepAlive(t *testing.T) {
	const off, on = false, true
	for _, test := range []struct {
		keepAlive uint16 // of the client, in seconds
		most      time.Duration
		want      bool
	}{
		{1, 0, off},
		{60, 0, off},
		{100, 0, off}, // 150 s
		{101, 0, on},
		{65535, 0, on},
		{0, 0, on},
		{0, time.Minute, off}, // the server said so in CONNACK
		{65535, time.Minute, off},
	} {
		t.Run(fmt.Sprintf("%d s, at most %v", test.keepAlive, test.most), func(t *testing.T) {
			silent := net.ListenConfig{KeepAlive: -1}
			l, err := silent.Listen(context.Background(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			w := &watched{l, make(chan *net.TCPConn, 1)}
			b := newServer(t, broker.Limits{KeepAlive: test.most}).open(broker.Port{Name: "test", Access: open()}, w)
			c := b.connect(v5, "c", func(c *wire.Connect) { c.KeepAlive = test.keepAlive })
			c.quiet() // what follows CONNACK is done
			if got := tcpKeepAlive(t, <-w.accepted); got != test.want {
				t.Errorf("SO_KEEPALIVE is %v, want %v", got, test.want)
			}
		})
	}
}

func tcpKeepAlive(t *testing.T, c *net.TCPConn) bool {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var value int
	var failed error
	err = raw.Control(func(fd uintptr) {
		value, failed = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
	})
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return value != 0
}
