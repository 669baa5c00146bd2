package broker_test

import (
	"context"
	"errors"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// S-16, AUTHN-10: a session that a client made by one method belongs to nobody
// who comes by another method under the same name, on whatever port.
func TestS16SessionOfAnotherMethod(t *testing.T) {
	byCertificate := method(func(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
		if c.HasUsername {
			return mqttauth.Result{}, mqttauth.ErrNotRelevant
		}
		return mqttauth.Accept(mqttauth.Principal{Username: "heater"}, "heater"), nil
	})
	byPassword := method(func(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
		if !c.HasUsername {
			return mqttauth.Result{}, errors.New("no user name")
		}
		return mqttauth.Accept(mqttauth.Principal{Username: c.Username}, c.Username), nil
	})
	s := newServer(t, broker.Limits{})
	listen := func(policy string, methods ...mqttauth.Entry) *port {
		c, err := mqttauth.NewChain(policy, methods...)
		if err != nil {
			t.Fatal(err)
		}
		return s.listen(broker.Access{Authentication: c, Authorization: mqttauthz.AllowAll()})
	}
	both := []mqttauth.Entry{{Name: "X509", Method: byCertificate}, {Name: "UsernamePassword", Method: byPassword}}
	first := listen("default/first", both...)
	second := listen("default/second", both...)

	owner := first.connect(v5, "heater", durable)
	first.refused(wire.ClientIDNotValid, connectPacket(v5, "heater", durable, as("heater")))  // another method
	second.refused(wire.ClientIDNotValid, connectPacket(v5, "heater", durable, as("heater"))) // and another port
	second.refused(wire.ClientIDNotValid, connectPacket(v5, "heater", durable))               // another port
	owner.quiet()
	owner.leave()
	if again := first.connect(v5, "heater", durable); !again.ok.SessionPresent {
		t.Error("the owner does not get its session back")
	}
}
