//go:build unix

package broker

import (
	"errors"
	"net"
	"syscall"
)

// directOf returns the way to write to a TCP connection without blocking; nil
// if it is something else.
func directOf(nc net.Conn) syscall.RawConn {
	c, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// writeNow writes what the socket takes now, which may be nothing. Package net
// made it non-blocking.
func writeNow(fd uintptr, b []byte) (int, error) {
	n, err := syscall.Write(int(fd), b)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		return 0, nil
	}
	return n, err
}
