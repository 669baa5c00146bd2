package broker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// AUTHN-14: a throttle in front of a port's chain puts off who failed lately, at
// most two seconds, and nobody else; no credential is refused unverified.
func TestAUTHN14Throttle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		throttle, err := mqttauth.NewThrottle(chain(t, func(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
			asked++
			return users(ctx, c)
		}))
		if err != nil {
			t.Fatal(err)
		}
		l := newPipes()
		b := newServer(t, broker.Limits{}).open(broker.Port{Access: broker.Access{
			Authentication: throttle, Authorization: mqttauthz.AllowAll(),
		}}, l)
		b.dial = l.dial
		wrong := connectPacket(v5, "a", as("alice"))
		wrong.Password = []byte("wrong")
		var took time.Duration
		for range 8 {
			p, began := b.peer(), time.Now()
			p.sendConnect(wrong)
			if got := receive[wire.Connack](p).Code; got != mqttauth.BadUsernameOrPassword {
				t.Fatalf("CONNACK with %v", got)
			}
			took = time.Since(began)
		}
		if took < time.Second || took > mqttauth.MaxThrottleDelay {
			t.Errorf("the eighth attempt is answered after %v", took)
		}
		began := time.Now()
		b.connect(v5, "b", as("bob")).quiet()
		if took := time.Since(began); took != 0 {
			t.Errorf("another user waits %v", took)
		}
		b.connect(v5, "a", as("alice")).quiet()
		if asked != 10 {
			t.Errorf("the method was asked %d times, want 10", asked)
		}
	})
}
