package sat

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/exhausted"
	"github.com/mqttwarden/mqttwarden/internal/peertext"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

const (
	maxCredentialFile = 1 << 20  // of our own token and of CA certificates, in bytes
	maxAnswerHeader   = 16 << 10 // in bytes
	idleTimeout       = 90 * time.Second
	retryPause        = 100 * time.Millisecond // unless the server says how long
)

// link sends requests to one HTTPS server: over HTTP/1.1, so that one stuck
// connection holds up one request, and without proxies, redirects and
// compression.
//
// Both files are read for each request. That costs little beside a round trip,
// and no rotation can be missed.
type link struct {
	caFile    string // "": the roots of the system
	tokenFile string // "": no token is sent
	timeout   time.Duration
	maxConns  int
	transport http.RoundTripper // from outside; nil: own is used

	mu  sync.Mutex
	ca  []byte // what own trusts
	own *http.Transport
}

// call is one request. All are safe to repeat: a review changes nothing.
type call struct {
	method, accept string
	url            *url.URL
	body           []byte
	limit          int64 // of the answer's body, in bytes
}

type reply struct {
	status int
	body   []byte
	pause  time.Duration // the Retry-After header
}

// do sends c, and once more if the connection fails or the answer is 429 or
// 5xx, all within the timeout. An error means that no answer has come.
func (l *link) do(ctx context.Context, c call) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	r, err := l.once(ctx, c)
	if passing(r, err) && sleep(ctx, max(r.pause, retryPause)) {
		r, err = l.once(ctx, c)
	}
	switch {
	case err == nil && r.status == http.StatusTooManyRequests:
		return r, fmt.Errorf("the server is busy, status 429: %w", mqttauth.ErrFailed) // our load: AUTHN-5
	case err == nil:
		return r, nil
	case ctx.Err() != nil:
		return reply{}, fmt.Errorf("no answer in time: %w", ctx.Err())
	case exhausted.Is(err):
		return reply{}, fmt.Errorf("this machine has run out of something: %w: %w", mqttauth.ErrFailed, err)
	default:
		return reply{}, err
	}
}

// passing reports whether the same request may fare better in a moment.
func passing(r reply, err error) bool {
	var broken *brokenError
	return errors.As(err, &broken) || err == nil && (r.status == http.StatusTooManyRequests || r.status >= 500)
}

// sleep waits for d and reports whether there is time left then. If there will
// be none it does not wait.
func sleep(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// brokenError says that the connection could not be made, or broke.
type brokenError struct{ cause error }

func (e *brokenError) Error() string { return peertext.Clean(e.cause.Error()) }
func (e *brokenError) Unwrap() error { return e.cause }

func (l *link) once(ctx context.Context, c call) (reply, error) {
	transport, err := l.current()
	if err != nil {
		return reply{}, err
	}
	request, err := http.NewRequestWithContext(ctx, c.method, c.url.String(), bytes.NewReader(c.body))
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("Accept", c.accept)
	request.Header.Set("User-Agent", "mqttwarden")
	if c.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if err := l.authorize(request); err != nil {
		return reply{}, err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return reply{}, &brokenError{err}
	}
	defer func() { _ = response.Body.Close() }() // whatever is wrong shows in reading
	r := reply{status: response.StatusCode}
	if seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 16); err == nil {
		r.pause = time.Duration(seconds) * time.Second
	}
	r.body, err = io.ReadAll(io.LimitReader(response.Body, c.limit+1))
	switch {
	case err != nil:
		return reply{}, &brokenError{err}
	case int64(len(r.body)) > c.limit:
		return reply{}, fmt.Errorf("the answer is longer than %d bytes", c.limit)
	}
	return r, nil
}

// current returns the transport that trusts what the CA file holds now.
func (l *link) current() (http.RoundTripper, error) {
	if l.transport != nil {
		return l.transport, nil
	}
	var ca []byte
	if l.caFile != "" {
		var err error
		if ca, err = readFile(l.caFile); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own != nil && bytes.Equal(l.ca, ca) {
		return l.own, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if l.caFile != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(ca) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", l.caFile)
		}
	}
	if l.own != nil {
		l.own.CloseIdleConnections()
	}
	l.ca, l.own = ca, newTransport(config, l.maxConns)
	return l.own, nil
}

func newTransport(config *tls.Config, maxConns int) *http.Transport {
	var http1 http.Protocols
	http1.SetHTTP1(true)
	return &http.Transport{
		Protocols:              &http1,
		TLSClientConfig:        config,
		DisableCompression:     true,
		MaxConnsPerHost:        maxConns,
		MaxIdleConnsPerHost:    maxConns,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxAnswerHeader,
	}
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own != nil {
		l.own.CloseIdleConnections()
	}
}

func (l *link) authorize(r *http.Request) error {
	if l.tokenFile == "" {
		return nil
	}
	token, err := readFile(l.tokenFile)
	if err != nil {
		return err
	}
	token = bytes.TrimSpace(token)
	if len(token) == 0 || bytes.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return fmt.Errorf("%s holds no token", l.tokenFile)
	}
	r.Header.Set("Authorization", "Bearer "+string(token))
	return nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxCredentialFile+1))
	if err == nil && len(b) > maxCredentialFile {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, maxCredentialFile)
	}
	return b, err
}
