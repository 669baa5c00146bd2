package password

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

const defaultRememberMax = 10_000 // a megabyte

// memory knows for a while which passwords were right, by a digest under a key
// of its own; a password is never kept. A digest covers the user's hash, so a
// new hash forgets the old password. A nil memory knows nothing.
type memory struct {
	ttl time.Duration
	max int
	key [sha256.Size]byte

	mu    sync.Mutex
	until map[digest]time.Time
}

type digest [sha256.Size]byte

func newMemory(ttl time.Duration, size int) *memory {
	if size <= 0 {
		size = defaultRememberMax
	}
	m := &memory{ttl: ttl, max: size, until: make(map[digest]time.Time)}
	_, _ = rand.Read(m.key[:]) // never fails, as it says
	return m
}

func (m *memory) digest(name string, h Hash, password []byte) digest {
	mac := hmac.New(sha256.New, m.key[:])
	field := func(b []byte) { // with its length, so that no two lists of fields look alike
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(b)))
		mac.Write(length[:])
		mac.Write(b)
	}
	field([]byte(name))
	field([]byte(h.String()))
	field(password)
	return digest(mac.Sum(nil))
}

func (m *memory) knows(name string, h Hash, password []byte) bool {
	if m == nil {
		return false
	}
	d := m.digest(name, h, password)
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now().Before(m.until[d])
}

func (m *memory) remember(name string, h Hash, password []byte) {
	if m == nil {
		return
	}
	d := m.digest(name, h, password)
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if len(m.until) >= m.max {
		m.makeRoom(now)
	}
	m.until[d] = now.Add(m.ttl)
}

// makeRoom forgets what has run out, or else any one: to forget costs only one
// hash.
func (m *memory) makeRoom(now time.Time) {
	for d, until := range m.until {
		if !now.Before(until) {
			delete(m.until, d)
		}
	}
	for d := range m.until {
		if len(m.until) < m.max {
			return
		}
		delete(m.until, d)
	}
}
