package broker

import (
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/peertext"
)

// Keys of the log lines.
const (
	keyPort       = "port"
	keyRemote     = "remote"
	keyClientID   = "client_id"
	keyUsername   = "username"
	keyMethod     = "method"
	keyReason     = "reason"
	keyError      = "error"
	keyTopic      = "topic"
	keyFilter     = "filter"
	keyKey        = "key"
	keySuppressed = "suppressed"
	keyExpiry     = "expiry"
	keyAttributes = "attributes" // a group
	keyOmitted    = "attributes_omitted"
)

// peer returns an attribute that holds text of a peer, escaped and cut (OPS-1).
func peer(key, text string) slog.Attr { return slog.String(key, peertext.Clean(text)) }

// maxAttributes bounds the attributes of a client in one line.
const maxAttributes = 16

// attributes are those of a client, as a group of a log line: the first by name,
// maxAttributes at most.
type attributes map[string]string

// LogValue sorts and escapes the attributes, once a line is written at all.
func (a attributes) LogValue() slog.Value {
	group := make([]slog.Attr, 0, min(len(a), maxAttributes))
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if len(group) == maxAttributes {
			break
		}
		group = append(group, peer(peertext.Clean(name), a[name]))
	}
	return slog.GroupValue(group...)
}

// failure returns an attribute for an error. Errors may quote a peer.
func failure(err error) slog.Attr {
	if err == nil {
		return slog.Attr{}
	}
	return slog.String(keyError, peertext.Clean(err.Error()))
}

// denialLog writes lines about what clients were denied, so many of each kind
// per second and source: a client that is denied in a loop must not fill the
// disk (OPS-1), nor hide why another client behind the same address is refused.
type denialLog struct {
	log *slog.Logger

	mu    sync.Mutex
	kinds map[denialKind]*denials
}

// denialKind is what has a limit of its own.
type denialKind struct {
	source netip.Addr
	msg    string
}

type denials struct {
	since      time.Time
	lines      int
	suppressed int
}

const (
	denialLines  = 10          // of a kind, in a window
	denialWindow = time.Second //
	denialKinds  = 4096        // that are kept account of
)

func newDenialLog(log *slog.Logger) *denialLog {
	return &denialLog{log: log, kinds: make(map[denialKind]*denials)}
}

// allow reports whether a line of this kind may be written now, and how many
// were not since the last one.
func (d *denialLog) allow(k denialKind, now time.Time) (suppressed int, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.kinds[k]
	if s == nil {
		if len(d.kinds) >= denialKinds {
			d.forgetOld(now)
		}
		s = &denials{since: now}
		d.kinds[k] = s
	}
	if now.Sub(s.since) >= denialWindow {
		s.since, s.lines = now, 0
	}
	if s.lines >= denialLines {
		s.suppressed++
		return 0, false
	}
	s.lines++
	suppressed, s.suppressed = s.suppressed, 0
	return suppressed, true
}

// forgetOld makes room. When every kind is recent, all are forgotten: a few
// lines too many are better than unbounded memory.
func (d *denialLog) forgetOld(now time.Time) {
	for k, s := range d.kinds {
		if now.Sub(s.since) >= denialWindow {
			delete(d.kinds, k)
		}
	}
	if len(d.kinds) >= denialKinds {
		clear(d.kinds)
	}
}

// write writes a line about source, if it may. There are few messages: what a
// client says is in attrs.
func (d *denialLog) write(source netip.Addr, msg string, attrs ...slog.Attr) {
	suppressed, ok := d.allow(denialKind{source, msg}, time.Now())
	if !ok {
		return
	}
	args := make([]any, 0, len(attrs)+1)
	for _, a := range attrs {
		if a.Key != "" {
			args = append(args, a)
		}
	}
	if suppressed > 0 {
		args = append(args, slog.Int(keySuppressed, suppressed))
	}
	d.log.Warn(msg, args...)
}
