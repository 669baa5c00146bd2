package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// webSocket is the stream of bytes in the binary messages of a WebSocket: each
// Write is one message. It answers nothing that a broker might ask in between.
type webSocket struct {
	net.Conn
	in *wsutil.Reader
}

// openWebSocket does the client's handshake. The path is where nats-server
// serves MQTT; the others do so anywhere.
func openWebSocket(nc net.Conn, host string) (net.Conn, error) {
	d := ws.Dialer{Protocols: []string{"mqtt"}}
	early, h, err := d.Upgrade(nc, &url.URL{Scheme: "ws", Host: host, Path: "/mqtt"})
	switch {
	case err != nil:
		return nil, err
	case early != nil:
		return nil, errors.New("the broker speaks before the client")
	case h.Protocol != "mqtt":
		return nil, errors.New("the broker did not choose subprotocol mqtt")
	}
	return &webSocket{nc, wsutil.NewClientSideReader(nc)}, nil
}

func (w *webSocket) Read(p []byte) (int, error) {
	for {
		n, err := w.in.Read(p)
		switch {
		case n > 0:
			return n, nil
		case errors.Is(err, wsutil.ErrNoFrameAdvance):
			if err := w.next(); err != nil {
				return 0, err
			}
		case err != nil && !errors.Is(err, io.EOF): // io.EOF: the end of a message
			return 0, err
		}
	}
}

// next reads as far as the payload of the next message.
func (w *webSocket) next() error {
	h, err := w.in.NextFrame()
	switch {
	case err != nil:
		return err
	case h.OpCode == ws.OpClose:
		return io.EOF
	case h.OpCode != ws.OpBinary:
		return w.in.Discard()
	}
	return nil
}

func (w *webSocket) Write(p []byte) (int, error) {
	f := ws.MaskFrameInPlace(ws.NewBinaryFrame(bytes.Clone(p)))
	if err := ws.WriteFrame(w.Conn, f); err != nil {
		return 0, err
	}
	return len(p), nil
}
