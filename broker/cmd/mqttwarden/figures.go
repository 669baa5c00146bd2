package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/sat"
)

// figures shows those of caches and authentication servers.
type figures struct {
	tokens  *sat.Cache     // nil: no token is reviewed
	servers *config.Keeper // nil: not yet
}

var _ prometheus.Collector = figures{}

// Describe says nothing: which servers there are changes with the documents.
func (figures) Describe(chan<- *prometheus.Desc) {}

// Collect shows what there is now.
func (f figures) Collect(out chan<- prometheus.Metric) {
	gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
	show := func(kind prometheus.ValueType, name, help string, value float64, labels ...string) {
		var names []string
		if len(labels) > 0 {
			names = []string{"authentication", "method", "outcome"}[:len(labels)]
		}
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, labels...)
	}
	if f.tokens != nil {
		s := f.tokens.Stats()
		show(counter, "mqttwarden_token_cache_hits_total", "Service account tokens whose review was remembered.", float64(s.Hits))
		show(counter, "mqttwarden_token_reviews_total", "Service account tokens that the API server was asked about.", float64(s.Reviews))
		show(counter, "mqttwarden_token_review_failures_total", "Reviews that came back without a verdict.", float64(s.Failures))
		show(gauge, "mqttwarden_token_cache_entries", "Reviews that are remembered.", float64(s.Entries))
	}
	if f.servers == nil {
		return
	}
	for _, s := range f.servers.CustomStats() {
		where := []string{s.Authentication.String(), s.Method}
		open := 0.0
		if s.Open {
			open = 1
		}
		show(gauge, "mqttwarden_auth_server_given_up", "1 while the authentication server is not asked because it cannot be reached.", open, where...)
		show(counter, "mqttwarden_auth_server_given_up_total", "How often that came about.", float64(s.Opened), where...)
		show(gauge, "mqttwarden_auth_server_requests", "Requests under way.", float64(s.InFlight), where...)
		show(gauge, "mqttwarden_auth_server_waiting", "Clients that wait for their turn.", float64(s.Waiting), where...)
		for outcome, n := range map[string]uint64{"accepted": s.Accepted, "denied": s.Denied, "failed": s.Failed, "unavailable": s.Unavailable} {
			show(counter, "mqttwarden_auth_server_answers_total", "Answers by outcome.", float64(n), s.Authentication.String(), s.Method, outcome)
		}
	}
}
