package tokenreview

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"k8s.io/client-go/rest"

	"github.com/mqttwarden/mqttwarden/sat"
)

// Options configures a client. The zero value is usable.
type Options struct {
	// Timeout bounds a review or the reading of an account, with one repetition.
	// Zero: sat.DefaultTimeout.
	Timeout time.Duration
}

// NewClient returns a client that reaches the API server as c says. It does not
// try to. Of c, what limits requests and their time does not count.
func NewClient(c *rest.Config, o Options) (*sat.Client, error) {
	c, err := checked(c)
	if err != nil {
		return nil, err
	}
	transport, err := rest.TransportFor(c)
	if err != nil {
		return nil, fmt.Errorf("tokenreview: %w", err)
	}
	return sat.NewClient(sat.ClientConfig{URL: c.Host, Transport: transport, Timeout: o.Timeout})
}

var errInsecure = errors.New("tokenreview: insecure-skip-tls-verify: whoever answers in place of the API server could let anybody in; " +
	"give the certificate of its authority instead")

// checked returns a copy of c whose Host is a URL, without the limits that
// client-go has for programs that poll.
func checked(c *rest.Config) (*rest.Config, error) {
	if c == nil {
		return nil, errors.New("tokenreview: no configuration")
	}
	if c.Insecure {
		return nil, errInsecure
	}
	u, _, err := rest.DefaultServerUrlFor(c)
	if err != nil {
		return nil, fmt.Errorf("tokenreview: API server: %w", err)
	}
	if u.Scheme != "https" {
		return nil, fmt.Errorf("tokenreview: API server: want a URL that begins with https://, not with %s://", u.Scheme)
	}
	c = rest.CopyConfig(c)
	c.Host = u.String()
	c.QPS, c.RateLimiter, c.Timeout = -1, nil, 0
	return c, nil
}

// noRedirects returns an HTTP client that sends our credentials to nobody else.
func noRedirects(c *rest.Config) (*http.Client, error) {
	client, err := rest.HTTPClientFor(c)
	if err != nil {
		return nil, err
	}
	if client == http.DefaultClient {
		client = new(http.Client)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client, nil
}
