package metrics

import (
	"cmp"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// Metrics is a broker.Observer that counts. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	server   atomic.Pointer[broker.Server]

	successes, failures, denials *prometheus.CounterVec
	connects                     *prometheus.CounterVec
	renewals                     *prometheus.CounterVec
	handshakes                   *prometheus.CounterVec
	ends                         *prometheus.CounterVec
	steps                        *prometheus.CounterVec
	stepSeconds                  *prometheus.HistogramVec
	connectSeconds               *prometheus.HistogramVec
}

var _ broker.Observer = (*Metrics)(nil)

// New returns metrics that show nothing of a server until Watch, with a
// registry of their own.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	// An authentication takes microseconds from a cache and seconds from a
	// server that hangs.
	latency := func(name, help, label string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(10e-6, 4, 11)}, []string{label})
		m.registry.MustRegister(h)
		return h
	}
	m.successes = counter("aio_broker_authentication_successes", "Clients that a method accepted, at CONNECT and at AUTH.", "category")
	m.failures = counter("aio_broker_authentication_failures", "Authentications that could not be decided: something was unavailable.", "category")
	m.denials = counter("aio_broker_authentication_deny", "Clients whose credentials were refused, or that no method knew.", "category")
	for _, c := range []*prometheus.CounterVec{m.successes, m.failures, m.denials} {
		c.WithLabelValues(uncategorized) // 0 is on the page, too
	}
	m.connects = counter("mqttwarden_connects_total", "CONNECT packets, by port and by the reason code that answered them.", "port", "reason")
	m.renewals = counter("mqttwarden_reauthentications_total", "Reauthentications and periodic judgements, by port and result.", "port", "result")
	m.handshakes = counter("mqttwarden_tls_handshakes_refused_total", "TLS handshakes that failed.", "port")
	m.ends = counter("mqttwarden_disconnects_total", "Ends of accepted connections, by who ended them.", "port", "by")
	m.steps = counter("mqttwarden_authentication_steps_total", "Answers of the methods of a chain.", "port", "method", "outcome")
	m.stepSeconds = latency("mqttwarden_authentication_step_seconds", "How long a method of a chain took.", "method")
	m.connectSeconds = latency("mqttwarden_connect_seconds", "From a CONNECT to its answer.", "port")
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), serverFigures{m})
	return m
}

// Watch shows the figures of a server, besides what Observe counts, in place of
// those of the server that was watched before.
func (m *Metrics) Watch(s *broker.Server) { m.server.Store(s) }

// Register adds other collectors to the page. The error is that of the first one
// that does not fit, such as one whose names are taken; later ones are not added.
func (m *Metrics) Register(c ...prometheus.Collector) error {
	for _, each := range c {
		if err := m.registry.Register(each); err != nil {
			return err
		}
	}
	return nil
}

// Handler serves the page that Prometheus reads, to many readers at once. It asks
// for no credentials: serve it where operators are.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Observe counts an event. It does not block.
func (m *Metrics) Observe(e broker.Event) {
	switch e.Action {
	case broker.ActionHandshake:
		m.handshakes.WithLabelValues(e.Port).Inc()
	case broker.ActionConnect:
		m.connects.WithLabelValues(e.Port, e.Reason.String()).Inc()
		m.connectSeconds.WithLabelValues(e.Port).Observe(e.Took.Seconds())
		m.authentication(&e)
	case broker.ActionReauthenticate:
		m.renewals.WithLabelValues(e.Port, result(&e)).Inc()
		m.authentication(&e)
	case broker.ActionDisconnect:
		by := "client"
		if e.Err != nil {
			by = "server"
		}
		m.ends.WithLabelValues(e.Port, by).Inc()
	case broker.ActionPublish, broker.ActionSubscribe, broker.ActionRead, broker.ActionWrite: // the server counts them
	}
}

// result is what became of a reauthentication.
func result(e *broker.Event) string {
	switch {
	case e.Allowed:
		return "accepted"
	case e.Reason == mqttauth.ContinueAuthentication:
		return "put off"
	default:
		return "refused"
	}
}

