package mqttauth

import (
	"context"
	"errors"
	"time"
)

// Ticket tells one Attempt of a Session from another.
type Ticket uint64

// Attempt is a verification for the broker to run, in a goroutine of its own:
// it may take until Deadline.
type Attempt struct {
	Ticket   Ticket    // to be handed to Verified with the answer
	Deadline time.Time // by which Run ends

	cred  *Credentials
	judge func(context.Context) (Result, error)
}

// Run asks m, or the method that offered to judge the client again, within the
// attempt's deadline.
func (a *Attempt) Run(ctx context.Context, m Method) (Result, error) {
	ctx, cancel := context.WithDeadline(ctx, a.Deadline)
	defer cancel()
	if a.judge != nil {
		return a.judge(ctx)
	}
	return m.Authenticate(ctx, a.cred)
}

// PacketType is the kind of packet that an Action sends.
type PacketType byte

const (
	NoPacket   PacketType = iota // nothing is sent
	Connack                      // in MQTT 3.1.1 with Reason.ConnectReturnCode
	Auth                         // MQTT 5.0 only
	Disconnect                   // MQTT 5.0 only: a client of 3.1.1 is closed without a packet
)

// Packet is what to send to the client.
type Packet struct {
	Type   PacketType
	Reason ReasonCode
	Method string // the Authentication Method property; "": leave it out
}

// AuthPacket is an AUTH packet of a client (MQTT 5.0 section 3.15).
type AuthPacket struct {
	Reason ReasonCode
	Method string // "": no Authentication Method property
	Data   Secret
}

// Action is what the broker has to do, in the order of the fields.
type Action struct {
	Verify *Attempt // run it, then call Verified
	Bind   *Result  // the client's new rights: in force before anything is sent
	Send   Packet
	Close  bool      // the network connection, after sending
	WakeAt time.Time // call Wake then, at once if it has passed; zero: no need. It replaces the last WakeAt.

	// Reason says for the log why a client is refused or closed, or why a
	// renewal was put off.
	Reason error
}

// Errors that an Action gives as the reason for closing.
var (
	ErrExpired        = errors.New("mqttauth: credential expired")
	ErrDeadline       = errors.New("mqttauth: authentication took too long")
	ErrAuthPacket     = errors.New("mqttauth: AUTH packet out of place")
	ErrTooManyAuths   = errors.New("mqttauth: too many AUTH packets")
	ErrOtherIdentity  = errors.New("mqttauth: the new credential belongs to somebody else")
	ErrNoLongerStands = errors.New("mqttauth: the client is no longer who it was")
	errSessionClosed  = errors.New("mqttauth: session is closed")
	errSecondConnect  = errors.New("mqttauth: second CONNECT")
	errNoCredentials  = errors.New("mqttauth: no credentials, or of an unknown protocol version")
	errMisplaced      = errors.New("mqttauth: Authentication Data without an Authentication Method, or either before MQTT 5.0")
	errCannotJudge    = errors.New("mqttauth: the client's method cannot judge it under its new configuration")
)
