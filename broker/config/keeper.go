package config

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
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
	chains  []*chain        // of the ports that are open
	limits  *broker.Limits  // of the first plan; nil before
	told    map[string]bool // warnings and closed ports that have been reported

	customs atomic.Pointer[[]custom] // of chains
}

// openPort is a port that is open.
type openPort struct {
	plan     *Port
	listener *broker.Listener
	tls      atomic.Pointer[tls.Config]
}

// PortError says why a port is not open.
type PortError struct {
	Port *Port
	Err  error
}

// Error returns "port NAMESPACE/NAME:PORT: why".
func (e *PortError) Error() string { return fmt.Sprintf("port %v: %v", e.Port, e.Err) }

// Unwrap returns why.
func (e *PortError) Unwrap() error { return e.Err }

// NewKeeper returns a keeper that opens the ports of s on an IP address or host
// name; "" means all addresses. Log must not be nil.
func NewKeeper(s *broker.Server, address string, log *slog.Logger) *Keeper {
	return &Keeper{server: s, address: address, log: log, open: make(map[uint16]*openPort), told: make(map[string]bool)}
}

// Apply changes what is open into what the plan says: ports whose meaning
// changed get their new rules, which disconnects their clients, others are left
// alone. A changed server certificate disconnects nobody (AUTHN-11). The error
// joins a PortError for each port that could not be opened; the others are as
// planned.
func (k *Keeper) Apply(p *Plan) error {
	for _, w := range p.Warnings {
		k.tell("warning", "detail", w)
	}
	if k.limits == nil {
		k.limits = &p.Limits
	}
	if *k.limits != p.Limits {
		k.log.Warn("the limits of the Broker changed; they take effect when the program starts again")
	}
	planned := make(map[uint16]*Port, len(p.Ports))
	for _, port := range p.Ports {
		planned[port.Number] = port
		port.chain = k.known(port.chain)
	}
	k.disconnect(k.update(planned))
	var errs []error
	for _, port := range p.Ports {
		errs = append(errs, k.openPort(port))
	}
	k.retire(p.chains)
	return errors.Join(errs...)
}

// known returns the chain that is in use already and is the same, or c.
func (k *Keeper) known(c *chain) *chain {
	for _, old := range k.chains {
		if c != nil && old.same(c) {
			return old
		}
	}
	return c
}

// retire closes the chains that no open port uses, of the old and of the new
// ones.
func (k *Keeper) retire(planned []*chain) {
	used := make(map[*chain]bool)
	for _, o := range k.open {
		used[o.plan.chain] = true
	}
	var kept []*chain
	for _, c := range append(k.chains, planned...) {
		switch {
		case !used[c]:
			c.close()
		case !slices.Contains(kept, c):
			kept = append(kept, c)
		}
	}
	k.chains = kept
	var customs []custom
	for _, c := range kept {
		customs = append(customs, c.customs...)
	}
	k.customs.Store(&customs)
}

// update gives the ports that stay open their plan. It returns those that do not
// stay, and those that treat their clients otherwise from now on.
func (k *Keeper) update(planned map[uint16]*Port) (closing, changed []*openPort) {
	for _, number := range slices.Sorted(maps.Keys(k.open)) {
		o, next := k.open[number], planned[number]
		if next == nil || len(next.Missing) > 0 || !samePlace(o.plan, next) {
			delete(k.open, number)
			closing = append(closing, o)
			continue
		}
		// The handshake's new rules come first: who slips in between was checked
		// against both.
		o.tls.Store(next.tls())
		if !sameAccess(o.plan, next) {
			changed = append(changed, o)
		}
		o.plan = next
	}
	return closing, changed
}

// openPort opens a port that is closed, or says why not.
func (k *Keeper) openPort(p *Port) error {
	for _, m := range p.Missing {
		k.tell("port stays closed", "port", p.String(), "missing", m.String())
	}
	if len(p.Missing) > 0 || k.open[p.Number] != nil {
		return nil
	}
	return k.start(p)
}

// disconnect closes ports and puts the rules of others in force, all at once: to
// send away the clients of one takes up to 1.4 seconds, to wait for their ends up
// to two, and AUTHZ-13 gives two for all.
func (k *Keeper) disconnect(closing, changed []*openPort) {
	errs := make([]error, len(changed))
	var wg sync.WaitGroup
	for _, o := range closing {
		wg.Go(func() { k.close(o) })
	}
	for i, o := range changed {
		wg.Go(func() { errs[i] = o.listener.SetAccess(o.plan.Access()) })
	}
	wg.Wait()
	for i, o := range changed {
		if errs[i] != nil { // openPort says why, if it is still so
			delete(k.open, o.plan.Number)
			k.close(o)
			continue
		}
		k.describe("port changed, its clients were disconnected", o)
	}
}

// samePlace reports whether two ports are one to the outside, so that the open
// one can go on.
func samePlace(a, b *Port) bool {
	return a.Listener == b.Listener && a.Transport() == b.Transport() &&
		slices.Equal(a.source.AllowedOrigins, b.source.AllowedOrigins)
}

// sameAccess reports whether two ports ask the same of their clients and let
// them do the same.
func sameAccess(a, b *Port) bool { return a.chain == b.chain && a.policy.equal(b.policy) }

func (k *Keeper) start(p *Port) error {
	listen := net.ListenConfig{KeepAlive: -1} // see broker.Server.Listen
	l, err := listen.Listen(context.Background(), "tcp", net.JoinHostPort(k.address, strconv.Itoa(int(p.Number))))
	if err != nil {
		return &PortError{p, err}
	}
	o := &openPort{plan: p}
	port := broker.Port{Name: p.String(), Upgrade: p.upgrade, Access: p.Access()}
	if config := p.tls(); config != nil {
		o.tls.Store(config)
		port.TLS = o.config()
	}
	o.listener, err = k.server.Listen(l, port)
	if err != nil {
		_ = l.Close()
		return &PortError{p, err}
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

// close closes a port that is not among the open ones any more.
func (k *Keeper) close(o *openPort) {
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

// Shutdown closes all ports, the server and what the ports used.
func (k *Keeper) Shutdown(ctx context.Context) error {
	err := k.server.Shutdown(ctx)
	clear(k.open)
	k.retire(nil)
	return err
}

// ShutdownTime is how long Shutdown should be given.
const ShutdownTime = 5 * time.Second
