package mochi

import (
	"context"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// OnPacketRead takes the data out of AUTH packets, which the server logs when
// something is wrong with them.
func (h *Hook) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Type != packets.Auth {
		return pk, nil
	}
	if c := h.of(cl); c != nil {
		c.mu.Lock()
		c.fresh = mqttauth.NewSecret(pk.Properties.AuthenticationData)
		c.mu.Unlock()
	}
	pk.Properties.AuthenticationData = nil
	return pk, nil
}

// OnAuthPacket hands an AUTH packet to the authentication session.
func (h *Hook) OnAuthPacket(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	c := h.of(cl)
	if c == nil {
		return pk, errStopped
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	data := c.fresh
	c.fresh = mqttauth.Secret{}
	c.act(c.session.Auth(time.Now(), mqttauth.AuthPacket{
		Reason: mqttauth.ReasonCode(pk.ReasonCode), Method: pk.Properties.AuthenticationMethod, Data: data,
	}))
	return pk, nil
}

// wake tells the session what time it is: a credential may have expired.
func (c *client) wake(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.grants.Load() != nil {
		c.act(c.session.Wake(now))
	}
}

// act does what the session says. mu is held.
func (c *client) act(a mqttauth.Action) {
	if a.Verify != nil {
		go c.verify(a.Verify)
	}
	if a.Bind != nil {
		c.who = mqttauthz.Principal(a.Bind.Principal)
		c.grants.Store(c.hook.accessOf(c.mochi.Net.Listener).Authorization.Grants(c.who))
	}
	switch {
	case a.Close:
		code := mqttauth.ReasonCode(0) // EXP-1: without a word
		if a.Send.Type == mqttauth.Disconnect {
			code = a.Send.Reason
		}
		go c.disconnect(code, a.Reason)
		return
	case a.Send.Type == mqttauth.Auth:
		answer := packets.Packet{
			FixedHeader: packets.FixedHeader{Type: packets.Auth}, ReasonCode: byte(a.Send.Reason),
			Properties: packets.Properties{AuthenticationMethod: a.Send.Method},
		}
		go func() { _ = c.mochi.WritePacket(answer) }() // a client that does not read must not hold mu
	}
	c.timer.Reset(a.WakeAt)
}

// verify runs an attempt while traffic goes on (EXP-5).
func (c *client) verify(attempt *mqttauth.Attempt) {
	r, err := attempt.Run(context.Background(), c.method)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.grants.Load() != nil {
		c.act(c.session.Verified(time.Now(), attempt.Ticket, r, err))
	}
}
