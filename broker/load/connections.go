package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ids counts clients: one that comes back at once is another matter, and some
// brokers make it wait.
var ids atomic.Int64

// connecting is how many clients connect at the same time.
const connecting = 16

// measureConnects lets clients connect and leave again, one after the other in
// several rows.
func measureConnects(ctx context.Context, b *bench, p *process) (sample, error) {
	if _, err := connects(ctx, p, b.warmUp); err != nil {
		return sample{}, err
	}
	before, err := p.cpu()
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	n, err := connects(ctx, p, b.duration)
	if err != nil {
		return sample{}, err
	}
	took := time.Since(began)
	after, err := p.cpu()
	return sample{
		rate: float64(n) / took.Seconds(),
		cpu:  (after - before).Seconds() / float64(n),
	}, err
}

func connects(ctx context.Context, p *process, d time.Duration) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	end := time.Now().Add(d)
	var done atomic.Int64
	err := rows(func(int) error {
		for time.Now().Before(end) {
			c, err := p.dial(ctx, fmt.Sprintf("load-c%d", ids.Add(1)), 16)
			if err != nil {
				return err
			}
			done.Add(1)
			if err := c.leave(); err != nil {
				return err
			}
		}
		return nil
	})
	return done.Load(), err
}

// rows runs f several times at once.
func rows(f func(row int) error) error {
	errs := make([]error, connecting)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// measureIdle connects many clients, each of which pings once and then says
// nothing more, and looks how much the broker has grown.
func measureIdle(ctx context.Context, b *bench, p *process) (sample, error) {
	before, err := p.rss()
	if err != nil {
		return sample{}, err
	}
	clients := make([]*client, b.connections)
	p.atEnd = func() { // a heap profile is to show them, and the broker writes it when it ends
		for _, c := range clients {
			if c != nil {
				_ = c.Close()
			}
		}
	}
	err = rows(func(row int) error {
		for i := row; i < len(clients); i += connecting {
			c, err := p.dial(ctx, fmt.Sprintf("load-i%d", i), 16)
			if err != nil {
				return fmt.Errorf("connection %d: %w", i, err)
			}
			clients[i] = c
			if err := c.ping(); err != nil {
				return fmt.Errorf("connection %d: %w", i, err)
			}
		}
		return nil
	})
	if err != nil {
		return sample{}, err
	}
	select {
	case <-time.After(b.settle):
	case <-ctx.Done():
		return sample{}, ctx.Err()
	}
	after, err := p.rss()
	return sample{memory: float64(after-before) / float64(b.connections)}, err
}
