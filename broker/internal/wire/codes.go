package wire

import (
	"strings"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// allows reports whether packets of type t may carry reason code c in MQTT 5.0
// (table 2-6). The two directions are not told apart.
func allows(t Type, c mqttauth.ReasonCode) bool {
	return strings.IndexByte(codesOf(t), byte(c)) >= 0
}

func codesOf(t Type) string {
	switch t {
	case CONNACK: // [MQTT-3.2.2-8]
		return "\x00\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8A\x8C\x90\x95\x97\x99\x9A\x9B\x9C\x9D\x9F"
	case PUBACK, PUBREC: // [MQTT-3.4.2-1], [MQTT-3.5.2-1]
		return "\x00\x10\x80\x83\x87\x90\x91\x97\x99"
	case PUBREL, PUBCOMP: // [MQTT-3.6.2-1], [MQTT-3.7.2-1]
		return "\x00\x92"
	case SUBACK: // [MQTT-3.9.3-2]
		return "\x00\x01\x02\x80\x83\x87\x8F\x91\x97\x9E\xA1\xA2"
	case UNSUBACK: // [MQTT-3.11.3-2]
		return "\x00\x11\x80\x83\x87\x8F\x91"
	case DISCONNECT: // [MQTT-3.14.2-1]; 0x8C by section 2.4 only
		return "\x00\x04\x80\x81\x82\x83\x87\x89\x8B\x8C\x8D\x8E\x8F\x90\x93\x94\x95\x96\x97\x98\x99\x9A\x9B\x9C\x9D\x9E\x9F\xA0\xA1\xA2"
	case AUTH: // [MQTT-3.15.2-1]
		return "\x00\x18\x19"
	default:
		return ""
	}
}