// authentication counts what the methods said. The last step decided.
func (m *Metrics) authentication(e *broker.Event) {
	for _, s := range e.Steps {
		m.steps.WithLabelValues(e.Port, s.Method, s.Outcome.String()).Inc()
		m.stepSeconds.WithLabelValues(s.Method).Observe(s.Duration.Seconds())
	}
	if len(e.Steps) == 0 {
		return
	}
	switch e.Steps[len(e.Steps)-1].Outcome {
	case mqttauth.Accepted:
		m.successes.WithLabelValues(category(e.Category)).Inc()
	case mqttauth.Unavailable, mqttauth.Failed:
		m.failures.WithLabelValues(category(e.Category)).Inc()
	default:
		m.denials.WithLabelValues(category(e.Category)).Inc()
	}
}

// uncategorized is the label of clients that name no category, or none that is
// configured.
const uncategorized = "uncategorized"

func category(name string) string { return cmp.Or(name, uncategorized) }

// serverFigures collects what the server is asked for.
type serverFigures struct{ m *Metrics }

func describe(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }

// Describe says nothing: the figures are there only once there is a server.
func (serverFigures) Describe(chan<- *prometheus.Desc) {}

// Collect asks the server.
func (f serverFigures) Collect(out chan<- prometheus.Metric) {
	server := f.m.server.Load()
	if server == nil {
		return
	}
	st := server.Stats()
	show := func(kind prometheus.ValueType, name, help string, value float64) {
		out <- prometheus.MustNewConstMetric(describe(name, help), kind, value)
	}
	gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
	show(gauge, "mqttwarden_connections", "Connections, accepted or not yet.", float64(st.Connections))
	show(gauge, "mqttwarden_sessions", "Sessions, with and without a connection.", float64(st.Sessions))
	show(gauge, "mqttwarden_retained_messages", "Retained messages.", float64(st.RetainedMessages))
	show(gauge, "mqttwarden_retained_bytes", "Bytes of retained messages.", float64(st.RetainedBytes))
	c := st.Counts
	authorization(out, st.Categories)
	show(counter, "mqttwarden_publishes_allowed_total", "PUBLISH packets that were allowed.", float64(c.PublishAllowed))
	show(counter, "mqttwarden_publishes_denied_total", "PUBLISH packets that were denied.", float64(c.PublishDenied))
	show(counter, "mqttwarden_subscribes_allowed_total", "Subscription filters that were allowed.", float64(c.SubscribeAllowed))
	show(counter, "mqttwarden_subscribes_denied_total", "Subscription filters that were denied.", float64(c.SubscribeDenied))
	show(counter, "mqttwarden_state_store_keys_denied_total", "Uses of keys of the state store that were denied.", float64(c.KeyDenied))
	store := st.StateStore
	show(counter, "aio_broker_state_store_retrievals", "GET requests.", float64(store.Retrievals))
	show(counter, "aio_broker_state_store_insertions", "SET requests that made a key.", float64(store.Insertions))
	show(counter, "aio_broker_state_store_modifications", "SET requests that changed a key.", float64(store.Modifications))
	show(counter, "aio_broker_state_store_deletions", "Keys that were deleted or expired.", float64(store.Deletions))
	show(counter, "aio_broker_state_store_keynotify_requests", "KEYNOTIFY requests that registered.", float64(store.NotifyRequests))
	show(counter, "aio_broker_state_store_notifications_sent", "Notifications, one for each client.", float64(store.NotificationsSent))
}

// authorization shows what was allowed and denied, by category.
func authorization(out chan<- prometheus.Metric, categories map[string]broker.Counts) {
	allowed, denied := make(map[string]uint64), make(map[string]uint64)
	for name, c := range categories {
		allowed[category(name)] += c.PublishAllowed + c.SubscribeAllowed + c.KeyAllowed
		denied[category(name)] += c.PublishDenied + c.SubscribeDenied + c.KeyDenied
	}
	show := func(name, help string, counts map[string]uint64) {
		desc := prometheus.NewDesc(name, help, []string{"category"}, nil)
		for label, n := range counts {
			out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), label)
		}
	}
	show("aio_broker_authorization_allow", "Publishes, subscription filters and uses of keys that were allowed.", allowed)
	show("aio_broker_authorization_deny", "Publishes, subscription filters and uses of keys that were denied.", denied)
}
