package main

import (
	"context"
	"fmt"
	"time"
)

// sample is what one measurement of one broker found out. A field that the
// scenario does not measure is zero.
type sample struct {
	rate     float64 // deliveries or connections a second
	cpu      float64 // seconds of the broker's processor time for each of them
	p50, p99 float64 // seconds from publisher to subscriber
	memory   float64 // bytes that the broker grew by, for each connection if it is about those
	lost     int64   // messages
}

// scenario is one way to load a broker.
type scenario struct {
	name    string
	link    link
	qos     byte
	among   []string // brokers; nil: all but those that are only for certain scenarios
	measure func(context.Context, *bench, *process) (sample, error)
}

// bench says how long to measure.
type bench struct {
	duration    time.Duration // of one measurement
	warmUp      time.Duration
	connections int           // idle ones
	settle      time.Duration // before memory is read
}

func scenarios() []scenario {
	fan := func(p, s int, qos byte) flow { return flow{senders: p, receivers: s, qos: qos} }
	pairs := func(qos byte) flow { return flow{senders: 100, receivers: 100, pairs: true, qos: qos} }
	authorization := []string{ours, ruled}
	return []scenario{
		fan(1, 1, 0).scenario("1-1-qos0"),
		fan(1, 1, 1).scenario("1-1-qos1"),
		fan(1, 1, 2).scenario("1-1-qos2"),
		fan(1, 100, 0).scenario("1-100-qos0"),
		fan(1, 100, 1).scenario("1-100-qos1"),
		fan(100, 1, 0).scenario("100-1-qos0"),
		fan(100, 1, 1).scenario("100-1-qos1"),
		pairs(0).scenario("pairs-qos0"),
		pairs(1).scenario("pairs-qos1"),
		flow{senders: 1, receivers: 1, rate: 30_000}.scenario("30000-1-1"),
		flow{senders: 1, receivers: 50, rate: 1000}.scenario("1000-1-50"),
		{name: "connect", measure: measureConnects},
		{name: "connect-tls", link: link{tls: true}, measure: measureConnects},
		flow{senders: 1, receivers: 1, qos: 1, rate: 500, delays: true}.scenario("latency"),
		{name: "idle", measure: measureIdle},
		{name: "idle-ws", link: link{webSocket: true}, measure: measureIdle},
		{name: "idle-tls", link: link{tls: true}, measure: measureIdle},
		flow{senders: 1, receivers: 1, rate: 30_000, halted: true}.scenario("stuck"),
		fan(1, 1, 0).scenario("rules-1-1").only(authorization),
		fan(1, 100, 0).scenario("rules-1-100").only(authorization),
	}
}

func (s scenario) only(brokers []string) scenario {
	s.among = brokers
	return s
}

// includes reports whether a broker takes part.
func (s scenario) includes(c contestant) bool {
	for _, name := range s.among {
		if name == c.name {
			return true
		}
	}
	return s.among == nil && c.rules == 0
}

func (f flow) scenario(name string) scenario {
	return scenario{name: name, qos: f.qos, measure: func(ctx context.Context, b *bench, p *process) (sample, error) {
		return f.measure(ctx, b, p)
	}}
}

func (f flow) measure(ctx context.Context, b *bench, p *process) (sample, error) {
	r, err := f.start(ctx, p.target)
	if err != nil {
		return sample{}, err
	}
	defer r.close()
	memory, err := p.rss()
	if err != nil {
		return sample{}, err
	}
	if _, err := r.run(ctx, b.warmUp); err != nil {
		return sample{}, fmt.Errorf("warming up: %w", err)
	}
	before, err := p.cpu()
	if err != nil {
		return sample{}, err
	}
	took, err := r.run(ctx, b.duration)
	if err != nil {
		return sample{}, err
	}
	after, err := p.cpu()
	if err != nil {
		return sample{}, err
	}
	grown, err := p.rss()
	if err != nil {
		return sample{}, err
	}
	r.close()
	due, come := r.account()
	if come == 0 {
		return sample{}, fmt.Errorf("none of %d messages came", due)
	}
	return sample{
		rate:   float64(come) / took.Seconds(),
		cpu:    (after - before).Seconds() / float64(come),
		p50:    r.delay(0.50).Seconds(),
		p99:    r.delay(0.99).Seconds(),
		memory: float64(grown - memory),
		lost:   due - come,
	}, nil
}
