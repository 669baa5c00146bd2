package wire

import (
	"io"
	"strconv"
)

// Sizes of the Reader's buffer in bytes. A connection that waits holds the
// small one. One that sends faster than it is read gets more, up to the large
// one, to need fewer reads.
const (
	smallBuffer = 1 << 10
	largeBuffer = 16 << 10
)

// Reader reads frames. It never allocates what the peer merely claims to send
// (E14, S-19): the buffer grows only when it is full of bytes that arrived, to
// four times its size up to 16 KiB and then to twice, and never beyond the
// packet that it is for. When all is consumed and the last read did not fill
// it, or it is beyond 16 KiB, it is dropped before the Reader waits again. Not
// safe for concurrent use.
type Reader struct {
	r          io.Reader
	small      []byte // kept for the life of the Reader
	buf        []byte
	start, end int   // buf[start:end] is read and not consumed
	err        error // came with the last bytes; to be returned when they are used up
}

// NewReader returns a Reader that reads from r.
func NewReader(r io.Reader) *Reader {
	small := make([]byte, smallBuffer)
	return &Reader{r: r, small: small, buf: small}
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
	r.makeRoom(size)
	for range tries {
		n, err := r.r.Read(r.buf[r.end:])
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

func (r *Reader) failed(err error) error {
	if err == io.EOF && r.Buffered() > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// makeRoom makes sure that the buffer has room behind end.
func (r *Reader) makeRoom(size int) {
	full := r.end == len(r.buf) // the last read took what fitted: there may be more
	if r.start == r.end && (!full || len(r.buf) > largeBuffer) {
		r.buf, r.start, r.end = r.small, 0, 0
		return
	}
	if !full && r.start == 0 {
		return
	}
	pending := r.buf[r.start:r.end]
	if grown := grownSize(len(r.buf), size); full && grown > len(r.buf) {
		r.buf = make([]byte, grown)
	}
	r.start, r.end = 0, copy(r.buf, pending)
}

// grownSize returns the size of the buffer to follow one of n bytes when the
// packet that is being read has size bytes.
func grownSize(n, size int) int {
	if n < largeBuffer {
		return 4 * n
	}
	return min(2*n, max(size, largeBuffer))
}
