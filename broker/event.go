package broker

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// Action is what an Event is about.
type Action string

const (
	ActionHandshake      Action = "handshake"      // TLS or WebSocket; only refused ones
	ActionConnect        Action = "connect"        // CONNECT, answered
	ActionReauthenticate Action = "reauthenticate" // AUTH, or a client judged again (EXP-2, EXP-7)
	ActionDisconnect     Action = "disconnect"     // the end of an accepted client; Err is why the server ended it, nil if it was not the server
	ActionPublish        Action = "publish"        // Object is the topic
	ActionSubscribe      Action = "subscribe"      // Object is the filter
	ActionRead           Action = "read"           // of the state store; Object is the key
	ActionWrite          Action = "write"          // of the state store; Object is the key
)

// Event is one decision about a client, or the end of one. It holds no secret.
// ClientID, Username and Object are as the client sent them and may hold
// anything: whoever shows them escapes them (OPS-1).
type Event struct {
	Time     time.Time
	Action   Action
	Allowed  bool
	Port     string // Port.Name
	Remote   netip.AddrPort
	Version  mqttauth.Version // zero before CONNECT
	ClientID string
	Username string            // verified
	Identity mqttauth.Identity // zero until accepted
	Category string            // one of Options.Categories; "" for all other clients

	Attributes map[string]string // those of the client; not to be changed

	Object string // what it is about; for a key, its bytes

	Decision mqttauthz.Decision  // what the policy said, for what has an Object
	Reason   mqttauth.ReasonCode // what the client was told
	Steps    []mqttauth.Step     // what each method said, for ActionConnect and ActionReauthenticate
	Took     time.Duration       // from CONNECT to the answer, for ActionConnect
	Err      error               // why not, for operators; nil if allowed
}

// Observer is told what the server decides. Observe is called where the
// decision is made, by many goroutines at once and with locks held: it must not
// block and must not call the server. It must not keep what the Event points to
// and change it.
type Observer interface{ Observe(e Event) }

// Observers returns an observer that tells each of them; nil ones are left out.
func Observers(all ...Observer) Observer {
	var kept observers
	for _, o := range all {
		if o != nil {
			kept = append(kept, o)
		}
	}
	return kept
}

type observers []Observer

func (o observers) Observe(e Event) {
	for _, each := range o {
		each.Observe(e)
	}
}

// observe completes an event with what is known about the connection.
func (c *conn) observe(e Event) {
	if c.server.observer == nil {
		return
	}
	e.Time = time.Now()
	e.Port, e.Remote, e.Version = c.listener.name, c.remote, c.version
	e.ClientID, e.Username, e.Attributes, e.Identity = c.clientID, c.principal.Username, c.principal.Attributes, c.identity
	e.Category = c.server.categories[c.category]
	c.server.observer.Observe(e)
}

// observeConnect reports the answer to a CONNECT, or why there was none.
func (c *conn) observeConnect(began time.Time, r *refusal) {
	c.mu.Lock() // an accepted client may be judged again already
	defer c.mu.Unlock()
	e := Event{Action: ActionConnect, Allowed: r == nil, Steps: c.steps, Took: time.Since(began)}
	if r != nil {
		e.Reason, e.Err, e.Steps = r.code, r.err, stepsOf(r.err, c.steps)
	}
	c.steps = nil
	c.observe(e)
}

// stepsOf returns what the methods said that lead to err, or else those that
// are known.
func stepsOf(err error, known []mqttauth.Step) []mqttauth.Step {
	var e *mqttauth.Error
	if errors.As(err, &e) && e.Steps != nil {
		return e.Steps
	}
	return known
}

// observeRenewal reports what the authentication session did with a client that
// was judged again. Mu is held.
func (c *conn) observeRenewal(a mqttauth.Action) {
	switch {
	case a.Bind != nil:
		c.observe(Event{Action: ActionReauthenticate, Allowed: true, Steps: a.Bind.Steps})
	case a.Close && a.Send.Type == mqttauth.Disconnect, !a.Close && a.Reason != nil:
		c.observe(Event{Action: ActionReauthenticate, Reason: a.Send.Reason, Err: a.Reason, Steps: stepsOf(a.Reason, nil)})
	}
}

// observePublish reports a decision about a publish. Those that are allowed are
// only counted, unless the server was asked to report them. The topic lives in
// the read buffer. Mu is held.
func (c *conn) observePublish(topic string, d mqttauthz.Decision) {
	if d.Allowed() {
		c.count.PublishAllowed++
		if !c.server.observePublish {
			return
		}
		c.observe(Event{Action: ActionPublish, Allowed: true, Object: strings.Clone(topic), Decision: d})
		return
	}
	c.count.PublishDenied++
	c.observe(Event{Action: ActionPublish, Object: strings.Clone(topic), Decision: d, Reason: mqttauth.NotAuthorized})
}

// observeSubscribe reports a decision about a filter. A client's own
// notifications are allowed whatever the policy says (STORE-7).
func (c *conn) observeSubscribe(filter string, d mqttauthz.Decision, allowed bool) {
	if allowed {
		c.count.SubscribeAllowed++
		c.observe(Event{Action: ActionSubscribe, Allowed: true, Object: strings.Clone(filter), Decision: d})
		return
	}
	c.count.SubscribeDenied++
	c.observe(Event{Action: ActionSubscribe, Object: strings.Clone(filter), Decision: d, Reason: mqttauth.NotAuthorized})
}

// observeKey reports a decision about a key, as observePublish does.
func (c *conn) observeKey(a Action, key []byte, d mqttauthz.Decision) {
	if d.Allowed() {
		c.count.KeyAllowed++
		if c.server.observePublish {
			c.observe(Event{Action: a, Allowed: true, Object: string(key), Decision: d})
		}
		return
	}
	c.count.KeyDenied++
	c.observe(Event{Action: a, Object: string(key), Decision: d, Reason: mqttauth.NotAuthorized})
}
