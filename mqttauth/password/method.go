package password

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// User is one account.
type User struct {
	Hash       Hash
	Attributes map[string]string
}

// Config configures a Method. The zero value is usable.
type Config struct {
	// IsToken reports whether a user name is one of the forms in which the
	// ServiceAccountToken entry of the same chain expects a token (PASS-1, SAT-2);
	// the credentials are not relevant here then. Nil: no user name is.
	IsToken func(username string) bool

	// Concurrency is how many hashes are computed at once. Zero or less:
	// GOMAXPROCS.
	Concurrency int

	// RememberFor, if positive, is how long a right password is known again
	// without computing its hash, for the storm of clients that reconnect. The
	// price: whoever reads the memory of the process can guess the remembered
	// passwords as fast as plain HMAC-SHA-256 goes. RememberMax bounds how many
	// are remembered; zero or less: 10,000.
	RememberFor time.Duration
	RememberMax int
}

// Method is the method of user names and passwords. It is safe for concurrent
// use.
type Method struct {
	isToken func(string) bool
	slots   chan struct{} // one for each hash that may be computed now
	users   atomic.Pointer[snapshot]
	memory  *memory // nil: nothing is remembered

	compute func(Hash, []byte) bool // Hash.Verify; tests count its work
}

var _ mqttauth.Method = (*Method)(nil)

// snapshot is one set of users; it never changes.
type snapshot struct {
	users map[string]User
	decoy Hash // of nobody, and as expensive as the most expensive of the users
}

// New returns a method that knows these users. It keeps its own copy of them.
// With no users it denies everybody.
func New(c Config, users map[string]User) (*Method, error) {
	if c.IsToken == nil {
		c.IsToken = func(string) bool { return false }
	}
	if c.Concurrency <= 0 {
		c.Concurrency = runtime.GOMAXPROCS(0)
	}
	m := &Method{isToken: c.IsToken, slots: make(chan struct{}, c.Concurrency), compute: Hash.Verify}
	if c.RememberFor > 0 {
		m.memory = newMemory(c.RememberFor, c.RememberMax)
	}
	if err := m.Replace(users); err != nil {
		return nil, err
	}
	return m, nil
}

// Replace puts these users in place of the present ones, at once for everybody
// who is asked about from now on. With an error nothing changes: a user without
// a name or a hash, or with a name that is taken for a token's, is one.
func (m *Method) Replace(users map[string]User) error {
	next := &snapshot{users: make(map[string]User, len(users))}
	for name, u := range users {
		switch {
		case name == "":
			return errors.New("password: a user has an empty name")
		case u.Hash == Hash{}:
			return fmt.Errorf("password: user %q has no hash", name)
		case m.isToken(name):
			return fmt.Errorf("password: user %q can never log in: service account tokens use that name", name)
		}
		next.decoy.iterations = max(next.decoy.iterations, u.Hash.iterations)
		next.users[name] = User{Hash: u.Hash, Attributes: maps.Clone(u.Attributes)}
	}
	if next.decoy.iterations == 0 {
		next.decoy.iterations = DefaultIterations
	}
	next.decoy.salt = "salt of nobody.." // 16 bytes; what it hides is only that there is no user
	m.users.Store(next)
	return nil
}

// Authenticate verifies user name and password. Anything that is not a plain
// user name with a password is not relevant (PASS-1). Once it is computing it
// cannot be interrupted; until then it honours the context, whose end is
// mqttauth.ErrFailed: it is our load, and no reason to ask another method
// (PASS-3, AUTHN-5).
func (m *Method) Authenticate(ctx context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
	if c.AuthMethod != "" || !c.HasUsername || !c.Password.IsSet() || m.isToken(c.Username) {
		return mqttauth.Result{}, mqttauth.ErrNotRelevant
	}
	if c.Previous != nil {
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, errors.New("password: a password cannot be renewed"))
	}
	now := m.users.Load()
	user, known := now.users[c.Username]
	if m.memory.knows(c.Username, user.Hash, c.Password.Reveal()) && known {
		return m.accept(c.ClientID, c.Username, user), nil
	}
	right, err := m.verify(ctx, now.decoy, user.Hash, c.Password.Reveal())
	if err != nil {
		return mqttauth.Result{}, err
	}
	if !known || !right {
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.BadUsernameOrPassword, errors.New("password: unknown user or wrong password"))
	}
	m.memory.remember(c.Username, user.Hash, c.Password.Reveal())
	return m.accept(c.ClientID, c.Username, user), nil
}

// verify waits for its turn and computes. A password that is not right costs
// the iterations of the decoy in all, whoever's it was to be: an unknown user's
// hash is the zero one and has none of its own.
func (m *Method) verify(ctx context.Context, decoy, h Hash, password []byte) (bool, error) {
	if ctx.Err() == nil {
		select {
		case m.slots <- struct{}{}:
			defer func() { <-m.slots }()
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("password: no turn in time: %w: %w", mqttauth.ErrFailed, err)
	}
	right := m.compute(h, password)
	decoy.iterations -= h.iterations
	if !right {
		m.compute(decoy, password)
	}
	return right, nil
}

func (m *Method) accept(clientID, name string, u User) mqttauth.Result {
	r := mqttauth.Accept(mqttauth.Principal{ClientID: clientID, Username: name, Attributes: u.Attributes}, name)
	r.Revalidate = func(context.Context) (mqttauth.Result, error) {
		return m.judge(clientID, name, u.Hash)
	}
	return r
}

// judge answers whether the user still stands (EXP-7), with the same password.
func (m *Method) judge(clientID, name string, h Hash) (mqttauth.Result, error) {
	user, known := m.users.Load().users[name]
	if !known || user.Hash != h {
		return mqttauth.Result{}, mqttauth.Deny(mqttauth.NotAuthorized, errors.New("password: the user is gone or has another password"))
	}
	return m.accept(clientID, name, user), nil
}
