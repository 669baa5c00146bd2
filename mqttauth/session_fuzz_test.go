package mqttauth_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// FuzzSession drives a Session with events in any order and holds every action
// against what must always be true (EXP-1 to EXP-7).
func FuzzSession(f *testing.F) {
	f.Add([]byte{0, 1, 4, 0})                                           // CONNECT, accepted
	f.Add([]byte{0, 1, 4, 9, 7, 60, 2, 1, 4, 9, 7, 255, 3, 0})          // renewed, expired
	f.Add([]byte{0, 1, 4, 1, 7, 9, 2, 1, 5, 2, 2, 2, 2, 2, 7, 9, 3, 0}) // outage, odd AUTHs
	f.Add([]byte{0, 1, 4, 32, 6, 0, 4, 32, 6, 0, 2, 1, 5, 2, 3, 0})     // judged
	f.Add([]byte{0, 0, 5, 0, 4, 0, 2, 0})                               // 3.1.1, denied
	f.Fuzz(func(t *testing.T, script []byte) {
		w := &watcher{t: t, session: mqttauth.NewSession(mqttauth.SessionConfig{}), now: start}
		for len(script) >= 2 && len(w.trace) < 500 {
			w.event(script[0], script[1])
			script = script[2:]
		}
	})
}

// watcher knows what a session may do next, by a model much simpler than the
// session's own.
type watcher struct {
	t       *testing.T
	session *mqttauth.Session
	now     time.Time
	trace   []string

	version   mqttauth.Version
	method    string
	greeted   bool // CONNACK 0x00 was sent
	closed    bool
	current   mqttauth.Result
	last      *mqttauth.Attempt // the latest
	live      bool              // and its answer is awaited
	judging   bool              // it is a judgement
	begun     time.Time         // when the client was last verified
	tickets   int
	answering *mqttauth.Result // given to the session right now for the live attempt
}

func (w *watcher) event(op, arg byte) {
	w.answering = nil
	note := func(format string, args ...any) {
		w.trace = append(w.trace, fmt.Sprintf("%v ", w.now.Sub(start))+fmt.Sprintf(format, args...))
	}
	switch op % 8 {
	case 0:
		c := &mqttauth.Credentials{Version: mqttauth.MQTT311}
		if arg&1 != 0 {
			c.Version = mqttauth.MQTT5
			if arg&2 == 0 {
				c.AuthMethod, c.AuthData = "M", mqttauth.NewSecret([]byte("token"))
			}
		}
		note("CONNECT %v %q", c.Version, c.AuthMethod)
		if w.version == 0 {
			w.version, w.method = c.Version, c.AuthMethod
		}
		w.check(w.session.Connect(w.now, c))
	case 1, 2:
		p := mqttauth.AuthPacket{
			Reason: []mqttauth.ReasonCode{0x00, 0x19, 0x18, 0x19, 0x87}[arg%5],
			Method: []string{"M", "M", "M", "", "N"}[arg/5%5],
		}
		if arg < 200 {
			p.Data = mqttauth.NewSecret([]byte("token"))
		}
		note("AUTH %v %q", p.Reason, p.Method)
		w.check(w.session.Auth(w.now, p))
	case 3:
		note("wake")
		w.check(w.session.Wake(w.now))
	case 4, 5:
		w.verified(op%8 == 5, arg, note)
	case 6:
		note("judge")
		a, _ := w.session.Judge(w.now)
		w.check(a)
	default:
		step := time.Duration(arg) * time.Duration(arg) * 3 * time.Millisecond
		if arg%16 == 15 {
			step = -step // a clock that is set back
		}
		w.now = w.now.Add(step)
	}
}

// verified answers the latest attempt, or one of before.
func (w *watcher) verified(fails bool, arg byte, note func(string, ...any)) {
	if w.last == nil {
		return
	}
	ticket := w.last.Ticket
	if arg&64 != 0 && ticket > 1 {
		ticket--
	}
	var err error
	r := mqttauth.Accept(mqttauth.Principal{Attributes: map[string]string{"n": fmt.Sprint(arg & 1)}}, []string{"alice", "alice", "alice", "bob"}[arg>>1&3])
	if arg&8 != 0 {
		r.Expiry = w.now.Add(time.Duration(int(arg)-40) * time.Second)
	}
	if arg&32 != 0 {
		r.Revalidate = func(context.Context) (mqttauth.Result, error) { return mqttauth.Result{}, errForged }
		r.RevalidateAfter = time.Duration(arg&16) * time.Second
	}
	if fails {
		r = mqttauth.Result{}
		err = []error{nil, denied, mqttauth.ErrUnavailable, mqttauth.ErrFailed, mqttauth.ErrNotRelevant, errForged}[arg%6]
	}
	note("verified %d: %q until %v, %v", ticket, r.Identity.Name, r.Expiry.Sub(start), err)
	wanted := w.live && ticket == w.last.Ticket
	if wanted {
		w.live = false
		if err == nil && r.Accepted() && w.now.Before(w.last.Deadline) {
			w.answering = &r
		}
	}
	a := w.session.Verified(w.now, ticket, r, err)
	if !wanted && !w.closed && (a.Verify != nil || a.Bind != nil || a.Send != (mqttauth.Packet{}) || a.Close) {
		w.fail(a, "a stale answer had an effect")
	}
	w.check(a)
}

