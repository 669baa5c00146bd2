package sat_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/authtest"
	"github.com/mqttwarden/mqttwarden/sat"
)

// reviewer is a Reviewer that answers as it is told.
type reviewer struct {
	review sat.Review
	err    error
	asked  atomic.Int64
	last   atomic.Pointer[sat.Request]
}

func (r *reviewer) Review(ctx context.Context, request *sat.Request) (sat.Review, error) {
	r.asked.Add(1)
	r.last.Store(&sat.Request{Audiences: request.Audiences, Source: request.Source, Renewal: request.Renewal})
	if err := ctx.Err(); err != nil {
		return sat.Review{}, err
	}
	return r.review, r.err
}

// annotator is an Annotator that answers as it is told.
type annotator struct {
	stored sat.ServiceAccount
	err    error
	asked  atomic.Int64
}

func (a *annotator) ServiceAccount(ctx context.Context, _ sat.Account) (sat.ServiceAccount, error) {
	a.asked.Add(1)
	if err := ctx.Err(); err != nil {
		return sat.ServiceAccount{}, err
	}
	return a.stored, a.err
}

func accepted() sat.Review {
	return sat.Review{Authenticated: true, Username: subject, UID: uid, Audiences: []string{audience}}
}

func annotated() *annotator {
	return &annotator{stored: sat.ServiceAccount{UID: uid, Annotations: map[string]string{
		"aio-broker-auth/floor": "1", "aio-broker-auth/empty": "", "aio-broker-auth/odd": "a b\n#é",
		"aio-broker-auth": "x", "AIO-broker-auth/x": "x", "x.aio-broker-auth/y": "x",
		"aio-broker-auth/": "x", "aio-mq-broker-auth/old": "1", "other/key": "x",
	}}}
}

