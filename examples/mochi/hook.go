package mochi

import (
	"bytes"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// Access says who may connect to a listener and what they may do there. The
// zero value lets nobody in.
type Access struct {
	Authentication mqttauth.Method
	Authorization  *mqttauthz.Policy
}

// Hook authenticates and authorizes the clients of a server. It is safe for
// concurrent use.
type Hook struct {
	mqtt.HookBase
	server *mqtt.Server
	log    *slog.Logger
	owners owners

	mu     sync.Mutex
	access map[string]*Access // by listener

	clients sync.Map // *mqtt.Client → *client, from acceptance to disconnection
}

// New returns a hook that lets nobody in, and adds it to the server. A nil
// logger discards.
func New(server *mqtt.Server, log *slog.Logger) (*Hook, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	h := &Hook{server: server, log: log, access: make(map[string]*Access)}
	h.owners.server = server
	return h, server.AddHook(h, nil)
}

// ID names the hook.
func (h *Hook) ID() string { return "mqttwarden" }

// Provides lists the events that the hook wants to hear of.
func (h *Hook) Provides(event byte) bool {
	return bytes.IndexByte([]byte{
		mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnSessionEstablish, mqtt.OnDisconnect, mqtt.OnClientExpired,
		mqtt.OnACLCheck, mqtt.OnPublish, mqtt.OnWill, mqtt.OnPacketRead, mqtt.OnAuthPacket, mqtt.OnPacketEncode,
	}, event) >= 0
}

// Add opens a listener under these rules.
func (h *Hook) Add(l listeners.Listener, a Access) error {
	h.mu.Lock()
	h.access[l.ID()] = &a
	h.mu.Unlock()
	return h.server.AddListener(l)
}

// accessOf returns the rules of a listener. One that is not known has none.
func (h *Hook) accessOf(listener string) *Access {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a := h.access[listener]; a != nil {
		return a
	}
	return &Access{}
}

// SetAccess puts other rules in force for a listener and disconnects its clients
// (AUTHZ-13): MQTT 5.0 clients are told 0x98.
func (h *Hook) SetAccess(listener string, a Access) {
	h.mu.Lock()
	h.access[listener] = &a
	h.mu.Unlock()
	h.clients.Range(func(_, v any) bool {
		c := v.(*client)
		if c.mochi.Net.Listener == listener {
			c.rebind(a.Authorization)
			go c.disconnect(mqttauth.ReasonCode(packets.ErrAdministrativeAction.Code), errAccessChanged)
		}
		return true
	})
}

var (
	errAccessChanged = errors.New("the rules of the listener changed")
	errStopped       = errors.New("refused")
)

// client is an accepted client.
type client struct {
	hook  *Hook
	mochi *mqtt.Client

	// grants is nil, which denies everything, once the client is done with.
	grants atomic.Pointer[mqttauthz.Grants]

	mu      sync.Mutex
	session *mqttauth.Session
	timer   *mqttauth.ExpiryTimer
	method  mqttauth.Method
	who     mqttauthz.Principal
	fresh   mqttauth.Secret // data of the AUTH packet that is being read
}

// of returns the accepted client, nil if there is none.
func (h *Hook) of(cl *mqtt.Client) *client {
	v, ok := h.clients.Load(cl)
	if !ok {
		return nil
	}
	return v.(*client)
}

// rights returns what a client may do; nil denies everything.
func (h *Hook) rights(cl *mqtt.Client) *mqttauthz.Grants {
	c := h.of(cl)
	if c == nil {
		return nil
	}
	return c.grants.Load()
}

func (c *client) rebind(p *mqttauthz.Policy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.grants.Load() != nil {
		c.grants.Store(p.Grants(c.who))
	}
}

// lastWrite is how long the last packet for a client may take.
const lastWrite = 2 * time.Second

// disconnect takes all rights from the client and ends its connection, with a
// DISCONNECT packet if there is a code and MQTT knows one.
func (c *client) disconnect(code mqttauth.ReasonCode, cause error) {
	c.grants.Store(nil)
	c.timer.Stop()
	if code != 0 && c.mochi.Properties.ProtocolVersion == 5 {
		_ = c.mochi.Net.Conn.SetDeadline(time.Now().Add(lastWrite)) // it may not read
		_ = c.mochi.WritePacket(packets.Packet{
			FixedHeader: packets.FixedHeader{Type: packets.Disconnect}, ReasonCode: byte(code),
		})
	}
	c.mochi.Stop(cause)
	c.hook.log.Info("client cut off", "client_id", c.mochi.ID, "error", cause)
}

// OnDisconnect forgets a client, and its session if that ends.
func (h *Hook) OnDisconnect(cl *mqtt.Client, _ error, expire bool) {
	c := h.of(cl)
	if c == nil {
		return
	}
	c.timer.Stop()
	// Its will has been decided on by now.
	h.clients.Delete(cl)
	if expire {
		h.owners.release(cl)
	}
}

// OnClientExpired gives the client ID of a session free that has expired.
func (h *Hook) OnClientExpired(cl *mqtt.Client) { h.owners.release(cl) }
