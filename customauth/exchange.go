package customauth

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/exhausted"
)

const (
	maxAnswerHeader = 16 << 10         // of all 1xx answers and the last one together, in bytes
	idleTimeout     = 30 * time.Second // after which a kept connection is closed
)

// client sends requests over connections of one TLS configuration.
type client struct {
	transport *http.Transport
	url       *url.URL
	header    http.Header
}

// dialer opens a TCP connection. It is the net.Dialer's but in tests.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// newClient returns a client for HTTP/1.1 without ALPN, redirects, proxies and
// compression.
func newClient(c Config, u *url.URL, h http.Header, t *tls.Config, dial dialer) *client {
	connect := func(ctx context.Context, network, address string) (net.Conn, error) {
		// The request that asked may be gone while package net/http still dials.
		ctx, cancel := context.WithTimeout(ctx, c.Timeout)
		defer cancel()
		raw, err := dial(ctx, network, address)
		if err != nil {
			return nil, &connectError{err}
		}
		conn := tls.Client(raw, t)
		if err := conn.HandshakeContext(ctx); err != nil {
			_ = raw.Close() // the handshake's error says more
			return nil, &connectError{err}
		}
		return conn, nil
	}
	return &client{url: u, header: h, transport: &http.Transport{
		DialTLSContext:         connect,
		DisableCompression:     true,
		MaxConnsPerHost:        c.MaxConcurrent,
		MaxIdleConnsPerHost:    c.MaxConcurrent,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxAnswerHeader,
	}}
}

// connectError says that there is no TCP or TLS connection.
type connectError struct{ cause error }

func (e *connectError) Error() string { return "no connection: " + e.cause.Error() }
func (e *connectError) Unwrap() error { return e.cause }

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error // the body is not there, or not whole
}

// post sends one request and reads the answer. An error means that no status
// has come. The context bounds all of it.
func (c *client) post(ctx context.Context, version string, p *payload) (answer, error) {
	response, err := c.send(ctx, version, p)
	if err != nil && cutWhileWriting(err) && ctx.Err() == nil {
		response, err = c.send(ctx, version, p)
	}
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }() // whatever it says, the answer is read
	a := answer{status: response.StatusCode, header: response.Header}
	if a.status == http.StatusSwitchingProtocols { // what follows is no body
		return a, nil
	}
	a.body, a.err = readBody(response)
	return a, nil
}

// send sends one request and returns the answer, whose body is not read yet.
func (c *client) send(ctx context.Context, version string, p *payload) (*http.Response, error) {
	u := *c.url
	u.RawQuery = "api-version=" + version
	request := (&http.Request{
		Method: http.MethodPost, URL: &u, Host: u.Host, Header: c.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: p.body(), ContentLength: int64(len(p.bytes)),
		GetBody: func() (io.ReadCloser, error) { return p.body(), nil },
	}).WithContext(ctx)
	return c.transport.RoundTrip(request)
}

// cutWhileWriting says whether a request did not get out. The server has most
// likely closed a kept connection just then. Package net/http sends a request
// again when it notices that otherwise, but it takes a body that could not be
// written for one that could not be read.
func cutWhileWriting(err error) bool {
	var network *net.OpError
	var connect *connectError // not even a connection: no request was cut
	return !errors.As(err, &connect) &&
		(errors.Is(err, net.ErrClosed) || errors.As(err, &network) && network.Op == "write")
}

var errLongBody = errors.New("the body is longer than 64 KiB")

func readBody(r *http.Response) ([]byte, error) {
	if r.ContentLength > MaxBody {
		return nil, errLongBody
	}
	room := int64(bytesAtFirst)
	if r.ContentLength >= 0 {
		room = r.ContentLength + 1 // the last byte is for noticing the end
	}
	b := make([]byte, 0, room)
	for {
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return nil, errors.New("the body broke off")
		case len(b) > MaxBody:
			return nil, errLongBody
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}

const bytesAtFirst = 512

// unreachable says whether an error of post means that the server cannot be
// reached (CUST-3), by a list of what does: an answer that is not HTTP is none
// of it, and neither is a machine of ours that has run out of something.
func unreachable(err error) bool {
	var network *net.OpError
	var connect *connectError
	switch {
	case exhausted.Is(err):
		return false
	case errors.As(err, &connect), errors.As(err, &network): // resets and TLS alerts are the latter
		return true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	case errors.Is(err, net.ErrClosed): // cut by the other side while we were writing
		return true
	case errors.Is(err, context.DeadlineExceeded):
		return true
	default:
		// The one error for a cut connection that package net/http keeps to itself.
		return strings.HasSuffix(err.Error(), "server closed idle connection")
	}
}
