package customauth

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// NewWithDial returns a method that dials in its own way.
func NewWithDial(c Config, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*Method, error) {
	return newMethod(c, dial)
}

// Encode returns the request that carries c, and whether it was built in one
// piece.
func Encode(c *mqttauth.Credentials, plainMethod bool) (request []byte, inPlace bool, err error) {
	n, ok := size(c)
	if !ok {
		return nil, true, errTooLarge
	}
	b, err := appendRequest(make([]byte, 0, n), c, plainMethod)
	return b, cap(b) <= max(n, 0), err
}

// Wipes reports whether a request is wiped, once all who read it are done and
// not before.
func Wipes(c *mqttauth.Credentials) (before, after bool) {
	p, err := newPayload(c, false)
	if err != nil {
		return true, false
	}
	blank := func() bool {
		for _, b := range p.bytes {
			if b != 0 {
				return false
			}
		}
		return true
	}
	first, second := p.body(), p.body()
	p.release()
	_ = first.Close()
	_ = first.Close()
	before = blank()
	_ = second.Close()
	return before, blank()
}

// Acceptance reads the body of a 200.
func Acceptance(body []byte) (map[string]string, time.Time, error) {
	a := answer{status: 200, header: http.Header{"Content-Type": {mediaType}}, body: body}
	out, err := a.acceptance()
	return out.attributes, out.expiry, err
}
