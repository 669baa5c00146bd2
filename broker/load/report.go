package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// metric is one field of a sample, and how to write it.
type metric struct {
	of     func(sample) float64
	format func(float64) string
}

var (
	rate   = metric{func(s sample) float64 { return s.rate }, func(v float64) string { return fmt.Sprintf("%.0f/s", v) }}
	cpu    = metric{func(s sample) float64 { return s.cpu }, func(v float64) string { return fmt.Sprintf("%.2fµs", v*1e6) }}
	delay  = metric{func(s sample) float64 { return s.p50 }, func(v float64) string { return fmt.Sprintf("%.0fµs", v*1e6) }}
	late   = metric{func(s sample) float64 { return s.p99 }, delay.format}
	memory = metric{func(s sample) float64 { return s.memory }, func(v float64) string { return fmt.Sprintf("%.1fKiB", v/1024) }}
)

// line is one line of the table.
type line struct {
	title     string
	scenarios []string // the worst of them counts
	metric    metric
	atLeast   float64 // ratio to the reference; 0: not bounded so
	atMost    float64
	below     float64 // bound of the value itself
	reference string  // "": mosquitto
	beside    *metric // printed as well
}

func lines() []line {
	flat := func(qos string) []string {
		return []string{"1-1-" + qos, "1-100-" + qos, "100-1-" + qos, "pairs-" + qos}
	}
	one := func(title, scenario string, least float64) line {
		return line{title: title, scenarios: []string{scenario}, metric: rate, atLeast: least, beside: &cpu}
	}
	return []line{
		one("1→1 QoS 0", "1-1-qos0", 8),
		one("1→1 QoS 1", "1-1-qos1", 5),
		one("1→1 QoS 2", "1-1-qos2", 3),
		one("1→100 QoS 0", "1-100-qos0", 12),
		one("1→100 QoS 1", "1-100-qos1", 4),
		one("100→1 QoS 0", "100-1-qos0", 3),
		one("100→1 QoS 1", "100-1-qos1", 2),
		one("100 pairs QoS 0", "pairs-qos0", 8),
		one("100 pairs QoS 1", "pairs-qos1", 3),
		{title: "CPU per delivery, flat out, QoS 0", scenarios: flat("qos0"), metric: cpu, atMost: 0.15},
		{title: "CPU per delivery, flat out, QoS 1", scenarios: flat("qos1"), metric: cpu, atMost: 0.35},
		{title: "CPU per delivery, 30,000/s 1→1", scenarios: []string{"30000-1-1"}, metric: cpu, atMost: 1. / 3, beside: &rate},
		{title: "CPU per delivery, 1,000/s 1→50", scenarios: []string{"1000-1-50"}, metric: cpu, atMost: 1. / 3, beside: &rate},
		one("connects, plain", "connect", 1),
		one("connects, TLS with client certificates", "connect-tls", 1),
		{title: "CPU per connect, plain", scenarios: []string{"connect"}, metric: cpu, atMost: 2},
		{title: "CPU per connect, TLS with client certificates", scenarios: []string{"connect-tls"}, metric: cpu, atMost: 0.6},
		{title: "latency p50 (p99), 500/s QoS 1", scenarios: []string{"latency"}, metric: delay, atMost: 1.15, beside: &late},
		{title: "idle memory per connection, plain", scenarios: []string{"idle"}, metric: memory, below: 12 << 10},
		{title: "idle memory per connection, WebSocket", scenarios: []string{"idle-ws"}, metric: memory, below: 14 << 10},
		{title: "idle memory per connection, TLS", scenarios: []string{"idle-tls"}, metric: memory, below: 30 << 10},
		{title: "30,000/s 1→1 beside a subscriber that stopped reading", scenarios: []string{"stuck"}, metric: rate, atLeast: 0.98, beside: &memory},
		{title: "1,000 rules against none, 1→1", scenarios: []string{"rules-1-1"}, metric: rate, atLeast: 0.90, reference: ours, beside: &cpu},
		{title: "1,000 rules against none, 1→100", scenarios: []string{"rules-1-100"}, metric: rate, atLeast: 0.95, reference: ours, beside: &cpu},
	}
}

