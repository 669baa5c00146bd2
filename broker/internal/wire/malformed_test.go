package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

const (
	malformed   = wire.MalformedPacket
	protocol    = mqttauth.ProtocolError
	tooMany     = wire.QuotaExceeded
	unsupported = wire.UnsupportedProtocolVersion
)

// TestMalformed: each packet is refused with the code that the specification
// gives, or that package wire documents. Bytes are in hexadecimal. Versions: 4
// is 3.1.1, 5 is 5.0.
func TestMalformed(t *testing.T) {
	const mqtt4, mqtt5 = "00044D515454 04", "00044D515454 05"
	for _, tt := range []struct {
		name    string
		version mqttauth.Version
		code    mqttauth.ReasonCode
		bytes   string
	}{
		// Fixed header flags [MQTT-2.1.3-1].
		{"CONNECT flags", v311, malformed, "11 0C" + mqtt4 + "02 003C 0000"},
		{"CONNACK flags", v5, malformed, "21 03 00 00 00"},
		{"PUBACK flags", v5, malformed, "42 02 0001"},
		{"PUBREC flags", v5, malformed, "52 02 0001"},
		{"PUBREL flags 0", v5, malformed, "60 02 0001"},
		{"PUBREL flags 0 on 3.1.1", v311, malformed, "60 02 0001"},
		{"PUBCOMP flags", v5, malformed, "72 02 0001"},
		{"SUBSCRIBE flags 0", v311, malformed, "80 06 0001 0001 61 00"},
		{"SUBSCRIBE flags 3", v5, malformed, "83 07 0001 00 0001 61 00"},
		{"SUBACK flags", v5, malformed, "91 04 0001 00 00"},
		{"UNSUBSCRIBE flags 0", v311, malformed, "A0 05 0001 0001 61"},
		{"UNSUBACK flags", v5, malformed, "B2 04 0001 00 00"},
		{"PINGREQ flags", v311, malformed, "C1 00"},
		{"PINGRESP flags", v311, malformed, "D1 00"},
		{"DISCONNECT flags", v311, malformed, "E1 00"},
		{"AUTH flags", v5, malformed, "F1 00"},

		// Remaining length: the shortest form is a rule of 5.0 only.
		{"padded remaining length", v5, malformed, "C0 80 00"},
		{"padded remaining length, CONNECT", v5, malformed, "10 8D 00" + mqtt5 + "00 0000 00 0000"},

		// CONNECT.
		{"CONNECT empty", 0, malformed, "10 00"},
		{"CONNECT protocol name cut short", 0, malformed, "10 04 0004 4D51"},
		{"CONNECT protocol name not UTF-8", 0, malformed, "10 07 0004 4D5154FF 04"},
		{"CONNECT without level", 0, malformed, "10 06 00044D515454"},
		{"MQIsdp 3", v311, unsupported, "10 0E 0006 4D5149736470 03 02 003C 0000"},
		{"MQIsdp 4", v311, unsupported, "10 0E 0006 4D5149736470 04 02 003C 0000"},
		{"another name, level 5", v5, unsupported, "10 0B 0002 4142 05 02 0000 00 0000"},
		{"mqtt in lower case", v311, unsupported, "10 0C 0004 6D717474 04 02 003C 0000"},
		{"level 0", v311, unsupported, "10 0C 00044D515454 00 02 003C 0000"},
		{"level 3", v311, unsupported, "10 0C 00044D515454 03 02 003C 0000"},
		{"level 6", v5, unsupported, "10 0D 00044D515454 06 02 0000 00 0000"},
		{"level 4 of a bridge", v311, unsupported, "10 0C 00044D515454 84 02 003C 0000"},
		{"level 5 of a bridge", v5, unsupported, "10 0D 00044D515454 85 02 0000 00 0000"},
		{"level 255", v5, unsupported, "10 0D 00044D515454 FF 02 0000 00 0000"},
		{"reserved connect flag [MQTT-3.1.2-3]", v311, malformed, "10 0C" + mqtt4 + "03 003C 0000"},
		{"will QoS without will", v311, malformed, "10 0C" + mqtt4 + "0A 003C 0000"},
		{"will retain without will", v5, malformed, "10 0D" + mqtt5 + "22 003C 00 0000"},
		{"will QoS 3 [MQTT-3.1.2-12]", v311, malformed, "10 10" + mqtt4 + "1E 003C 0000 0000 0000"},
		{"password without user name on 3.1.1", v311, malformed, "10 0E" + mqtt4 + "42 003C 0000 0000"},
		{"keep alive cut short", v311, malformed, "10 09" + mqtt4 + "02 00"},
		{"no client ID", v311, malformed, "10 0A" + mqtt4 + "02 003C"},
		{"client ID longer than the packet", v311, malformed, "10 0D" + mqtt4 + "02 003C FFFF 61"},
		{"S-27 client ID with NUL [MQTT-1.5.4-2]", v311, malformed, "10 0F" + mqtt4 + "02 003C 0003 610062"},
		{"S-27 client ID with a surrogate [MQTT-1.5.4-1]", v311, malformed, "10 0F" + mqtt4 + "02 003C 0003 EDA080"},
		{"S-27 user name overlong", v311, malformed, "10 10" + mqtt4 + "82 003C 0000 0002 C0AF"},
		{"S-27 user name with NUL", v5, malformed, "10 10" + mqtt5 + "82 003C 00 0000 0001 00"},
		{"S-27 will topic not UTF-8", v311, malformed, "10 11" + mqtt4 + "06 003C 0000 0001 FF 0000"},
		{"no will payload", v311, malformed, "10 0F" + mqtt4 + "06 003C 0000 0001 77"},
		{"no user name", v311, malformed, "10 0C" + mqtt4 + "82 003C 0000"},
		{"no password", v311, malformed, "10 0E" + mqtt4 + "C2 003C 0000 0000"},
		{"bytes left over", v311, malformed, "10 0D" + mqtt4 + "02 003C 0000 00"},
		{"no property length", v5, malformed, "10 0A" + mqtt5 + "02 003C"},
		{"property length beyond the packet", v5, malformed, "10 0D" + mqtt5 + "02 003C 03 0000"},
		{"Receive Maximum 0", v5, protocol, "10 10" + mqtt5 + "02 003C 03 210000 0000"},
		{"Maximum Packet Size 0", v5, protocol, "10 12" + mqtt5 + "02 003C 05 2700000000 0000"},
		{"Request Problem Information 2", v5, protocol, "10 0F" + mqtt5 + "02 003C 02 1702 0000"},
		{"Request Response Information 2", v5, protocol, "10 0F" + mqtt5 + "02 003C 02 1902 0000"},
		{"AUTHN-12 data without method", v5, protocol, "10 11" + mqtt5 + "02 003C 04 16000161 0000"},
		{"AUTHN-12 data before an empty method", v5, mqttauth.BadAuthenticationMethod, "10 14" + mqtt5 + "02 003C 07 16000161 150000 0000"},
		{"AUTHN-12 empty method", v5, mqttauth.BadAuthenticationMethod, "10 10" + mqtt5 + "02 003C 03 150000 0000"},
		{"will property in CONNECT", v5, malformed, "10 12" + mqtt5 + "02 003C 05 1800000000 0000"},
		{"CONNECT property in the will", v5, malformed, "10 16" + mqtt5 + "06 003C 00 0000 03 210001 0001 77 0000"},
		{"will property length missing", v5, malformed, "10 0D" + mqtt5 + "06 003C 00 0000"},
		{"will Payload Format 2", v5, protocol, "10 15" + mqtt5 + "06 003C 00 0000 02 0102 0001 77 0000"},
		{"will Response Topic empty", v5, protocol, "10 16" + mqtt5 + "06 003C 00 0000 03 080000 0001 77 0000"},

		// Properties in general, shown with PUBLISH.
		{"property twice", v5, protocol, "30 08 0001 74 04 0101 0101"},
		{"Content Type twice", v5, protocol, "30 0A 0001 74 06 030000 030000"},
		{"unknown property", v5, malformed, "30 06 0001 74 02 7F00"},
		{"property 0", v5, malformed, "30 06 0001 74 02 0000"},
		{"property of CONNECT", v5, malformed, "30 07 0001 74 03 210001"},
		{"padded property identifier", v5, malformed, "30 07 0001 74 03 810001"},
		{"padded property length [MQTT-1.5.5-1]", v5, malformed, "30 05 0001 74 8000"},
		{"E15 property length of 5 bytes", v5, malformed, "30 08 0001 74 8080808001"},
		{"property length cut short", v5, malformed, "30 04 0001 74 80"},
		{"property value beyond the block", v5, malformed, "30 08 0001 74 02 0200 0000"},
		{"property without value at the end of the block", v5, malformed, "30 05 0001 74 01 01"},
		{"user property value beyond the block", v5, malformed, "30 0A 0001 74 04 26000161 0000"},
		{"S-27 user property name with NUL", v5, malformed, "30 0A 0001 74 06 26000100 0000"},
		{"S-27 user property value not UTF-8", v5, malformed, "30 0A 0001 74 06 260000 0001FF"},

		// PUBLISH.
		{"PUBLISH empty", v5, malformed, "30 00"},
		{"QoS 3 [MQTT-3.3.1-4]", v311, malformed, "36 05 0001 74 0001"},
		{"DUP with QoS 0 [MQTT-3.3.1-2]", v311, malformed, "38 03 0001 74"},
		{"packet identifier 0 [MQTT-2.2.1-3]", v311, protocol, "32 05 0001 74 0000"},
		{"no packet identifier", v311, malformed, "32 03 0001 74"},
		{"empty topic on 3.1.1", v311, protocol, "30 02 0000"},
		{"empty topic without alias", v5, protocol, "30 03 0000 00"},
		{"S-27 topic with NUL", v311, malformed, "30 03 0001 00"},
		{"S-27 topic not UTF-8", v5, malformed, "30 04 0001 80 00"},
		{"Topic Alias 0 [MQTT-3.3.2-8]", v5, wire.TopicAliasInvalid, "30 07 0001 74 03 230000"},
		{"Subscription Identifier 0", v5, protocol, "30 06 0001 74 02 0B00"},
		{"E15 Subscription Identifier of 5 bytes", v5, malformed, "30 0A 0001 74 06 0B8080808001"},
		{"Payload Format 2", v5, protocol, "30 06 0001 74 02 0102"},
		{"Response Topic empty", v5, protocol, "30 07 0001 74 03 080000"},

		// Acknowledgements.
		{"PUBACK empty", v5, malformed, "40 00"},
		{"PUBACK identifier cut short", v311, malformed, "40 01 00"},
		{"PUBACK identifier 0", v5, protocol, "40 02 0000"},
		{"PUBACK with code on 3.1.1", v311, malformed, "40 03 0001 00"},
		{"PUBACK with a code of PUBREL", v5, protocol, "40 03 0001 92"},
		{"PUBREL with a code of PUBACK", v5, protocol, "62 03 0001 87"},
		{"PUBCOMP with an unknown code", v5, protocol, "70 03 0001 05"},
		{"PUBACK property of another packet", v5, malformed, "40 06 0001 00 02 0101"},
		{"PUBACK Reason String twice", v5, protocol, "40 0A 0001 00 06 1F0000 1F0000"},
		{"PUBACK bytes left over", v5, malformed, "40 05 0001 00 00 00"},

		// SUBSCRIBE and UNSUBSCRIBE.
		{"SUBSCRIBE empty", v5, malformed, "82 00"},
		{"SUBSCRIBE identifier 0", v311, protocol, "82 06 0000 0001 61 00"},
		{"SUBSCRIBE without filter on 3.1.1", v311, protocol, "82 02 0001"},
		{"SUBSCRIBE without filter [MQTT-3.8.3-2]", v5, protocol, "82 03 0001 00"},
		{"E4 filter without options", v311, malformed, "82 05 0001 0001 61"},
		{"E4 7 bytes: filter longer than the packet", v5, malformed, "82 05 0001 00 FFFF"},
		{"E4 7 bytes: empty filter and wrong options", v311, malformed, "82 05 0001 0000 FF"},
		{"E4 7 bytes: property length beyond the packet", v5, malformed, "82 05 0001 7F 0000"},
		{"second filter cut short", v311, malformed, "82 07 0001 0001 61 00 00"},
		{"S-27 filter with NUL", v311, malformed, "82 06 0001 0001 00 00"},
		{"options: reserved bits [MQTT-3.8.3-5]", v5, malformed, "82 07 0001 00 0001 61 40"},
		{"options: bits of 5.0 on 3.1.1", v311, malformed, "82 06 0001 0001 61 04"},
		{"options: QoS 3 on 3.1.1", v311, malformed, "82 06 0001 0001 61 03"},
		{"options: QoS 3", v5, protocol, "82 07 0001 00 0001 61 03"},
		{"options: Retain Handling 3", v5, protocol, "82 07 0001 00 0001 61 30"},
		{"No Local on a shared subscription [MQTT-3.8.3-4]", v5, protocol, "82 10 0001 00 000A 2473686172652F672F61 04"},
		{"SUBSCRIBE Subscription Identifier twice", v5, protocol, "82 0B 0001 04 0B01 0B01 0001 61 00"},
		{"SUBSCRIBE Subscription Identifier 0", v5, protocol, "82 09 0001 02 0B00 0001 61 00"},
		{"SUBSCRIBE with a Reason String", v5, malformed, "82 0A 0001 03 1F0000 0001 61 00"},
		{"UNSUBSCRIBE identifier 0", v311, protocol, "A2 05 0000 0001 61"},
		{"UNSUBSCRIBE without filter [MQTT-3.10.3-2]", v311, protocol, "A2 02 0001"},
		{"UNSUBSCRIBE without filter on 5.0", v5, protocol, "A2 03 0001 00"},
		{"UNSUBSCRIBE filter cut short", v311, malformed, "A2 05 0001 0002 61"},
		{"UNSUBSCRIBE with a Subscription Identifier", v5, malformed, "A2 08 0001 02 0B01 0001 61"},

		// SUBACK, UNSUBACK, CONNACK.
		{"SUBACK without codes", v311, protocol, "90 02 0001"},
		{"SUBACK with a code of 5.0 on 3.1.1", v311, protocol, "90 03 0001 87"},
		{"SUBACK with a code of UNSUBACK", v5, protocol, "90 04 0001 00 11"},
		{"UNSUBACK with codes on 3.1.1", v311, malformed, "B0 03 0001 00"},
		{"UNSUBACK without codes", v5, protocol, "B0 03 0001 00"},
		{"CONNACK reserved flags [MQTT-3.2.2-1]", v311, malformed, "20 02 02 00"},
		{"CONNACK return code 6", v311, protocol, "20 02 00 06"},
		{"CONNACK without code", v5, malformed, "20 01 00"},
		{"CONNACK without property length", v5, malformed, "20 02 00 00"},
		{"CONNACK with a code of PUBACK", v5, protocol, "20 03 00 10 00"},
		{"CONNACK session present with a refusal [MQTT-3.2.2-6]", v5, protocol, "20 03 01 87 00"},
		{"CONNACK Maximum QoS 2", v5, protocol, "20 05 00 00 02 2402"},
		{"CONNACK Receive Maximum 0", v5, protocol, "20 06 00 00 03 210000"},

		// PINGREQ, DISCONNECT, AUTH.
		{"PINGREQ with a body", v311, malformed, "C0 01 00"},
		{"DISCONNECT with a body on 3.1.1", v311, malformed, "E0 01 00"},
		{"DISCONNECT with a code of CONNACK", v5, protocol, "E0 01 86"},
		{"DISCONNECT Session Expiry twice", v5, protocol, "E0 0C 00 0A 1100000001 1100000001"},
		{"DISCONNECT bytes left over", v5, malformed, "E0 03 00 00 00"},
		{"EXP-4 AUTH on 3.1.1", v311, protocol, "F0 00"},
		{"EXP-4 AUTH without method", v5, protocol, "F0 02 19 00"},
		{"EXP-4 AUTH with an empty method", v5, protocol, "F0 05 18 03 150000"},
		{"AUTH data without method", v5, protocol, "F0 06 00 04 16000161"},
		{"AUTH without property length", v5, malformed, "F0 01 00"},
		{"AUTH with another code", v5, protocol, "F0 05 01 03 150000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := frame(t, unhex(t, tt.bytes))
			err := newPacket(f.Type).Decode(f, tt.version)
			checkError(t, err, tt.code)
			if e := new(wire.Error); f.Type == wire.CONNECT && errors.As(err, &e) && e.Version != tt.version {
				t.Errorf("answer in version %v, want %v", e.Version, tt.version)
			}
		})
	}
}

