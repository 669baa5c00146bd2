package customauth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/exhausted"
	"github.com/mqttwarden/mqttwarden/internal/peertext"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// Method asks a custom authentication server. All credentials are relevant to
// it (AUTHN-3). It is safe for concurrent use.
type Method struct {
	config  Config // with defaults; its secrets are forgotten
	url     *url.URL
	header  http.Header
	dial    dialer
	client  atomic.Pointer[client]
	queue   *queue
	breaker breaker
	journal journal
	prober  prober
	closed  atomic.Bool

	counters counters
}

var _ mqttauth.Method = (*Method)(nil)

// New returns the method of the server that c describes. It does not try to
// reach it. Close must be called in the end.
func New(c Config) (*Method, error) { return newMethod(c, new(net.Dialer).DialContext) }

func newMethod(c Config, dial dialer) (*Method, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	m := &Method{dial: dial, queue: newQueue(c), journal: journal{logger: c.Logger}}
	if m.url, err = endpoint(c.Endpoint); err != nil {
		return nil, err
	}
	if m.header, err = header(c.Headers); err != nil {
		return nil, err
	}
	first := c.TLS
	c.TLS, c.Headers = TLS{}, nil
	m.config = c
	if err := m.Replace(first); err != nil {
		return nil, err
	}
	return m, nil
}

// Replace puts other roots and another client certificate in place of the
// present ones: call it when their files or Secrets have changed. Requests under
// way end as they are; no later one uses a connection that was made before. On
// error nothing changes.
func (m *Method) Replace(t TLS) error {
	config, err := t.config(m.url.Hostname())
	if err != nil {
		return err
	}
	old := m.client.Swap(newClient(m.config, m.url, m.header, config, m.dial))
	if old != nil {
		old.transport.CloseIdleConnections()
	}
	return nil
}

// Close waits for a probe under way and closes the connections that are not in
// use; the others close when their requests end. Whoever is asked about later
// gets mqttauth.ErrFailed.
func (m *Method) Close() error {
	m.closed.Store(true)
	m.prober.close()
	m.client.Load().transport.CloseIdleConnections()
	return nil
}

var (
	errNobody  = errors.New("customauth: no credentials")
	errClosed  = fmt.Errorf("customauth: the method is closed: %w", mqttauth.ErrFailed)
	errGivenUp = fmt.Errorf("customauth: the server could not be reached lately: %w", mqttauth.ErrUnavailable)
)

// Authenticate asks the server about c. What its answers mean is CUST-3.
func (m *Method) Authenticate(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	r, err := m.authenticate(ctx, c)
	m.counters.count(mqttauth.OutcomeOf(r, err))
	return r, err
}

func (m *Method) authenticate(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	if c == nil {
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, errNobody)
	}
	p, err := newPayload(c, m.config.PlainMethod)
	if err != nil { // the client's doing, and so a denial
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, err)
	}
	defer p.release()
	if err := m.enter(ctx); err != nil {
		return mqttauth.Result{}, err
	}
	a, err := m.exchange(ctx, p)
	if err != nil {
		return mqttauth.Result{}, err
	}
	return m.decide(c, a)
}

// enter waits for a turn, unless the server was given up.
func (m *Method) enter(ctx context.Context) error {
	if m.closed.Load() {
		return errClosed
	}
	if err := m.admit(ctx); err != nil {
		return err
	}
	if err := m.queue.enter(ctx); err != nil {
		return err
	}
	if m.breaker.isOpen() { // since we have begun to wait
		m.queue.leave()
		return errGivenUp
	}
	return nil
}

// admit asks the breaker. The one for whom a probe is due waits for it.
func (m *Method) admit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return ended(err)
	}
	a := m.breaker.admit(time.Now())
	if a.refused {
		return errGivenUp
	}
	if a.probe == nil {
		return nil
	}
	m.startProbe(queueing)
	select {
	case <-a.probe:
	case <-ctx.Done():
		return ended(ctx.Err())
	}
	if m.breaker.isOpen() {
		return errGivenUp
	}
	return nil
}

// exchange sends the request and leaves the queue. An error is what the caller
// gets; without one there is an answer, which is no outage.
func (m *Method) exchange(ctx context.Context, p *payload) (answer, error) {
	limited, cancel := context.WithTimeout(ctx, m.config.Timeout)
	defer cancel()
	a, err := m.negotiate(limited, p)
	if err != nil && ctx.Err() != nil {
		m.queue.leave()
		return answer{}, ended(ctx.Err())
	}
	f, cause := find(limited, a, err)
	m.settle(f)
	switch {
	case f == foundUnreachable:
		m.journal.unreachable(cause)
		return answer{}, fmt.Errorf("customauth: the server cannot be reached: %s: %w", cause, mqttauth.ErrUnavailable)
	case err != nil:
		m.journal.unusable(0, cause)
		return answer{}, fmt.Errorf("customauth: %s: %w", cause, mqttauth.ErrFailed)
	default:
		return a, nil
	}
}

// settle tells the breaker, and leaves the queue or hands its place to a probe.
func (m *Method) settle(f finding) {
	if f == foundUnreachable && m.breaker.unreachable() {
		m.startProbe(inPlace)
		return
	}
	if f == foundServer {
		m.breaker.reached()
	}
	m.queue.leave()
}

// negotiate sends the request, and once more if the server answers with a
// version that it and we speak.
func (m *Method) negotiate(ctx context.Context, p *payload) (answer, error) {
	c := m.client.Load()
	a, err := c.post(ctx, APIVersion, p)
	if err != nil || judge(a.status) != versions {
		return a, err
	}
	version, _ := a.common()
	if version == "" { // an answer all the same, which decide looks at
		return a, nil
	}
	return c.post(ctx, version, p)
}

// find says what an exchange tells about the server, and in a few words why,
// without quoting what the server has sent.
func find(ctx context.Context, a answer, err error) (finding, string) {
	switch {
	case err == nil && judge(a.status) == unavailable:
		return foundUnreachable, fmt.Sprintf("status %d", a.status)
	case err == nil:
		return foundServer, ""
	case exhausted.Is(err):
		return foundNothing, "this machine has run out of something: " + peertext.Clean(err.Error())
	case errors.Is(ctx.Err(), context.Canceled):
		return foundNothing, "given up"
	case ctx.Err() != nil:
		return foundUnreachable, "no answer in time"
	case unreachable(err):
		return foundUnreachable, peertext.Clean(err.Error())
	default:
		return foundServer, "the answer is not HTTP"
	}
}
