package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
)

// publishOf returns a whole QoS 0 PUBLISH packet of 3.1.1 of n bytes.
func publishOf(t testing.TB, n int) []byte {
	t.Helper()
	for payload := max(0, n-9); payload < n; payload++ {
		p := wire.Publish{Topic: "t", Payload: bytes.Repeat([]byte{'x'}, payload)}
		if b := p.Append(nil, v311); len(b) == n {
			return b
		}
	}
	t.Fatalf("no packet has %d bytes", n)
	return nil
}

func TestReaderChunks(t *testing.T) {
	var stream []byte
	var want []string
	for _, n := range []int{6, 129, 131, 1023, 1024, 1025, 5000, 16384, 40000, 7, 8, 200000} {
		b := publishOf(t, n)
		stream = append(stream, b...)
		stream = append(stream, 0xC0, 0) // PINGREQ
		want = append(want, fmt.Sprintf("PUBLISH 0 %d", n), "PINGREQ 0 2")
	}
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"whole":    func(r io.Reader) io.Reader { return r },
		"one byte": iotest.OneByteReader,
		"half":     iotest.HalfReader,
		"data and error": func(r io.Reader) io.Reader {
			return iotest.DataErrReader(r)
		},
		"random": func(r io.Reader) io.Reader { return &chunkReader{r, rand.New(rand.NewPCG(1, 2))} },
		"direct": func(r io.Reader) io.Reader { return &directReader{Reader: r} },
		"direct, one byte": func(r io.Reader) io.Reader {
			return &directReader{Reader: iotest.OneByteReader(r), waits: func() bool { return true }}
		},
		"direct, random": func(r io.Reader) io.Reader {
			rnd := rand.New(rand.NewPCG(1, 2))
			return &directReader{Reader: &chunkReader{r, rnd}, waits: func() bool { return rnd.IntN(2) == 0 }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := wire.NewReader(wrap(bytes.NewReader(stream)))
			var got []string
			for {
				f, err := r.Next(1 << 20)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				size := len(f.Body) + 1 + len(varint(len(f.Body)))
				got = append(got, fmt.Sprintf("%v %d %d", f.Type, f.Flags, size))
				if f.Type == wire.PINGREQ {
					r.Compact()
				}
				if p := new(wire.Publish); f.Type == wire.PUBLISH {
					if err := p.Decode(f, v311); err != nil || len(bytes.Trim(p.Payload, "x")) != 0 {
						t.Fatalf("payload damaged (%v)", err)
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// chunkReader reads a random number of bytes at a time, sometimes none.
type chunkReader struct {
	r   io.Reader
	rnd *rand.Rand
}

func (c *chunkReader) Read(b []byte) (int, error) {
	return c.r.Read(b[:min(len(b), c.rnd.IntN(50)*c.rnd.IntN(50))])
}

// directReader is a wire.Direct that sometimes has to wait.
type directReader struct {
	io.Reader
	waits func() bool // nil: never
	idle  func()      // is called while it waits; may be nil
}

func (d *directReader) ReadInto(r wire.Room) (int, error) {
	b := r.Bytes()
	if d.waits != nil && d.waits() {
		clear(b) // as somebody else would write to it
		r.Idle()
		if d.idle != nil {
			d.idle()
		}
		b = r.Bytes()
	}
	return d.Read(b)
}

// TestS19IdleReader: while a Reader waits, what it holds is at most four times
// what arrived of a packet, and nothing between packets.
func TestS19IdleReader(t *testing.T) {
	for _, size := range []int{8, 1000, 4095, 4096, 4097, 16384, 100_000} {
		stream := append(publishOf(t, size), 0xC0, 0)
		var shared wire.Buffers
		counted := &probeReader{r: iotest.OneByteReader(bytes.NewReader(stream)), before: func() {}}
		source := &directReader{Reader: counted, waits: func() bool { return true }}
		r := wire.NewReader(source)
		r.Share(&shared)
		done := 0 // bytes of packets that were returned
		source.idle = func() {
			pending := counted.total - done
			if held := r.BufferSize(); held > 4*pending {
				t.Fatalf("size %d: %d bytes of a packet arrived, %d are held", size, pending, held)
			}
		}
		for _, n := range []int{size, 2} {
			if _, err := r.Next(size); err != nil {
				t.Fatal(err)
			}
			done += n
		}
		if _, err := r.Next(size); err != io.EOF {
			t.Fatal(err)
		}
	}
}

func TestReaderEnd(t *testing.T) {
	whole := publishOf(t, 300)
	for n := range whole {
		r := wire.NewReader(bytes.NewReader(whole[:n]))
		_, err := r.Next(1000)
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if err != want {
			t.Fatalf("after %d of %d bytes: %v, want %v", n, len(whole), err, want)
		}
	}
}

func TestReaderRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		bytes string
		max   int
		err   error
	}{
		{"as large as allowed", "C0 00", 2, nil},
		{"one byte too large", "C0 00", 1, &wire.Error{Code: wire.PacketTooLarge}},
		{"nothing allowed", "C0 00", 0, &wire.Error{Code: wire.PacketTooLarge}},
		{"negative limit", "C0 00", -1, &wire.Error{Code: wire.PacketTooLarge}},
		{"E14 too large by its own word, body not there", "30 FF FF FF 7F", 256 << 10, &wire.Error{Code: wire.PacketTooLarge}},
		{"padded length counts its bytes", "30 83 80 00 0001 74", 6, &wire.Error{Code: wire.PacketTooLarge}},
		{"padded length of 4 bytes", "C0 80 80 80 00", 5, nil},
		{"E15 length of 5 bytes", "30 80 80 80 80 00", 1 << 20, &wire.Error{Code: wire.MalformedPacket}},
		{"E15 refused before the fifth byte", "30 FF FF FF FF", 1 << 20, &wire.Error{Code: wire.MalformedPacket}},
		{"type 0", "00 00", 1 << 20, &wire.Error{Code: wire.MalformedPacket}},
		{"type 0 is refused at once", "0F", 1 << 20, &wire.Error{Code: wire.MalformedPacket}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := wire.NewReader(iotest.OneByteReader(bytes.NewReader(unhex(t, tt.bytes))))
			_, err := r.Next(tt.max)
			var want *wire.Error
			if !errors.As(tt.err, &want) {
				if err != nil {
					t.Fatalf("Next: %v", err)
				}
				return
			}
			checkError(t, err, want.Code)
			_, again := r.Next(tt.max)
			checkError(t, again, want.Code)
		})
	}
}

// TestReaderResumes: after an error of the connection, such as a deadline,
// nothing is lost.
func TestReaderResumes(t *testing.T) {
	whole := publishOf(t, 3000)
	var parts []io.Reader
	for b := whole; len(b) > 0; b = b[min(len(b), 700):] {
		parts = append(parts, &failing{data: b[:min(len(b), 700)], err: os.ErrDeadlineExceeded})
	}
	r := wire.NewReader(&sequence{parts})
	for failures := 0; ; failures++ {
		f, err := r.Next(4000)
		if err == nil {
			if failures != 4 || len(f.Body) != 3000-3 {
				t.Errorf("%d failures, body of %d bytes", failures, len(f.Body))
			}
			return
		}
		if err != os.ErrDeadlineExceeded {
			t.Fatal(err)
		}
	}
}

// failing yields data once, then err once, then the end.
type failing struct {
	data []byte
	err  error
}

func (f *failing) Read(b []byte) (int, error) {
	if len(f.data) > 0 {
		n := copy(b, f.data)
		f.data = f.data[n:]
		return n, nil
	}
	err := f.err
	f.err = io.EOF
	return 0, err
}

// sequence is io.MultiReader for readers that fail in between.
type sequence struct{ readers []io.Reader }

func (s *sequence) Read(b []byte) (int, error) {
	for len(s.readers) > 0 {
		n, err := s.readers[0].Read(b)
		if err != io.EOF {
			return n, err
		}
		s.readers = s.readers[1:]
	}
	return 0, io.EOF
}

func TestReaderNoProgress(t *testing.T) {
	r := wire.NewReader(stuck{})
	if _, err := r.Next(100); err != io.ErrNoProgress {
		t.Errorf("Next: %v, want %v", err, io.ErrNoProgress)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// TestS19ReaderBuffer: the buffer follows what arrived, not what is claimed,
// and a grown one is gone when the Reader waits again.
func TestS19ReaderBuffer(t *testing.T) {
	const size = 256 << 10
	whole := publishOf(t, size)
	pr, pw := io.Pipe()
	probe := &probeReader{r: pr}
	r := wire.NewReader(probe)
	sizes := make(chan [2]int, 1)
	probe.before = func() { sizes <- [2]int{probe.total, r.BufferSize()} }
	go func() {
		for b := whole; len(b) > 0; b = b[min(len(b), 1000):] {
			_, _ = pw.Write(b[:min(len(b), 1000)])
		}
		_ = pw.Close()
	}()
	done := make(chan error, 1)
	go func() {
		_, err := r.Next(size)
		if err == nil {
			_, err = r.Next(size)
		}
		close(sizes)
		done <- err
	}()
	last := 0
	for s := range sizes {
		arrived, buffer := s[0], s[1]
		if limit := max(16<<10, 2*arrived); buffer > limit {
			t.Fatalf("%d bytes arrived, buffer has %d", arrived, buffer)
		}
		last = buffer
	}
	if err := <-done; err != io.EOF {
		t.Fatalf("Next: %v", err)
	}
	if last != 1<<10 {
		t.Errorf("a waiting Reader holds %d bytes", last)
	}
}

// probeReader calls before ahead of every Read.
type probeReader struct {
	r      io.Reader
	before func()
	total  int
}

func (p *probeReader) Read(b []byte) (int, error) {
	p.before()
	n, err := p.r.Read(b)
	p.total += n
	return n, err
}

func TestReaderBuffered(t *testing.T) {
	r := wire.NewReader(bytes.NewReader(unhex(t, "C0 00 D0 00 E0 00")))
	for _, want := range []int{4, 2, 0} {
		if _, err := r.Next(2); err != nil || r.Buffered() != want {
			t.Errorf("Buffered is %d after %v, want %d", r.Buffered(), err, want)
		}
	}
}

func TestFrameClone(t *testing.T) {
	f := frame(t, unhex(t, "30 04 0001 74 61"))
	c := f.Clone()
	clear(f.Body)
	var p wire.Publish
	if err := p.Decode(c, v311); err != nil || p.Topic != "t" || string(p.Payload) != "a" {
		t.Errorf("the clone changed: %v %q %q", err, p.Topic, p.Payload)
	}
}

// FuzzReader compares the Reader, fed in random chunks, with a naive one that
// has all bytes at hand.
func FuzzReader(f *testing.F) {
	f.Add([]byte("\xC0\x00\x30\x05\x00\x01tab"), uint64(1), 10)
	f.Add([]byte("\x30\xFF\xFF\xFF\x7F"), uint64(2), 1000)
	f.Add([]byte("\xC0\x80\x80\x80\x80\x00"), uint64(3), 1000)
	f.Add(bytes.Repeat([]byte("\x30\xB8\x17\x00\x01t"), 1000), uint64(4), 1<<20)
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64, limit int) {
		limit = min(limit, 1<<20)
		rnd := rand.New(rand.NewPCG(seed, 0))
		var source io.Reader = &chunkReader{bytes.NewReader(stream), rnd}
		if seed%2 == 0 {
			source = &directReader{Reader: source, waits: func() bool { return rnd.IntN(2) == 0 }}
		}
		var shared wire.Buffers
		r := wire.NewReader(source)
		r.Share(&shared)
		other := wire.NewReader(&directReader{Reader: endless{}})
		other.Share(&shared)
		for rest := stream; ; {
			got, err := r.Next(limit)
			_, _ = other.Next(2) // must not touch what got has
			want, n, wantErr := naiveNext(rest, limit)
			if err != nil || wantErr != nil {
				var e *wire.Error
				if errors.As(err, &e) {
					err = errors.New(e.Code.String())
				}
				if fmt.Sprint(err) != fmt.Sprint(wantErr) {
					t.Fatalf("error %v, want %v", err, wantErr)
				}
				return
			}
			if got.Type != want.Type || got.Flags != want.Flags || !bytes.Equal(got.Body, want.Body) {
				t.Fatalf("frame %v, want %v", got, want)
			}
			if r.BufferSize() > max(16<<10, limit) {
				t.Fatalf("buffer of %d bytes for packets of %d", r.BufferSize(), limit)
			}
			rest = rest[n:]
		}
	})
}

// endless is a client that pings.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return copy(b, "\xC0\x00"), nil }

// naiveNext returns the first frame of b and its size.
func naiveNext(b []byte, limit int) (wire.Frame, int, error) {
	if len(b) == 0 {
		return wire.Frame{}, 0, io.EOF
	}
	if b[0] < 16 {
		return wire.Frame{}, 0, errors.New(wire.MalformedPacket.String())
	}
	length, factor := 0, 1
	for i := 1; i < 5; i++ {
		if i == len(b) {
			return wire.Frame{}, 0, io.ErrUnexpectedEOF
		}
		length += int(b[i]%128) * factor
		factor *= 128
		if b[i] >= 128 {
			continue
		}
		end := i + 1 + length
		switch {
		case end > limit:
			return wire.Frame{}, 0, errors.New(wire.PacketTooLarge.String())
		case end > len(b):
			return wire.Frame{}, 0, io.ErrUnexpectedEOF
		}
		return wire.Frame{Type: wire.Type(b[0] / 16), Flags: b[0] % 16, Body: b[i+1 : end]}, end, nil
	}
	return wire.Frame{}, 0, errors.New(wire.MalformedPacket.String())
}

// A Reader that is idle gives its buffer back, and takes it again once.
func TestReaderCompact(t *testing.T) {
	packet := publishOf(t, 700)
	input := new(bytes.Buffer)
	r := wire.NewReader(input)
	next := func() {
		input.Write(packet)
		f, err := r.Next(1000)
		if err != nil || len(f.Body) != len(packet)-3 {
			t.Fatalf("Next: %d bytes, %v", len(f.Body), err)
		}
	}
	for range 3 {
		r.Compact()
		next()
		if n := testing.AllocsPerRun(100, next); n != 0 {
			t.Errorf("%v allocations for each packet, want 0", n)
		}
	}
	input.Write(packet)
	input.Write([]byte{0xC0, 0, 0xC0})
	if _, err := r.Next(1000); err != nil {
		t.Fatal(err)
	}
	r.Compact() // more has been read already
	input.WriteByte(0)
	for range 2 {
		if f, err := r.Next(2); err != nil || f.Type != wire.PINGREQ {
			t.Fatalf("Next: %v, %v", f.Type, err)
		}
	}
}
