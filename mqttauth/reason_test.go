package mqttauth_test

import (
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// AUTHN-6: the whole table, by what is not 5.
func TestConnectReturnCode(t *testing.T) {
	not5 := map[mqttauth.ReasonCode]byte{
		0x00: 0, 0x84: 1, 0x85: 2, 0x88: 3, 0x89: 3, 0x97: 3, 0x9F: 3, 0x86: 4,
	}
	for i := range 256 {
		c := mqttauth.ReasonCode(i)
		want, listed := not5[c]
		if !listed {
			want = 5
		}
		if got := c.ConnectReturnCode(); got != want {
			t.Errorf("%v: %d, want %d", c, got, want)
		}
	}
}

// AUTHN-6: which of the codes that a method denies with reach the client.
func TestRefusalReason(t *testing.T) {
	sent := map[mqttauth.ReasonCode]bool{
		0x80: true, 0x86: true, 0x87: true, 0x88: true, 0x89: true, 0x8A: true, 0x8C: true, 0x97: true, 0x9F: true,
	}
	for i := range 256 {
		c := mqttauth.ReasonCode(i)
		want := mqttauth.NotAuthorized
		if sent[c] {
			want = c
		}
		s := mqttauth.NewSession(mqttauth.SessionConfig{})
		a := s.Connect(start, &mqttauth.Credentials{Version: mqttauth.MQTT5})
		a = s.Verified(start, a.Verify.Ticket, mqttauth.Result{}, mqttauth.Deny(c, errForged))
		if !a.Close || a.Send.Type != mqttauth.Connack || a.Send.Reason != want {
			t.Errorf("Deny(%v): %+v, want CONNACK %v and close", c, a, want)
		}
	}
}

func TestReasonCodeString(t *testing.T) {
	for c, want := range map[mqttauth.ReasonCode]string{
		mqttauth.Success:                 "success (0x00)",
		mqttauth.ContinueAuthentication:  "continue authentication (0x18)",
		mqttauth.Reauthenticate:          "re-authenticate (0x19)",
		mqttauth.BadUsernameOrPassword:   "bad user name or password (0x86)",
		mqttauth.NotAuthorized:           "not authorized (0x87)",
		mqttauth.BadAuthenticationMethod: "bad authentication method (0x8C)",
		0xA2:                             "wildcard subscriptions not supported (0xA2)",
		0xFF:                             "reason code 255 (0xFF)",
		0x03:                             "reason code 3 (0x03)",
	} {
		if got := c.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	seen := make(map[string]bool)
	for i := range 256 {
		s := mqttauth.ReasonCode(i).String()
		if seen[s] || !strings.HasSuffix(s, ")") {
			t.Errorf("0x%02X prints as %q, like another or without its code", i, s)
		}
		seen[s] = true
		if got, want := mqttauth.ReasonCode(i).IsError(), i >= 0x80; got != want {
			t.Errorf("0x%02X: IsError %t", i, got)
		}
	}
}

func TestVersionString(t *testing.T) {
	for v, want := range map[mqttauth.Version]string{mqttauth.MQTT311: "3.1.1", mqttauth.MQTT5: "5.0", 0: "Version(0)", 3: "Version(3)"} {
		if got := v.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
