package websocket_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/broker/websocket"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// opened returns both ends of a WebSocket, the client's below the frames.
func opened(t testing.TB) (client *end, server net.Conn) {
	t.Helper()
	nc, done := upgrading(t, new(websocket.Upgrader))
	if _, err := io.WriteString(nc, request(mqtt)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(nc)
	if _, err := http.ReadResponse(r, nil); err != nil {
		t.Fatal(err)
	}
	server = <-done
	if server == nil {
		t.Fatal("refused")
	}
	return &end{t, nc, r}, server
}

// end is the client's end.
type end struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func (e *end) send(frames ...[]byte) {
	e.t.Helper()
	if _, err := e.Write(bytes.Join(frames, nil)); err != nil {
		e.t.Fatal(err)
	}
}

func (e *end) next() ws.Frame {
	e.t.Helper()
	h, err := ws.ReadHeader(e.r)
	if err != nil {
		e.t.Fatal(err)
	}
	f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
	if _, err := io.ReadFull(e.r, f.Payload); err != nil {
		e.t.Fatal(err)
	}
	return f
}

func (e *end) expect(op ws.OpCode, payload string) {
	e.t.Helper()
	f := e.next()
	if f.Header.OpCode != op || !f.Header.Fin || f.Header.Masked || f.Header.Rsv != 0 || string(f.Payload) != payload {
		e.t.Fatalf("received %+v %q, want %#x %q", f.Header, f.Payload, op, payload)
	}
}

// frame returns a client's frame.
func frame(op ws.OpCode, fin bool, payload string) []byte {
	f := ws.MaskFrameWith(ws.NewFrame(op, fin, []byte(payload)), [4]byte{1, 2, 3, 4})
	return ws.MustCompileFrame(f)
}

func binary(payload string) []byte { return frame(ws.OpBinary, true, payload) }

func closing(status ws.StatusCode) string { return string(ws.NewCloseFrameBody(status, "")) }

// MQTT packets may be spread over frames in any way [MQTT-6.0.0-2], and control
// frames may be between them.
func TestLINK13Stream(t *testing.T) {
	large := strings.Repeat("0123456789", 7000)
	tests := []struct {
		name   string
		frames [][]byte
		want   string
	}{
		{"one frame", [][]byte{binary("abc")}, "abc"},
		{"two frames", [][]byte{binary("abc"), binary("def")}, "abcdef"},
		{"empty frames", [][]byte{binary(""), binary("a"), binary(""), binary("")}, "a"},
		{"fragments", [][]byte{frame(ws.OpBinary, false, "ab"), frame(ws.OpContinuation, false, ""), frame(ws.OpContinuation, true, "c"), binary("d")}, "abcd"},
		{"ping between fragments", [][]byte{frame(ws.OpBinary, false, "ab"), frame(ws.OpPing, true, "?"), frame(ws.OpContinuation, true, "c")}, "abc"},
		{"pong nobody asked for", [][]byte{frame(ws.OpPong, true, "!"), binary("a")}, "a"},
		{"16-bit length", [][]byte{binary(large[:200]), binary("x")}, large[:200] + "x"},
		{"64-bit length", [][]byte{binary(large), binary("x")}, large + "x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client, server := opened(t)
			sent := make(chan error, 1)
			go func() {
				_, err := client.Write(append(bytes.Join(test.frames, nil), frame(ws.OpClose, true, closing(ws.StatusGoingAway))...))
				sent <- err
			}()
			got, err := io.ReadAll(server)
			if err != nil || string(got) != test.want {
				t.Errorf("read %d bytes, %v; want %d", len(got), err, len(test.want))
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			for f := client.next(); f.Header.OpCode != ws.OpClose; f = client.next() {
				if f.Header.OpCode != ws.OpPong {
					t.Fatalf("received %+v", f.Header)
				}
			}
		})
	}
}

// What RFC 6455 or MQTT forbids ends the connection, and the client is told.
func TestLINK13BadFrames(t *testing.T) {
	unmasked := ws.MustCompileFrame(ws.NewBinaryFrame([]byte("a")))
	reserved := binary("a")
	reserved[0] |= 0x40 // as if it were compressed
	tests := []struct {
		name  string
		frame []byte
		want  ws.StatusCode
	}{
		{"text", frame(ws.OpText, true, "a"), ws.StatusUnsupportedData},
		{"text, fragmented", frame(ws.OpText, false, ""), ws.StatusUnsupportedData},
		{"not masked", unmasked, ws.StatusProtocolError},
		{"compressed", reserved, ws.StatusProtocolError},
		{"reserved opcode", frame(3, true, "a"), ws.StatusProtocolError},
		{"continuation of nothing", frame(ws.OpContinuation, true, "a"), ws.StatusProtocolError},
		{"fragment inside a fragment", append(frame(ws.OpBinary, false, ""), binary("a")...), ws.StatusProtocolError},
		{"fragmented ping", frame(ws.OpPing, false, "a"), ws.StatusProtocolError},
		{"large ping", frame(ws.OpPing, true, strings.Repeat("a", 126)), ws.StatusProtocolError},
		{"length of 16 bits below 126", []byte{0x82, 0xFE, 0, 125, 1, 2, 3, 4}, ws.StatusProtocolError},
		{"length of 64 bits below 65,536", []byte{0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 2, 3, 4}, ws.StatusProtocolError},
		{"negative length", []byte{0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, ws.StatusProtocolError},
		{"close with one byte", frame(ws.OpClose, true, "a"), ws.StatusProtocolError},
		{"close with status 1005", frame(ws.OpClose, true, "\x03\xED"), ws.StatusProtocolError},
		{"close with a bad reason", frame(ws.OpClose, true, "\x03\xE8\xFF"), ws.StatusProtocolError},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client, server := opened(t)
			client.send(binary("before"), test.frame)
			got, err := io.ReadAll(server)
			if string(got) != "before" || err == nil {
				t.Errorf("read %q, %v", got, err)
			}
			client.expect(ws.OpClose, closing(test.want))
			if _, err := server.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Write after the end: %v", err)
			}
		})
	}
}

