package mqttauth_test

import (
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// S-18: a Session keeps no secret once the verification that needs it is
// handed out. The runtime tells: the bytes can be collected.
func TestSessionDropsSecrets(t *testing.T) {
	const token = "a token that is longer than the runtime's smallest objects"
	session := mqttauth.NewSession(mqttauth.SessionConfig{})
	traces := make(chan weak.Pointer[byte], 3)
	secret := func() mqttauth.Secret {
		s := mqttauth.NewSecret([]byte(token))
		traces <- weak.Make(&s.Reveal()[0])
		return s
	}
	done := make(chan struct{})
	go func() { // in a goroutine, whose stack is gone afterwards
		defer close(done)
		accepted := mqttauth.Accept(mqttauth.Principal{}, "alice")
		a := session.Connect(start, &mqttauth.Credentials{Version: mqttauth.MQTT5, AuthMethod: "M", AuthData: secret(), Password: secret()})
		session.Verified(start, a.Verify.Ticket, accepted, nil)
		session.Auth(start, mqttauth.AuthPacket{Reason: mqttauth.Reauthenticate, Method: "M", Data: secret()})
		a = session.Wake(start.Add(time.Second))
		session.Verified(start.Add(time.Second), a.Verify.Ticket, accepted, nil)
	}()
	<-done
	close(traces)
	for trace := range traces {
		for range 5 {
			if runtime.GC(); trace.Value() == nil {
				break
			}
		}
		if trace.Value() != nil {
			t.Error("the session still holds a secret")
		}
	}
	if a := session.Wake(start.Add(time.Minute)); a.Close {
		t.Error("the session is not alive")
	}
}

// EXP-1: the expiry is an instant of the wall clock, also if the method made it
// from time.Now and a duration.
func TestSessionExpiryIsWallClock(t *testing.T) {
	now := time.Now()
	session := mqttauth.NewSession(mqttauth.SessionConfig{})
	a := session.Connect(now, &mqttauth.Credentials{Version: mqttauth.MQTT5})
	r := mqttauth.Accept(mqttauth.Principal{}, "alice")
	r.Expiry = now.Add(time.Hour)
	a = session.Verified(now, a.Verify.Ticket, r, nil)
	for _, at := range []time.Time{a.WakeAt, a.Bind.Expiry} {
		if !at.Equal(r.Expiry) || strings.Contains(at.String(), "m=") {
			t.Errorf("got %v, want %v without a monotonic reading", at, r.Expiry)
		}
	}
}

// The zero Session, and one without credentials, let nobody in.
func TestSessionZero(t *testing.T) {
	var zero mqttauth.Session
	if a := zero.Connect(start, &mqttauth.Credentials{Version: mqttauth.MQTT5}); !a.Close || a.Verify != nil {
		t.Errorf("zero Session: %+v, want it closed", a)
	}
	if a := mqttauth.NewSession(mqttauth.SessionConfig{}).Connect(start, nil); !a.Close || a.Verify != nil {
		t.Errorf("no credentials: %+v, want closed", a)
	}
}

func TestSessionDeadline(t *testing.T) {
	for given, want := range map[time.Duration]time.Duration{0: mqttauth.DefaultDeadline, -1: mqttauth.DefaultDeadline, time.Minute: time.Minute} {
		a := mqttauth.NewSession(mqttauth.SessionConfig{Deadline: given}).Connect(start, &mqttauth.Credentials{Version: mqttauth.MQTT5})
		if got := a.Verify.Deadline.Sub(start); got != want {
			t.Errorf("AUTHN-8: deadline %v for %v, want %v", got, given, want)
		}
	}
}
