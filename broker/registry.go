package broker

import (
	"errors"
	"sync"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/session"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// registry finds the client of an ID, and knows how many sessions each identity
// owns.
type registry struct {
	perIdentity int

	mu      sync.Mutex
	clients map[string]*client
	owned   map[mqttauth.Identity]int
}

var (
	errTakenOver = errors.New("session taken over by a new connection")
	errNotOwner  = errors.New("the session of this client ID belongs to another identity")
)

func (r *registry) init(perIdentity int) {
	r.perIdentity = perIdentity
	r.clients = make(map[string]*client)
	r.owned = make(map[mqttauth.Identity]int)
}

// find returns the client of an ID, a new one if there is none.
func (r *registry) find(s *Server, id string) *client {
	r.mu.Lock()
	defer r.mu.Unlock()
	cl := r.clients[id]
	if cl == nil {
		cl = &client{server: s, id: id}
		r.clients[id] = cl
	}
	return cl
}

// own counts a new session for an identity. It fails when that has too many
// (AUTHN-10).
func (r *registry) own(i mqttauth.Identity) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.owned[i] >= r.perIdentity && i.Name != "" {
		return false
	}
	r.owned[i]++
	return true
}

// remove takes a client out whose session has ended, or that never had one.
// Its mu is held.
func (r *registry) remove(cl *client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	cl.gone = true
	delete(r.clients, cl.id)
	if !cl.owned {
		return
	}
	if r.owned[cl.identity]--; r.owned[cl.identity] <= 0 {
		delete(r.owned, cl.identity)
	}
}

func (r *registry) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.clients)
}

func (r *registry) discardAll() {
	r.mu.Lock()
	all := make([]*client, 0, len(r.clients))
	for _, cl := range r.clients {
		all = append(all, cl)
	}
	r.mu.Unlock()
	for _, cl := range all {
		cl.mu.Lock()
		if !cl.gone {
			cl.will = nil
			cl.end()
		}
		cl.mu.Unlock()
	}
}

// attach gives an accepted connection its session: the one that the client has,
// or a new one. Only one connection gets through at a time for one client ID,
// so that exactly one survives (E5).
func (r *registry) attach(c *conn, p *wire.Connect, assigned bool) *refusal {
	for {
		cl := r.find(c.server, c.clientID)
		cl.mu.Lock()
		if !cl.gone {
			refused := cl.attach(c, p, assigned)
			if refused != nil && cl.session == nil && !cl.gone {
				r.remove(cl)
			}
			if !cl.gone || refused != nil {
				cl.mu.Unlock()
				return refused
			}
		}
		cl.mu.Unlock() // the session has ended, meanwhile or just now: look again
	}
}

// attach does the work of registry.attach. mu is held. After it ended a session
// that must not go on, the client is gone and nothing is refused.
func (cl *client) attach(c *conn, p *wire.Connect, assigned bool) *refusal {
	if r := c.recheck(p); r != nil {
		return r
	}
	if cl.session == nil {
		if !cl.server.clients.own(c.identity) {
			return refuse(wire.QuotaExceeded, "identity owns too many sessions")
		}
		cl.owned, cl.identity = true, c.identity
		return cl.establish(c, p, assigned, false)
	}
	mine := cl.identity.Same(c.identity)
	if !mine && !cl.ownerBarred() { // AUTHN-10
		return &refusal{wire.ClientIDNotValid, errNotOwner}
	}
	cl.takeOver()
	// A session that lasts as long as its connection ends with it, also when
	// that is taken over [MQTT-3.1.2-6 of MQTT 3.1.1].
	if p.CleanStart || !mine || cl.expiry == 0 {
		cl.end()
		return nil
	}
	r := cl.establish(c, p, assigned, true)
	if r != nil { // the session is offline now, like after a lost connection
		cl.idle()
	}
	return r
}

// establish joins session and connection and answers the CONNECT.
func (cl *client) establish(c *conn, p *wire.Connect, assigned, present bool) *refusal {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	// What was decided on without the lock may have changed meanwhile; from
	// here on, a change finds the connection (AUTHZ-13).
	if r := c.stillWelcome(p, now); r != nil {
		return r
	}
	cl.listener, cl.conn = c.listener, c
	cl.expiry = cl.expiryOf(p)
	cl.will = newWill(p.Will)
	c.client = cl
	c.version, c.keepAlive, c.sessionExpiry = p.Version, keepAliveOf(cl.server.keepAlive(p)), cl.expiry
	cl.open(p)
	cl.reauthorize(c.principal, c.grants())
	c.out.send(c.welcome(p, assigned, present, cl.expiry))
	c.out.attach(c)
	cl.attached.Store(c)
	c.act(c.auth.Wake(now))
	return nil
}

// open prepares the session for a connection.
func (cl *client) open(p *wire.Connect) {
	l := &cl.server.limits
	cl.queue.Lock()
	defer cl.queue.Unlock()
	if cl.session == nil {
		cl.session = session.New(session.Limits{
			Queued:     l.QueueMessages,
			Bytes:      l.QueueBytes,
			DropOldest: l.QueueDropsOldest,
			Inflight:   l.Inflight,
			Received:   int(l.ReceiveMaximum),
		})
	}
	cl.session.Attach(session.Params{
		Version:           p.Version,
		ReceiveMaximum:    p.ReceiveMaximum,
		MaximumPacketSize: p.MaximumPacketSize,
		TopicAliasMaximum: p.TopicAliasMaximum,
	})
}

// expiryOf returns how many seconds the session is kept. A client without a
// name has nobody to keep it for (AUTHN-10).
func (cl *client) expiryOf(p *wire.Connect) uint32 {
	if cl.identity.Name == "" {
		return 0
	}
	if p.Version == mqttauth.MQTT5 {
		return cl.server.capExpiry(p.SessionExpiry)
	}
	if p.CleanStart {
		return 0
	}
	return cl.server.capExpiry(noExpiry)
}

// capExpiry limits a session expiry interval.
func (s *Server) capExpiry(seconds uint32) uint32 {
	most := s.limits.SessionExpiry / time.Second
	if most >= noExpiry {
		return seconds
	}
	return min(seconds, uint32(most))
}

// recheck takes a first look, before another connection is disturbed, at what
// establish checks for good.
func (c *conn) recheck(p *wire.Connect) *refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stillWelcome(p, time.Now())
}

// stillWelcome checks, under the connection's lock, that nothing has changed
// since the client was authenticated and authorized, and binds its rights. mu
// is held.
func (c *conn) stillWelcome(p *wire.Connect, now time.Time) *refusal {
	switch {
	case c.gone:
		return &refusal{0, c.cause}
	case !c.expiry.IsZero() && !now.Before(c.expiry): // EXP-1
		return &refusal{mqttauth.NotAuthorized, mqttauth.ErrExpired}
	case c.listener.access.Load() != c.access:
		return &refusal{mqttauth.ServerUnavailable, errAccessChanged}
	}
	if r := c.authorize(c.access.Authorization, p.Will); r != nil {
		return r
	}
	c.bound = c.access.Authorization.Grants(c.principal)
	return nil
}