// checkError also checks that the text names the packet and the code.
func checkError(t *testing.T, err error, code mqttauth.ReasonCode) {
	t.Helper()
	var e *wire.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want a *wire.Error with %v", err, code)
	}
	if e.Code != code {
		t.Fatalf("%v, want %v", err, code)
	}
	if text := err.Error(); !strings.HasPrefix(text, "wire: ") || !strings.HasSuffix(text, code.String()) {
		t.Errorf("text is %q", text)
	}
}

// MQTT 3.1.1 says nothing about the shortest form of the remaining length, so
// clients that pad it are let in.
func TestPaddedLengthOf311(t *testing.T) {
	f := frame(t, unhex(t, "10 8C 80 00 00044D515454 04 02 003C 0000"))
	if err := new(wire.Connect).Decode(f); err != nil {
		t.Errorf("Decode: %v", err)
	}
}

// A packet type, or a version, that the caller did not check.
func TestDecodeWrongCall(t *testing.T) {
	f := wire.Frame{Type: wire.PINGREQ}
	checkError(t, new(wire.Publish).Decode(f, v5), protocol)
	checkError(t, new(wire.Ack).Decode(f, v5), protocol)
	checkError(t, new(wire.Connect).Decode(f), protocol)
	checkError(t, new(wire.Pingreq).Decode(f, 0), protocol)
	checkError(t, new(wire.Pingreq).Decode(f, 3), protocol)
	checkError(t, new(wire.Auth).Decode(wire.Frame{}, v5), protocol)
}

