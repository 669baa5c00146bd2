package broker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/internal/topic"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// refusal ends a CONNECT.
type refusal struct {
	code mqttauth.ReasonCode
	err  error
}

func refuse(code mqttauth.ReasonCode, format string, args ...any) *refusal {
	return &refusal{code, fmt.Errorf(format, args...)}
}

// connect takes the client from CONNECT to CONNACK in the order of AUTHN-9 and
// reports whether it is accepted.
func (c *conn) connect(ctx context.Context) bool {
	c.reader = c.newReader()
	p, err := c.readConnect()
	if err != nil {
		c.observeConnect(time.Now(), err)
		c.denyConnect(nil, err)
		return false
	}
	_ = c.raw.SetDeadline(time.Time{})
	c.categorize(p)
	began := time.Now()
	r := c.accept(ctx, p)
	c.observeConnect(began, r)
	if r != nil {
		c.denyConnect(p, r)
		return false
	}
	c.keepAliveByTCP()
	return true
}

// tcpKeepAliveTime is after how long TCP tells that the peer is gone, as package
// net sets it up: 15 s of silence and nine probes, 15 s apart.
const tcpKeepAliveTime = 150 * time.Second

// keepAliveByTCP turns TCP keep-alive on where MQTT's, if there is one, would
// notice later that the client is gone.
func (c *conn) keepAliveByTCP() {
	if c.keepAlive > 0 && c.keepAlive <= tcpKeepAliveTime {
		return
	}
	if nc, ok := c.raw.(interface {
		SetKeepAliveConfig(net.KeepAliveConfig) error
	}); ok {
		_ = nc.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true}) // a connection that has ended shows elsewhere
	}
}

// readConnect reads the first packet, which must be a CONNECT.
func (c *conn) readConnect() (*wire.Connect, *refusal) {
	f, err := c.reader.Next(c.server.limits.ConnectPacketSize)
	if err != nil {
		return nil, c.unreadable(err)
	}
	if f.Type != wire.CONNECT { // [MQTT-3.1.0-1]
		return nil, refuse(0, "first packet is %v, not CONNECT", f.Type)
	}
	p := new(wire.Connect)
	if err := p.Decode(f); err != nil {
		return nil, c.unreadable(err)
	}
	c.version = p.Version
	return p, nil
}

// unreadable is the refusal of bytes that are no CONNECT. Code 0 means that
// there is nobody to answer.
func (c *conn) unreadable(err error) *refusal {
	var e *wire.Error
	if !errors.As(err, &e) || e.Version == 0 {
		return &refusal{0, err}
	}
	if e.Version == mqttauth.MQTT311 && e.Code != wire.UnsupportedProtocolVersion { // [MQTT-3.1.4-1] of MQTT 3.1.1
		return &refusal{0, err}
	}
	c.version = e.Version
	return &refusal{e.Code, err}
}

// accept decides about a CONNECT and, if it is accepted, answers it.
func (c *conn) accept(ctx context.Context, p *wire.Connect) *refusal {
	if r := c.server.admitted.enter(c.remote.Addr(), time.Now()); r != nil {
		return r
	}
	c.admitted = true
	assigned, r := c.assign(p)
	if r != nil {
		return r
	}
	if r := c.checkWill(p.Will); r != nil {
		return r
	}
	c.access = c.listener.access.Load()
	result, r := c.authenticate(ctx, c.access.Authentication, c.credentials(p))
	if r != nil {
		return r
	}
	c.principal = mqttauthz.Principal(result.Principal)
	c.identity, c.expiry, c.steps = result.Identity, result.Expiry, result.Steps
	if r := c.authorize(c.access.Authorization, p.Will); r != nil {
		return r
	}
	return c.server.clients.attach(c, p, assigned)
}

