package customauth

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/peertext"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// journal is what a Method logs. Nothing that clients can bring about at will
// is logged without a limit (OPS-1).
type journal struct {
	logger           *slog.Logger
	outages, answers limit
}

// logEvery is the shortest time between two lines of one kind.
const logEvery = 10 * time.Second

type limit struct {
	mu         sync.Mutex
	last       time.Time
	suppressed int
}

// pass reports whether a line may be written now, and how many were not since
// the last.
func (l *limit) pass(now time.Time) (bool, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.last.IsZero() && now.Sub(l.last) < logEvery {
		l.suppressed++
		return false, 0
	}
	n := l.suppressed
	l.last, l.suppressed = now, 0
	return true, n
}

func (j *journal) unreachable(cause string) {
	if ok, n := j.outages.pass(time.Now()); ok {
		j.logger.Warn("authentication server cannot be reached", "error", cause, "suppressed", n)
	}
}

// unusable says that the server answered with something that is no decision;
// status 0 if it was not even HTTP.
func (j *journal) unusable(status int, why string) {
	if ok, n := j.answers.pass(time.Now()); ok {
		j.logger.Warn("authentication server did not decide", "status", status, "error", why, "suppressed", n)
	}
}

func (j *journal) refused(clientID string, status int, reason mqttauth.ReasonCode, remark string) {
	if j.logger.Enabled(context.Background(), slog.LevelDebug) {
		j.logger.Debug("authentication server refused a client", "client_id", peertext.Clean(clientID), "status", status,
			"reason", reason.String(), "message", remark)
	}
}

func (j *journal) changed(reached bool) {
	if reached {
		j.logger.Info("authentication server answers again")
		return
	}
	j.logger.Warn("authentication server is given up for now; clients go by the outage setting")
}