// A Close frame is answered with its own status; one without status with 1000.
func TestCloseHandshake(t *testing.T) {
	for name, test := range map[string]struct{ sent, want string }{
		"with status":    {closing(ws.StatusGoingAway) + "reason", closing(ws.StatusGoingAway)},
		"without status": {"", closing(ws.StatusNormalClosure)},
		"of its own":     {"\x0F\xA0", "\x0F\xA0"},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := opened(t)
			client.send(frame(ws.OpClose, true, test.sent), binary("too late"))
			if n, err := server.Read(make([]byte, 100)); n != 0 || err != io.EOF {
				t.Errorf("read %d bytes, %v", n, err)
			}
			client.expect(ws.OpClose, test.want)
		})
	}
	t.Run("ours", func(t *testing.T) {
		client, server := opened(t)
		if err := server.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		client.expect(ws.OpClose, closing(ws.StatusNormalClosure))
		client.send(binary("on its way"), frame(ws.OpClose, true, closing(ws.StatusNormalClosure)))
		if got, err := io.ReadAll(server); string(got) != "on its way" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

// packet returns an MQTT packet with a payload of n bytes.
func packet(n int) string {
	p := wire.Publish{Topic: "t", Payload: bytes.Repeat([]byte("x"), n)}
	return string(p.Append(nil, mqttauth.MQTT311))
}

// Each packet has a frame of its own, whatever is written together.
func TestWrite(t *testing.T) {
	client, server := opened(t)
	var all []string
	for _, n := range []int{0, 122, 123, 507, 508, 16_000, 16_366, 16_367, 16_384, 65_530, 65_536, 200_000, 0, 1, 500, 0} {
		all = append(all, packet(n))
	}
	done := make(chan error, 1)
	go func() {
		for _, p := range all {
			if _, err := io.WriteString(server, p); err != nil {
				done <- err
				return
			}
		}
		_, err := io.WriteString(server, strings.Join(all, "")+"\x30\xFF\xFF")
		done <- err
	}()
	for range 2 {
		for _, p := range all {
			client.expect(ws.OpBinary, p)
		}
	}
	client.expect(ws.OpBinary, "\x30\xFF\xFF")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// A client that pings and reads nothing does not hold up what it sends; what
// waits for it is one answer.
func TestPingOfASlowReader(t *testing.T) {
	client, server := opened(t)
	stuck := make(chan error, 1)
	go func() { // until the client's side is full
		_ = server.SetWriteDeadline(time.Now().Add(patience))
		b := make([]byte, 1<<20)
		for {
			if _, err := server.Write(b); err != nil {
				stuck <- err
				return
			}
		}
	}()
	for range 1000 {
		client.send(frame(ws.OpPing, true, "are you there?"))
	}
	client.send(binary("still heard"))
	got := make([]byte, 100)
	n, err := server.Read(got)
	if diff := cmp.Diff("still heard", string(got[:n])); diff != "" || err != nil {
		t.Errorf("read %v (-want +got):\n%s", err, diff)
	}
	_ = server.Close()
	if err := <-stuck; err == nil {
		t.Error("the writer goes on")
	}
}

func TestPong(t *testing.T) {
	client, server := opened(t)
	go func() { _, _ = io.Copy(io.Discard, server) }()
	for _, payload := range []string{"", "a", strings.Repeat("b", 125)} {
		client.send(frame(ws.OpPing, true, payload))
		client.expect(ws.OpPong, payload)
	}
}

// Nothing is allocated to read, and nothing for small packets to be written.
func TestNoAllocations(t *testing.T) {
	client, server := opened(t)
	in, out, buf := binary("0123456789"), []byte("0123456789"), make([]byte, 1024)
	answer := make([]byte, 12)
	allocs := testing.AllocsPerRun(100, func() {
		client.send(in)
		if _, err := server.Read(buf); err != nil {
			t.Fatal(err)
		}
		if _, err := server.Write(out); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(client.r, answer); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 1 { // the test's own, in send
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzRead compares what is read, in pieces of any size, with what the library
// reads frame by frame.
func FuzzRead(f *testing.F) {
	f.Add(binary("abc"), uint8(1))
	f.Add(append(frame(ws.OpBinary, false, "a"), frame(ws.OpContinuation, true, "b")...), uint8(3))
	f.Add(append(frame(ws.OpPing, true, "a"), frame(ws.OpClose, true, "\x03\xE8")...), uint8(7))
	f.Add(binary(strings.Repeat("a", 300)), uint8(200))
	f.Add([]byte{0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4, 5}, uint8(16))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		p := &pipe{Reader: strings.NewReader(request(mqtt))}
		server, err := new(websocket.Upgrader).Upgrade(p)
		if err != nil {
			t.Fatal(err)
		}
		p.Reader = bytes.NewReader(bytes.Clone(b))
		var got []byte
		buf := make([]byte, int(size)+1)
		for {
			var n int
			if n, err = server.Read(buf); n > 0 {
				got = append(got, buf[:n]...)
			}
			if err != nil {
				break
			}
		}
		want, bad := naive(b)
		if !bytes.Equal(got, want) || bad != (err != io.EOF) {
			t.Errorf("read %q, %v; want %q, bad %v", got, err, want, bad)
		}
	})
}

// naive returns the data in a client's frames, and whether they break a rule.
func naive(b []byte) (data []byte, bad bool) {
	state := ws.StateServerSide
	r := bytes.NewReader(b)
	for {
		start := r.Len()
		h, err := ws.ReadHeader(r)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return data, false
		case err != nil, ws.CheckHeader(h, state) != nil, start-r.Len() != ws.HeaderSize(h), h.OpCode == ws.OpText:
			return data, true
		}
		payload := make([]byte, min(h.Length, int64(r.Len())))
		_, _ = r.Read(payload)
		ws.Cipher(payload, h.Mask, 0)
		if !h.OpCode.IsControl() {
			data = append(data, payload...)
		}
		if int64(len(payload)) < h.Length {
			return data, false
		}
		switch {
		case h.OpCode == ws.OpClose && len(payload) == 0:
			return data, false
		case h.OpCode == ws.OpClose:
			status, reason := ws.ParseCloseFrameData(payload)
			return data, len(payload) == 1 || ws.CheckCloseFrameData(status, reason) != nil
		case h.OpCode.IsControl():
		case h.Fin:
			state = state.Clear(ws.StateFragmented)
		default:
			state = state.Set(ws.StateFragmented)
		}
	}
}
