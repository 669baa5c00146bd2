package websocket

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/gobwas/ws"
)

const (
	// subprotocol is the name of MQTT among the subprotocols (MQTT 5.0 section
	// 6.0) [MQTT-6.0.0-3].
	subprotocol = "mqtt"

	// maxHandshake is the greatest request of a client, in bytes.
	maxHandshake = 8 << 10

	// firstRead is the room for the request of most clients, in bytes.
	firstRead = 1 << 10
)

// Upgrader does handshakes. The zero value allows no origin but the host that
// the client asks for. Safe for concurrent use.
type Upgrader struct {
	origins map[string]bool
	batches sync.Pool // see conn
}

// New returns an Upgrader that also lets in the pages of these origins, each
// "scheme://host" or "scheme://host:port" as browsers send it. There is no
// wildcard.
func New(origins ...string) (*Upgrader, error) {
	u := &Upgrader{origins: make(map[string]bool, len(origins))}
	for _, s := range origins {
		o, err := parseOrigin(s)
		if err != nil {
			return nil, fmt.Errorf("websocket: %w", err)
		}
		u.origins[o.text] = true
	}
	return u, nil
}

// Upgrade reads the client's handshake from nc and answers it. The connection
// that it returns stands for nc from then on: closing it closes nc. After an
// error the client has been told, if it asked in HTTP, and nc is the caller's to
// close.
//
// The connection has a CloseWrite method, which sends a Close frame.
func (u *Upgrader) Upgrade(nc net.Conn) (net.Conn, error) {
	request, err := readRequest(nc)
	if err != nil {
		return nil, fmt.Errorf("websocket: handshake: %w", err)
	}
	var r asked
	upgrader := ws.Upgrader{
		Protocol:        r.offer,
		OnHost:          r.setHost,
		OnHeader:        r.header,
		OnBeforeUpgrade: func() (ws.HandshakeHeader, error) { return ws.HandshakeHeaderString(""), u.judge(&r) },
	}
	if _, err := upgrader.Upgrade(exchange{bytes.NewReader(request), nc}); err != nil {
		return nil, fmt.Errorf("websocket: handshake: %w", err)
	}
	return &conn{Conn: nc, batches: &u.batches}, nil
}

// exchange gives the library the request, which has been read, and no more.
type exchange struct {
	io.Reader
	io.Writer
}

// asked is what a request says that matters here.
type asked struct {
	mqtt    bool
	hosts   []string
	origins []string
}

func (r *asked) offer(name []byte) bool {
	ok := string(name) == subprotocol
	r.mqtt = r.mqtt || ok
	return ok
}

func (r *asked) setHost(host []byte) error {
	r.hosts = append(r.hosts, string(host))
	return nil
}

func (r *asked) header(key, value []byte) error {
	if bytes.EqualFold(key, []byte("Origin")) {
		r.origins = append(r.origins, string(value))
	}
	return nil
}

// judge decides on a request that is a proper WebSocket handshake (LINK-13).
func (u *Upgrader) judge(r *asked) error {
	switch {
	case len(r.hosts) != 1 || len(r.origins) > 1:
		return reject(http.StatusBadRequest, "more than one Host or Origin")
	case len(r.origins) == 1 && !u.allows(r.origins[0], r.hosts[0]):
		return reject(http.StatusForbidden, "origin not allowed")
	case !r.mqtt:
		return reject(http.StatusBadRequest, "subprotocol mqtt was not offered")
	}
	return nil
}

// allows reports whether a page of this origin may connect to this host. The
// ports may differ: the broker has no pages of its own.
func (u *Upgrader) allows(header, host string) bool {
	o, err := parseOrigin(header)
	if err != nil {
		return false
	}
	return u.origins[o.text] || o.host == hostOf(host)
}

func reject(status int, reason string) error {
	return ws.RejectConnectionError(ws.RejectionStatus(status), ws.RejectionReason(reason))
}

var (
	errNotHTTP  = errors.New("not an HTTP GET request")
	errTooLarge = fmt.Errorf("request of more than %d bytes", maxHandshake)
	errEarly    = errors.New("data before the handshake was answered")
)

// readRequest reads up to the empty line at the end of a request, and nothing
// behind it. What does not begin like one is refused at once, so that a client
// with the wrong port number need not wait.
func readRequest(nc net.Conn) ([]byte, error) {
	const begin, end = "GET ", "\r\n\r\n"
	buf := make([]byte, 0, firstRead)
	for {
		n, err := nc.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if k := min(len(buf), len(begin)); string(buf[:k]) != begin[:k] {
			return nil, refuse(nc, http.StatusBadRequest, errNotHTTP)
		}
		if i := bytes.Index(buf, []byte(end)); i >= 0 {
			if i+len(end) < len(buf) {
				return nil, refuse(nc, http.StatusBadRequest, errEarly)
			}
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
		if len(buf) == maxHandshake {
			return nil, refuse(nc, http.StatusRequestHeaderFieldsTooLarge, errTooLarge)
		}
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, min(4*cap(buf), maxHandshake)), buf...)
		}
	}
}

// refuse answers a request that is not worth parsing.
func refuse(nc net.Conn, status int, err error) error {
	_, _ = fmt.Fprintf(nc, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", status, http.StatusText(status))
	return err
}
