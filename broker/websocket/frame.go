package websocket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/gobwas/ws"
)

// deframer takes the payload out of what a client sends. The zero value is
// ready for the first frame.
type deframer struct {
	head [maxHeader]byte // the header of a frame, as far as it has come
	have int             // bytes in head

	open       bool // the header of a frame has come, its end has not
	frame      ws.Header
	left       int64  // payload bytes of the frame still to come
	fragmented bool   // frames of the message are still to come
	control    []byte // payload of a control frame

	end    error // nothing follows: the last frame has come, or a bad one
	status ws.StatusCode
}

// maxHeader is the size of the greatest header of a client's frame.
const maxHeader = 2 + 8 + 4

// take moves the data in b to the front of b and returns its length. Pong is
// called with the payload of each Ping frame.
func (d *deframer) take(b []byte, pong func([]byte)) int {
	data := b[:0]
	for len(b) > 0 && d.end == nil {
		n := 0
		if !d.open {
			n = d.header(b)
		} else {
			n = int(min(d.left, int64(len(b))))
			data = d.payload(data, b[:n])
		}
		b = b[n:]
		if d.open && d.left == 0 {
			d.complete(pong)
		}
	}
	return len(data)
}

// header takes bytes of a header and returns how many.
func (d *deframer) header(b []byte) int {
	n := copy(d.head[d.have:d.headerSize()], b)
	d.have += n
	if d.have < 2 || d.have < d.headerSize() {
		return n
	}
	d.have = 0
	if err := d.parse(); err != nil {
		d.fail(ws.StatusProtocolError, fmt.Errorf("websocket: frame: %w", err))
		return n
	}
	if d.frame.OpCode == ws.OpText {
		d.fail(ws.StatusUnsupportedData, errText)
		return n
	}
	d.open, d.left = true, d.frame.Length
	return n
}

// headerSize returns the size of the header, as far as its bytes tell.
func (d *deframer) headerSize() int {
	size := 2
	if d.have < 2 {
		return size
	}
	switch d.head[1] & 0x7F {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if d.head[1]&0x80 != 0 {
		size += 4
	}
	return size
}

var errLength = errors.New("length is not in the shortest form")

// parse reads the header in head (RFC 6455 section 5.2).
func (d *deframer) parse() error {
	h := ws.Header{
		Fin:    d.head[0]&0x80 != 0,
		Rsv:    d.head[0] >> 4 & 7,
		OpCode: ws.OpCode(d.head[0] & 0xF),
		Masked: d.head[1]&0x80 != 0,
	}
	length, least, rest := uint64(d.head[1]&0x7F), uint64(0), d.head[2:]
	switch length {
	case 126:
		length, least, rest = uint64(binary.BigEndian.Uint16(rest)), 126, rest[2:]
	case 127:
		length, least, rest = binary.BigEndian.Uint64(rest), 1<<16, rest[8:]
	}
	if length < least || length > math.MaxInt64 {
		return errLength
	}
	h.Length = int64(length)
	copy(h.Mask[:], rest) // of a frame that has none, refused below
	d.frame = h
	state := ws.StateServerSide
	if d.fragmented {
		state = state.Set(ws.StateFragmented)
	}
	return ws.CheckHeader(h, state)
}

// payload takes bytes of a frame's payload and appends them to data if they are.
func (d *deframer) payload(data, b []byte) []byte {
	ws.Cipher(b, d.frame.Mask, int((d.frame.Length-d.left)&3))
	d.left -= int64(len(b))
	if d.frame.OpCode.IsControl() {
		d.control = append(d.control, b...) // 125 bytes at most
		return data
	}
	return append(data, b...)
}

// complete handles the end of a frame.
func (d *deframer) complete(pong func([]byte)) {
	d.open = false
	switch d.frame.OpCode {
	case ws.OpPing:
		pong(d.control)
	case ws.OpClose:
		d.fail(over(d.control))
	case ws.OpPong:
	default:
		d.fragmented = !d.frame.Fin
	}
	d.control = d.control[:0]
}

func (d *deframer) fail(status ws.StatusCode, err error) { d.status, d.end = status, err }

// appendHeader appends the header of a server's frame of n bytes.
func appendHeader(dst []byte, op ws.OpCode, n int) []byte {
	dst = append(dst, 0x80|byte(op)) // whole message
	switch {
	case n < 126:
		return append(dst, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
	}
}
