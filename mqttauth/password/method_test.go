package password_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/authtest"
	"github.com/mqttwarden/mqttwarden/mqttauth/password"
)

const phrase = "correct horse battery staple"

// satForms are the user name forms of SAT-2.
func satForms(name string) bool {
	return name == "$sat" || strings.HasPrefix(name, "sat://") || strings.HasPrefix(name, "K8S-SAT")
}

func users(t testing.TB) map[string]password.User {
	t.Helper()
	return map[string]password.User{
		"alice": {Hash: mustParse(t, cheap(t, phrase, 10)), Attributes: map[string]string{"floor": "1"}},
		"bob":   {Hash: mustParse(t, cheap(t, "bob's phrase, not alice's", 20))},
	}
}

func newMethod(t testing.TB, c password.Config, users map[string]password.User) *password.Method {
	t.Helper()
	m, err := password.New(c, users)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func login(name, phrase string) mqttauth.Credentials {
	return mqttauth.Credentials{
		ClientID: "c", Version: mqttauth.MQTT5, Username: name, HasUsername: true, Password: mqttauth.NewSecret([]byte(phrase)),
	}
}

// PASS-1, PASS-3: what is relevant, and what is right.
func loginCases() []authtest.Case {
	with := func(c mqttauth.Credentials, change func(*mqttauth.Credentials)) mqttauth.Credentials {
		change(&c)
		return c
	}
	return []authtest.Case{
		{Name: "right", Credentials: login("alice", phrase), Want: mqttauth.Accepted},
		{Name: "right, 3.1.1", Credentials: with(login("alice", phrase), func(c *mqttauth.Credentials) { c.Version = mqttauth.MQTT311 }), Want: mqttauth.Accepted},
		{Name: "wrong password", Credentials: login("alice", phrase+"!"), Want: mqttauth.Denied},
		{Name: "another user's password", Credentials: login("bob", phrase), Want: mqttauth.Denied},
		{Name: "unknown user", Credentials: login("mallory", phrase), Want: mqttauth.Denied},
		{Name: "case of the user name", Credentials: login("Alice", phrase), Want: mqttauth.Denied},
		{Name: "empty user name", Credentials: login("", phrase), Want: mqttauth.Denied},
		{Name: "empty password", Credentials: login("alice", ""), Want: mqttauth.Denied},
		{Name: "longest password", Credentials: login("alice", strings.Repeat("x", 65535)), Want: mqttauth.Denied},
		{Name: "no user name", Credentials: with(login("", phrase), func(c *mqttauth.Credentials) { c.HasUsername = false }), Want: mqttauth.NotRelevant},
		{Name: "no password", Credentials: with(login("alice", ""), func(c *mqttauth.Credentials) { c.Password = mqttauth.Secret{} }), Want: mqttauth.NotRelevant},
		{Name: "nothing", Credentials: mqttauth.Credentials{ClientID: "c", Version: mqttauth.MQTT5}, Want: mqttauth.NotRelevant},
		{Name: "AUTHN-12: enhanced authentication", Credentials: with(login("alice", phrase), func(c *mqttauth.Credentials) { c.AuthMethod = "K8S-SAT" }), Want: mqttauth.NotRelevant},
		{Name: "PASS-1: $sat", Credentials: login("$sat", phrase), Want: mqttauth.NotRelevant},
		{Name: "PASS-1: sat://", Credentials: login("sat://x", phrase), Want: mqttauth.NotRelevant},
		{Name: "PASS-1: K8S-SAT", Credentials: login("K8S-SAT", phrase), Want: mqttauth.NotRelevant},
		{Name: "PASS-1: nearly $sat", Credentials: login("$sat2", phrase), Want: mqttauth.Denied},
	}
}

func TestConformance(t *testing.T) {
	authtest.Run(t, newMethod(t, password.Config{IsToken: satForms}, users(t)), loginCases()...)
}

func TestConformanceRemembering(t *testing.T) {
	m := newMethod(t, password.Config{IsToken: satForms, RememberFor: time.Hour}, users(t))
	authtest.Run(t, m, loginCases()...)
	if got := m.Remembered(); got != 1 {
		t.Errorf("%d passwords remembered, want alice's", got)
	}
}

// Without a token form every user name is a user's.
func TestNoTokenForms(t *testing.T) {
	m := newMethod(t, password.Config{}, map[string]password.User{"$sat": {Hash: mustParse(t, cheap(t, phrase, 1))}})
	c := login("$sat", phrase)
	if _, err := m.Authenticate(t.Context(), &c); err != nil {
		t.Errorf("PASS-1: %v, want accepted", err)
	}
}

func TestResult(t *testing.T) {
	c := login("alice", phrase)
	r, err := newMethod(t, password.Config{}, users(t)).Authenticate(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	want := mqttauth.Principal{ClientID: "c", Username: "alice", Attributes: map[string]string{"floor": "1"}}
	if diff := cmp.Diff(want, r.Principal); diff != "" {
		t.Errorf("AUTHZ-3: principal (-want +got):\n%s", diff)
	}
	if r.Identity.Name != "alice" || !r.Expiry.IsZero() {
		t.Errorf("AUTHN-10: name %q, expiry %v, want alice and never", r.Identity.Name, r.Expiry)
	}
}

// AUTHN-6: both denials tell the client, and the log, the same.
func TestDenialsLookAlike(t *testing.T) {
	m := newMethod(t, password.Config{}, users(t))
	var texts []string
	for _, c := range []mqttauth.Credentials{login("alice", "wrong"), login("mallory", "wrong"), login("bob", "")} {
		_, err := m.Authenticate(t.Context(), &c)
		var e *mqttauth.Error
		if !errors.As(err, &e) || e.Reason != mqttauth.BadUsernameOrPassword {
			t.Fatalf("%v, want 0x86", err)
		}
		texts = append(texts, err.Error())
	}
	if len(slices.Compact(texts)) != 1 {
		t.Errorf("S-32: the denials differ: %q", texts)
	}
}

// S-32, PASS-3: an unknown user, a wrong password, and a wrong password of a
// user with a cheaper hash take the same work.
func TestEqualWork(t *testing.T) {
	m := newMethod(t, password.Config{}, map[string]password.User{
		"dear":  {Hash: mustParse(t, cheap(t, phrase, 2000))},
		"cheap": {Hash: mustParse(t, cheap(t, phrase, 10))},
	})
	work := m.CountWork()
	for _, name := range []string{"dear", "cheap", "unknown"} {
		*work = 0
		c := login(name, "wrong")
		if _, err := m.Authenticate(t.Context(), &c); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if *work != 2000 {
			t.Errorf("a wrong password of %q costs %d iterations, want those of the dearest user, 2000", name, *work)
		}
	}
}

func TestReplace(t *testing.T) {
	m := newMethod(t, password.Config{IsToken: satForms}, users(t))
	ask := func(name, phrase string) mqttauth.Outcome {
		c := login(name, phrase)
		return mqttauth.OutcomeOf(m.Authenticate(t.Context(), &c))
	}
	hash := mustParse(t, cheap(t, "new phrase", 10))
	for name, bad := range map[string]map[string]password.User{
		"an empty name": {"": {Hash: hash}},
		"no hash":       {"alice": {}, "carol": {Hash: hash}},
		"never log in":  {"$sat": {Hash: hash}},
	} {
		if err := m.Replace(bad); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Replace: %v, want an error with %q", err, name)
		}
		if _, err := password.New(password.Config{IsToken: satForms}, bad); err == nil {
			t.Errorf("New accepts %s", name)
		}
	}
	if ask("alice", phrase) != mqttauth.Accepted || ask("carol", "new phrase") != mqttauth.Denied {
		t.Error("an error changed the users")
	}
	if err := m.Replace(map[string]password.User{"carol": {Hash: hash}}); err != nil {
		t.Fatal(err)
	}
	if ask("alice", phrase) != mqttauth.Denied || ask("carol", "new phrase") != mqttauth.Accepted {
		t.Error("the users were not replaced")
	}
	if err := m.Replace(nil); err != nil {
		t.Fatal(err)
	}
	if ask("carol", "new phrase") != mqttauth.Denied {
		t.Error("without users somebody is accepted")
	}
}

// The caller's map stays the caller's.
func TestUsersAreCopied(t *testing.T) {
	mine := users(t)
	m := newMethod(t, password.Config{}, mine)
	mine["alice"].Attributes["floor"] = "99"
	mine["mallory"] = mine["alice"]
	c := login("alice", phrase)
	r, err := m.Authenticate(t.Context(), &c)
	if err != nil || r.Principal.Attributes["floor"] != "1" {
		t.Errorf("got %v, %v, want floor 1", r.Principal.Attributes, err)
	}
	c = login("mallory", phrase)
	if _, err := m.Authenticate(t.Context(), &c); err == nil {
		t.Error("a user was added from outside")
	}
}

// EXP-7: the user still stands, while there is one with the same password.
func TestRevalidate(t *testing.T) {
	m := newMethod(t, password.Config{}, users(t))
	c := login("alice", phrase)
	r, err := m.Authenticate(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	same := users(t)["alice"].Hash
	tests := []struct {
		name  string
		users map[string]password.User
		want  mqttauth.Outcome
		floor string
	}{
		{"unchanged", users(t), mqttauth.Accepted, "1"},
		{"other attributes", map[string]password.User{"alice": {Hash: same, Attributes: map[string]string{"floor": "2"}}}, mqttauth.Accepted, "2"},
		{"another password", map[string]password.User{"alice": {Hash: mustParse(t, cheap(t, "other", 10))}}, mqttauth.Denied, ""},
		{"gone", nil, mqttauth.Denied, ""},
		{"back", users(t), mqttauth.Accepted, "1"},
	}
	for _, test := range tests {
		if err := m.Replace(test.users); err != nil {
			t.Fatal(err)
		}
		again, err := r.Revalidate(t.Context())
		if got := mqttauth.OutcomeOf(again, err); got != test.want || again.Principal.Attributes["floor"] != test.floor {
			t.Errorf("%s: %v with %v, want %v with floor %q", test.name, got, again.Principal.Attributes, test.want, test.floor)
		}
		if err == nil && again.Identity != r.Identity {
			t.Errorf("%s: judged as %v", test.name, again.Identity)
		}
	}
}

// PASS-3: who waits beyond the deadline for a turn gets an outage that stops
// the chain, whatever the entry's setting.
func TestNoTurnInTime(t *testing.T) {
	m := newMethod(t, password.Config{Concurrency: 2}, users(t))
	chain, err := mqttauth.NewChain("p",
		mqttauth.Entry{Name: "password", Method: m, OnUnavailable: mqttauth.OutageNext, Timeout: time.Second},
		mqttauth.Entry{Name: "guests", Method: mqttauth.AllowAnonymous()})
	if err != nil {
		t.Fatal(err)
	}
	release := []func(){m.Occupy(), m.Occupy()}
	c := login("alice", phrase)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	r, err := chain.Authenticate(ctx, &c)
	var e *mqttauth.Error
	if mqttauth.OutcomeOf(r, err) != mqttauth.Failed || !errors.As(err, &e) || e.Reason != mqttauth.ServerUnavailable {
		t.Errorf("got %v, want failed with 0x88", err)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v does not say why", err)
	}
	for _, f := range release {
		f()
	}
	if r, err := chain.Authenticate(t.Context(), &c); mqttauth.OutcomeOf(r, err) != mqttauth.Accepted {
		t.Errorf("with free turns: %v, want accepted", err)
	}
}

// PASS-3: however many try, no more than the configured number compute.
func TestConcurrencyIsBounded(t *testing.T) {
	if _, most := newMethod(t, password.Config{}, nil).Busy(); most != runtime.GOMAXPROCS(0) {
		t.Errorf("at most %d by default, want GOMAXPROCS", most)
	}
	m := newMethod(t, password.Config{Concurrency: 2}, users(t))
	most := m.WatchWork()
	var clients sync.WaitGroup
	for i := range 1000 {
		clients.Go(func() {
			c := login("alice", phrase)
			if i%2 == 0 {
				c = login("unknown", phrase)
			}
			_, _ = m.Authenticate(t.Context(), &c)
		})
	}
	clients.Wait()
	if n := most.Load(); n < 1 || n > 2 {
		t.Errorf("%d hashes were computed at once, want 2 at most", n)
	}
	if now, _ := m.Busy(); now != 0 {
		t.Errorf("%d turns are never given back", now)
	}
}

// A password that was right is known again for a while, without a turn.
func TestRemember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMethod(t, password.Config{Concurrency: 1, RememberFor: time.Minute}, users(t))
		ask := func(name, phrase string) mqttauth.Outcome {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			c := login(name, phrase)
			return mqttauth.OutcomeOf(m.Authenticate(ctx, &c))
		}
		if ask("alice", phrase) != mqttauth.Accepted || ask("alice", "wrong") != mqttauth.Denied {
			t.Fatal("wrong before anything is remembered")
		}
		release := m.Occupy() // from now on only memory can accept
		for _, test := range []struct {
			name, user, phrase string
			want               mqttauth.Outcome
		}{
			{"remembered", "alice", phrase, mqttauth.Accepted},
			{"a wrong one is not", "alice", "wrong", mqttauth.Failed},
			{"another user", "bob", phrase, mqttauth.Failed},
			{"the border of name and password", "alicec", phrase[1:], mqttauth.Failed},
		} {
			if got := ask(test.user, test.phrase); got != test.want {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
			}
		}
		time.Sleep(time.Minute)
		if got := ask("alice", phrase); got != mqttauth.Failed {
			t.Errorf("after a minute: %v, want it forgotten", got)
		}
		release()
		if got := ask("alice", phrase); got != mqttauth.Accepted {
			t.Errorf("computed again: %v, want accepted", got)
		}
		release = m.Occupy()
		defer release()
		if err := m.Replace(map[string]password.User{"alice": {Hash: mustParse(t, cheap(t, "new", 10))}}); err != nil {
			t.Fatal(err)
		}
		if got := ask("alice", phrase); got != mqttauth.Failed {
			t.Errorf("the old password of a changed hash: %v, want it forgotten", got)
		}
		if err := m.Replace(nil); err != nil {
			t.Fatal(err)
		}
		if got := ask("alice", phrase); got != mqttauth.Failed {
			t.Errorf("a removed user: %v, want not accepted", got)
		}
	})
}

func TestRememberIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		many := make(map[string]password.User)
		for i := range 20 {
			many[fmt.Sprint("user", i)] = password.User{Hash: mustParse(t, cheap(t, phrase, 1))}
		}
		m := newMethod(t, password.Config{RememberFor: time.Minute, RememberMax: 5}, many)
		for i := range 20 {
			c := login(fmt.Sprint("user", i), phrase)
			if _, err := m.Authenticate(t.Context(), &c); err != nil {
				t.Fatal(err)
			}
			if got, want := m.Remembered(), min(i+1, 5); got != want {
				t.Fatalf("%d remembered, want %d", got, want)
			}
		}
		time.Sleep(time.Minute)
		c := login("user0", phrase)
		if _, err := m.Authenticate(t.Context(), &c); err != nil {
			t.Fatal(err)
		}
		if got := m.Remembered(); got != 1 {
			t.Errorf("%d remembered, want what ran out forgotten first", got)
		}
	})
}

// Users are replaced while clients come. Run with -race.
func TestReplaceConcurrently(t *testing.T) {
	m := newMethod(t, password.Config{RememberFor: time.Minute, RememberMax: 2}, users(t))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				c := login("alice", phrase)
				if r, err := m.Authenticate(t.Context(), &c); err != nil {
					t.Error(err)
				} else if _, err := r.Revalidate(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 50 {
		if err := m.Replace(users(t)); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
}

func BenchmarkAuthenticate(b *testing.B) {
	for _, remember := range []time.Duration{0, time.Hour} {
		b.Run(fmt.Sprintf("remember=%v", remember), func(b *testing.B) {
			m := newMethod(b, password.Config{RememberFor: remember}, map[string]password.User{
				"alice": {Hash: mustParse(b, cheap(b, phrase, 1000))},
			})
			c := login("alice", phrase)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Authenticate(b.Context(), &c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
