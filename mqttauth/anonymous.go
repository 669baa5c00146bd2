package mqttauth

import (
	"context"
	"errors"
)

// AllowAnonymous returns the method of a port that does not authenticate
// (LINK-2): it lets in everybody, with no attributes and no username, and
// ignores user name and password. All of them are the same somebody. A client
// that asks for enhanced authentication is refused, since nobody would answer
// it.
func AllowAnonymous() Method { return anonymous{} }

type anonymous struct{}

func (anonymous) Authenticate(_ context.Context, c *Credentials) (Result, error) {
	if c.AuthMethod != "" {
		return Result{}, Deny(BadAuthenticationMethod, errors.New("this port does not authenticate"))
	}
	r := Accept(Principal{ClientID: c.ClientID}, "anonymous")
	r.Identity.Method = "anonymous"
	return r, nil
}
