package nats

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
	"github.com/mqttwarden/mqttwarden/sat"
)

// Access says who may connect and what they may do.
type Access struct {
	Authentication mqttauth.Method
	Authorization  *mqttauthz.Policy // nil denies everything
}

// Authenticator decides about the clients of a server. It is safe for concurrent
// use.
type Authenticator struct {
	log    *slog.Logger
	access atomic.Pointer[Access]
	server atomic.Pointer[server.Server]
}

var _ server.Authentication = (*Authenticator)(nil)

// New returns an authenticator under these rules. A nil logger discards.
func New(a Access, log *slog.Logger) (*Authenticator, error) {
	if a.Authentication == nil {
		return nil, errors.New("nats: Access.Authentication is required")
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	auth := &Authenticator{log: log}
	auth.access.Store(&a)
	return auth, nil
}

// Serve says which server asks, so that SetAccess can disconnect its clients.
func (a *Authenticator) Serve(s *server.Server) { a.server.Store(s) }

// Check lets a client in and gives it its subjects. It blocks this client only.
func (a *Authenticator) Check(c server.ClientAuthentication) bool {
	if c.Kind() != server.CLIENT { // leaf nodes and other servers have methods of their own
		return false
	}
	access := a.access.Load()
	user, err := access.user(credentials(c))
	if err != nil {
		a.log.Warn("client refused", "remote", c.RemoteAddress(), "error", err)
		return false
	}
	for _, r := range user.inexpressible {
		a.log.Warn("a right is left out, since no subject can say it", "username", user.Username, "right", r.String())
	}
	c.RegisterUser(&user.User)
	// Otherwise SetAccess has missed this client.
	return a.access.Load() == access
}

// credentials are what the client presented. A token alone is taken for one of a
// service account.
func credentials(c server.ClientAuthentication) *mqttauth.Credentials {
	o := c.GetOpts()
	cred := &mqttauth.Credentials{Version: mqttauth.MQTT311}
	switch {
	case o.Username != "":
		cred.Username, cred.HasUsername = o.Username, true
		cred.Password = mqttauth.NewSecret([]byte(o.Password))
	case o.Token != "":
		cred.Version = mqttauth.MQTT5
		cred.AuthMethod, cred.AuthData = sat.AuthMethod, mqttauth.NewSecret([]byte(o.Token))
	}
	if a := c.RemoteAddress(); a != nil {
		cred.RemoteAddr, _ = netip.ParseAddrPort(a.String())
	}
	if t := c.GetTLSConnectionState(); t != nil {
		cred.PeerCertificates, cred.VerifiedChains = t.PeerCertificates, t.VerifiedChains
	}
	return cred
}

// user is a client with its subjects.
type user struct {
	server.User
	inexpressible []mqttauthz.Right
}

// user asks the chain, and then the policy.
func (a *Access) user(cred *mqttauth.Credentials) (*user, error) {
	session := mqttauth.NewSession(mqttauth.SessionConfig{})
	attempt := session.Connect(time.Now(), cred).Verify
	result, err := attempt.Run(context.Background(), a.Authentication)
	action := session.Verified(time.Now(), attempt.Ticket, result, err)
	if action.Bind == nil {
		return nil, action.Reason
	}
	who := mqttauthz.Principal(action.Bind.Principal)
	if !a.Authorization.Grants(who).Connect().Allowed() {
		return nil, errors.New("no rule allows the client to connect")
	}
	u := &user{User: server.User{Username: who.Username, ConnectionDeadline: action.Bind.Expiry}}
	u.Permissions, u.inexpressible = permissions(a.Authorization.WhatCan(who))
	return u, nil
}

// SetAccess puts other rules in force and disconnects all clients (AUTHZ-13).
func (a *Authenticator) SetAccess(access Access) error {
	if access.Authentication == nil {
		return errors.New("nats: Access.Authentication is required")
	}
	a.access.Store(&access)
	s := a.server.Load()
	if s == nil {
		return nil
	}
	// Who connects from now on does so under the new rules.
	conns, err := s.Connz(&server.ConnzOptions{Limit: s.NumClients() + 1024})
	if err != nil {
		return err
	}
	for _, c := range conns.Conns {
		_ = s.DisconnectClientByID(c.Cid) // or it has just gone
	}
	return nil
}