func newMethod(t testing.TB, r sat.Reviewer, a sat.Annotator, change func(*sat.Config)) *sat.Method {
	t.Helper()
	c := sat.Config{Audiences: []string{"aio-internal", audience}}
	if change != nil {
		change(&c)
	}
	m, err := sat.New(r, a, c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func client(token string) mqttauth.Credentials {
	return mqttauth.Credentials{
		ClientID: "c", Version: mqttauth.MQTT5,
		AuthMethod: sat.AuthMethod, AuthData: mqttauth.NewSecret([]byte(token)),
	}
}

func login(username, token string) mqttauth.Credentials {
	return mqttauth.Credentials{
		ClientID: "c", Version: mqttauth.MQTT311, Username: username, HasUsername: true,
		Password: mqttauth.NewSecret([]byte(token)),
	}
}

func TestConformance(t *testing.T) {
	m := newMethod(t, &reviewer{review: accepted()}, annotated(), func(c *sat.Config) { c.Usernames = sat.UsernameSAT })
	other := client(goodToken(t))
	other.AuthMethod = "OTHER"
	authtest.Run(t, m,
		authtest.Case{Name: "token", Credentials: client(goodToken(t)), Want: mqttauth.Accepted},
		authtest.Case{Name: "token as password", Credentials: login("$sat", goodToken(t)), Want: mqttauth.Accepted},
		authtest.Case{Name: "expired", Credentials: client(mint(t, "RS256", nil, map[string]any{"exp": 1000})), Want: mqttauth.Denied},
		authtest.Case{Name: "garbage", Credentials: client("correct horse battery staple"), Want: mqttauth.Denied},
		authtest.Case{Name: "password", Credentials: login("alice", "correct horse"), Want: mqttauth.NotRelevant},
		authtest.Case{Name: "other method", Credentials: other, Want: mqttauth.NotRelevant},
		authtest.Case{Name: "nothing", Credentials: mqttauth.Credentials{Version: mqttauth.MQTT5}, Want: mqttauth.NotRelevant},
	)
	refusing := newMethod(t, &reviewer{review: sat.Review{Problem: "[invalid bearer token]"}}, annotated(), nil)
	authtest.Run(t, refusing, authtest.Case{Name: "token", Credentials: client(goodToken(t)), Want: mqttauth.Denied})
	down := newMethod(t, &reviewer{err: errors.New("connection refused")}, annotated(), nil)
	authtest.Run(t, down, authtest.Case{Name: "token", Credentials: client(goodToken(t)), Want: mqttauth.Unavailable})
}

// SAT-1, SAT-2, AUTHN-12: what is a token, and what a denial of it is called.
func TestRelevance(t *testing.T) {
	const all = sat.UsernameK8SSAT | sat.UsernameSAT
	both := login("K8S-SAT", "x")
	both.AuthMethod = "OTHER"
	noPassword := login("$sat", "")
	noPassword.Password = mqttauth.Secret{}
	noData := client("")
	noData.AuthData = mqttauth.Secret{}
	unasked := login("K8S-SAT", "x")
	unasked.HasUsername = false
	tests := []struct {
		name   string
		forms  sat.UsernameForms
		c      mqttauth.Credentials
		want   mqttauth.Outcome
		reason mqttauth.ReasonCode
	}{
		{"enhanced", 0, client("x"), mqttauth.Denied, mqttauth.NotAuthorized},
		{"enhanced without data", 0, noData, mqttauth.Denied, mqttauth.NotAuthorized},
		{"enhanced, other case", 0, mqttauth.Credentials{AuthMethod: "k8s-sat"}, mqttauth.NotRelevant, 0},
		{"enhanced, longer", 0, mqttauth.Credentials{AuthMethod: "K8S-SAT2"}, mqttauth.NotRelevant, 0},
		{"other enhanced, user name of a token", all, both, mqttauth.NotRelevant, 0},
		{"form off", sat.UsernameSAT, login("K8S-SAT", "x"), mqttauth.NotRelevant, 0},
		{"form on", all, login("K8S-SAT", "x"), mqttauth.Denied, mqttauth.BadUsernameOrPassword},
		{"form on, no password", all, noPassword, mqttauth.Denied, mqttauth.BadUsernameOrPassword},
		{"no user name", all, unasked, mqttauth.NotRelevant, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &reviewer{review: accepted()}
			m := newMethod(t, r, annotated(), func(c *sat.Config) { c.Usernames = tt.forms })
			result, err := m.Authenticate(t.Context(), &tt.c)
			if got := mqttauth.OutcomeOf(result, err); got != tt.want {
				t.Fatalf("%v (%v), want %v", got, err, tt.want)
			}
			var e *mqttauth.Error
			if errors.As(err, &e) && e.Reason != tt.reason {
				t.Errorf("reason %v, want %v", e.Reason, tt.reason)
			}
			if r.asked.Load() != 0 {
				t.Error("SAT-3: somebody was asked about what is no token")
			}
		})
	}
}

// SAT-3: exp and aud fit before anybody is asked. S-40.
func TestUnfitClaimsAskNobody(t *testing.T) {
	tests := []struct {
		name   string
		change map[string]any
		want   mqttauth.Outcome
	}{
		{"fit", nil, mqttauth.Accepted},
		{"one of two audiences", map[string]any{"aud": []string{"x", "aio-internal"}}, mqttauth.Accepted},
		{"audience as a string", map[string]any{"aud": audience}, mqttauth.Accepted},
		{"other audience", map[string]any{"aud": []string{"x"}}, mqttauth.Denied},
		{"audience in other case", map[string]any{"aud": "My-Audience"}, mqttauth.Denied},
		{"audience is a part", map[string]any{"aud": "my"}, mqttauth.Denied},
		{"audience and more", map[string]any{"aud": "my-audience "}, mqttauth.Denied},
		{"empty audience", map[string]any{"aud": ""}, mqttauth.Denied},
		{"no audiences", map[string]any{"aud": []string{}}, mqttauth.Denied},
		{"expired a second ago", map[string]any{"exp": time.Now().Unix() - 1}, mqttauth.Denied}, // SAT-6: no leeway
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &reviewer{review: accepted()}
			c := client(mint(t, "RS256", nil, tt.change))
			result, err := newMethod(t, r, annotated(), nil).Authenticate(t.Context(), &c)
			if got := mqttauth.OutcomeOf(result, err); got != tt.want {
				t.Fatalf("%v (%v), want %v", got, err, tt.want)
			}
			if asked := r.asked.Load() == 1; asked != (tt.want == mqttauth.Accepted) {
				t.Errorf("asked: %v", asked)
			}
		})
	}
}

