package broker

import "time"

// The end of a connection is work, and that of ten thousand at once would hold up
// the clients of other ports. So it is spread over dismissTime, less if there are
// few. The last write to a peer that does not read comes on top of it, and AUTHZ-13
// gives two seconds for all.
const (
	dismissTime  = 1400 * time.Millisecond
	dismissLeast = dismissTime / 10_000 // for one connection
)

// pace spreads steps evenly over a time.
type pace struct {
	last, end time.Time
}

const (
	pause = time.Millisecond // or longer, as the operating system will have it

	// What a longer pause left undone is spread over the rest of the time.
	longestPause = 2 * pause
)

// newPace returns the pace of n ends of connections from now on, all before latest.
func newPace(now time.Time, n int, latest time.Time) *pace {
	return &pace{last: now, end: now.Add(min(latest.Sub(now), time.Duration(n)*dismissLeast))}
}

// walk calls f with each connection in its time.
func (p *pace) walk(conns []*conn, f func(*conn)) {
	for len(conns) > 0 {
		time.Sleep(pause)
		n := p.steps(len(conns), time.Now())
		for _, c := range conns[:n] {
			f(c)
		}
		conns = conns[n:]
	}
}

// steps returns how many of the steps that are left may be done now: as many as
// the time since it was asked last is worth, and all once the time is over.
func (p *pace) steps(left int, now time.Time) int {
	rest := p.end.Sub(p.last)
	since := min(now.Sub(p.last), longestPause)
	p.last = now
	if since >= rest {
		return left
	}
	return int((int64(left)*int64(since) + int64(rest) - 1) / int64(rest))
}
