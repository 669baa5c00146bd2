package main

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	got, err := parseStat("12 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0")
	if want := 3 * time.Second; got != want || err != nil {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if _, err := parseStat("12 (a) S 1"); err == nil {
		t.Error("no error for a short line")
	}
}

// Ratios are taken within a round; the median of the ratios is not the ratio
// of the medians.
func TestRatio(t *testing.T) {
	r := make(rounds)
	for i, theirs := range []float64{1, 10, 100} {
		r.add("s", baseline, &sample{cpu: theirs})
		r.add("s", ours, &sample{cpu: theirs * []float64{0.5, 0.2, 0.1}[i]})
	}
	r.add("s", baseline, nil) // could not be measured
	r.add("s", ours, &sample{cpu: 1})
	if got, ok := r.ratio("s", ours, baseline, cpu); !ok || math.Abs(got-0.2) > 1e-9 {
		t.Errorf("ratio %v, want 0.2", got)
	}
	if got, ok := r.value("s", baseline, cpu); !ok || got != 10 {
		t.Errorf("median %v, want 10", got)
	}
	if _, ok := r.ratio("s", "mochi", baseline, cpu); ok {
		t.Error("a broker that was not measured has a ratio")
	}
}

func TestPrint(t *testing.T) {
	r := make(rounds)
	r.add("1-1-qos0", baseline, &sample{rate: 100, cpu: 4e-6})
	r.add("1-1-qos0", ours, &sample{rate: 900, cpu: 1e-6})
	r.add("idle", ours, &sample{memory: 13 << 10})
	var out strings.Builder
	r.print(&out, []string{baseline, ours})
	var got []string
	for l := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(l), " "))
	}
	want := []string{
		"scenario must reach mosquitto mqttwarden",
		"1→1 QoS 0 ≥ 8× met 100/s (4.00µs) 900/s 9.00× (1.00µs 0.25×)",
		"CPU per delivery, flat out, QoS 0 ≤ 0.15× NOT met 4.00µs 1.00µs 0.25×",
		"idle memory per connection, plain ≤ 12.0KiB NOT met - 13.0KiB",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Every line is about scenarios that exist, and every scenario is in a line.
func TestLines(t *testing.T) {
	known := make(map[string]bool)
	for _, s := range scenarios() {
		known[s.name] = false
	}
	for _, l := range lines() {
		for _, s := range l.scenarios {
			if _, ok := known[s]; !ok {
				t.Errorf("%s: no scenario %q", l.title, s)
			}
			known[s] = true
		}
	}
	for s, used := range known {
		if !used {
			t.Errorf("no line is about %s", s)
		}
	}
}

func TestSelected(t *testing.T) {
	o, err := parseFlags([]string{"-only", "idle,latency,idle-tls"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := o.selected()
	if err != nil || len(got) != 4 {
		t.Errorf("%d scenarios, %v; want idle, idle-ws, idle-tls and latency", len(got), err)
	}
	for _, args := range [][]string{{"-only", "nothing"}, {"-brokers", "nobody"}} {
		o, err := parseFlags(args)
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.selected()
		_, _, err2 := o.contestants()
		if err == nil && err2 == nil {
			t.Errorf("%v is taken", args)
		}
	}
	if _, err := parseFlags([]string{"-mqtt", "3"}); err == nil {
		t.Error("-mqtt 3 is taken")
	}
}
