package e2e_test

import (
	"bytes"
	"strings"
	"sync"
)

// transcript keeps what a process says, line by line, and tells who waits when
// there is more. It is safe for concurrent use.
type transcript struct {
	mu      sync.Mutex
	lines   []string
	partial []byte
	more    chan struct{} // closed with the next line
}

func newTranscript() *transcript { return &transcript{more: make(chan struct{})} }

// Write takes the output of a process.
func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.partial = append(t.partial, p...)
	added := false
	for {
		i := bytes.IndexByte(t.partial, '\n')
		if i < 0 {
			break
		}
		t.lines = append(t.lines, string(t.partial[:i]))
		t.partial = t.partial[i+1:]
		added = true
	}
	if added {
		close(t.more)
		t.more = make(chan struct{})
	}
	return len(p), nil
}

// all returns the lines so far, and a channel that is closed when there are more.
func (t *transcript) all() ([]string, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lines[:len(t.lines):len(t.lines)], t.more
}

func (t *transcript) String() string {
	lines, _ := t.all()
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(append(lines, string(t.partial)), "\n")
}
