package broker

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// lastWriteTime bounds how long a peer may take to accept what is written
	// to it after the connection has been given up.
	lastWriteTime = 500 * time.Millisecond

	// lingerTime and lingerBytes bound how long, and how much, is read and
	// forgotten after our last packet.
	lingerTime  = time.Second
	lingerBytes = 4 << 20

	// controlBytes is how much may wait besides messages before the client's
	// own packets are not read any more.
	controlBytes = 64 << 10

	// flushBytes is about how much one write carries.
	flushBytes = 64 << 10

	// idleBytes is the size above which an idle writer gives its buffer back.
	idleBytes = 4 << 10
)

// source is where messages come from: the session. It appends encoded packets
// to dst, up to about flushBytes.
type source interface {
	appendNext(dst []byte, now time.Time) []byte
}

// output writes to a client: answers first, then messages, as much as there is
// in one write. Nothing but the writer goroutine ever blocks on the network. It
// runs while there is something that could not be written without blocking: an
// idle connection costs no stack for it and no buffer.
type output struct {
	nc        net.Conn
	raw       net.Conn        // beneath nc; closing it never blocks, as TLS may
	direct    syscall.RawConn // of nc, if it can be written to without blocking
	buffers   *sync.Pool
	recovered func() // deferred by the writer

	writer atomic.Uint32 // what it does: one of the constants below
	done   chan struct{} // closed when there is never going to be one again

	mu       sync.Mutex
	room     sync.Cond // control became shorter, or finishing
	control  []byte
	source   source
	finished bool // no more packets; what is in control is the last
	parted   bool // and the client expects nothing more
	aborted  bool
}

// States of the writer.
const (
	writerOff   uint32 = iota // not to run yet
	writerIdle                // has nothing to write
	writerBusy                // runs
	writerAgain               // runs, and has been told that there is more
	writerEnded               // never to run again
)

func (o *output) init(nc, raw net.Conn, buffers *sync.Pool) {
	o.nc, o.raw, o.buffers = nc, raw, buffers
	o.direct = directOf(nc)
	o.done = make(chan struct{})
	o.room.L = &o.mu
}

// over says what to write to from now on.
func (o *output) over(nc net.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.nc, o.direct = nc, directOf(nc)
}

// start allows the writer to run. Recovered is deferred in its goroutine.
func (o *output) start(recovered func()) {
	o.recovered = recovered
	o.writer.Store(writerIdle)
	o.flush()
}

// attach sets where messages come from.
func (o *output) attach(s source) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.source = s
}

// signal makes the writer look for something to write.
func (o *output) signal() {
	if o.claim() {
		o.spawn()
	}
}

// spawn runs the writer in a goroutine of its own.
func (o *output) spawn() {
	b := o.buffers.Get().(*writeBuffer)
	b.blocking = true
	go o.run(b)
}

// claim reports whether the caller is to be the writer. If there is one, that
// will look again.
func (o *output) claim() bool {
	for {
		switch o.writer.Load() {
		case writerIdle:
			if o.writer.CompareAndSwap(writerIdle, writerBusy) {
				return true
			}
		case writerBusy:
			if o.writer.CompareAndSwap(writerBusy, writerAgain) {
				return false
			}
		default:
			return false
		}
	}
}

// send queues an encoded packet before all messages.
func (o *output) send(packet []byte) {
	o.queue(packet)
	o.signal()
}

// queue is send for what signal follows later.
func (o *output) queue(packet []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.finished && !o.aborted {
		o.control = append(o.control, packet...)
	}
}

// sendBefore runs f and queues the packet that it returns before all messages,
// those that f queued included.
func (o *output) sendBefore(f func() []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	packet := f()
	if !o.finished && !o.aborted {
		o.control = append(o.control, packet...)
	}
	o.signal()
}

// finish queues the last packet, which may be nil, and closes after it.
func (o *output) finish(last []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.finished || o.aborted {
		return
	}
	o.finished = true
	o.control = append(o.control, last...)
	o.source = nil
	// The writer may be stuck in a write to a peer that does not read.
	_ = o.nc.SetWriteDeadline(time.Now().Add(lastWriteTime))
	_ = o.nc.SetReadDeadline(time.Now().Add(lastWriteTime + lingerTime))
	o.room.Broadcast()
	o.signal()
}