func (w *watcher) fail(a mqttauth.Action, why string) {
	w.t.Helper()
	for _, line := range w.trace {
		w.t.Log(line)
	}
	w.t.Fatalf("%s: %+v", why, a)
}

func (w *watcher) require(a mqttauth.Action, ok bool, why string) {
	w.t.Helper()
	if !ok {
		w.fail(a, why)
	}
}

func (w *watcher) check(a mqttauth.Action) {
	w.t.Helper()
	nothing := a.Verify == nil && a.Bind == nil && a.Send == (mqttauth.Packet{})
	if w.closed {
		w.require(a, a.Close && nothing && a.WakeAt.IsZero(), "a closed session acts")
		return
	}
	if w.greeted && expired(w.current, w.now) && w.answering == nil && a.Close {
		w.require(a, nothing, "EXP-1: closed at the expiry, but not silently")
	}
	w.binding(a)
	w.sending(a)
	if a.Close {
		w.require(a, a.Verify == nil && a.Bind == nil && a.WakeAt.IsZero() && a.Reason != nil, "closes, and does something else")
		w.closed = true
		return
	}
	w.verifying(a)
	w.waking(a)
}

func (w *watcher) binding(a mqttauth.Action) {
	w.t.Helper()
	judged := w.judging && w.answering != nil
	if a.Bind == nil {
		if judged && !a.Close {
			w.adopt(*w.answering, true)
		}
		return
	}
	w.require(a, w.answering != nil, "binds without an acceptance of a live attempt")
	w.require(a, a.Bind.Accepted() && a.Bind.Identity == w.answering.Identity, "binds somebody else")
	w.require(a, !expired(*w.answering, w.now), "binds an expired credential")
	w.require(a, !w.greeted || w.current.Identity == a.Bind.Identity, "EXP-3: the client changed")
	w.require(a, !w.greeted || !expired(w.current, w.now), "EXP-5: binds after the expiry")
	w.adopt(*w.answering, judged)
	w.require(a, a.Bind.Expiry.Equal(w.current.Expiry), "binds another expiry")
}

func (w *watcher) adopt(r mqttauth.Result, judged bool) {
	if judged && r.Expiry.IsZero() {
		r.Expiry = w.current.Expiry
	}
	w.current = r
}

func (w *watcher) sending(a mqttauth.Action) {
	w.t.Helper()
	p := a.Send
	switch p.Type {
	case mqttauth.NoPacket:
		w.require(a, p == mqttauth.Packet{}, "a packet without a type")
	case mqttauth.Connack:
		w.require(a, !w.greeted, "a second CONNACK")
		w.require(a, p.Reason.IsError() == a.Close && (p.Reason == 0) == (a.Bind != nil), "CONNACK does not say what happens")
		if p.Reason == mqttauth.Success {
			w.greeted = true
			w.require(a, p.Method == w.method, "AUTHN-7: CONNACK without the method")
		}
	case mqttauth.Auth:
		w.require(a, w.greeted && w.method != "" && p.Method == w.method && !a.Close, "AUTH out of place")
		renewed := p.Reason == mqttauth.Success && a.Bind != nil
		putOff := p.Reason == mqttauth.ContinueAuthentication && a.Bind == nil
		w.require(a, renewed || putOff, "AUTH does not say what happens")
	case mqttauth.Disconnect:
		w.require(a, w.greeted && w.version == mqttauth.MQTT5 && p.Reason.IsError() && a.Close, "DISCONNECT out of place")
	default:
		w.fail(a, "unknown packet")
	}
}

func (w *watcher) verifying(a mqttauth.Action) {
	w.t.Helper()
	if w.live && !w.now.Before(w.last.Deadline) && (a.Send.Type == mqttauth.Auth || w.judging && a.Reason != nil) {
		w.live = false // AUTHN-8: the session gave the attempt up
	}
	if a.Verify == nil {
		return
	}
	w.tickets++
	w.require(a, int(a.Verify.Ticket) == w.tickets, "a ticket is used twice or skipped")
	w.require(a, !w.live || w.judging, "two attempts at once")
	judging := true
	_, _ = a.Verify.Run(w.t.Context(), methodFunc(func(context.Context, *mqttauth.Credentials) (mqttauth.Result, error) {
		judging = false
		return mqttauth.Result{}, denied
	}))
	if !judging {
		w.require(a, w.begun.IsZero() || w.now.Sub(w.begun) >= time.Second, "EXP-4: two verifications within a second")
		w.begun = w.now
	}
	w.last, w.live, w.judging = a.Verify, true, judging
	w.require(a, a.Verify.Deadline.Equal(w.now.Add(mqttauth.DefaultDeadline)), "AUTHN-8: another deadline")
}

func (w *watcher) waking(a mqttauth.Action) {
	w.t.Helper()
	by := func(at time.Time) bool { return !a.WakeAt.IsZero() && !a.WakeAt.After(at) }
	w.require(a, !w.live || by(w.last.Deadline), "no wake for the deadline")
	if w.greeted && !w.current.Expiry.IsZero() {
		w.require(a, by(w.current.Expiry), "EXP-1: no wake for the expiry")
	}
}

func expired(r mqttauth.Result, now time.Time) bool {
	return !r.Expiry.IsZero() && !now.Before(r.Expiry)
}
