package customauth

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/textproto"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// Config configures a Method. Only Endpoint is required.
type Config struct {
	// Endpoint is the server, as https://HOST or https://HOST:PORT. The
	// interface has no path, query or user name.
	Endpoint string

	// TLS says whom to trust and who we are. [Method.Replace] changes it later.
	TLS TLS

	// Headers are sent with every request (LINK-9).
	Headers []Header

	// Timeout bounds one request, from the first packet of a new connection to
	// the last byte of the answer. It should be shorter than the deadline of
	// the flow (AUTHN-8): when that ends first, nothing can be said of the
	// server, and the answer is mqttauth.ErrFailed. For the same reason the
	// chain entry needs no timeout of its own. Zero: DefaultTimeout.
	Timeout time.Duration

	// MaxConcurrent bounds requests and connections at one time, probes
	// included. MaxPerSecond bounds how many requests start in a second: they
	// do so one by one and equally far apart, so that a crowd of clients which
	// connect at once leaves the others of the broker their processor time,
	// however fast the server is. MaxWaiting bounds how many clients wait for
	// their turn, and MaxWait how long; a client beyond either gets
	// mqttauth.ErrFailed. MaxWait and Timeout together should be shorter than
	// the deadline of the flow. Zero: the defaults, DefaultMaxPerSecond times
	// runtime.GOMAXPROCS for MaxPerSecond.
	MaxConcurrent int
	MaxPerSecond  int
	MaxWaiting    int
	MaxWait       time.Duration

	// IdentityAttribute names the attribute that tells one client from another
	// (AUTHN-10). A client without it, or with an empty one, has no name. "":
	// the name of a client is its verified username.
	IdentityAttribute string

	// Usernames says when an accepted client's username counts as verified.
	Usernames Usernames

	// PlainMethod sends the Authentication Method as it is. By default it goes
	// out in base64, as the Authentication Data does, since the published
	// sample server decodes it.
	PlainMethod bool

	// Logger gets outages and unusable answers at the level of warnings, at
	// most one of each in 10 seconds, and refusals with the server's message
	// at that of debugging. It never gets a credential. Nil: nothing is logged.
	Logger *slog.Logger
}

// Defaults of a Config.
const (
	DefaultTimeout       = 5 * time.Second
	DefaultMaxConcurrent = 64
	DefaultMaxPerSecond  = 125 // for each processor
	DefaultMaxWaiting    = 1024
	DefaultMaxWait       = 4500 * time.Millisecond
)

// TLS is what a Method needs for its connections. The zero value trusts the
// roots of the system and presents no certificate.
type TLS struct {
	// RootCAs holds certificates in PEM, against which the server's is
	// verified. Nil: the roots of the system. Anything else holds at least one.
	RootCAs []byte

	// Certificate is our certificate for the server in PEM, leaf first, and Key
	// its private key in PEM. Both or neither.
	Certificate []byte
	Key         mqttauth.Secret
}

// Header is one HTTP header. Its value may be a credential.
type Header struct {
	Name  string
	Value mqttauth.Secret
}

// Usernames says when the username of an accepted client is verified (CUST-5).
// The answer of the server does not say what it looked at.
type Usernames byte

const (
	UsernamesWithPassword Usernames = iota // it came with a password, without enhanced authentication
	UsernamesNever                         // the server does not verify it
	UsernamesAlways                        // the server verifies it, whatever it came with
)

// withDefaults fills in what is zero and refuses what makes no sense.
func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Timeout < 0 || c.MaxWait < 0 || c.MaxConcurrent < 0 || c.MaxPerSecond < 0 || c.MaxWaiting < 0:
		return c, errors.New("customauth: a negative limit; write 0 for the default")
	case c.Usernames > UsernamesAlways:
		return c, fmt.Errorf("customauth: unknown setting %d for usernames", c.Usernames)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxConcurrent == 0 {
		c.MaxConcurrent = DefaultMaxConcurrent
	}
	if c.MaxPerSecond == 0 {
		c.MaxPerSecond = DefaultMaxPerSecond * runtime.GOMAXPROCS(0)
	}
	if c.MaxWaiting == 0 {
		c.MaxWaiting = DefaultMaxWaiting
	}
	if c.MaxWait == 0 {
		c.MaxWait = DefaultMaxWait
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// endpoint returns the address that requests are sent to.
func endpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("customauth: the endpoint is not a URL; want https://HOST or https://HOST:PORT")
	case u.Scheme != "https" || u.Hostname() == "":
		return nil, errors.New("customauth: want https://HOST or https://HOST:PORT as the endpoint")
	case u.User != nil:
		return nil, errors.New("customauth: the endpoint must not hold a user name; use a header")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("customauth: the endpoint must end behind host and port; requests go to its root")
	}
	u.Path = "/"
	return u, nil
}

// header returns the header of every request.
func header(list []Header) (http.Header, error) {
	h := make(http.Header, len(list)+2)
	for _, own := range list {
		name := textproto.CanonicalMIMEHeaderKey(own.Name)
		value := string(own.Value.Reveal())
		switch {
		case !isToken(own.Name):
			return nil, fmt.Errorf("customauth: %q is not a header name", own.Name)
		case reserved(name):
			return nil, fmt.Errorf("customauth: header %s is not for you to set", name)
		case h[name] != nil:
			return nil, fmt.Errorf("customauth: header %s is given twice", name)
		case !isFieldValue(value):
			return nil, fmt.Errorf("customauth: the value of header %s holds a control character", name)
		}
		h[name] = []string{value}
	}
	h["Content-Type"] = []string{mediaType}
	// Asking twice does no harm: package net/http may repeat the request when
	// the server closes a kept connection just then. A nil value is not sent.
	if h[idempotent] == nil {
		h[idempotent] = nil
	}
	return h, nil
}

const idempotent = "X-Idempotency-Key"

// reserved reports whether a header belongs to the interface or the connection.
func reserved(name string) bool {
	switch name {
	case "Host", "Content-Type", "Content-Length", "Transfer-Encoding", "Connection", // LINK-9
		"Expect", "Trailer", "Upgrade": // net/http acts on them
		return true
	default:
		return false
	}
}

// isToken reports whether s is a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.Contains("!#$%&'*+-.^_`|~", string(rune(c))) {
			return false
		}
	}
	return s != ""
}

func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// config returns the configuration of a client that talks to host.
func (t TLS) config(host string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if t.RootCAs != nil {
		pool, err := pool(t.RootCAs)
		if err != nil {
			return nil, err
		}
		c.RootCAs = pool
	}
	if len(t.Certificate) == 0 && !t.Key.IsSet() {
		return c, nil
	}
	if len(t.Certificate) == 0 || !t.Key.IsSet() {
		return nil, errors.New("customauth: a client certificate needs both a certificate and a key")
	}
	pair, err := tls.X509KeyPair(t.Certificate, t.Key.Reveal())
	if err != nil {
		return nil, fmt.Errorf("customauth: client certificate: %w", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// pool reads certificates, and nothing but certificates.
func pool(text []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	n := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		n++
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("customauth: root certificates: block %d is a %q; want only CERTIFICATE", n, block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("customauth: root certificates: block %d: %w", n, err)
		}
		pool.AddCert(c)
	}
	if n == 0 {
		return nil, errors.New("customauth: root certificates: no certificate in PEM; leave them out for those of the system")
	}
	return pool, nil
}
