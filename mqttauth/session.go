package mqttauth

import (
	"errors"
	"time"
)

// Limits of one session (EXP-4, AUTHN-8).
const (
	// DefaultDeadline bounds one authentication flow, all methods together.
	DefaultDeadline = 10 * time.Second

	verifyInterval = time.Second // between the starts of two verifications of one client
	oddWindow      = time.Minute // in which AUTH packets that wait or are ignored are counted
	oddLimit       = 10          // of them are put up with in one window
)

// Session is the life of one connection's credential: CONNECT, AUTH, expiry
// and judging anew, as a state machine (EXP-6). It does no I/O, starts no
// goroutine and reads no clock. The broker calls one of its methods with the
// time, does what the Action says, and reports back:
//
//	Connect or Auth → Action.Verify → run it → Verified → Action.Bind, Send, Close
//
// and calls Wake when Action.WakeAt has come. The time is that of time.Now,
// unmodified: deadlines and intervals go by its monotonic reading, expiry by
// its wall clock (EXP-1).
//
// A Session is not safe for concurrent use. After an Action with Close set,
// every further call asks to close, and to send nothing.
type Session struct {
	deadline time.Duration
	version  Version
	cred     *Credentials // of a CONNECT that can be renewed, without its secrets; else nil
	state    state
	current  Result // once connected

	attempt  attempt   // the verification under way, or none
	started  time.Time // when the last verification of the client's started
	waiting  *Secret   // Authentication Data of an AUTH that came too early
	invited  bool      // we ended the last exchange with 0x18 (EXP-4)
	odd      *oddAuths // nil until there is one
	judgeAt  time.Time // next revalidation; zero: none
	demanded bool      // Judge asked for a judgement that has not been answered
}

// oddAuths are the times of the latest AUTH packets that waited or were ignored.
type oddAuths struct {
	at   [oddLimit]time.Time
	next int
}

type state byte

const (
	stateClosed state = iota // the zero Session is closed
	stateNew
	stateConnecting
	stateConnected
)

// attempt is the one verification that may be under way.
type attempt struct {
	ticket Ticket // of the latest attempt
	kind   kind
	until  time.Time
}

type kind byte

const (
	kindNone kind = iota
	kindConnect
	kindRenew
	kindJudge
)

// SessionConfig configures a Session. The zero value is usable.
type SessionConfig struct {
	// Deadline bounds one verification. Zero or less: DefaultDeadline.
	Deadline time.Duration
}

// NewSession returns the session of a connection from which no CONNECT has
// been read.
func NewSession(c SessionConfig) *Session {
	if c.Deadline <= 0 {
		c.Deadline = DefaultDeadline
	}
	return &Session{deadline: c.Deadline, state: stateNew}
}

// Connect starts the session with what the client presented. A CONNECT of an
// unknown version, with Authentication Data but no method (AUTHN-12), with
// either before MQTT 5.0, or after another one is a protocol error.
func (s *Session) Connect(now time.Time, c *Credentials) Action {
	switch {
	case s.state == stateClosed:
		return s.close(errSessionClosed)
	case s.current.expired(now):
		return s.close(ErrExpired)
	case s.state != stateNew:
		return s.disconnect(ProtocolError, errSecondConnect)
	case c == nil || c.Version != MQTT5 && c.Version != MQTT311:
		return s.close(errNoCredentials)
	}
	s.version = c.Version
	s.state = stateConnecting
	if c.AuthMethod == "" && c.AuthData.IsSet() || c.AuthMethod != "" && c.Version != MQTT5 {
		return s.disconnect(ProtocolError, errMisplaced)
	}
	if c.AuthMethod != "" {
		kept := *c
		kept.Password, kept.AuthData, kept.Previous = Secret{}, Secret{}, nil
		s.cred = &kept
	}
	return s.verify(now, kindConnect, c)
}

