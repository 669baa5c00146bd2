//go:build unix

package broker

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// directOf returns the way to read from and write to a TCP connection without
// blocking; nil if it is something else, such as a type that embeds one and has
// a Read or Write of its own.
func directOf(nc net.Conn) syscall.RawConn {
	c, ok := nc.(*net.TCPConn)
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

// readNow reads what the socket has now. It fails with errNothing if that is
// nothing.
func readNow(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), b)
		switch {
		case n > 0:
			return n, nil
		case err == nil:
			return 0, io.EOF
		case errors.Is(err, syscall.EAGAIN):
			return 0, errNothing
		case !errors.Is(err, syscall.EINTR):
			return 0, os.NewSyscallError("read", err)
		}
	}
}