// TestS20ManyUserProperties: 65,000 User Properties are refused after the first
// 1,025 of them, in every packet that may have some.
func TestS20ManyUserProperties(t *testing.T) {
	connectHead := unhex(t, "00044D515454 05 02 003C")
	for _, tt := range []struct {
		name string
		f    wire.Frame
		head []byte
		tail []byte
	}{
		{"CONNECT", wire.Frame{Type: wire.CONNECT}, connectHead, unhex(t, "0000")},
		{"will", wire.Frame{Type: wire.CONNECT}, unhex(t, "00044D515454 05 06 003C 00 0000"), unhex(t, "000177 0000")},
		{"AUTH", wire.Frame{Type: wire.AUTH}, unhex(t, "00"), nil},
		{"PUBLISH", wire.Frame{Type: wire.PUBLISH}, unhex(t, "000174"), nil},
		{"SUBSCRIBE", wire.Frame{Type: wire.SUBSCRIBE, Flags: 2}, unhex(t, "0001"), unhex(t, "000161 00")},
		{"UNSUBSCRIBE", wire.Frame{Type: wire.UNSUBSCRIBE, Flags: 2}, unhex(t, "0001"), unhex(t, "000161")},
		{"PUBACK", wire.Frame{Type: wire.PUBACK}, unhex(t, "0001 00"), nil},
		{"DISCONNECT", wire.Frame{Type: wire.DISCONNECT}, unhex(t, "00"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			decode := func(n int) error {
				block := bytes.Repeat([]byte{0x26, 0, 0, 0, 0}, n)
				tt.f.Body = append(bytes.Clone(tt.head), varint(len(block))...)
				tt.f.Body = append(append(tt.f.Body, block...), tt.tail...)
				return newPacket(tt.f.Type).Decode(tt.f, v5)
			}
			checkError(t, decode(65000), tooMany)
			checkError(t, decode(wire.MaxRepeated+1), tooMany)
			if err := decode(wire.MaxRepeated); err != nil {
				t.Errorf("%d user properties: %v", wire.MaxRepeated, err)
			}
		})
	}
}

