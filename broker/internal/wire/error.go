package wire

import "github.com/mqttwarden/mqttwarden/mqttauth"

// Error says why bytes are not an acceptable packet. Every error of a Decode
// method, and every error of Reader.Next that the peer's bytes caused, is an
// *Error. After one the connection cannot go on: the server closes it, on MQTT
// 5.0 after a DISCONNECT with Code (before acceptance: a CONNACK).
type Error struct {
	// Code is what to tell the peer: MalformedPacket, mqttauth.ProtocolError,
	// PacketTooLarge, QuotaExceeded, UnsupportedProtocolVersion,
	// TopicAliasInvalid or mqttauth.BadAuthenticationMethod.
	Code mqttauth.ReasonCode

	// Version is set by Connect.Decode only: the version to write the refusing
	// CONNACK in. 0: too little was understood to answer at all.
	Version mqttauth.Version

	// Detail names packet, field and, where known, the offset in the packet's
	// body. It never holds bytes of the packet.
	Detail string
}

// Error returns Detail and the name of Code.
func (e *Error) Error() string { return "wire: " + e.Detail + ": " + e.Code.String() }