// Auth takes an AUTH packet of the client (EXP-2, EXP-4).
func (s *Session) Auth(now time.Time, p AuthPacket) Action {
	switch {
	case s.state == stateClosed:
		return s.close(errSessionClosed)
	case s.current.expired(now):
		return s.close(ErrExpired)
	case s.state != stateConnected || s.cred == nil || s.busy():
		return s.disconnect(ProtocolError, ErrAuthPacket)
	case s.invited && p.Reason == Success:
		return s.ignore(now)
	}
	renewal := p.Reason == Reauthenticate || s.invited && p.Reason == ContinueAuthentication && p.Data.IsSet()
	if !renewal || p.Method != s.cred.AuthMethod {
		return s.disconnect(ProtocolError, ErrAuthPacket)
	}
	if now.Sub(s.started) >= verifyInterval {
		return s.renew(now, p.Data)
	}
	if s.countOdd(now) {
		return s.disconnect(MessageRateTooHigh, ErrTooManyAuths)
	}
	s.waiting = &p.Data
	return s.idle()
}

// authMethod returns the Authentication Method of the CONNECT, "" if it had none.
func (s *Session) authMethod() string {
	if s.cred == nil {
		return ""
	}
	return s.cred.AuthMethod
}

// busy reports whether the method has not yet answered the client's last AUTH.
func (s *Session) busy() bool { return s.attempt.kind == kindRenew || s.waiting != nil }

// ignore lets pass what some clients answer to 0x18 (EXP-4).
func (s *Session) ignore(now time.Time) Action {
	if s.countOdd(now) {
		return s.disconnect(MessageRateTooHigh, ErrTooManyAuths)
	}
	return s.idle()
}

// countOdd reports whether more odd packets came in the last minute than are
// put up with.
func (s *Session) countOdd(now time.Time) bool {
	if s.odd == nil {
		s.odd = new(oddAuths)
	}
	oldest := s.odd.at[s.odd.next]
	s.odd.at[s.odd.next] = now
	s.odd.next = (s.odd.next + 1) % oddLimit
	return !oldest.IsZero() && now.Sub(oldest) < oddWindow
}

func (s *Session) renew(now time.Time, data Secret) Action {
	s.waiting, s.invited = nil, false
	if s.attempt.kind == kindJudge { // its answer would come too late: ask again afterwards
		s.judgeAt = now
	}
	c := *s.cred
	c.AuthData, c.Previous = data, s.result()
	return s.verify(now, kindRenew, &c)
}

// verify starts a verification of what the client itself sent.
func (s *Session) verify(now time.Time, k kind, c *Credentials) Action {
	s.started = now
	a := s.attemptNow(now, k)
	a.Verify.cred = c
	return a
}

// attemptNow starts an attempt in place of any other.
func (s *Session) attemptNow(now time.Time, k kind) Action {
	s.attempt = attempt{ticket: s.attempt.ticket + 1, kind: k, until: now.Add(s.deadline)}
	a := s.idle()
	a.Verify = &Attempt{Ticket: s.attempt.ticket, Deadline: s.attempt.until}
	return a
}

// Verified takes the answer to an Attempt. The answer to one that is no longer
// wanted does nothing.
func (s *Session) Verified(now time.Time, t Ticket, r Result, err error) Action {
	if s.state == stateClosed {
		return s.close(errSessionClosed)
	}
	a := s.attempt
	if a.kind == kindNone || t != a.ticket {
		return s.idle()
	}
	s.attempt.kind = kindNone
	r.Expiry = r.Expiry.Round(0) // a wall-clock instant (EXP-1)
	o := OutcomeOf(r, err)
	switch {
	case o == Denied && err == nil:
		err = errNobody
	case o != Denied && !now.Before(a.until):
		o, err = Failed, errors.Join(ErrDeadline, err) // AUTHN-8, also if Wake comes late
	case o == Accepted && r.expired(now):
		o, err = Denied, ErrExpired // EXP-1
	}
	return s.answered(now, a.kind, o, r, err)
}

func (s *Session) answered(now time.Time, k kind, o Outcome, r Result, err error) Action {
	switch k {
	case kindConnect:
		return s.connected(now, o, r, err)
	case kindRenew:
		return s.renewed(now, o, r, err)
	default:
		return s.judged(now, o, r, err)
	}
}

