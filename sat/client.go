package sat

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/strictjson"
)

// Defaults of a ClientConfig.
const (
	DefaultTimeout     = 3 * time.Second
	DefaultConnections = 32
)

const (
	maxReview  = 256 << 10 // of an answer to a review, which holds the token, in bytes
	maxAccount = 4 << 20   // of a service account: 256 KiB of annotations, escaped, and who manages them
)

// ClientConfig says where the API server is and who we are. Only URL is
// required.
type ClientConfig struct {
	// URL is the API server, as https://HOST:PORT, with a path if it stands
	// behind a proxy that wants one.
	URL string

	// CAFile holds the certificates of the server's authorities in PEM, and
	// TokenFile our own token. They are read again for each request, and must
	// be there then, not sooner. "": the roots of the system; no token.
	CAFile    string
	TokenFile string

	// Timeout bounds a review or the reading of an account, with one repetition
	// after a broken connection, 429 or 5xx. It should be shorter than the
	// deadline of the flow (AUTHN-8). The API server itself may take 30 s. Zero:
	// DefaultTimeout.
	Timeout time.Duration

	// Connections bounds how many there are at one time; further requests wait.
	// Zero: DefaultConnections.
	Connections int

	// Transport sends the requests, for who has other means to reach the server;
	// package tokenreview takes that of client-go. CAFile, TokenFile and
	// Connections are not for it. Nil: one of our own.
	Transport http.RoundTripper
}

// InCluster returns the configuration of a program that runs in a pod, by the
// environment and the files that Kubernetes gives it. It is an error if the
// environment names no API server; the files are not looked at.
func InCluster() (ClientConfig, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return ClientConfig{}, errors.New("sat: not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
	}
	const folder = "/var/run/secrets/kubernetes.io/serviceaccount/"
	return ClientConfig{
		URL:    "https://" + net.JoinHostPort(host, port),
		CAFile: folder + "ca.crt", TokenFile: folder + "token",
	}, nil
}

// Client asks the API server of a Kubernetes cluster. Its own service account
// needs the right to create tokenreviews, cluster-wide, as in the ClusterRole
// system:auth-delegator, and to get serviceaccounts in every namespace that
// clients come from. It is safe for concurrent use.
type Client struct {
	link link
	base *url.URL
}

var (
	_ Reviewer  = (*Client)(nil)
	_ Annotator = (*Client)(nil)
)

// NewClient returns a client. It does not try to reach the server: the error
// says what of the configuration cannot be used.
func NewClient(c ClientConfig) (*Client, error) {
	base, err := parseHTTPS(c.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("sat: API server: %w", err)
	case c.Timeout < 0 || c.Connections < 0:
		return nil, errors.New("sat: API server: a negative limit; write 0 for the default")
	case c.Transport != nil && (c.CAFile != "" || c.TokenFile != "" || c.Connections != 0):
		return nil, errors.New("sat: API server: CAFile, TokenFile and Connections are not for a transport from outside")
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Connections == 0 {
		c.Connections = DefaultConnections
	}
	return &Client{base: base, link: link{
		caFile: c.CAFile, tokenFile: c.TokenFile, timeout: c.Timeout, maxConns: c.Connections,
		transport: c.Transport,
	}}, nil
}

func parseHTTPS(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, errors.New("want a URL as https://HOST or https://HOST:PORT/PATH, without user, query and fragment")
	}
	return u, nil
}

// Close closes the connections that are not in use.
func (c *Client) Close() error {
	c.link.close()
	return nil
}

// Review sends a TokenReview (SAT-4). That we are not known (401) or not
// allowed to ask (403) says nothing about the token.
func (c *Client) Review(ctx context.Context, r *Request) (Review, error) {
	reply, err := c.link.do(ctx, call{
		method: http.MethodPost, url: c.base.JoinPath("apis/authentication.k8s.io/v1/tokenreviews"),
		accept: "application/json", body: reviewBody(r), limit: maxReview,
	})
	switch {
	case err != nil:
		return Review{}, fmt.Errorf("sat: TokenReview: %w", err)
	case reply.status != http.StatusCreated && reply.status != http.StatusOK:
		return Review{}, fmt.Errorf("sat: TokenReview: %s", explain(reply))
	}
	v, err := parseReview(reply.body)
	if err != nil {
		return Review{}, fmt.Errorf("sat: TokenReview: the answer cannot be read: %w", err)
	}
	return v, nil
}

func reviewBody(r *Request) []byte {
	token := r.Token.Secret().Reveal()
	b := make([]byte, 0, len(token)+256)
	b = append(b, `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"`...)
	b = append(b, token...) // nothing in a Token needs escaping
	b = append(b, `","audiences":[`...)
	for i, a := range r.Audiences {
		if i > 0 {
			b = append(b, ',')
		}
		b = strictjson.AppendString(b, a)
	}
	return append(b, "]}}"...)
}

// ServiceAccount reads an account (SAT-5). Only the API server's own word for
// it, that this account does not exist, is ErrNoAccount.
func (c *Client) ServiceAccount(ctx context.Context, a Account) (ServiceAccount, error) {
	if !isName(a.Namespace, 63, false) || !isName(a.Name, 253, true) {
		return ServiceAccount{}, errors.New("sat: not the name of a service account")
	}
	reply, err := c.link.do(ctx, call{
		method: http.MethodGet, url: c.base.JoinPath("api/v1/namespaces", a.Namespace, "serviceaccounts", a.Name),
		accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json", limit: maxAccount,
	})
	switch {
	case err != nil:
		return ServiceAccount{}, fmt.Errorf("sat: service account: %w", err)
	case reply.status == http.StatusNotFound && saysNotFound(reply.body, a.Name):
		return ServiceAccount{}, ErrNoAccount
	case reply.status != http.StatusOK:
		return ServiceAccount{}, fmt.Errorf("sat: service account: %s", explain(reply))
	}
	stored, err := parseAccount(reply.body, a)
	if err != nil {
		return ServiceAccount{}, fmt.Errorf("sat: service account: the answer cannot be read: %w", err)
	}
	return stored, nil
}

// explain says what a status means that is no answer to the question. What we
// are not allowed to do is quoted, for whoever has to allow it.
func explain(r reply) string {
	text := fmt.Sprintf("status %d", r.status)
	switch r.status {
	case http.StatusUnauthorized:
		text += ": our own token is not accepted"
	case http.StatusForbidden:
		text += ": our service account lacks a right"
		if message := statusMessage(r.body); message != "" {
			text += ": " + message
		}
	}
	return text
}
