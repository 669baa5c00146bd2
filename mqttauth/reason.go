package mqttauth

import "strconv"

// ReasonCode is an MQTT 5.0 reason code (section 2.4). Codes below 0x80 are
// successes, all others failures.
//
// The constants are those that authentication itself produces. Any other value
// of the specification is valid too and prints its name.
type ReasonCode byte

const (
	Success                 ReasonCode = 0x00
	ContinueAuthentication  ReasonCode = 0x18
	Reauthenticate          ReasonCode = 0x19
	ProtocolError           ReasonCode = 0x82
	BadUsernameOrPassword   ReasonCode = 0x86
	NotAuthorized           ReasonCode = 0x87
	ServerUnavailable       ReasonCode = 0x88
	BadAuthenticationMethod ReasonCode = 0x8C
	MessageRateTooHigh      ReasonCode = 0x96
	MaximumConnectTime      ReasonCode = 0xA0
)

// IsError reports whether c says that something failed.
func (c ReasonCode) IsError() bool { return c >= 0x80 }

// ConnectReturnCode returns the MQTT 3.1.1 CONNACK return code (section
// 3.2.2.3) that says the same as c (rule AUTHN-6): 0 for success, 1 to 5
// otherwise. No failure maps to 0.
func (c ReasonCode) ConnectReturnCode() byte {
	switch c {
	case Success:
		return 0
	case 0x84: // Unsupported Protocol Version
		return 1
	case 0x85: // Client Identifier not valid
		return 2
	case ServerUnavailable, 0x89, 0x97, 0x9F: // busy, quota exceeded, connection rate exceeded
		return 3
	case BadUsernameOrPassword:
		return 4
	default:
		return 5
	}
}

// String returns the name that the specification gives the code, in lower
// case, and the code itself: "not authorized (0x87)".
func (c ReasonCode) String() string {
	hex := "0x" + string("0123456789ABCDEF"[c>>4]) + string("0123456789ABCDEF"[c&0xF])
	name := c.name()
	if name == "" {
		return "reason code " + strconv.Itoa(int(c)) + " (" + hex + ")"
	}
	return name + " (" + hex + ")"
}

func (c ReasonCode) name() string {
	switch c {
	case Success:
		return "success"
	case 0x01:
		return "granted QoS 1"
	case 0x02:
		return "granted QoS 2"
	case 0x04:
		return "disconnect with will message"
	case 0x10:
		return "no matching subscribers"
	case 0x11:
		return "no subscription existed"
	case ContinueAuthentication:
		return "continue authentication"
	case Reauthenticate:
		return "re-authenticate"
	case 0x80:
		return "unspecified error"
	case 0x81:
		return "malformed packet"
	case ProtocolError:
		return "protocol error"
	case 0x83:
		return "implementation specific error"
	case 0x84:
		return "unsupported protocol version"
	case 0x85:
		return "client identifier not valid"
	case BadUsernameOrPassword:
		return "bad user name or password"
	case NotAuthorized:
		return "not authorized"
	case ServerUnavailable:
		return "server unavailable"
	case 0x89:
		return "server busy"
	case 0x8A:
		return "banned"
	case 0x8B:
		return "server shutting down"
	case BadAuthenticationMethod:
		return "bad authentication method"
	case 0x8D:
		return "keep alive timeout"
	case 0x8E:
		return "session taken over"
	case 0x8F:
		return "topic filter invalid"
	case 0x90:
		return "topic name invalid"
	case 0x91:
		return "packet identifier in use"
	case 0x92:
		return "packet identifier not found"
	case 0x93:
		return "receive maximum exceeded"
	case 0x94:
		return "topic alias invalid"
	case 0x95:
		return "packet too large"
	case MessageRateTooHigh:
		return "message rate too high"
	case 0x97:
		return "quota exceeded"
	case 0x98:
		return "administrative action"
	case 0x99:
		return "payload format invalid"
	case 0x9A:
		return "retain not supported"
	case 0x9B:
		return "QoS not supported"
	case 0x9C:
		return "use another server"
	case 0x9D:
		return "server moved"
	case 0x9E:
		return "shared subscriptions not supported"
	case 0x9F:
		return "connection rate exceeded"
	case MaximumConnectTime:
		return "maximum connect time"
	case 0xA1:
		return "subscription identifiers not supported"
	case 0xA2:
		return "wildcard subscriptions not supported"
	default:
		return ""
	}
}