// SAT-4, S-45, S-47: nothing but the whole verdict counts.
func TestVerdict(t *testing.T) {
	change := func(f func(*sat.Review)) sat.Review {
		v := accepted()
		f(&v)
		return v
	}
	user := func(s string) sat.Review { return change(func(v *sat.Review) { v.Username = s }) }
	tests := []struct {
		name string
		v    sat.Review
		want mqttauth.Outcome
	}{
		{"all of it", accepted(), mqttauth.Accepted},
		{"zero", sat.Review{}, mqttauth.Denied},
		{"not authenticated", change(func(v *sat.Review) { v.Authenticated = false }), mqttauth.Denied},
		{"no audiences", change(func(v *sat.Review) { v.Audiences = nil }), mqttauth.Denied},
		{"the issuer as audience", change(func(v *sat.Review) { v.Audiences = []string{issuer} }), mqttauth.Denied},
		{"an empty audience", change(func(v *sat.Review) { v.Audiences = []string{""} }), mqttauth.Denied},
		{"no UID", change(func(v *sat.Review) { v.UID = "" }), mqttauth.Denied},
		{"the white-space hole", user("system:anonymous"), mqttauth.Denied},
		{"static user", user("static-user"), mqttauth.Denied},
		{"node", user("system:node:a"), mqttauth.Denied},
		{"no user", user(""), mqttauth.Denied},
		{"no name", user("system:serviceaccount:ns:"), mqttauth.Denied},
		{"no namespace", user("system:serviceaccount::name"), mqttauth.Denied},
		{"one part", user("system:serviceaccount:name"), mqttauth.Denied},
		{"three parts", user("system:serviceaccount:ns:name:more"), mqttauth.Denied},
		{"path in the name", user("system:serviceaccount:ns:../x"), mqttauth.Denied},
		{"slash in the namespace", user("system:serviceaccount:a/b:c"), mqttauth.Denied},
		{"dots", user("system:serviceaccount:ns:.."), mqttauth.Denied},
		{"dots at the end", user("system:serviceaccount:ns:a."), mqttauth.Denied},
		{"hyphen at the end of a label", user("system:serviceaccount:ns:a-.b"), mqttauth.Denied},
		{"upper case", user("system:serviceaccount:Ns:name"), mqttauth.Denied},
		{"dot in the namespace", user("system:serviceaccount:a.b:name"), mqttauth.Denied},
		{"dot in the name", user("system:serviceaccount:ns:a.b-c"), mqttauth.Accepted},
		{"long namespace", user("system:serviceaccount:" + strings.Repeat("a", 64) + ":name"), mqttauth.Denied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := client(goodToken(t))
			result, err := newMethod(t, &reviewer{review: tt.v}, annotated(), nil).Authenticate(t.Context(), &c)
			if got := mqttauth.OutcomeOf(result, err); got != tt.want {
				t.Errorf("%v (%v), want %v", got, err, tt.want)
			}
		})
	}
}

// SAT-5 to SAT-7, AUTHN-10: what an accepted client is.
func TestResult(t *testing.T) {
	exp := time.Now().Add(time.Hour).Truncate(time.Second)
	c := login("$sat", mint(t, "RS256", nil, map[string]any{"exp": exp.Unix()}))
	for prefix, want := range map[string]map[string]string{
		"":                    {"floor": "1", "empty": "", "odd": "a b\n#é"},
		"aio-mq-broker-auth/": {"old": "1"},
		"nothing/":            {},
	} {
		m := newMethod(t, &reviewer{review: accepted()}, annotated(), func(c *sat.Config) {
			c.AnnotationPrefix, c.Usernames = prefix, sat.UsernameSAT
		})
		r, err := m.Authenticate(t.Context(), &c)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(mqttauth.Principal{ClientID: "c", Attributes: want}, r.Principal); diff != "" {
			t.Errorf("prefix %q: principal (-want +got):\n%s", prefix, diff)
		}
		if !r.Expiry.Equal(exp) || r.Identity.Name != "azure-iot-operations/mqtt-client" {
			t.Errorf("expiry %v, want %v; name %q", r.Expiry, exp, r.Identity.Name)
		}
	}
}

// SAT-5, S-49, AUTHN-4, AUTHN-5: what says something about the client, and what
// about us.
func TestOutages(t *testing.T) {
	tests := []struct {
		name string
		r    error
		a    *annotator
		want mqttauth.Outcome
	}{
		{"review fails", errors.New("status 401: our own token is not accepted"), annotated(), mqttauth.Unavailable},
		{"review is too much", fmt.Errorf("busy: %w", mqttauth.ErrFailed), annotated(), mqttauth.Failed},
		{"review claims not to be relevant", mqttauth.ErrNotRelevant, annotated(), mqttauth.Unavailable},
		{"no account", nil, &annotator{err: fmt.Errorf("404: %w", sat.ErrNoAccount)}, mqttauth.Denied},
		{"account forbidden", nil, &annotator{err: errors.New("status 403")}, mqttauth.Unavailable},
		{"other account", nil, &annotator{stored: sat.ServiceAccount{UID: "other"}}, mqttauth.Denied},
		{"account without UID", nil, &annotator{}, mqttauth.Denied},
		{"no annotations", nil, &annotator{stored: sat.ServiceAccount{UID: uid}}, mqttauth.Accepted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := client(goodToken(t))
			result, err := newMethod(t, &reviewer{review: accepted(), err: tt.r}, tt.a, nil).Authenticate(t.Context(), &c)
			if got := mqttauth.OutcomeOf(result, err); got != tt.want {
				t.Errorf("%v (%v), want %v", got, err, tt.want)
			}
		})
	}
	t.Run("our time is up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c := client(goodToken(t))
		result, err := newMethod(t, &reviewer{review: accepted()}, annotated(), nil).Authenticate(ctx, &c)
		if got := mqttauth.OutcomeOf(result, err); got != mqttauth.Failed {
			t.Errorf("%v (%v), want failed", got, err)
		}
	})
}

