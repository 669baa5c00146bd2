package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// denyHandshake says why a handshake failed, and whose it was.
func (c *conn) denyHandshake(err error) {
	if errors.Is(err, io.EOF) { // a port scan or a health check
		return
	}
	attrs := []slog.Attr{slog.String(keyPort, c.listener.name), slog.Any(keyRemote, c.remote)}
	var unverified *tls.CertificateVerificationError
	if errors.As(err, &unverified) && len(unverified.UnverifiedCertificates) > 0 {
		attrs = append(attrs, peer("subject", subject(unverified.UnverifiedCertificates[0])))
	}
	what := "upgrade refused"
	if c.tls != nil && !c.tls.ConnectionState().HandshakeComplete {
		what = "TLS handshake refused"
	}
	c.server.denied.write(c.remote.Addr(), what, append(attrs, failure(err))...)
	c.observe(Event{Action: ActionHandshake, Err: err})
}

func subject(cert *x509.Certificate) string { return cert.Subject.String() }

// denyConnect sends the refusing CONNACK, if there is somebody to understand
// it, and says why in the log.
func (c *conn) denyConnect(p *wire.Connect, r *refusal) {
	if r.code != 0 && c.version != 0 {
		packet := (&wire.Connack{Code: r.code}).Append(nil, c.version)
		_ = c.raw.SetDeadline(time.Now().Add(lastWriteTime))
		if _, err := c.nc.Write(packet); err == nil {
			c.out.closeWrite()
			c.drain()
		}
	}
	if errors.Is(r.err, io.EOF) && p == nil {
		return
	}
	attrs := []slog.Attr{slog.String(keyPort, c.listener.name), slog.Any(keyRemote, c.remote)}
	if p != nil {
		attrs = append(attrs, c.who()...)
	}
	var will *willError
	if errors.As(r.err, &will) {
		attrs = append(attrs, peer(keyTopic, will.topic))
	}
	if r.code != 0 {
		attrs = append(attrs, slog.String(keyReason, r.code.String()))
	}
	attrs = append(attrs, steps(r.err)...)
	c.server.denied.write(c.remote.Addr(), "client refused", append(attrs, failure(r.err))...)
}

// steps tells what each method of the chain said.
func steps(err error) []slog.Attr {
	var e *mqttauth.Error
	if !errors.As(err, &e) {
		return nil
	}
	attrs := make([]slog.Attr, 0, len(e.Steps))
	for _, s := range e.Steps {
		text := s.Outcome.String()
		if s.Err != nil {
			text = fmt.Sprintf("%v: %v", s.Outcome, s.Err)
		}
		attrs = append(attrs, peer(keyMethod+"."+s.Method, text))
	}
	return attrs
}

// logEnd says why an accepted client was cut off. Clients that leave by
// themselves are not worth a line.
func (c *conn) logEnd(cause error) {
	switch {
	case cause == nil, errors.Is(cause, errConnectionLost):
		return
	case errors.Is(cause, errAccessChanged), errors.Is(cause, errPortClosed):
		c.server.log.Info("client disconnected", keyPort, c.listener.name, peer(keyClientID, c.clientID), failure(cause))
		return
	}
	attrs := []slog.Attr{slog.String(keyPort, c.listener.name), slog.Any(keyRemote, c.remote)}
	c.mu.Lock() // what a renewal may replace
	attrs = append(attrs, c.who()...)
	c.mu.Unlock()
	if errors.Is(cause, mqttauth.ErrExpired) { // EXP-1
		attrs = append(attrs, slog.Time(keyExpiry, c.expiry))
	}
	c.server.denied.write(c.remote.Addr(), "client cut off", append(attrs, failure(cause))...)
}

// denyPacket says that a packet was denied.
func (c *conn) denyPacket(what, key, value string) {
	c.server.denied.write(c.remote.Addr(), what+" denied",
		append([]slog.Attr{slog.String(keyPort, c.listener.name), slog.Any(keyRemote, c.remote)},
			append(c.who(), peer(key, strings.Clone(value)))...)...) // value may live in the read buffer
}

// who tells all that the policy decides by, so that a line alone is enough to
// explain a denial (AUTHZ-15).
func (c *conn) who() []slog.Attr {
	attrs := append(make([]slog.Attr, 0, 6), peer(keyClientID, c.clientID))
	if c.identity.Method != "" {
		attrs = append(attrs, slog.String(keyMethod, c.identity.Method))
	}
	return append(attrs, verified(c.principal)...)
}

// verified tells what authentication found out about a client.
func verified(p mqttauthz.Principal) []slog.Attr {
	attrs := make([]slog.Attr, 0, 3)
	if p.Username != "" {
		attrs = append(attrs, peer(keyUsername, p.Username))
	}
	if n := len(p.Attributes) - maxAttributes; n > 0 {
		attrs = append(attrs, slog.Int(keyOmitted, n))
	}
	return append(attrs, slog.Any(keyAttributes, attributes(p.Attributes)))
}