// rounds are the samples of each scenario and broker; nil where there is none.
type rounds map[string]map[string][]*sample

func (r rounds) add(scenario, broker string, s *sample) {
	if r[scenario] == nil {
		r[scenario] = make(map[string][]*sample)
	}
	r[scenario][broker] = append(r[scenario][broker], s)
}

// value returns the median of a metric.
func (r rounds) value(scenario, broker string, m metric) (float64, bool) {
	var all []float64
	for _, s := range r[scenario][broker] {
		if s != nil {
			all = append(all, m.of(*s))
		}
	}
	return median(all)
}

// ratio returns the median of the ratios of two brokers in the same round: what
// slows the machine down for a while slows both.
func (r rounds) ratio(scenario, broker, reference string, m metric) (float64, bool) {
	var all []float64
	theirs := r[scenario][reference]
	for i, s := range r[scenario][broker] {
		if s == nil || i >= len(theirs) || theirs[i] == nil || m.of(*theirs[i]) == 0 {
			continue
		}
		all = append(all, m.of(*s)/m.of(*theirs[i]))
	}
	return median(all)
}

func median(v []float64) (float64, bool) {
	if len(v) == 0 {
		return 0, false
	}
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2, true
}

// cell is what a line says about one broker.
func (l line) cell(r rounds, broker string) (text string, met, ok bool) {
	reference := l.reference
	if reference == "" {
		reference = baseline
	}
	met = true
	var parts []string
	worst := math.Inf(-1)
	if l.atLeast > 0 {
		worst = math.Inf(1)
	}
	for _, s := range l.scenarios {
		v, ok := r.value(s, broker, l.metric)
		if !ok {
			continue
		}
		part := l.metric.format(v)
		if x, ok := r.ratio(s, broker, reference, l.metric); ok && broker != reference {
			part += fmt.Sprintf(" %.2f×", x)
			if l.atLeast > 0 {
				worst = min(worst, x)
			} else {
				worst = max(worst, x)
			}
		}
		if l.below > 0 {
			met = met && v <= l.below
		}
		parts = append(parts, part+l.besides(r, s, broker, reference))
	}
	switch {
	case len(parts) == 0:
		return "-", false, false
	case l.atLeast > 0:
		met = worst >= l.atLeast
	case l.atMost > 0:
		met = worst <= l.atMost
	}
	return strings.Join(parts, "; "), met, l.below > 0 || !math.IsInf(worst, 0)
}

func (l line) besides(r rounds, scenario, broker, reference string) string {
	if l.beside == nil {
		return ""
	}
	v, _ := r.value(scenario, broker, *l.beside)
	text := l.beside.format(v)
	if x, ok := r.ratio(scenario, broker, reference, *l.beside); ok && broker != reference {
		text += fmt.Sprintf(" %.2f×", x)
	}
	return " (" + text + ")"
}

func (l line) bound() string {
	switch {
	case l.atLeast > 0:
		return fmt.Sprintf("≥ %.4g×", l.atLeast)
	case l.atMost > 0:
		return fmt.Sprintf("≤ %.2f×", l.atMost)
	default:
		return "≤ " + l.metric.format(l.below)
	}
}

// print writes the table: what each broker reached, its ratio to mosquitto
// behind it, and whether ours is within the bound.
func (r rounds) print(w io.Writer, brokers []string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "scenario\tmust reach\t\t%s\n", strings.Join(brokers, "\t"))
	for _, l := range lines() {
		var cells []string
		verdict, any := "", false
		for _, b := range brokers {
			subject := b
			if l.reference == ours && b == ours {
				subject = ruled
			}
			text, met, compared := l.cell(r, subject)
			any = any || text != "-"
			if b == ours && compared {
				verdict = map[bool]string{true: "met", false: "NOT met"}[met]
			}
			cells = append(cells, text)
		}
		if any {
			_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", l.title, l.bound(), verdict, strings.Join(cells, "\t"))
		}
	}
	_ = t.Flush()
}
