package broker

import (
	"context"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// handleAuth hands an AUTH packet to the authentication session.
func (c *conn) handleAuth(f wire.Frame) error {
	var p wire.Auth
	if err := p.Decode(f, c.version); err != nil {
		return err
	}
	a := mqttauth.AuthPacket{Reason: p.Code, Method: string([]byte(p.AuthMethod))}
	if p.AuthData != nil {
		a.Data = mqttauth.NewSecret(p.AuthData)
	}
	c.act(c.auth.Auth(time.Now(), a))
	return nil
}

// act does what the authentication session says. mu is held.
func (c *conn) act(a mqttauth.Action) {
	if a.Verify != nil {
		c.attempt(a.Verify)
	}
	if a.Bind != nil {
		c.bind(a.Bind)
	}
	c.observeRenewal(a)
	if a.Close {
		if a.Send.Type == mqttauth.Disconnect {
			c.disconnectLocked(a.Send.Reason, a.Reason)
			return
		}
		c.killLocked(a.Reason) // EXP-1: without a DISCONNECT
		return
	}
	if a.Send.Type == mqttauth.Auth {
		c.out.send((&wire.Auth{Code: a.Send.Reason, AuthMethod: a.Send.Method}).Append(nil, c.version))
	}
	if a.Reason != nil {
		c.server.log.Warn("reauthentication put off", keyPort, c.listener.name, peer(keyClientID, c.clientID), failure(a.Reason))
	}
	c.timer.Reset(a.WakeAt)
}

// verify runs an attempt while traffic goes on (EXP-5).
func (c *conn) verify(ctx context.Context, attempt *mqttauth.Attempt) {
	defer c.recovered()
	r, err := runAttempt(ctx, attempt, c.access.Authentication)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return
	}
	c.act(c.auth.Verified(time.Now(), attempt.Ticket, r, err))
}

// bind replaces the client's rights, and takes from its session what they do
// not cover (EXP-2, AUTHZ-12). mu is held.
func (c *conn) bind(r *mqttauth.Result) {
	c.principal, c.expiry = mqttauthz.Principal(r.Principal), r.Expiry
	c.bound = nil
	c.client.reauthorize(c.principal, c.grants())
	c.reauthorizeKeys()
}
