package broker

import (
	"net"
	"sync"
	"syscall"
)

// writeBuffer is what one writer needs. Idle ones are in a pool.
type writeBuffer struct {
	buf      []byte
	rest     []byte // of buf, not written yet
	last     bool   // nothing comes behind rest
	linger   bool   // the same, and the peer is to be told
	blocking bool   // it may block

	try func(fd uintptr) bool // writes rest, for syscall.RawConn
	err error                 // of try
}

func newWriteBuffer() any {
	b := new(writeBuffer)
	b.try = func(fd uintptr) bool {
		var n int
		n, b.err = writeNow(fd, b.rest)
		b.rest = b.rest[max(0, n):]
		return true
	}
	return b
}

// release puts b back into its pool, or lets go of it: one great message must
// not stay in memory.
func (b *writeBuffer) release(pool *sync.Pool) {
	b.rest, b.err = nil, nil
	if cap(b.buf) <= 2*flushBytes {
		pool.Put(b)
	}
}

// write writes rest, or as much of it as goes without blocking.
func (b *writeBuffer) write(nc net.Conn, direct syscall.RawConn) error {
	switch {
	case len(b.rest) == 0:
		return nil
	case b.blocking:
		_, err := nc.Write(b.rest)
		b.rest = nil
		return err
	}
	if err := direct.Write(b.try); err != nil {
		return err
	}
	return b.err
}
