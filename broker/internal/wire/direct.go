package wire

import "sync"

// Direct is a source that can wait for bytes without a place to put them.
type Direct interface {
	// ReadInto is [io.Reader.Read] into what r.Bytes returns. Before it waits it
	// calls r.Idle, and r.Bytes again when there is something.
	ReadInto(r Room) (int, error)
}

// Room is where a Direct source puts what it reads.
type Room interface {
	Bytes() []byte // never empty
	Idle()
}

// Buffers are shared by Readers: one that waits for a Direct source needs none.
// The zero value is ready. Safe for concurrent use.
type Buffers struct{ pool sync.Pool }

func (b *Buffers) get() *[largeBuffer]byte {
	if b != nil {
		if p, ok := b.pool.Get().(*[largeBuffer]byte); ok {
			return p
		}
	}
	return new([largeBuffer]byte)
}

func (b *Buffers) put(p *[largeBuffer]byte) {
	if b != nil {
		b.pool.Put(p)
	}
}

// room is the Room of a Reader.
type room Reader

// Bytes returns the rest of a large buffer, or of a larger one if the packet
// needs that.
func (m *room) Bytes() []byte {
	r := (*Reader)(m)
	switch pending := r.Buffered(); {
	case pending == 0 && r.pooled == nil, len(r.buf) < largeBuffer:
		r.usePooled()
	case pending == 0:
		r.start, r.end = 0, 0
	case pending == len(r.buf):
		r.grow()
	case r.end == len(r.buf):
		r.moveDown()
	}
	return r.buf[r.end:]
}

// Idle keeps what is pending, and no more than four times as much room.
func (m *room) Idle() {
	r := (*Reader)(m)
	switch pending := r.Buffered(); {
	case pending == 0:
		r.use(nil)
	case pending < largeBuffer/4:
		r.use(make([]byte, pending))
	}
}
