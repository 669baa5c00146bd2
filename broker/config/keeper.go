package config

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"reflect"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
)

// Keeper keeps the ports of a server as the last plan says. It is not safe for
// concurrent use.
type Keeper struct {
	server  *broker.Server
	address string
	log     *slog.Logger
	open    map[uint16]*openPort
	told    map[string]bool // warnings and closed ports that have been reported
}

// openPort is a port that is open.
type openPort struct {
	plan     *Port
	listener *broker.Listener
	tls      atomic.Pointer[tls.Config]
}

// NewKeeper returns a keeper that opens the ports of s on an IP address or host
// name; "" means all addresses. Log must not be nil.
func NewKeeper(s *broker.Server, address string, log *slog.Logger) *Keeper {
	return &Keeper{server: s, address: address, log: log, open: make(map[uint16]*openPort), told: make(map[string]bool)}
}

// Apply changes what is open into what the plan says: ports whose meaning
// changed get their new rules, which disconnects their clients, others are left
// alone. A changed server certificate disconnects nobody (AUTHN-11). The error
// tells which ports could not be opened; the others are as planned.
func (k *Keeper) Apply(p *Plan) error {
	for _, w := range p.Warnings {
		k.tell("warning", "detail", w)
	}
	planned := make(map[uint16]*Port, len(p.Ports))
	for _, port := range p.Ports {
		planned[port.Number] = port
	}
	for number, o := range k.open {
		next := planned[number]
		if next == nil || len(next.Missing) > 0 || !samePlace(o.plan, next) {
			k.close(number)
		}
	}
	var errs []error
	for _, port := range p.Ports {
		errs = append(errs, k.apply(port))
	}
	return errors.Join(errs...)
}

func (k *Keeper) apply(p *Port) error {
	if len(p.Missing) > 0 {
		for _, m := range p.Missing {
			k.tell("port stays closed", "port", p.String(), "missing", m.String())
		}
		return nil
	}
	o := k.open[p.Number]
	if o == nil {
		return k.start(p)
	}
	// The handshake's new rules come first: who slips in between was checked
	// against both.
	o.tls.Store(p.tls())
	old := o.plan
	o.plan = p
	if sameAccess(old, p) {
		return nil
	}
	if err := o.listener.SetAccess(p.access()); err != nil {
		k.close(p.Number)
		return err
	}
	k.describe("port changed, its clients were disconnected", o)
	return nil
}

// samePlace reports whether two ports are one to the outside, so that the open
// one can go on.
func samePlace(a, b *Port) bool { return a.Listener == b.Listener && a.Transport() == b.Transport() }

// sameAccess reports whether two ports ask the same of their clients and let
// them do the same.
func sameAccess(a, b *Port) bool {
	return reflect.DeepEqual(a.specs(), b.specs())
}

// specs is what the access rules of a port are made from.
func (p *Port) specs() [2]any {
	var s [2]any
	if p.chain != nil {
		s[0] = []any{p.chain.key, p.chain.spec}
	}
	if p.policy != nil {
		s[1] = []any{p.policy.key, p.policy.rules}
	}
	return s
}

func (k *Keeper) start(p *Port) error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort(k.address, strconv.Itoa(int(p.Number))))
	if err != nil {
		return fmt.Errorf("port %v: %w", p, err)
	}
	o := &openPort{plan: p}
	port := broker.Port{Name: p.String(), Access: p.access()}
	if config := p.tls(); config != nil {
		o.tls.Store(config)
		port.TLS = o.config()
	}
	o.listener, err = k.server.Listen(l, port)
	if err != nil {
		_ = l.Close()
		return fmt.Errorf("port %v: %w", p, err)
	}
	k.open[p.Number] = o
	k.describe("listening", o)
	return nil
}

// config returns a configuration that uses, for each handshake, the one of the
// moment. Its own session ticket keys stay, so that clients can resume.
func (o *openPort) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			c := o.tls.Load()
			if c.GetConfigForClient != nil {
				return c.GetConfigForClient(hello)
			}
			return c, nil
		},
	}
}

func (k *Keeper) close(number uint16) {
	o := k.open[number]
	delete(k.open, number)
	if err := o.listener.Close(); err != nil {
		k.log.Error("closing a port failed", "port", o.plan.String(), "error", err)
	}
	k.log.Info("port closed", "port", o.plan.String())
}

// describe writes the line of a port: where it listens, with which
// authentication and authorization.
func (k *Keeper) describe(msg string, o *openPort) {
	k.log.Info(msg,
		"address", o.listener.Addr().String(), "port", o.plan.String(), "transport", o.plan.Transport(),
		"authentication", o.plan.Authentication(), "authorization", o.plan.Authorization())
}

// tell writes a warning once.
func (k *Keeper) tell(msg string, args ...any) {
	id := fmt.Sprint(append([]any{msg}, args...)...)
	if k.told[id] {
		return
	}
	k.told[id] = true
	k.log.Warn(msg, args...)
}

// Shutdown closes all ports and the server.
func (k *Keeper) Shutdown(ctx context.Context) error { return k.server.Shutdown(ctx) }

// ShutdownTime is how long Shutdown should be given.
const ShutdownTime = 5 * time.Second
