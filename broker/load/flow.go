package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// flow is messages on their way from publishers to subscribers.
type flow struct {
	senders, receivers int
	pairs              bool // each publisher has a topic and a subscriber of its own
	qos                byte
	rate               int  // messages/s of each publisher; 0: as fast as it goes
	delays             bool // note how long each message takes
	halted             bool // one more subscriber, which does not read
}

// Bounds of what is on its way to one subscriber. They are below the queue limits
// of all brokers, and for QoS 1 and 2 below the number that they have in flight
// to one client.
const (
	gateWindow  = 4000 // messages of QoS 0 that the slowest subscriber is behind
	ackedWindow = 900  // the same for QoS 1 and 2
	maxInflight = 800  // unacknowledged messages of the publishers of one topic
	maxBatch    = 100
)

// running is a flow whose clients are connected.
type running struct {
	flow
	gates       []*gate
	publishers  []*publisher
	subscribers []*subscriber
	stuck       *client

	served sync.WaitGroup
	failed chan error // the first failure
}

// start connects the clients of a flow.
func (f flow) start(ctx context.Context, t target) (*running, error) {
	r := &running{flow: f, failed: make(chan error, 1)}
	if err := r.connect(ctx, t); err != nil {
		r.close()
		return nil, err
	}
	for _, s := range r.subscribers {
		r.goes(s.receive)
	}
	for _, p := range r.publishers {
		if p.qos > 0 {
			r.goes(p.acknowledged)
		}
	}
	return r, nil
}

func (r *running) connect(ctx context.Context, t target) error {
	topics := 1
	if r.pairs {
		topics = r.senders
	}
	if r.halted {
		c, err := t.dial(ctx, "load-stuck", 16)
		if err != nil {
			return err
		}
		r.stuck = c
		if err := c.subscribe(topicName(0), r.qos); err != nil {
			return err
		}
	}
	window := gateWindow
	if r.qos > 0 {
		window = ackedWindow
	}
	each := r.receivers / topics
	for range topics {
		r.gates = append(r.gates, newGate(window, each))
	}
	for i := range r.receivers {
		c, err := t.dial(ctx, fmt.Sprintf("load-s%d", i), 256<<10/min(8, r.receivers))
		if err != nil {
			return err
		}
		g := r.gates[i%topics]
		r.subscribers = append(r.subscribers, &subscriber{client: c, gate: g, index: i / topics, qos: r.qos, note: r.delays})
		if err := c.subscribe(topicName(i%topics), r.qos); err != nil {
			return err
		}
	}
	batch, inflight := r.allowance(window, r.senders/topics)
	for i := range r.senders {
		c, err := t.dial(ctx, fmt.Sprintf("load-p%d", i), 16<<10)
		if err != nil {
			return err
		}
		r.publishers = append(r.publishers, newPublisher(c, r.gates[i%topics], r.qos, topicName(i%topics), batch, inflight))
	}
	return nil
}

// allowance returns how many messages each of the publishers of one topic writes
// at once, and how many it may have unacknowledged.
func (f flow) allowance(window, publishers int) (batch, inflight int) {
	batch, inflight = window/publishers/4, max(8, maxInflight/publishers)
	if f.qos > 0 {
		batch = min(batch, inflight/4)
	}
	return max(4, min(maxBatch, batch)), inflight
}

func topicName(i int) string { return fmt.Sprintf("load/topic/%d", i) }

// goes runs f until the connections are closed.
func (r *running) goes(f func() error) {
	r.served.Go(func() {
		if err := f(); err != nil && !errors.Is(err, net.ErrClosed) {
			select {
			case r.failed <- err:
			default:
			}
		}
	})
}

// run lets the publishers send for a time and waits until everything has come.
// What is lost stays due when nothing has come for some time.
func (r *running) run(ctx context.Context, d time.Duration) (took time.Duration, err error) {
	r.reopen()
	began := time.Now()
	var sending sync.WaitGroup
	for _, p := range r.publishers {
		sending.Go(func() {
			send := p.flood
			if r.rate > 0 {
				send = func() error { return p.pace(r.rate) }
			}
			if err := send(); err != nil {
				select {
				case r.failed <- err:
				default:
				}
			}
		})
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	case err = <-r.failed:
	}
	for _, p := range r.publishers {
		p.stop()
	}
	sending.Wait()
	if err = errors.Join(err, ctx.Err()); err != nil {
		return 0, err
	}
	return r.drain(ctx, began)
}

// reopen begins a new count.
func (r *running) reopen() {
	for _, g := range r.gates {
		g.mu.Lock()
		g.closed, g.sent, g.floor = false, 0, 0
		for i := range g.received {
			g.received[i].Store(0)
		}
		g.mu.Unlock()
	}
	for _, p := range r.publishers {
		p.mu.Lock()
		p.closed = false
		p.mu.Unlock()
	}
	for _, s := range r.subscribers {
		s.delays = s.delays[:0]
	}
}

// lostAfter is how long nothing may come before what is due counts as lost.
const lostAfter = 3 * time.Second

func (r *running) drain(ctx context.Context, began time.Time) (time.Duration, error) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	last, at := int64(-1), time.Now()
	for {
		due, come := r.account()
		if come != last {
			last, at = come, time.Now()
		}
		if come >= due || time.Since(at) > lostAfter {
			return at.Sub(began), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		case err := <-r.failed:
			return 0, err
		}
	}
}

func (r *running) account() (due, come int64) {
	for _, g := range r.gates {
		d, c := g.account()
		due, come = due+d, come+c
	}
	return due, come
}

// delay returns a quantile of the delays, after close.
func (r *running) delay(quantile float64) time.Duration {
	var all []time.Duration
	for _, s := range r.subscribers {
		all = append(all, s.delays...)
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[int(quantile*float64(len(all)-1))]
}

// close closes the connections and waits for the goroutines.
func (r *running) close() {
	if r.stuck != nil {
		_ = r.stuck.Close()
	}
	for _, s := range r.subscribers {
		_ = s.Close()
	}
	for _, p := range r.publishers {
		_ = p.Close()
	}
	r.served.Wait()
}