// SAT-10.
func TestNamespaces(t *testing.T) {
	for want, list := range map[mqttauth.Outcome][]string{mqttauth.Accepted: {"x", namespace}, mqttauth.Denied: {"x", "azure-iot-operations2"}} {
		c, a := client(goodToken(t)), annotated()
		m := newMethod(t, &reviewer{review: accepted()}, a, func(c *sat.Config) { c.Namespaces = list })
		result, err := m.Authenticate(t.Context(), &c)
		if got := mqttauth.OutcomeOf(result, err); got != want {
			t.Errorf("%v: %v (%v), want %v", list, got, err, want)
		}
		if want == mqttauth.Denied && a.asked.Load() != 0 {
			t.Error("the account of a namespace that is not accepted was read")
		}
	}
}

// EXP-2, EXP-3: a renewal is asked for as one, and changes nobody.
func TestRenewal(t *testing.T) {
	r := &reviewer{review: accepted()}
	m := newMethod(t, r, annotated(), nil)
	c := client(goodToken(t))
	first, err := m.Authenticate(t.Context(), &c)
	if err != nil || r.last.Load().Renewal {
		t.Fatalf("CONNECT: %v, as a renewal: %v", err, r.last.Load().Renewal)
	}
	c.Previous = &first
	if _, err := m.Authenticate(t.Context(), &c); err != nil || !r.last.Load().Renewal {
		t.Errorf("AUTH: %v, as a renewal: %v", err, r.last.Load().Renewal)
	}
	r.review.Username = "system:serviceaccount:azure-iot-operations:other"
	if _, err := m.Authenticate(t.Context(), &c); !errors.Is(err, mqttauth.ErrOtherIdentity) {
		t.Errorf("another account: %v, want %v", err, mqttauth.ErrOtherIdentity)
	}
}

// EXP-7: judging a client again needs its account and nothing else.
func TestRevalidate(t *testing.T) {
	r, a := &reviewer{review: accepted()}, annotated()
	m := newMethod(t, r, a, func(c *sat.Config) { c.RevalidateAfter = time.Minute })
	c := client(goodToken(t))
	result, err := m.Authenticate(t.Context(), &c)
	if err != nil || result.RevalidateAfter != time.Minute {
		t.Fatalf("%v, revalidate after %v", err, result.RevalidateAfter)
	}
	judge := func(stored sat.ServiceAccount, err error) (mqttauth.Result, error) {
		a.stored, a.err = stored, err
		return result.Revalidate(t.Context())
	}
	again, err := judge(sat.ServiceAccount{UID: uid, Annotations: map[string]string{"aio-broker-auth/floor": "2"}}, nil)
	if diff := cmp.Diff(map[string]string{"floor": "2"}, again.Principal.Attributes); err != nil || diff != "" {
		t.Errorf("changed annotations: %v (-want +got):\n%s", err, diff)
	}
	if again.Identity != result.Identity || !again.Expiry.IsZero() {
		t.Errorf("changed annotations: identity %v, expiry %v", again.Identity, again.Expiry)
	}
	tests := []struct {
		name   string
		stored sat.ServiceAccount
		err    error
		want   mqttauth.Outcome
	}{
		{"deleted", sat.ServiceAccount{}, sat.ErrNoAccount, mqttauth.Denied},
		{"made again", sat.ServiceAccount{UID: "other"}, nil, mqttauth.Denied},
		{"outage", sat.ServiceAccount{}, errors.New("status 403"), mqttauth.Unavailable},
	}
	for _, tt := range tests {
		again, err := judge(tt.stored, tt.err)
		if got := mqttauth.OutcomeOf(again, err); got != tt.want {
			t.Errorf("%s: %v (%v), want %v", tt.name, got, err, tt.want)
		}
	}
	if got := r.asked.Load(); got != 1 {
		t.Errorf("%d reviews, want 1", got)
	}
}