// assign gives a client without an ID one that cannot be guessed (AUTHN-9), and
// reports whether it did.
func (c *conn) assign(p *wire.Connect) (bool, *refusal) {
	c.clientID = p.ClientID
	if p.ClientID != "" {
		return false, nil
	}
	if p.Version == mqttauth.MQTT311 && !p.CleanStart { // [MQTT-3.1.3-8]
		return false, refuse(wire.ClientIDNotValid, "no client ID and CleanSession 0")
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	c.clientID = "auto-" + hex.EncodeToString(random[:])
	return true, nil
}

func (c *conn) checkWill(w *wire.Will) *refusal {
	if w == nil {
		return nil
	}
	if err := c.checkTopic(w.Topic); err != nil {
		return &refusal{wire.TopicNameInvalid, fmt.Errorf("will: %w", err)}
	}
	if w.Topic == topic.StateStoreRequest {
		return refuse(mqttauth.NotAuthorized, "will on the state store's request topic") // AUTHZ-16
	}
	return nil
}

// checkTopic checks a topic name of a client against grammar and limit.
func (c *conn) checkTopic(name string) error {
	if err := topic.CheckName(name); err != nil {
		return err
	}
	if n := len(name); n > c.server.limits.TopicLength {
		return fmt.Errorf("topic has %d bytes; at most %d are allowed", n, c.server.limits.TopicLength)
	}
	if n := topic.Levels(name); n > c.server.limits.TopicLevels {
		return fmt.Errorf("topic has %d levels; at most %d are allowed", n, c.server.limits.TopicLevels)
	}
	return nil
}

func (c *conn) credentials(p *wire.Connect) *mqttauth.Credentials {
	cred := &mqttauth.Credentials{
		ClientID:    c.clientID,
		Username:    p.Username.Value,
		HasUsername: p.Username.Set,
		AuthMethod:  p.AuthMethod,
		RemoteAddr:  c.remote,
		Version:     p.Version,
	}
	if p.Password != nil {
		cred.Password = mqttauth.NewSecret(p.Password)
	}
	if p.AuthData != nil {
		cred.AuthData = mqttauth.NewSecret(p.AuthData)
	}
	if c.tls != nil {
		state := c.tls.ConnectionState()
		cred.PeerCertificates, cred.VerifiedChains = state.PeerCertificates, state.VerifiedChains
	}
	return cred
}

// authenticate drives the authentication session until it has decided. The
// method runs in a goroutine of its own, since it may not honour its deadline;
// the client waits, and what it sent behind CONNECT stays unread (AUTHN-13).
func (c *conn) authenticate(ctx context.Context, m mqttauth.Method, cred *mqttauth.Credentials) (*mqttauth.Result, *refusal) {
	c.mu.Lock()
	a := c.auth.Connect(time.Now(), cred)
	c.mu.Unlock()
	type answer struct {
		result mqttauth.Result
		err    error
	}
	answered := make(chan answer, 1)
	attempt := a.Verify
	go func() {
		r, err := runAttempt(ctx, attempt, m)
		answered <- answer{r, err}
	}()
	late := time.NewTimer(time.Until(a.WakeAt))
	defer late.Stop()
	var got answer
	select {
	case got = <-answered:
		c.mu.Lock()
		a = c.auth.Verified(time.Now(), attempt.Ticket, got.result, got.err)
		c.mu.Unlock()
	case <-late.C:
		c.mu.Lock()
		a = c.auth.Wake(a.WakeAt)
		c.mu.Unlock()
	case <-ctx.Done():
		return nil, &refusal{0, errPortClosed}
	}
	if a.Bind == nil {
		return nil, &refusal{a.Send.Reason, a.Reason}
	}
	return a.Bind, nil
}

// runAttempt turns a fault of a method into a denial.
func runAttempt(ctx context.Context, a *mqttauth.Attempt, m mqttauth.Method) (r mqttauth.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			r, err = mqttauth.Result{}, fmt.Errorf("authentication method panicked: %v", p)
		}
	}()
	return a.Run(ctx, m)
}

// authorize decides on the connection and its will (AUTHZ-4, AUTHZ-9).
func (c *conn) authorize(policy *mqttauthz.Policy, w *wire.Will) *refusal {
	g := policy.Grants(c.principal)
	if d := g.Connect(); !d.Allowed() {
		return &refusal{mqttauth.NotAuthorized, errMayNotConnect}
	}
	if w == nil {
		return nil
	}
	if d := g.Publish(w.Topic); !d.Allowed() {
		return &refusal{mqttauth.NotAuthorized, &willError{w.Topic}}
	}
	return nil
}

// willError says that a client may not publish its will.
type willError struct{ topic string }

func (e *willError) Error() string {
	return fmt.Sprintf("%v: its will topic is %q", errMayNotConnect, e.topic)
}

var errMayNotConnect = errors.New("no rule allows the client to connect")

// welcome makes the CONNACK of an accepted client.
func (c *conn) welcome(p *wire.Connect, assigned, present bool, expiry uint32) []byte {
	l := &c.server.limits
	ack := wire.Connack{
		SessionPresent:    present,
		ReceiveMaximum:    l.ReceiveMaximum,
		MaximumPacketSize: uint32(min(int64(l.PacketSize), math.MaxUint32)),
		TopicAliasMaximum: l.TopicAliasMaximum,
		AuthMethod:        p.AuthMethod, // AUTHN-7
	}
	if assigned {
		ack.AssignedClientID = c.clientID
	}
	if f := c.server.responseInformation; f != nil && p.RequestResponseInfo {
		ack.ResponseInformation = f(c.clientID)
	}
	if seconds := c.server.keepAlive(p); seconds != p.KeepAlive {
		ack.ServerKeepAlive = wire.Some(seconds)
	}
	if expiry != p.SessionExpiry {
		ack.SessionExpiry = wire.Some(expiry)
	}
	return ack.Append(nil, c.version)
}

// keepAlive returns the keep alive that counts, in seconds: 0 is none. MQTT
// 3.1.1 has no way to tell a client of another one [MQTT-3.1.2-21].
func (s *Server) keepAlive(p *wire.Connect) uint16 {
	most := uint16(s.limits.KeepAlive / time.Second)
	if most == 0 || p.Version != mqttauth.MQTT5 || p.KeepAlive != 0 && p.KeepAlive <= most {
		return p.KeepAlive
	}
	return most
}

// keepAliveOf returns one and a half times the keep alive [MQTT-3.1.2-24],
// computed where it cannot overflow (E15).
func keepAliveOf(seconds uint16) time.Duration {
	return time.Duration(seconds) * time.Second * 3 / 2
}