func TestManySubscriptionIDs(t *testing.T) {
	block := bytes.Repeat([]byte{0x0B, 1}, wire.MaxRepeated+1)
	f := wire.Frame{Type: wire.PUBLISH, Body: append(append(unhex(t, "000174"), varint(len(block))...), block...)}
	checkError(t, new(wire.Publish).Decode(f, v5), tooMany)
}

// varint is an independent encoder: encoding/binary's has the same form.
func varint(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

// TestNoSecretsInErrors: whatever is wrong, the text has no byte of the packet
// (S-18).
func TestNoSecretsInErrors(t *testing.T) {
	secret := "hunter2-hunter2"
	c := wire.Connect{
		Version: v5, ClientID: secret, Username: wire.Some(secret), Password: []byte(secret),
		AuthMethod: secret, AuthData: []byte(secret), UserProperties: user(t, secret, secret),
		Will: &wire.Will{Topic: secret, Payload: []byte(secret)},
	}
	whole := frame(t, c.Append(nil))
	for n := range whole.Body {
		for _, change := range []func(*wire.Frame){
			func(f *wire.Frame) { f.Body = f.Body[:n] },
			func(f *wire.Frame) { f.Body[n] ^= 0xFF },
		} {
			f := whole.Clone()
			change(&f)
			if err := new(wire.Connect).Decode(f); err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("byte %d: %v", n, err)
			}
		}
	}
}
