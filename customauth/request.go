package customauth

import (
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/mqttwarden/mqttwarden/internal/strictjson"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// MaxBody bounds the body of a request and of an answer, in bytes (CUST-2).
// Credentials that do not fit are refused without asking the server.
const MaxBody = 64 << 10

// APIVersion is the version of the interface that is spoken here, the only one
// that was ever published.
const APIVersion = "0.5.0"

const (
	mediaType   = "application/json"
	kindConnect = "connect"
	kindAuth    = "auth"
)

var (
	errTooLarge    = errors.New("customauth: the credentials do not fit into a request")
	errNotText     = errors.New("customauth: the username or authentication method is not UTF-8")
	errNoMethod    = errors.New("customauth: authentication data without an authentication method")
	errCannotRenew = errors.New("customauth: only a client with enhanced authentication can reauthenticate")
)

// appendRequest appends the request that carries c. What c does not have is
// left out: absent is not empty (S-22).
func appendRequest(dst []byte, c *mqttauth.Credentials, plainMethod bool) ([]byte, error) {
	kind := kindConnect
	if c.Previous != nil {
		kind = kindAuth
	}
	switch {
	case kind == kindAuth && c.AuthMethod == "":
		return nil, errCannotRenew
	case c.AuthMethod == "" && c.AuthData.IsSet():
		return nil, errNoMethod
	case !utf8.ValidString(c.Username) || plainMethod && !utf8.ValidString(c.AuthMethod):
		return nil, errNotText
	}
	dst = append(dst, `{"type":"`...)
	dst = append(dst, kind...)
	dst = append(dst, '"')
	if kind == kindConnect {
		if c.HasUsername {
			dst = append(dst, `,"username":`...)
			dst = strictjson.AppendString(dst, c.Username)
		}
		if c.Password.IsSet() {
			dst = append(dst, `,"password":`...)
			dst = appendBase64(dst, c.Password.Reveal())
		}
		dst = appendCertificates(dst, c)
	}
	dst = appendEnhanced(dst, c, plainMethod)
	return append(dst, '}'), nil
}

func appendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

// appendCertificates appends the chain as the client presented it, leaf first
// (X509-12).
func appendCertificates(dst []byte, c *mqttauth.Credentials) []byte {
	if len(c.PeerCertificates) == 0 {
		return dst
	}
	dst = append(dst, `,"certs":"`...)
	for _, cert := range c.PeerCertificates {
		dst = append(dst, `-----BEGIN CERTIFICATE-----\n`...)
		for line := range slices.Chunk(cert.Raw, 48) {
			dst = base64.StdEncoding.AppendEncode(dst, line)
			dst = append(dst, `\n`...)
		}
		dst = append(dst, `-----END CERTIFICATE-----\n`...)
	}
	return append(dst, '"')
}

func appendEnhanced(dst []byte, c *mqttauth.Credentials, plainMethod bool) []byte {
	if c.AuthMethod == "" {
		return dst
	}
	dst = append(dst, `,"enhancedAuthentication":{"method":`...)
	if plainMethod {
		dst = strictjson.AppendString(dst, c.AuthMethod)
	} else {
		dst = appendBase64(dst, []byte(c.AuthMethod))
	}
	if c.AuthData.IsSet() {
		dst = append(dst, `,"data":`...)
		dst = appendBase64(dst, c.AuthData.Reveal())
	}
	return append(dst, '}')
}

// size returns how much memory the request of c takes at most, so that it is
// built in one piece, which can be wiped.
func size(c *mqttauth.Credentials) (n int, ok bool) {
	const frame = 160 // names, quotes and brackets
	text := jsonSize(c.Username)
	secrets := len(c.Password.Reveal()) + len(c.AuthData.Reveal())
	n = frame + text + (secrets+4)/3*4 + 8 + max(6*len(c.AuthMethod), 4)
	for _, cert := range c.PeerCertificates {
		n += len(cert.Raw)*3/2 + 80 // base64 with escaped line ends
		if n > 2*MaxBody {
			return 0, false
		}
	}
	return n, n <= 8*MaxBody
}

// jsonSize returns how long s is as a JSON string, without quotes.
func jsonSize(s string) int {
	n := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ':
			n += 5
		case c == '"' || c == '\\':
			n++
		}
	}
	return n
}

// payload is one request's body. It is wiped when the last of those who read it
// is done: package net/http may still be reading when it has an answer.
type payload struct {
	bytes  []byte
	shares atomic.Int32
}

// newPayload returns the body that carries c, shared by the caller alone.
func newPayload(c *mqttauth.Credentials, plainMethod bool) (*payload, error) {
	n, ok := size(c)
	if !ok {
		return nil, errTooLarge
	}
	b, err := appendRequest(make([]byte, 0, n), c, plainMethod)
	if err != nil {
		return nil, err
	}
	p := &payload{bytes: b}
	p.shares.Store(1)
	if len(b) > MaxBody {
		p.release()
		return nil, errTooLarge
	}
	return p, nil
}

func (p *payload) release() {
	if p.shares.Add(-1) == 0 {
		clear(p.bytes[:cap(p.bytes)])
	}
}

// body returns a reader that has its share until it is closed.
func (p *payload) body() *body {
	p.shares.Add(1)
	return &body{payload: p, rest: p.bytes}
}

// body reads a payload once. Read and Close may meet.
type body struct {
	mu      sync.Mutex
	payload *payload // nil: closed
	rest    []byte
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.payload != nil {
		b.payload.release()
		b.payload, b.rest = nil, nil
	}
	return nil
}
