package mochi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// OnConnect decides about a CONNECT in the order of AUTHN-9. The server would
// answer every refusal of OnConnectAuthenticate by 0x86, so the decision is made
// here, before it, and a refused client is answered here as well (AUTHN-6).
func (h *Hook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	code, err := h.accept(cl, pk)
	// Storage hooks would write the token to disk.
	cl.Properties.Props.AuthenticationData = nil
	if err == nil {
		return nil
	}
	h.log.Warn("client refused", "client_id", cl.ID, "reason", code.String(), "error", err)
	if cl.Properties.ProtocolVersion < 5 {
		code = mqttauth.ReasonCode(code.ConnectReturnCode())
	}
	_ = cl.WritePacket(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Connack}, ReasonCode: byte(code)})
	return fmt.Errorf("%w: %w", errStopped, err)
}

// OnConnectAuthenticate lets in whom OnConnect has accepted.
func (h *Hook) OnConnectAuthenticate(cl *mqtt.Client, _ packets.Packet) bool { return h.of(cl) != nil }

func (h *Hook) accept(cl *mqtt.Client, pk packets.Packet) (mqttauth.ReasonCode, error) {
	access := h.accessOf(cl.Net.Listener)
	if access.Authentication == nil {
		return mqttauth.NotAuthorized, errors.New("the listener has no authentication")
	}
	c := &client{hook: h, mochi: cl, session: mqttauth.NewSession(mqttauth.SessionConfig{}), method: access.Authentication}
	c.timer = mqttauth.NewExpiryTimer(c.wake)
	a := c.session.Connect(time.Now(), credentials(cl, pk))
	result, err := a.Verify.Run(context.Background(), access.Authentication)
	a = c.session.Verified(time.Now(), a.Verify.Ticket, result, err)
	if a.Bind == nil {
		return a.Send.Reason, a.Reason
	}
	c.who = mqttauthz.Principal(a.Bind.Principal)
	grants := access.Authorization.Grants(c.who)
	if !grants.Connect().Allowed() {
		return mqttauth.NotAuthorized, errors.New("no rule allows the client to connect")
	}
	if pk.Connect.WillFlag && !grants.Publish(pk.Connect.WillTopic).Allowed() {
		return mqttauth.NotAuthorized, errors.New("no rule allows the client its will")
	}
	if a.Bind.Identity.Name == "" { // equals nobody, so it cannot come back to a session
		cl.Properties.Clean, cl.Properties.Props.SessionExpiryInterval = true, 0
	}
	if !h.owners.claim(cl, a.Bind.Identity) {
		return mqttauth.ReasonCode(packets.ErrClientIdentifierNotValid.Code), errors.New("the session of this client ID belongs to another identity")
	}
	c.grants.Store(grants)
	h.clients.Store(cl, c)
	if h.accessOf(cl.Net.Listener) != access { // swapped meanwhile
		c.grants.Store(nil)
		h.clients.Delete(cl)
		return mqttauth.ReasonCode(packets.ErrServerBusy.Code), errAccessChanged
	}
	c.timer.Reset(a.WakeAt)
	return 0, nil
}

// credentials are what the client presented.
func credentials(cl *mqtt.Client, pk packets.Packet) *mqttauth.Credentials {
	c := &mqttauth.Credentials{
		ClientID: cl.ID, Username: string(pk.Connect.Username), HasUsername: pk.Connect.UsernameFlag,
		AuthMethod: pk.Properties.AuthenticationMethod, Version: mqttauth.Version(pk.ProtocolVersion),
	}
	if pk.Connect.PasswordFlag {
		c.Password = mqttauth.NewSecret(pk.Connect.Password)
	}
	if c.AuthMethod != "" {
		c.AuthData = mqttauth.NewSecret(pk.Properties.AuthenticationData)
	}
	c.RemoteAddr, _ = netip.ParseAddrPort(cl.Net.Remote)
	if t, ok := cl.Net.Conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		state := t.ConnectionState()
		c.PeerCertificates, c.VerifiedChains = state.PeerCertificates, state.VerifiedChains
	}
	return c
}

// OnSessionEstablish takes from a session that is about to be resumed what the
// client may not receive any more: subscriptions, and what waits (AUTHZ-12).
func (h *Hook) OnSessionEstablish(cl *mqtt.Client, _ packets.Packet) {
	old, ok := h.server.Clients.Get(cl.ID)
	if !ok {
		return
	}
	grants := h.rights(cl)
	for filter := range old.State.Subscriptions.GetAll() {
		if !maySubscribe(grants, filter) {
			h.server.Topics.Unsubscribe(filter, cl.ID)
			old.State.Subscriptions.Delete(filter)
		}
	}
	for _, m := range old.State.Inflight.GetAll(false) {
		if m.FixedHeader.Type == packets.Publish && !maySubscribe(grants, m.TopicName) {
			old.State.Inflight.Delete(m.PacketID)
		}
	}
}

// OnPacketEncode completes the CONNACK of enhanced authentication (AUTHN-7).
func (h *Hook) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	if pk.FixedHeader.Type == packets.Connack && pk.ReasonCode == 0 {
		pk.Properties.AuthenticationMethod = cl.Properties.Props.AuthenticationMethod
	}
	return pk
}
