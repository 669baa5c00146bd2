package audit

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/internal/peertext"
)

// queued is how many events wait for the writer at most; one takes about half a
// kilobyte.
const queued = 4096

// Log is a broker.Observer that writes lines. It is safe for concurrent use.
type Log struct {
	events chan broker.Event
	done   chan struct{}

	mu     sync.Mutex
	closed bool
	lost   int // since the last line about that
	err    error
}

var _ broker.Observer = (*Log)(nil)

// New returns a log that writes to w until it is closed. Only one Write is
// under way at a time. Up to 4,096 lines wait for it.
func New(w io.Writer) *Log {
	l := &Log{events: make(chan broker.Event, queued), done: make(chan struct{})}
	go l.write(w)
	return l
}

// Observe queues a line. It does not block.
func (l *Log) Observe(e broker.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	select {
	case l.events <- e:
	default:
		l.lost++
	}
}

// Close writes what waits, and returns the first error of writing. Events that
// come later are dropped. It does not close what the log writes to. It may be
// called again.
func (l *Log) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.events)
	}
	l.mu.Unlock()
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// write is the writer goroutine. A line is handed on as soon as no other waits.
func (l *Log) write(w io.Writer) {
	defer close(l.done)
	out := bufio.NewWriter(w)
	encode := json.NewEncoder(out)
	encode.SetEscapeHTML(false)
	for e := range l.events {
		err := encode.Encode(lineOf(&e))
		if n := l.takeLost(); n > 0 {
			err = errors.Join(err, encode.Encode(line{Time: time.Now().UTC(), Action: "lost", Lost: n}))
		}
		if len(l.events) == 0 {
			err = errors.Join(err, out.Flush())
		}
		l.failed(err)
	}
	l.failed(out.Flush())
}

func (l *Log) takeLost() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.lost
	l.lost = 0
	return n
}

func (l *Log) failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
}

// line is what is written about an event, in this order.
type line struct {
	Time     time.Time `json:"time"`
	Action   string    `json:"action"`
	Allowed  *bool     `json:"allowed,omitempty"` // absent where nothing was decided
	Port     string    `json:"port,omitempty"`
	Remote   string    `json:"remote,omitempty"`
	Version  string    `json:"mqtt,omitempty"`
	ClientID string    `json:"client_id,omitempty"`
	Username string    `json:"username,omitempty"`
	Policy   string    `json:"authentication,omitempty"` // the chain that accepted the client
	Method   string    `json:"method,omitempty"`         // its entry that did
	Identity string    `json:"identity,omitempty"`

	Attributes map[string]string `json:"attributes,omitempty"`
	Omitted    int               `json:"attributes_omitted,omitempty"`

	Object  string `json:"object,omitempty"`
	Rule    *int   `json:"rule,omitempty"` // index in the policy
	Pattern string `json:"pattern,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Steps   []step `json:"steps,omitempty"`
	Error   string `json:"error,omitempty"`
	Lost    int    `json:"lost,omitempty"`
}

type step struct {
	Method  string  `json:"method"`
	Outcome string  `json:"outcome"`
	Error   string  `json:"error,omitempty"`
	Ms      float64 `json:"ms"`
}

func lineOf(e *broker.Event) line {
	l := line{
		Time: e.Time.UTC(), Action: string(e.Action), Port: e.Port,
		ClientID: peertext.Clean(e.ClientID), Username: peertext.Clean(e.Username), Object: peertext.Clean(e.Object),
		Policy: e.Identity.Policy, Method: e.Identity.Method, Identity: identity(e.Identity.Name),
		Pattern: e.Decision.Pattern(), Error: clean(e.Err),
	}
	l.Attributes, l.Omitted = attributes(e.Attributes)
	if e.Action != broker.ActionDisconnect {
		l.Allowed = &e.Allowed
	}
	if e.Remote.IsValid() {
		l.Remote = e.Remote.String()
	}
	if e.Version != 0 {
		l.Version = e.Version.String()
	}
	if rule := e.Decision.Rule(); rule >= 0 {
		l.Rule = &rule
	}
	if e.Reason != 0 {
		l.Reason = e.Reason.String()
	}
	for _, s := range e.Steps {
		l.Steps = append(l.Steps, step{Method: s.Method, Outcome: s.Outcome.String(), Error: clean(s.Err), Ms: float64(s.Duration.Microseconds()) / 1e3})
	}
	return l
}

// maxAttributes bounds the attributes of a client in one line.
const maxAttributes = 16

// attributes returns the first by name, and how many are left out.
func attributes(all map[string]string) (shown map[string]string, omitted int) {
	if len(all) == 0 {
		return nil, 0
	}
	names := slices.Sorted(maps.Keys(all))
	omitted = max(len(names)-maxAttributes, 0)
	shown = make(map[string]string, len(names)-omitted)
	for _, n := range names[:len(names)-omitted] {
		shown[peertext.Clean(n)] = peertext.Clean(all[n])
	}
	return shown, omitted
}

// identity returns a name as it is, or a digest of one that is not text: that of
// a certificate is its subjects in DER.
func identity(name string) string {
	if utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl) {
		return peertext.Clean(name)
	}
	sum := sha256.Sum256([]byte(name))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func clean(err error) string {
	if err == nil {
		return ""
	}
	return peertext.Clean(err.Error())
}
