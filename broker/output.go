package broker

import (
	"net"
	"sync"
	"time"
)

const (
	// lastWriteTime bounds how long a peer may take to accept what is written
	// to it after the connection has been given up.
	lastWriteTime = time.Second

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
// in one write. Nothing but the writer goroutine ever blocks on the network.
type output struct {
	nc      net.Conn
	raw     net.Conn      // beneath nc; closing it never blocks, as TLS may
	wake    chan struct{} // has room for one
	done    chan struct{} // closed when the writer ended
	started bool

	mu       sync.Mutex
	room     sync.Cond // control became shorter, or finishing
	control  []byte
	source   source
	finished bool // no more packets; what is in control is the last
	aborted  bool
}

func (o *output) init(nc, raw net.Conn) {
	o.nc, o.raw = nc, raw
	o.wake = make(chan struct{}, 1)
	o.done = make(chan struct{})
	o.room.L = &o.mu
}

// start starts the writer. Recovered is deferred in its goroutine.
func (o *output) start(recovered func()) {
	o.started = true
	go func() {
		defer close(o.done)
		defer recovered()
		o.write()
	}()
	o.signal()
}

// attach sets where messages come from.
func (o *output) attach(s source) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.source = s
}

// signal makes the writer look for something to write.
func (o *output) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// send queues an encoded packet before all messages.
func (o *output) send(packet []byte) {
	o.mu.Lock()
	if !o.finished && !o.aborted {
		o.control = append(o.control, packet...)
	}
	o.mu.Unlock()
	o.signal()
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

// abort ends the writer without writing any more.
func (o *output) abort() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.aborted {
		return
	}
	o.aborted = true
	o.source, o.control = nil, nil
	_ = o.nc.SetWriteDeadline(time.Now())
	o.room.Broadcast()
	o.signal()
}

// closing reports whether the last packet has been queued.
func (o *output) closing() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.finished || o.aborted
}

// wait returns when the writer, if there is one, has ended.
func (o *output) wait() {
	if o.started {
		<-o.done
	}
}

// waitForRoom holds up the reader while too many answers wait to be written.
func (o *output) waitForRoom() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.control) > controlBytes && !o.finished && !o.aborted {
		o.room.Wait()
	}
}

// write is the writer goroutine.
func (o *output) write() {
	var buf []byte
	for range o.wake {
		for {
			batch, last, ok := o.take(buf)
			if !ok {
				return
			}
			if len(batch) > 0 {
				if _, err := o.nc.Write(batch); err != nil {
					o.abort()
					_ = o.raw.Close()
					return
				}
			}
			if last {
				o.closeWrite()
				return
			}
			if len(batch) == 0 {
				if cap(buf) > idleBytes {
					buf = nil
				}
				break
			}
			buf = batch[:0]
			if cap(buf) > 2*flushBytes { // one great message must not stay in memory
				buf = nil
			}
		}
	}
}

// take collects what to write next. It reports whether that is the last, and
// whether to go on at all. Answers and messages are those of one instant: a
// retained message never overtakes its SUBACK.
func (o *output) take(buf []byte) (batch []byte, last, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.aborted {
		return nil, false, false
	}
	batch = append(buf, o.control...)
	if cap(o.control) > idleBytes {
		o.control = nil
	}
	o.control = o.control[:0]
	o.room.Broadcast()
	if o.source != nil {
		batch = o.source.appendNext(batch, time.Now())
	}
	return batch, o.finished, true
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