func (s *Session) connected(now time.Time, o Outcome, r Result, err error) Action {
	if o != Accepted {
		return s.refuse(o, err)
	}
	s.state = stateConnected
	s.adopt(now, r)
	a := s.idle()
	a.Bind = s.result()
	a.Send = Packet{Type: Connack, Reason: Success, Method: s.authMethod()} // AUTHN-7
	return a
}

func (s *Session) renewed(now time.Time, o Outcome, r Result, err error) Action {
	if s.current.expired(now) {
		return s.close(ErrExpired) // EXP-5
	}
	switch o {
	case Accepted:
		if !s.same(r) {
			return s.disconnect(NotAuthorized, ErrOtherIdentity) // EXP-3
		}
		s.adopt(now, r)
		a := s.idle()
		a.Bind = s.result()
		a.Send = Packet{Type: Auth, Reason: Success, Method: s.authMethod()}
		return a
	case Unavailable, Failed: // EXP-2: the client may try later, the old credential stands
		s.invited = true
		a := s.idle()
		a.Send = Packet{Type: Auth, Reason: ContinueAuthentication, Method: s.authMethod()}
		a.Reason = err
		return a
	default:
		return s.disconnect(NotAuthorized, err)
	}
}

// same reports whether r is the client that is connected (EXP-3). One without a
// name, who equals nobody elsewhere, is known on its own connection by what
// was verified of it (CUST-8).
func (s *Session) same(r Result) bool {
	return s.current.Identity == r.Identity &&
		(r.Identity.Name != "" || s.current.Principal.equal(r.Principal))
}

// adopt makes r the client's result, in place of what was: nothing is merged.
func (s *Session) adopt(now time.Time, r Result) {
	s.current = r
	s.schedule(now)
}

// result returns a copy of the client's result.
func (s *Session) result() *Result {
	r := s.current
	return &r
}

// Wake tells the session what time it is. It does no harm to call it early.
func (s *Session) Wake(now time.Time) Action {
	switch {
	case s.state == stateClosed:
		return s.close(errSessionClosed)
	case s.current.expired(now):
		return s.close(ErrExpired) // EXP-1: no DISCONNECT
	case s.attempt.kind != kindNone && !now.Before(s.attempt.until):
		k := s.attempt.kind
		s.attempt.kind = kindNone
		return s.answered(now, k, Failed, Result{}, ErrDeadline) // AUTHN-8
	case s.waiting != nil && now.Sub(s.started) >= verifyInterval:
		return s.renew(now, *s.waiting)
	case s.attempt.kind == kindNone && s.judgeDue(now):
		return s.startJudging(now)
	default:
		return s.idle()
	}
}

// refuse ends a CONNECT.
func (s *Session) refuse(o Outcome, err error) Action {
	reason := reasonOf(err)
	if o == NotRelevant && s.cred != nil {
		reason = BadAuthenticationMethod // AUTHN-6
	}
	a := s.close(err)
	a.Send = Packet{Type: Connack, Reason: connackReason(o, reason)}
	return a
}

// disconnect ends the connection, with a DISCONNECT where the protocol has one.
// A client that is not connected yet gets its CONNACK instead.
func (s *Session) disconnect(c ReasonCode, err error) Action {
	connecting := s.state != stateConnected
	a := s.close(err)
	switch {
	case s.version != MQTT5:
	case connecting:
		a.Send = Packet{Type: Connack, Reason: c}
	default:
		a.Send = Packet{Type: Disconnect, Reason: c}
	}
	return a
}

// close forgets the client, and with it all that could be sent or bound.
func (s *Session) close(err error) Action {
	*s = Session{version: s.version}
	return Action{Close: true, Reason: err}
}

// idle returns the action that only says when to wake.
func (s *Session) idle() Action {
	var at time.Time
	if s.state == stateConnected {
		at = s.current.Expiry
	}
	if s.waiting != nil {
		at = earlier(at, s.started.Add(verifyInterval))
	}
	if s.attempt.kind != kindNone {
		at = earlier(at, s.attempt.until)
	} else {
		at = earlier(at, s.judgeAt)
	}
	return Action{WakeAt: at}
}

// earlier returns the earlier of two times of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
