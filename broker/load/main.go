package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	bench
	rounds   int
	quick    bool
	only     string
	brokers  string
	version  uint
	profiles string
}

func parseFlags(args []string) (*options, error) {
	o := new(options)
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.IntVar(&o.rounds, "rounds", 5, "how often each broker is measured in each scenario")
	f.DurationVar(&o.duration, "duration", 2*time.Second, "of one measurement")
	f.BoolVar(&o.quick, "quick", false, "one short round: says that everything works, and nothing about speed")
	f.StringVar(&o.only, "only", "", "names of scenarios or their beginnings, separated by commas (default all)")
	f.StringVar(&o.brokers, "brokers", "mosquitto,mqttwarden,mochi,nats", "brokers to measure")
	f.UintVar(&o.version, "mqtt", 4, "protocol level: 4 (MQTT 3.1.1) or 5 (not nats)")
	f.StringVar(&o.profiles, "profiles", "", "folder for CPU and heap profiles of mqttwarden, one of each scenario's last round")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if o.version != uint(v311) && o.version != uint(v5) {
		return nil, fmt.Errorf("-mqtt %d: want 4 or 5", o.version)
	}
	o.warmUp, o.connections, o.settle = 500*time.Millisecond, 5000, 5*time.Second
	if o.quick {
		o.rounds, o.duration, o.warmUp = 1, 100*time.Millisecond, 20*time.Millisecond
		o.connections, o.settle = 200, 100*time.Millisecond
	}
	return o, nil
}

// selected returns the scenarios that -only names.
func (o *options) selected() ([]scenario, error) {
	all := scenarios()
	if o.only == "" {
		return all, nil
	}
	names := strings.Split(o.only, ",")
	for _, name := range names {
		if !slices.ContainsFunc(all, func(s scenario) bool { return strings.HasPrefix(s.name, name) }) {
			return nil, fmt.Errorf("-only %s: no such scenario", name)
		}
	}
	return slices.DeleteFunc(all, func(s scenario) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(s.name, name) })
	}), nil
}

// contestants returns the brokers that -brokers names; ours with rules comes
// with ours.
func (o *options) contestants() ([]contestant, []string, error) {
	all := contestants()
	names := strings.Split(o.brokers, ",")
	for _, name := range names {
		if !slices.ContainsFunc(all, func(c contestant) bool { return c.name == name }) {
			return nil, nil, fmt.Errorf("-brokers %s: no such broker", name)
		}
	}
	return slices.DeleteFunc(all, func(c contestant) bool {
		name := c.name
		if name == ruled {
			name = ours
		}
		return !slices.Contains(names, name) || !slices.Contains(c.versions, version(o.version))
	}), names, nil
}

func run(ctx context.Context, args []string) error {
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	selected, err := o.selected()
	if err != nil {
		return err
	}
	brokers, names, err := o.contestants()
	if err != nil {
		return err
	}
	if err := moreFiles(); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "mqttwarden-load-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	w := &workshop{folder: folder, profiles: o.profiles}
	if err := w.certify(); err != nil {
		return err
	}
	for _, name := range names {
		if name == baseline {
			continue
		}
		if err := w.build(ctx, name); err != nil {
			return err
		}
	}
	return o.measure(ctx, w, selected, brokers, names)
}

// measure runs everything and prints the table. It fails when a broker of ours
// or the reference could not be measured or lost a message that it may not lose.
func (o *options) measure(ctx context.Context, w *workshop, selected []scenario, brokers []contestant, names []string) error {
	results := make(rounds)
	var failed []error
	for _, s := range selected {
		for round := range o.rounds {
			for _, c := range brokers {
				if !s.includes(c) {
					continue
				}
				result, err := o.one(ctx, w, s, c)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					err = fmt.Errorf("%s, round %d, %s: %w", s.name, round+1, c.name, err)
					fmt.Fprintln(os.Stderr, err)
					if c.name == ours || c.name == ruled || c.name == baseline {
						failed = append(failed, err)
					}
				}
				results.add(s.name, c.name, result)
			}
		}
		fmt.Fprintln(os.Stderr, "measured:", s.name)
	}
	results.print(os.Stdout, names)
	return errors.Join(failed...)
}

// one measures one broker, in a process that has done nothing before.
func (o *options) one(ctx context.Context, w *workshop, s scenario, c contestant) (*sample, error) {
	w.scenario = s.name
	p, err := w.launch(ctx, c, version(o.version), s.link)
	if err != nil {
		return nil, err
	}
	defer p.close()
	result, err := s.measure(ctx, &o.bench, p)
	switch {
	case err != nil:
		return nil, err
	case result.lost != 0 && s.qos > 0:
		return nil, fmt.Errorf("%d messages of QoS %d are lost, or too many if that is negative", result.lost, s.qos)
	case result.lost != 0:
		fmt.Fprintf(os.Stderr, "%s, %s: %d messages of QoS 0 are lost\n", s.name, c.name, result.lost)
	}
	return &result, nil
}
