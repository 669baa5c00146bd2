package mqttauth

import (
	"errors"
	"time"
)

// judgeRetry is how long after an outage a judgement that Judge asked for is
// tried again.
const judgeRetry = 10 * time.Second

// Judge asks for the client to be judged again now, because what its method is
// configured with has changed (EXP-7). It reports false if the client is not
// connected or its method offers no way to do so; the broker then disconnects
// it (AUTHN-11).
func (s *Session) Judge(now time.Time) (Action, bool) {
	switch {
	case s.state == stateClosed:
		return s.close(errSessionClosed), false
	case s.state != stateConnected || s.current.Revalidate == nil:
		return s.idle(), false
	}
	s.judgeAt, s.demanded = now, true
	return s.Wake(now), true
}

func (s *Session) judgeDue(now time.Time) bool {
	return !s.judgeAt.IsZero() && !now.Before(s.judgeAt)
}

func (s *Session) startJudging(now time.Time) Action {
	if s.current.Revalidate == nil { // a renewal that was under way brought a result without one
		return s.disconnect(0x98, errCannotJudge) // administrative action: AUTHN-11
	}
	s.judgeAt = time.Time{}
	a := s.attemptNow(now, kindJudge)
	a.Verify.judge = s.current.Revalidate
	return a
}

func (s *Session) judged(now time.Time, o Outcome, r Result, err error) Action {
	if s.current.expired(now) {
		return s.close(ErrExpired)
	}
	switch o {
	case Accepted:
		if !s.same(r) {
			return s.disconnect(NotAuthorized, ErrOtherIdentity)
		}
		changed := !s.current.Principal.equal(r.Principal)
		if s.judgeAt.IsZero() { // not asked for again meanwhile
			s.demanded = false
		}
		s.adopt(now, r.inheriting(s.current))
		a := s.idle()
		if changed {
			a.Bind = s.result()
		}
		return a
	case Unavailable, Failed: // EXP-7: an outage keeps the old result
		if s.demanded && s.judgeAt.IsZero() {
			s.judgeAt = now.Add(judgeRetry)
		}
		s.schedule(now)
		a := s.idle()
		a.Reason = err
		return a
	default:
		return s.disconnect(NotAuthorized, errors.Join(ErrNoLongerStands, err))
	}
}

// inheriting fills in what a judgement leaves out: it has seen no credential,
// so its silence cannot lengthen one's life, nor end the judging.
func (r Result) inheriting(old Result) Result {
	if r.Expiry.IsZero() {
		r.Expiry = old.Expiry
	}
	if r.Revalidate == nil {
		r.Revalidate, r.RevalidateAfter = old.Revalidate, old.RevalidateAfter
	}
	return r
}

// schedule sets the time of the next periodic judgement. What Judge asked for
// stands until it is answered: a renewal that was under way then does not make
// up for it.
func (s *Session) schedule(now time.Time) {
	if s.demanded {
		return
	}
	s.judgeAt = time.Time{}
	if s.current.Revalidate != nil && s.current.RevalidateAfter > 0 {
		s.judgeAt = now.Add(s.current.RevalidateAfter)
	}
}
