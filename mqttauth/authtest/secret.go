package authtest

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"weak"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

func checkSecret(ctx context.Context, m mqttauth.Method, c Case) string {
	r, err := ask(ctx, m, c)
	printed := map[string]string{
		"the error":         fmt.Sprintf("%v %+v %#v", err, err, err),
		"the Result":        fmt.Sprintf("%v %+v %#v", r, r, r),
		"the name":          r.Identity.Name,
		"the username":      r.Principal.Username,
		"an attribute":      fmt.Sprint(r.Principal.Attributes),
		"the wrapped error": unwrapped(err),
	}
	for _, secret := range []mqttauth.Secret{c.Credentials.Password, c.Credentials.AuthData} {
		for where, text := range printed {
			if form := shows(text, secret.Reveal()); form != "" {
				return where + " holds the secret, as " + form
			}
		}
	}
	return ""
}

// unwrapped prints every error below err, with its fields.
func unwrapped(err error) string {
	if err == nil {
		return ""
	}
	text := fmt.Sprintf("%+v %#v\n", err, err)
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		text += unwrapped(w.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range w.Unwrap() {
			text += unwrapped(inner)
		}
	}
	return text
}

// shows returns how text holds the secret, or "".
func shows(text string, secret []byte) string {
	if len(secret) < 8 {
		return ""
	}
	forms := []struct{ name, text string }{
		{"plain text", string(secret)},
		{"quoted text", strings.Trim(fmt.Sprintf("%q", secret), `"`)},
		{"hexadecimal", hex.EncodeToString(secret)},
		{"base64", base64.RawStdEncoding.EncodeToString(secret)},
		{"base64url", base64.RawURLEncoding.EncodeToString(secret)},
		{"bytes", strings.Trim(fmt.Sprint(secret), "[]")},
		{"Go syntax", strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", secret), "[]byte{"), "}")},
	}
	for _, form := range forms {
		if strings.Contains(text, form.text) {
			return form.name
		}
	}
	return ""
}

// checkKept gives the method secrets that nobody else holds, and looks whether
// they are gone once it has answered. Copies that a method made are not found.
func checkKept(ctx context.Context, m mqttauth.Method, c Case) string {
	fields := map[string]func(*mqttauth.Credentials) []byte{
		"Password": func(c *mqttauth.Credentials) []byte { return c.Password.Reveal() },
		"AuthData": func(c *mqttauth.Credentials) []byte { return c.AuthData.Reveal() },
	}
	for name, reveal := range fields {
		if len(reveal(&c.Credentials)) < 16 { // small ones share their memory with others
			continue
		}
		trace := make(chan weak.Pointer[byte], 1)
		answer := make(chan any, 1)
		go func() { // in a goroutine, since a stack that lives on may hold on to them
			cred := presented(c)
			trace <- weak.Make(&reveal(cred)[0])
			r, err := m.Authenticate(ctx, cred)
			answer <- []any{r, err}
		}()
		kept, answered := <-trace, <-answer
		for range 5 {
			if runtime.GC(); kept.Value() == nil {
				break
			}
		}
		if kept.Value() != nil {
			return "the method, its Result or its error still holds " + name
		}
		runtime.KeepAlive(answered)
		runtime.KeepAlive(m)
	}
	return ""
}