// part is finish for a client that said goodbye: there is nothing to linger for.
// Flush follows.
func (o *output) part() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.finished || o.aborted {
		return
	}
	o.finished, o.parted = true, true
	o.source = nil
	_ = o.nc.SetWriteDeadline(time.Now().Add(lastWriteTime))
	o.room.Broadcast()
}

// abort ends the writer without writing any more.
func (o *output) abort() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.aborted {
		return
	}
	o.aborted = true
	o.source, o.control = nil, nil
	o.room.Broadcast()
	if o.claim() { // nobody writes, and nobody will
		o.ended()
		return
	}
	_ = o.nc.SetWriteDeadline(time.Now())
}

// closing reports whether the last packet has been queued.
func (o *output) closing() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.finished || o.aborted
}

// wait returns when the writer, if there ever was one, has ended. It comes after
// finish or abort.
func (o *output) wait() {
	if o.writer.Load() != writerOff {
		<-o.done
	}
}

// full reports whether too many answers wait to be written.
func (o *output) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.control) > controlBytes
}

// waitForRoom holds up the reader while too many answers wait to be written.
func (o *output) waitForRoom() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.control) > controlBytes && !o.finished && !o.aborted {
		o.room.Wait()
	}
}

// flush writes what there is, as signal does, and if it can, at once and without
// blocking: that saves a goroutine. The caller holds no lock.
func (o *output) flush() {
	if o.direct == nil {
		o.signal()
		return
	}
	if o.claim() {
		b := o.buffers.Get().(*writeBuffer)
		b.blocking = false
		o.run(b)
	}
}

// run is the writer, as a goroutine of its own or within flush.
func (o *output) run(b *writeBuffer) {
	next := writerEnded // also after a panic
	defer func() {
		if next == writerEnded {
			o.ended()
		}
	}()
	defer o.recovered()
	next = o.write(b)
	if next == writerBusy {
		b.blocking = true
		go o.run(b)
		return
	}
	b.release(o.buffers)
}

// ended is what the last writer does last.
func (o *output) ended() {
	o.writer.Store(writerEnded)
	close(o.done)
}

// write writes what there is. It returns what becomes of the writer: idle, then
// somebody else may be it already; ended; or still busy, when b must not block
// and there is more to do.
func (o *output) write(b *writeBuffer) (next uint32) {
	for {
		ok := len(b.rest) > 0 || o.take(b)
		if !ok {
			return writerEnded
		}
		some := len(b.rest) > 0
		if err := b.write(o.nc, o.direct); err != nil {
			o.abort()
			_ = o.raw.Close()
			return writerEnded
		}
		switch {
		case len(b.rest) > 0, !b.blocking && len(b.buf) >= flushBytes:
			return writerBusy
		case b.linger:
			o.closeWrite()
			return writerEnded
		case b.last:
			return writerEnded
		case some: // there may be more
		case o.writer.CompareAndSwap(writerBusy, writerIdle):
			return writerIdle
		default:
			o.writer.Store(writerBusy)
		}
	}
}

// take puts into b what to write next. It fails when the writer is to end
// without another word. Answers and messages are those of one instant: a
// retained message never overtakes its SUBACK.
func (o *output) take(b *writeBuffer) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.aborted {
		return false
	}
	b.buf = append(b.buf[:0], o.control...)
	if cap(o.control) > idleBytes {
		o.control = nil
	}
	o.control = o.control[:0]
	o.room.Broadcast()
	if o.source != nil {
		b.buf = o.source.appendNext(b.buf, time.Now())
	}
	b.rest, b.last = b.buf, o.finished
	b.linger = o.finished && !(o.parted && o.direct != nil)
	return true
}

// closeWrite tells the peer that nothing more comes. The reader goes on for a
// moment and then closes the connection: closing at once with unread bytes
// would destroy the last packet on its way.
func (o *output) closeWrite() {
	if w, ok := o.nc.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite()
	}
	_ = o.nc.SetReadDeadline(time.Now().Add(lingerTime))
}