// EXP-7, S-48: with ReviewAgain the token is reviewed when its client is judged
// again, and what is said of it then counts.
func TestReviewAgain(t *testing.T) {
	from := netip.MustParseAddrPort("192.0.2.1:1883")
	other := accepted()
	other.UID = "other"
	tests := []struct {
		name   string
		review sat.Review
		err    error
		want   mqttauth.Outcome
	}{
		{"still stands", accepted(), nil, mqttauth.Accepted},
		{"pod deleted", sat.Review{Problem: "[invalid bearer token, service account token has been invalidated]"}, nil, mqttauth.Denied},
		{"SAT-4: nobody's", sat.Review{Authenticated: true, Username: "system:anonymous", Audiences: []string{audience}}, nil, mqttauth.Denied},
		{"another account", other, nil, mqttauth.Denied},
		{"outage", sat.Review{}, errors.New("status 500"), mqttauth.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &reviewer{review: accepted()}
			m := newMethod(t, r, annotated(), func(c *sat.Config) { c.ReviewAgain = true })
			c := client(goodToken(t))
			c.RemoteAddr = from
			result, err := m.Authenticate(t.Context(), &c)
			if err != nil {
				t.Fatal(err)
			}
			result, err = result.Revalidate(t.Context())
			if err != nil {
				t.Fatalf("first judgement: %v", err)
			}
			r.review, r.err = tt.review, tt.err
			again, err := result.Revalidate(t.Context())
			if got := mqttauth.OutcomeOf(again, err); got != tt.want {
				t.Errorf("%v (%v), want %v", got, err, tt.want)
			}
			if last := r.last.Load(); r.asked.Load() != 3 || last.Source != from.Addr() || last.Renewal {
				t.Errorf("reviewed %d times, the last %+v", r.asked.Load(), last)
			}
		})
	}
}

// A token that has ended meanwhile is nobody's.
func TestReviewAgainAfterExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMethod(t, &reviewer{review: accepted()}, annotated(), func(c *sat.Config) { c.ReviewAgain = true })
		c := client(unsigned(1, time.Minute))
		result, err := m.Authenticate(t.Context(), &c)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := result.Revalidate(t.Context()); !errors.Is(err, mqttauth.ErrExpired) {
			t.Errorf("%v, want %v", err, mqttauth.ErrExpired)
		}
	})
}

// Without an annotator there are no attributes, and nobody to judge again.
func TestNoAnnotator(t *testing.T) {
	c := client(goodToken(t))
	r, err := newMethod(t, &reviewer{review: accepted()}, nil, nil).Authenticate(t.Context(), &c)
	if err != nil || r.Principal.Attributes != nil || r.Revalidate != nil || r.Expiry.IsZero() {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestNewRefuses(t *testing.T) {
	good := func() sat.Config { return sat.Config{Audiences: []string{"a"}} }
	tests := []struct {
		name   string
		r      sat.Reviewer
		a      sat.Annotator
		change func(*sat.Config)
		want   string
	}{
		{"no reviewer", nil, annotated(), func(*sat.Config) {}, "reviewer"},
		{"no audiences", &reviewer{}, annotated(), func(c *sat.Config) { c.Audiences = nil }, "no audiences"},
		{"empty audience", &reviewer{}, annotated(), func(c *sat.Config) { c.Audiences = []string{"a", ""} }, "audience is empty"},
		{"no namespaces", &reviewer{}, annotated(), func(c *sat.Config) { c.Namespaces = []string{} }, "namespaces"},
		{"odd namespace", &reviewer{}, annotated(), func(c *sat.Config) { c.Namespaces = []string{"A"} }, "namespace"},
		{"prefix", &reviewer{}, annotated(), func(c *sat.Config) { c.AnnotationPrefix = "aio" }, "prefix"},
		{"forms", &reviewer{}, annotated(), func(c *sat.Config) { c.Usernames = 4 }, "forms"},
		{"negative", &reviewer{}, annotated(), func(c *sat.Config) { c.RevalidateAfter = -1 }, "negative"},
		{"nobody to ask again", &reviewer{}, nil, func(c *sat.Config) { c.RevalidateAfter = 1 }, "annotator"},
		{"nobody to ask again when the broker wants", &reviewer{}, nil, func(c *sat.Config) { c.ReviewAgain = true }, "annotator"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good()
			tt.change(&c)
			if m, err := sat.New(tt.r, tt.a, c); m != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, %v; want an error that says %q", m, err, tt.want)
			}
		})
	}
}
