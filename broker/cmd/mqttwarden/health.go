package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/kube"
)

// health knows whether the ports are as the documents say. The zero value is
// not ready.
type health struct {
	mu      sync.Mutex
	applied time.Time // when documents took effect; zero: never yet
	missing []string  // what keeps ports closed
	partial error     // what of the applied documents could not be done
	invalid error     // why the newest documents are not in force (LINK-11)
	errors  int       // how many changes were not valid
	cluster *kube.Source
}

// follow has the state of a cluster shown, too.
func (h *health) follow(s *kube.Source) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cluster = s
}

// take notes that documents took effect, in part if err is not nil.
func (h *health) take(p *config.Plan, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.applied, h.partial, h.invalid, h.missing = time.Now(), err, nil, nil
	for _, port := range p.Ports {
		for _, m := range port.Missing {
			h.missing = append(h.missing, fmt.Sprintf("port %v: missing %v", port, m))
		}
	}
}

// reject notes that changed documents are not valid.
func (h *health) reject(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.invalid = err
	h.errors++
}

// serveReady answers 200 as soon as documents are in force: a later mistake in
// them changes nothing for clients, so it takes nobody out of service, but it is
// in the text.
func (h *health) serveReady(w http.ResponseWriter, _ *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.applied.IsZero() {
		http.Error(w, "not ready: no documents are in force yet", http.StatusServiceUnavailable)
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "ready: documents in force since %s\n", h.applied.UTC().Format(time.RFC3339))
	for _, m := range h.missing {
		fmt.Fprintln(&b, m)
	}
	if h.partial != nil {
		fmt.Fprintf(&b, "applied in part: %v\n", h.partial)
	}
	if h.invalid != nil {
		fmt.Fprintf(&b, "the changed documents are not valid:\n%v\n", h.invalid)
	}
	if h.cluster != nil {
		writeCluster(&b, h.cluster.Health(), time.Now())
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, b.String())
}

// Describe says nothing, so that the figures may come and go.
func (h *health) Describe(chan<- *prometheus.Desc) {}

// Collect shows the state of the documents.
func (h *health) Collect(out chan<- prometheus.Metric) {
	h.mu.Lock()
	defer h.mu.Unlock()
	show := func(kind prometheus.ValueType, name, help string, value float64) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, nil, nil), kind, value)
	}
	valid := 1.0
	if h.invalid != nil || h.partial != nil {
		valid = 0
	}
	if h.cluster != nil {
		state := h.cluster.Health()
		if len(state.Invalid) > 0 {
			valid = 0
		}
		collectCluster(show, state)
	}
	show(prometheus.GaugeValue, "mqttwarden_documents_valid", "1 while the newest documents are in force, all of them.", valid)
	show(prometheus.CounterValue, "mqttwarden_documents_rejected_total", "Changes of documents that were not valid.", float64(h.errors))
	show(prometheus.GaugeValue, "mqttwarden_ports_missing_references", "References to something that is missing, which keep ports closed.", float64(len(h.missing)))
	if !h.applied.IsZero() {
		show(prometheus.GaugeValue, "mqttwarden_documents_applied_timestamp_seconds", "When documents last took effect.", float64(h.applied.UnixMilli())/1e3)
	}
}
