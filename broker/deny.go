package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// denyHandshake says why a TLS handshake failed, and whose it was.
func (c *conn) denyHandshake(err error) {
	if errors.Is(err, io.EOF) { // a port scan or a health check
		return
	}
	attrs := []slog.Attr{slog.String(keyPort, c.listener.name), slog.Any(keyRemote, c.remote)}
	var unverified *tls.CertificateVerificationError
	if errors.As(err, &unverified) && len(unverified.UnverifiedCertificates) > 0 {
		attrs = append(attrs, peer("subject", subject(unverified.UnverifiedCertificates[0])))
	}
	c.server.denied.write(c.remote.Addr(), "TLS handshake refused", append(attrs, failure(err))...)
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
		attrs = append(attrs, peer(keyClientID, c.clientID))
		if c.principal.Username != "" {
			attrs = append(attrs, peer(keyUsername, c.principal.Username))
		}
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
	attrs := []slog.Attr{
		slog.String(keyPort, c.listener.name), slog.Any(keyRemote, c.remote),
		peer(keyClientID, c.clientID), slog.String(keyMethod, c.identity.Method),
	}
	if errors.Is(cause, mqttauth.ErrExpired) { // EXP-1
		attrs = append(attrs, slog.Time(keyExpiry, c.expiry))
	}
	c.server.denied.write(c.remote.Addr(), "client cut off", append(attrs, failure(cause))...)
}

// denyPacket says that a packet was denied.
func (c *conn) denyPacket(what, key, value string) {
	c.server.denied.write(c.remote.Addr(), what+" denied",
		slog.String(keyPort, c.listener.name), slog.Any(keyRemote, c.remote),
		peer(keyClientID, c.clientID), peer(keyUsername, c.principal.Username), peer(key, value))
}
