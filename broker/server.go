package broker

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/statestore"
)

// Options configures a Server. The zero value is usable.
type Options struct {
	// Logger gets one line for each client that is refused or cut off, and why.
	// Nil discards.
	Logger *slog.Logger

	// Limits bounds what clients can make the server hold or do.
	Limits Limits

	// StateStore holds the entries of the state store, which is served on all
	// ports to who may publish to its request topic (STORE-4). The server is
	// its only user. Nil: requests are refused with PUBACK 0x83.
	StateStore statestore.Store

	// ResponseInformation, if set, gives MQTT 5.0 clients that ask for it the
	// text from which they make their response topics. It is called while the
	// client connects and must not block; "" gives none.
	ResponseInformation func(clientID string) string

	// Observer is told what the server decides about clients. Nil: nobody is.
	Observer Observer

	// ObservePublishes tells the Observer also of each PUBLISH, and each use of
	// a key of the state store, that is allowed; otherwise those are only
	// counted, see Stats.
	ObservePublishes bool

	// Categories are what clients may call themselves in the User Property
	// metriccategory of CONNECT, as those of Azure IoT Operations do. Events and
	// Stats tell the clients of each category apart; the category of all others
	// is "". A client says it of itself, and nothing is decided by it. At most 255
	// count.
	Categories []string
}

// Server holds what its ports share: sessions, subscriptions and retained
// messages. It is safe for concurrent use.
type Server struct {
	log    *slog.Logger
	denied *denialLog
	limits Limits

	responseInformation func(clientID string) string

	observer       Observer
	observePublish bool
	categories     []string // the first is "", of whoever has no other
	ended          endedCounts

	pending  pending
	admitted admission
	clients  registry
	table    *routing.Table[*client]
	retained retainedStore
	store    *stateStore   // nil: none
	revision atomic.Uint64 // counts revocations of subscriptions

	buffers sync.Pool // of *writeBuffer
	inputs  wire.Buffers

	// wills is held while a will is decided on and routed, so that a policy
	// swap can wait for it (AUTHZ-13).
	wills sync.Mutex

	mu        sync.Mutex
	listeners map[*Listener]struct{}
	closed    bool
	conns     atomic.Int64
}

// ErrServerClosed says that the server has been shut down.
var ErrServerClosed = errors.New("broker: server closed")

// NewServer returns a server without ports.
func NewServer(o Options) *Server {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		log:      o.Logger,
		denied:   newDenialLog(o.Logger),
		limits:   o.Limits.defaults(),
		observer: o.Observer,

		responseInformation: o.ResponseInformation,

		table:     routing.NewTable[*client](),
		listeners: make(map[*Listener]struct{}),
		store:     newStateStore(o.StateStore, o.Limits.Watches, o.Logger),
	}
	s.observePublish = o.ObservePublishes && o.Observer != nil
	s.categories = categories(o.Categories)
	s.ended.counts = make([]Counts, len(s.categories))
	s.buffers.New = newWriteBuffer
	s.pending.init(s.limits)
	s.admitted.init(s.limits)
	s.clients.init(s.limits.SessionsPerIdentity)
	s.retained.init(s.limits)
	return s
}

// Listen opens a port: it accepts connections of l until the Listener that it
// returns is closed, which closes l. After Shutdown it returns ErrServerClosed,
// and without p.Authentication an error; l is the caller's then.
//
// For clients whose MQTT keep alive is longer than 100 s or 0, which is none, the
// server turns TCP keep-alive on, so that their loss is noticed after 150 s. The
// others do not need it: a listener that does not turn it on for everybody
// (net.ListenConfig with a negative KeepAlive) saves them four system calls.
func (s *Server) Listen(l net.Listener, p Port) (*Listener, error) {
	if p.Authentication == nil {
		return nil, errNoAuthentication(p.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrServerClosed
	}
	ln := newListener(s, l, p)
	s.listeners[ln] = struct{}{}
	ln.open()
	return ln, nil
}

// Shutdown closes all ports, tells the clients (MQTT 5.0: DISCONNECT 0x8B) and
// waits until their connections are gone. When ctx ends first, it cuts them and
// returns the context's error. Sessions and retained messages end with the
// server.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	listeners := s.allListeners()
	var wg sync.WaitGroup
	errs := make([]error, len(listeners))
	for i, l := range listeners {
		wg.Go(func() { errs[i] = l.close(ctx, shutDown) })
	}
	wg.Wait()
	s.clients.discardAll()
	s.store.close()
	return errors.Join(errs...)
}

func shutDown(conns []*conn) {
	for _, c := range conns {
		c.disconnect(wire.ServerShuttingDown, errPortClosed)
	}
}

func (s *Server) allListeners() []*Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	listeners := make([]*Listener, 0, len(s.listeners))
	for l := range s.listeners {
		listeners = append(listeners, l)
	}
	return listeners
}

func (s *Server) forget(l *Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}
