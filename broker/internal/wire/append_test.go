package wire_test

import (
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// TestAppendRefuses: what Decode would not accept is not written at all.
func TestAppendRefuses(t *testing.T) {
	long := strings.Repeat("x", 65536)
	sub := wire.Subscription{Filter: "a"}
	ok := []mqttauth.ReasonCode{0}
	for _, tt := range []struct {
		name    string
		version mqttauth.Version
		p       packet
	}{
		{"no version", 0, &wire.Pingreq{}},
		{"version 3", 3, &wire.Pingresp{}},
		{"CONNECT of version 3", 3, connect{&wire.Connect{Version: 3}}},
		{"CONNECT will QoS 3", v5, connect{&wire.Connect{Version: v5, Will: &wire.Will{QoS: 3}}}},
		{"CONNECT password without user name on 3.1.1", v311, connect{&wire.Connect{Version: v311, Password: []byte{}}}},
		{"CONNECT data without method", v5, connect{&wire.Connect{Version: v5, AuthData: []byte{}}}},
		{"CONNECT long password", v5, connect{&wire.Connect{Version: v5, Password: make([]byte, 65536)}}},
		{"CONNECT will Payload Format 2", v5, connect{&wire.Connect{Version: v5, Will: &wire.Will{PayloadFormat: wire.Some[byte](2)}}}},
		{"CONNACK code of PUBACK", v5, &wire.Connack{Code: wire.NoMatchingSubscribers}},
		{"CONNACK long reason", v5, &wire.Connack{ReasonString: long}},
		{"CONNACK Maximum QoS 2", v5, &wire.Connack{MaximumQoS: wire.Some[byte](2)}},
		{"PUBLISH QoS 3", v5, &wire.Publish{Topic: "t", QoS: 3, PacketID: 1}},
		{"PUBLISH QoS 1 without identifier", v5, &wire.Publish{Topic: "t", QoS: 1}},
		{"PUBLISH DUP with QoS 0", v5, &wire.Publish{Topic: "t", Dup: true}},
		{"PUBLISH without topic", v5, &wire.Publish{}},
		{"PUBLISH alias on 3.1.1", v311, &wire.Publish{TopicAlias: 1}},
		{"PUBLISH long topic", v311, &wire.Publish{Topic: long}},
		{"PUBLISH Subscription Identifier 0", v5, &wire.Publish{Topic: "t", SubscriptionIDs: []uint32{0}}},
		{"PUBLISH Subscription Identifier too large", v5, &wire.Publish{Topic: "t", SubscriptionIDs: []uint32{1 << 28}}},
		{"PUBLISH too large", v311, &wire.Publish{Topic: "t", Payload: make([]byte, 1<<28-3)}},
		{"PUBLISH identifiers make it too large", v5, &wire.Publish{Topic: "t", Payload: make([]byte, 1<<28-6), SubscriptionIDs: []uint32{1}}},
		{"acknowledgement of no type", v5, &wire.Ack{PacketID: 1}},
		{"acknowledgement of another type", v5, &wire.Ack{Type: wire.PUBLISH, PacketID: 1}},
		{"PUBACK without identifier", v311, &wire.Ack{Type: wire.PUBACK}},
		{"PUBACK code of CONNACK", v5, &wire.Ack{Type: wire.PUBACK, PacketID: 1, Code: wire.ServerBusy}},
		{"SUBSCRIBE without filter", v5, &wire.Subscribe{PacketID: 1}},
		{"SUBSCRIBE without identifier", v5, &wire.Subscribe{Filters: []wire.Subscription{sub}}},
		{"SUBSCRIBE QoS 3", v311, &wire.Subscribe{PacketID: 1, Filters: []wire.Subscription{{Filter: "a", QoS: 3}}}},
		{"SUBSCRIBE Retain Handling 3", v5, &wire.Subscribe{PacketID: 1, Filters: []wire.Subscription{{Filter: "a", RetainHandling: 3}}}},
		{"SUBSCRIBE No Local, shared", v5, &wire.Subscribe{PacketID: 1, Filters: []wire.Subscription{{Filter: "$share/g/a", NoLocal: true}}}},
		{"SUBSCRIBE identifier too large", v5, &wire.Subscribe{PacketID: 1, SubscriptionID: 1 << 28, Filters: []wire.Subscription{sub}}},
		{"SUBACK without codes", v311, &wire.Suback{PacketID: 1}},
		{"SUBACK code of UNSUBACK", v5, &wire.Suback{PacketID: 1, Codes: []mqttauth.ReasonCode{0x11}}},
		{"SUBACK without identifier", v5, &wire.Suback{Codes: ok}},
		{"UNSUBSCRIBE without filter", v311, &wire.Unsubscribe{PacketID: 1}},
		{"UNSUBACK without codes", v5, &wire.Unsuback{PacketID: 1}},
		{"UNSUBACK without identifier", v311, &wire.Unsuback{Codes: ok}},
		{"DISCONNECT code of CONNACK", v5, &wire.Disconnect{Code: mqttauth.BadUsernameOrPassword}},
		{"DISCONNECT long reference", v5, &wire.Disconnect{ServerReference: long}},
		{"AUTH on 3.1.1", v311, &wire.Auth{AuthMethod: "m"}},
		{"AUTH without method", v5, &wire.Auth{Code: mqttauth.ContinueAuthentication}},
		{"AUTH with another code", v5, &wire.Auth{Code: mqttauth.NotAuthorized, AuthMethod: "m"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if b := tt.p.Append([]byte("before"), tt.version); string(b) != "before" {
				t.Errorf("Append wrote % X", b[:min(len(b), 40)])
			}
		})
	}
}

// TestAppend311 shows what is mapped or left out for 3.1.1.
func TestAppend311(t *testing.T) {
	u := user(t, "a", "b")
	for _, tt := range []struct {
		name string
		p    packet
		want string
	}{
		{"CONNACK maps the code (AUTHN-6, E12)", &wire.Connack{Code: mqttauth.NotAuthorized, ReasonString: "no"}, "20 02 00 05"},
		{"CONNACK refusal never has a session (AUTHN-6)", &wire.Connack{SessionPresent: true, Code: wire.ServerBusy}, "20 02 00 03"},
		{"CONNACK has a code for what 5.0 has not", &wire.Connack{Code: wire.ServerShuttingDown}, "20 02 00 05"},
		{"PUBACK has no code (AUTHZ-10)", &wire.Ack{Type: wire.PUBACK, PacketID: 1, Code: mqttauth.NotAuthorized, UserProperties: u}, "40 02 0001"},
		{"SUBACK failures are 0x80 (AUTHZ-11)", &wire.Suback{PacketID: 1, Codes: []mqttauth.ReasonCode{2, mqttauth.NotAuthorized}, UserProperties: u}, "90 04 0001 02 80"},
		{"UNSUBACK has no codes", &wire.Unsuback{PacketID: 1, Codes: []mqttauth.ReasonCode{0}}, "B0 02 0001"},
		{"DISCONNECT has no code", &wire.Disconnect{Code: mqttauth.NotAuthorized}, "E0 00"},
		{"SUBSCRIBE has QoS only", &wire.Subscribe{PacketID: 1, SubscriptionID: 5, Filters: []wire.Subscription{{Filter: "a", QoS: 1, NoLocal: true, RetainHandling: 2}}}, "82 06 0001 0001 61 01"},
		{"PUBLISH has no properties", &wire.Publish{Topic: "t", Payload: []byte("x"), UserProperties: u, TopicAlias: 1}, "30 04 0001 74 78"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := tt.p.Append(nil, v311), unhex(t, tt.want); string(got) != string(want) {
				t.Errorf("% X, want % X", got, want)
			}
		})
	}
}

// A refusal on 5.0 never says that there is a session (AUTHN-6).
func TestConnackRefusalHasNoSession(t *testing.T) {
	p := wire.Connack{SessionPresent: true, Code: mqttauth.NotAuthorized}
	if got, want := p.Append(nil, v5), unhex(t, "20 03 00 87 00"); string(got) != string(want) {
		t.Errorf("% X, want % X", got, want)
	}
}

// TestAppendLengths: lengths of one to four bytes, right at the borders.
func TestAppendLengths(t *testing.T) {
	for _, n := range []int{0, 127 - 3, 128 - 3, 16383 - 3, 16384 - 3, 2097151 - 3, 2097152 - 3} {
		p := wire.Publish{Topic: "t", Payload: make([]byte, n)}
		b := p.Append(nil, v311)
		want := append([]byte{0x30}, varint(n+3)...)
		if !strings.HasPrefix(string(b), string(want)) || len(b) != len(want)+n+3 {
			t.Errorf("payload of %d bytes: %d bytes, begins % X", n, len(b), b[:5])
		}
	}
}
