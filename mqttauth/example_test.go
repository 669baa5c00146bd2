package mqttauth_test

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// apiKey accepts whoever knows the one key of a user. It shows what a method
// looks like; package password is the one to use.
type apiKey map[string]string

func (k apiKey) Authenticate(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	if c.AuthMethod != "" || !c.HasUsername || !c.Password.IsSet() {
		return mqttauth.Result{}, mqttauth.ErrNotRelevant
	}
	key, known := k[c.Username]
	equal := subtle.ConstantTimeCompare([]byte(key), c.Password.Reveal()) == 1
	if !known || !equal {
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.BadUsernameOrPassword, errors.New("unknown user or wrong key"))
	}
	return mqttauth.Accept(mqttauth.Principal{Username: c.Username}, c.Username), nil
}

func Example() {
	chain, err := mqttauth.NewChain("factory",
		mqttauth.Entry{Name: "keys", Method: apiKey{"press-1": "s3cret"}},
		mqttauth.Entry{Name: "guests", Method: mqttauth.AllowAnonymous()},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range []*mqttauth.Credentials{
		{ClientID: "a", Username: "press-1", HasUsername: true, Password: mqttauth.NewSecret([]byte("s3cret"))},
		{ClientID: "b", Username: "press-1", HasUsername: true, Password: mqttauth.NewSecret([]byte("guess"))},
		{ClientID: "c"},
	} {
		result, err := chain.Authenticate(context.Background(), c)
		var refusal *mqttauth.Error
		if errors.As(err, &refusal) {
			fmt.Printf("%s: CONNACK %v\n", c.ClientID, refusal.Reason)
			continue
		}
		fmt.Printf("%s: %s/%s\n", c.ClientID, result.Identity.Method, result.Identity.Name)
	}
	// Output:
	// a: keys/press-1
	// b: CONNACK bad user name or password (0x86)
	// c: guests/anonymous/anonymous
}

// A broker drives a Session: it runs what the session asks for and reports
// back. A real one runs the attempt in a goroutine, holds the connection's lock
// around each call, and gives WakeAt to an ExpiryTimer.
func ExampleSession() {
	expiry := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	now := expiry.Add(-time.Hour)
	method := methodFunc(func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) {
		r := mqttauth.Accept(mqttauth.Principal{Username: "alice"}, "alice")
		r.Expiry = expiry
		return r, nil
	})

	session := mqttauth.NewSession(mqttauth.SessionConfig{})
	action := session.Connect(now, &mqttauth.Credentials{ClientID: "c", Version: mqttauth.MQTT5})
	result, err := action.Verify.Run(context.Background(), method)
	action = session.Verified(now, action.Verify.Ticket, result, err)
	fmt.Println("send CONNACK", action.Send.Reason, "- wake in", action.WakeAt.Sub(now))

	action = session.Wake(action.WakeAt)
	fmt.Println("close:", action.Close, "-", action.Reason)
	// Output:
	// send CONNACK success (0x00) - wake in 1h0m0s
	// close: true - mqttauth: credential expired
}
