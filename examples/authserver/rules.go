package main

import (
	"context"
	"strings"
	"time"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// sample has the rules of the published sample server, which show what a server
// can say. They look at no password and at no certificate: a username that
// begins with "deny" is refused, one that begins with "expire" may stay for ten
// seconds, and everybody else may stay.
//
// Reauthentication goes by the data of enhanced authentication in the same way.
type sample struct{}

var _ customauth.Authenticator = sample{}

func (sample) Connect(_ context.Context, r *customauth.ConnectRequest) (customauth.Answer, error) {
	return decide(r.Username), nil
}

func (sample) Auth(_ context.Context, r *customauth.AuthRequest) (customauth.Answer, error) {
	return decide(string(r.Enhanced.Data.Reveal())), nil
}

func decide(who string) customauth.Answer {
	if strings.HasPrefix(who, "deny") {
		return customauth.Refuse(mqttauth.NotAuthorized, "names that begin with deny are refused")
	}
	var expiry time.Time
	if strings.HasPrefix(who, "expire") {
		expiry = time.Now().Add(10 * time.Second)
	}
	// The same attributes every time: a reauthentication is accepted only if
	// they are those of the CONNECT.
	return customauth.Accept(map[string]string{"example_key": "example_value"}, expiry)
}
