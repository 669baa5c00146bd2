package customauth

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"mime"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/peertext"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

var (
	errExpired     = errors.New("customauth: the server gave an expiry in the past")
	errOtherClient = errors.New("customauth: the new credential belongs to another client, as far as the server's answer tells")
)

// decide says what the server's answer means for c (CUST-3).
func (m *Method) decide(c *mqttauth.Credentials, a answer) (mqttauth.Result, error) {
	switch judge(a.status) {
	case accepted:
		body, err := a.acceptance()
		if err != nil {
			return mqttauth.Result{}, m.fail(a.status, "the answer cannot be read: "+err.Error())
		}
		return m.accept(c, body)
	case versions:
		_, err := a.common()
		if err != nil {
			return mqttauth.Result{}, m.fail(a.status, "no version in common: "+err.Error())
		}
		return mqttauth.Result{}, m.fail(a.status, "the server does not speak the version it offers")
	case failed, unavailable: // the latter was answered before
		return mqttauth.Result{}, m.fail(a.status, "no decision"+a.remark(c))
	default:
		return m.refuse(c, a)
	}
}

func (m *Method) fail(status int, why string) error {
	m.journal.unusable(status, why)
	return fmt.Errorf("customauth: status %d: %s: %w", status, why, mqttauth.ErrFailed)
}

func (m *Method) refuse(c *mqttauth.Credentials, a answer) (mqttauth.Result, error) {
	reason, remark := mqttauth.NotAuthorized, ""
	if a.status == 403 {
		var message string
		reason, message = a.refusal()
		remark = shown(message, c)
	} else {
		remark = a.remark(c)
	}
	m.journal.refused(c.ClientID, a.status, reason, remark)
	return mqttauth.Result{}, mqttauth.Deny(reason, fmt.Errorf("customauth: refused by the server with status %d%s", a.status, remark))
}

// accept makes the result of a well-formed 200.
func (m *Method) accept(c *mqttauth.Credentials, a acceptance) (mqttauth.Result, error) {
	if !a.expiry.IsZero() && !time.Now().Before(a.expiry) { // CUST-4
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, errExpired)
	}
	username := m.verifiedUsername(c)
	name := username
	if m.config.IdentityAttribute != "" {
		name = a.attributes[m.config.IdentityAttribute]
	}
	if c.Previous != nil { // CUST-8: the answer names nobody
		if !m.renews(c.Previous, name, a.attributes) {
			return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, errOtherClient)
		}
		username, name = c.Previous.Principal.Username, c.Previous.Identity.Name
	}
	r := mqttauth.Accept(mqttauth.Principal{ClientID: c.ClientID, Username: username, Attributes: a.attributes}, name)
	r.Expiry = a.expiry
	return r, nil
}

// verifiedUsername returns the username that counts as verified by a 200, or ""
// (CUST-5).
func (m *Method) verifiedUsername(c *mqttauth.Credentials) string {
	verified := false
	switch m.config.Usernames {
	case UsernamesWithPassword:
		verified = c.Password.IsSet() && c.AuthMethod == ""
	case UsernamesAlways:
		verified = true
	default:
	}
	if !verified || !c.HasUsername {
		return ""
	}
	return c.Username
}

// renews reports whether an answer with this name and these attributes is about
// the client that was accepted before.
func (m *Method) renews(previous *mqttauth.Result, name string, attributes map[string]string) bool {
	if !previous.Accepted() {
		return false
	}
	if m.config.IdentityAttribute != "" && name != "" {
		return name == previous.Identity.Name
	}
	if m.config.IdentityAttribute != "" && previous.Identity.Name != "" {
		return false
	}
	return maps.Equal(attributes, previous.Principal.Attributes)
}

// remark returns what a server says in plain text beside a status that is not
// one of the interface's, to be put at the end of an error.
func (a *answer) remark(c *mqttauth.Credentials) string {
	if t, _, err := mime.ParseMediaType(a.header.Get("Content-Type")); a.err != nil || err != nil || t != "text/plain" {
		return ""
	}
	return shown(string(bytes.TrimSpace(a.body)), c)
}

// shown returns a message of the server as the end of an error: escaped and cut
// (OPS-1), and not at all if it quotes a credential (S-18).
func shown(message string, c *mqttauth.Credentials) string {
	if message == "" {
		return ""
	}
	for _, s := range []mqttauth.Secret{c.Password, c.AuthData} {
		if quotes(message, s.Reveal()) {
			return ": (its message quotes the credential and is not shown)"
		}
	}
	return ": " + peertext.Clean(message)
}

func quotes(message string, secret []byte) bool {
	if len(secret) == 0 {
		return false
	}
	text := []byte(message)
	encoded := base64.RawStdEncoding.AppendEncode(nil, secret)
	defer clear(encoded)
	return bytes.Contains(text, secret) || bytes.Contains(text, encoded)
}
