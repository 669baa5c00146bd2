package wire

import (
	"io"
	"strconv"
)

// Sizes of buffers in bytes. A Reader whose source cannot wait without one holds
// the small one while it waits, or the idle one if its client turned out to be
// idle. One that is sent more than fits gets more, up to the large one, to need
// fewer reads.
const (
	idleBuffer  = 64
	smallBuffer = 1 << 10
	largeBuffer = 16 << 10
)

// Reader reads frames. It never allocates what the peer merely claims to send
// (E14, S-19): a buffer of more than 16 KiB is made only when the one before is
// full of bytes that arrived, with twice its size, and never beyond the packet
// that it is for. While the Reader waits it holds little more than what arrived
// of a packet. Not safe for concurrent use.
type Reader struct {
	r          io.Reader
	direct     Direct // r, if it can wait without a buffer
	shared     *Buffers
	small      []byte // kept by a Reader that has no direct, while it waits
	buf        []byte
	pooled     *[largeBuffer]byte // buf, if that is one of shared
	start, end int                // buf[start:end] is read and not consumed
	size       int                // of the packet at start; 0: not known yet
	err        error              // came with the last bytes; to be returned when they are used up
}

// NewReader returns a Reader that reads from r, which may be a [Direct].
func NewReader(r io.Reader) *Reader {
	if d, ok := r.(Direct); ok {
		return &Reader{r: r, direct: d}
	}
	small := make([]byte, smallBuffer)
	return &Reader{r: r, small: small, buf: small}
}

// Share makes the Reader take large buffers from b, and give them back.
func (r *Reader) Share(b *Buffers) { r.shared = b }

// Close gives the buffers back. What is not consumed is lost.
func (r *Reader) Close() {
	r.start, r.end = 0, 0
	r.use(nil)
}

// Compact gives back memory that the Reader keeps for the next burst, until that
// comes. It is for clients that turn out to be idle.
func (r *Reader) Compact() {
	if r.Buffered() == 0 && len(r.small) > idleBuffer {
		r.small = make([]byte, idleBuffer)
		r.use(r.small)
	}
}

// Buffered returns the number of bytes that are read already and not yet
// consumed: 0 says that Next is going to read.
func (r *Reader) Buffered() int { return r.end - r.start }

// Next returns the next frame. Its Body is valid until the next call. The whole
// packet, fixed header included, may have at most max bytes; a larger one is
// refused with PacketTooLarge as soon as its length is known, before its body
// is read or room made for it.
//
// io.EOF comes only between packets, within one it is io.ErrUnexpectedEOF. An
// *Error says that the peer broke the protocol; it comes again with every
// further call. Other errors are those of the underlying reader, and Next can
// be called again after them (a deadline, for example): no byte is lost.
func (r *Reader) Next(max int) (Frame, error) {
	for {
		f, header, size, err := parseHeader(r.buf[r.start:r.end], max)
		if err != nil {
			return Frame{}, err
		}
		if header > 0 && r.Buffered() >= size {
			f.Body = r.buf[r.start+header : r.start+size : r.start+size]
			r.start += size
			return f, nil
		}
		if err := r.fill(size); err != nil {
			return Frame{}, err
		}
	}
}

// parseHeader reads the fixed header (section 2.1) that b begins with. It
// returns the number of its bytes and of those of the whole packet, both 0
// when more bytes are needed to tell.
func parseHeader(b []byte, max int) (f Frame, header, size int, err error) {
	if len(b) == 0 {
		return f, 0, 0, nil
	}
	f = Frame{Type: Type(b[0] >> 4), Flags: b[0] & 0xF}
	if f.Type == 0 {
		return f, 0, 0, &Error{Code: MalformedPacket, Detail: "packet type 0 is reserved"}
	}
	n := 0
	for i, c := range b[1:] {
		n |= int(c&0x7F) << (7 * i)
		if c < 0x80 {
			header = 2 + i
			break
		}
		if i == 3 { // four bytes are the most (E15)
			return f, 0, 0, &Error{Code: MalformedPacket, Detail: f.Type.String() + ": remaining length at byte 1 takes more than 4 bytes"}
		}
	}
	if header == 0 {
		return f, 0, 0, nil
	}
	size = header + n
	if size > max {
		return f, 0, 0, &Error{Code: PacketTooLarge, Detail: f.Type.String() + ": packet of " + strconv.Itoa(size) + " bytes, at most " + strconv.Itoa(max) + " are accepted"}
	}
	f.padded = header > 1+varintLen(n)
	return f, header, size, nil
}

// fill reads more bytes of the packet at start, which has size bytes; 0: not
// known yet.
func (r *Reader) fill(size int) error {
	const tries = 100 // as package bufio
	if err := r.err; err != nil {
		r.err = nil
		return r.failed(err)
	}
	r.size = size
	for range tries {
		n, err := r.read()
		if n > 0 {
			r.end += n
			r.err = err
			return nil
		}
		if err != nil {
			return r.failed(err)
		}
	}
	return io.ErrNoProgress
}

func (r *Reader) read() (int, error) {
	if r.direct != nil {
		return r.direct.ReadInto((*room)(r))
	}
	r.makeRoom()
	return r.r.Read(r.buf[r.end:])
}

func (r *Reader) failed(err error) error {
	if err == io.EOF && r.Buffered() > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// makeRoom makes sure that the buffer has room behind end, for a source that may
// wait then.
func (r *Reader) makeRoom() {
	full := r.end == len(r.buf) // the last read took what fitted: there may be more
	if r.start == r.end && (!full || len(r.buf) > largeBuffer) {
		r.use(r.small)
		return
	}
	if !full && r.start == 0 {
		return
	}
	if full {
		r.grow()
	}
	r.moveDown()
}

// use takes another buffer, which holds what is pending, and gives back the one
// before.
func (r *Reader) use(b []byte) {
	n := copy(b, r.buf[r.start:r.end])
	if r.pooled != nil {
		r.shared.put(r.pooled)
		r.pooled = nil
	}
	r.buf, r.start, r.end = b, 0, n
}

// usePooled is use for a shared buffer.
func (r *Reader) usePooled() {
	p := r.shared.get()
	r.use(p[:])
	r.pooled = p
}

// grow takes a larger buffer, if there may be one.
func (r *Reader) grow() {
	switch grown := grownSize(len(r.buf), r.size); {
	case grown == len(r.buf):
	case grown == largeBuffer:
		r.usePooled()
	default:
		r.use(make([]byte, grown))
		if grown == smallBuffer { // not idle any more
			r.small = r.buf
		}
	}
}

// moveDown moves what is pending to the beginning.
func (r *Reader) moveDown() {
	r.start, r.end = 0, copy(r.buf, r.buf[r.start:r.end])
}

// grownSize returns the size of the buffer to follow one of n bytes when the
// packet that is being read has size bytes.
func grownSize(n, size int) int {
	switch {
	case n < smallBuffer:
		return smallBuffer
	case n < largeBuffer:
		return 4 * n
	default:
		return min(2*n, max(size, largeBuffer))
	}
}
