package main

import (
	"io"
	"net"
	"testing"

	"github.com/gobwas/ws"

	"github.com/mqttwarden/mqttwarden/broker/websocket"
)

// What goes through a WebSocket is what was written, whatever the frames are.
func TestWebSocket(t *testing.T) {
	near, far := net.Pipe()
	defer func() { _ = near.Close() }()
	upgraded := make(chan net.Conn, 1)
	go func() {
		c, err := new(websocket.Upgrader).Upgrade(far)
		if err != nil {
			t.Error(err)
			_ = far.Close()
		}
		upgraded <- c
	}()
	client, err := openWebSocket(near, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server := <-upgraded
	if server == nil {
		t.Fatal("not upgraded")
	}
	ping := []byte{typePingreq << 4, 0}
	go func() { _, _ = client.Write(ping) }()
	got := make([]byte, 100)
	if n, err := server.Read(got); string(got[:n]) != string(ping) || err != nil {
		t.Errorf("the broker reads %q, %v", got[:n], err)
	}
	go func() {
		_ = ws.WriteFrame(far, ws.NewPingFrame([]byte("?")))
		_ = ws.WriteFrame(far, ws.NewFrame(ws.OpBinary, false, []byte{typePingresp << 4}))
		_ = ws.WriteFrame(far, ws.NewFrame(ws.OpContinuation, true, []byte{0}))
		_ = ws.WriteFrame(far, ws.NewBinaryFrame([]byte("more")))
		_ = ws.WriteFrame(far, ws.NewCloseFrame(nil))
	}()
	all, err := io.ReadAll(client)
	if want := string([]byte{typePingresp << 4, 0}) + "more"; string(all) != want || err != nil {
		t.Errorf("the client reads %q, %v; want %q", all, err, want)
	}
}
