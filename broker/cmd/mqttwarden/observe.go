package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/audit"
	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/metrics"
	"github.com/mqttwarden/mqttwarden/sat"
)

// observeFlags say what operators want to see of a running broker.
type observeFlags struct {
	address, audit, logFormat string
	publishes                 bool
	categories                []string
}

func (f *observeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.address, "metrics-address", "", "serve /metrics, /healthz and /readyz on this HOST:PORT (default off)")
	cmd.Flags().StringArrayVar(&f.categories, "metrics-category", nil, "count clients with this user property metriccategory under a label of their own; may be repeated")
	cmd.Flags().StringVar(&f.audit, "audit", "", `write a line of JSON for each decision to this file, "-" for standard output (default off)`)
	cmd.Flags().BoolVar(&f.publishes, "audit-publishes", false, "write also a line for each PUBLISH that is allowed")
	cmd.Flags().StringVar(&f.logFormat, "log-format", "text", "text or json")
}

// observation is what shows operators the running broker. Only what was asked
// for is there.
type observation struct {
	log        *slog.Logger
	health     *health
	metrics    *metrics.Metrics
	audit      *audit.Log
	publishes  bool
	categories []string
	tokens     *sat.Cache // nil: no token is reviewed
	closers    []func() error
}

// open begins to log, to write and to serve.
func (f *observeFlags) open(cmd *cobra.Command) (*observation, error) {
	o := &observation{health: new(health), publishes: f.publishes, categories: f.categories}
	switch f.logFormat {
	case "text":
		o.log = newLogger(cmd)
	case "json":
		o.log = slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
	default:
		return nil, fmt.Errorf("--log-format %q: write text or json", f.logFormat)
	}
	if f.publishes && f.audit == "" {
		return nil, errors.New("--audit-publishes needs --audit FILE")
	}
	if len(f.categories) > 0 && f.address == "" {
		return nil, errors.New("--metrics-category needs --metrics-address HOST:PORT")
	}
	for _, c := range f.categories {
		if c == "" || !utf8.ValidString(c) {
			return nil, fmt.Errorf("--metrics-category %q: write a text that clients can send", c)
		}
	}
	if err := o.openAudit(f.audit, cmd.OutOrStdout()); err != nil {
		return nil, err
	}
	if f.address == "" {
		return o, nil
	}
	o.metrics = metrics.New()
	if err := o.metrics.Register(o.health); err != nil {
		return nil, errors.Join(err, o.close())
	}
	if err := o.serve(f.address); err != nil {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

func (o *observation) openAudit(path string, stdout io.Writer) error {
	switch path {
	case "":
		return nil
	case "-":
		o.audit = audit.New(stdout)
	default:
		// The file is a record: what was there stays.
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // the operator's path
		if err != nil {
			return fmt.Errorf("--audit: %w", err)
		}
		o.audit = audit.New(f)
		o.closers = append(o.closers, f.Close)
	}
	o.closers = append(o.closers, o.audit.Close)
	return nil
}

// serve opens the port for metrics and health.
func (o *observation) serve(address string) error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("--metrics-address: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", o.metrics.Handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", o.health.serveReady)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(o.log.Handler(), slog.LevelWarn)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			o.log.Error("metrics and health ended", "error", err)
		}
	}()
	o.closers = append(o.closers, func() error {
		err := s.Close()
		<-done
		return err
	})
	o.log.Info("metrics and health", "address", l.Addr().String())
	return nil
}

// broker returns the options of the server that is observed.
func (o *observation) broker() broker.Options {
	opts := broker.Options{Logger: o.log, ObservePublishes: o.publishes, Categories: o.categories}
	var all []broker.Observer
	if o.metrics != nil {
		all = append(all, o.metrics)
	}
	if o.audit != nil {
		all = append(all, o.audit)
	}
	if len(all) > 0 {
		opts.Observer = broker.Observers(all...)
	}
	return opts
}

// watch shows the figures of the server, and of what its ports ask. It is called
// once.
func (o *observation) watch(s *broker.Server, k *config.Keeper) {
	if o.metrics == nil {
		return
	}
	o.metrics.Watch(s)
	if err := o.metrics.Register(figures{tokens: o.tokens, servers: k}); err != nil {
		o.log.Error("some figures are not shown", "error", err)
	}
}

// close ends what open began, in reverse order.
func (o *observation) close() error {
	var errs []error
	for i := len(o.closers) - 1; i >= 0; i-- {
		errs = append(errs, o.closers[i]())
	}
	o.closers = nil
	return errors.Join(errs...)
}

var _ prometheus.Collector = (*health)(nil)
