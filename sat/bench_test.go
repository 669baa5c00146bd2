package sat_test

import (
	"context"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/mqttwarden/mqttwarden/sat"
)

// BenchmarkCachedConnect is the decision about a client whose token and account
// are remembered.
func BenchmarkCachedConnect(b *testing.B) {
	cache := newCache(b, &reviewer{review: accepted()}, annotated(), sat.CacheConfig{TTL: 1 << 60})
	m := newMethod(b, cache, cache, nil)
	c := client(goodToken(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Authenticate(context.Background(), &c); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCombinedConnect is the decision about a client whose token is
// verified, and what it is bound to is confirmed.
func BenchmarkCombinedConnect(b *testing.B) {
	m := combine(b, &reviewer{review: accepted()}, annotated(), nil)
	c := client(goodToken(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Authenticate(context.Background(), &c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseToken(b *testing.B) {
	c := client(goodToken(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sat.ParseToken(c.AuthData); err != nil {
			b.Fatal(err)
		}
	}
}

// offline returns a function that verifies one token with everything that a
// CONNECT needs.
func offline(tb testing.TB, alg string) func() {
	v := newVerifier(tb, sat.VerifierConfig{KeySet: keyFile(tb, published())})
	m := newMethod(tb, v, nil, nil)
	c := client(mint(tb, alg, nil, nil))
	return func() {
		if _, err := m.Authenticate(context.Background(), &c); err != nil {
			tb.Fatal(err)
		}
	}
}

// bare returns a function that does with package jwt alone what it can do.
func bare(tb testing.TB, alg string) func() {
	token := mint(tb, alg, nil, nil)
	public := signers()[alg].private.Public()
	parser := jwt.NewParser(jwt.WithValidMethods([]string{alg}), jwt.WithExpirationRequired(), jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithStrictDecoding())
	return func() {
		if _, err := parser.Parse(token, func(*jwt.Token) (any, error) { return public, nil }); err != nil {
			tb.Fatal(err)
		}
	}
}

func BenchmarkOffline(b *testing.B) {
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		for name, f := range map[string]func(){"sat": offline(b, alg), "bare": bare(b, alg)} {
			b.Run(alg+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					f()
				}
			})
		}
	}
}

// Offline verification costs at most 10 allocations beyond those of package
// jwt.
func TestAllocations(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		ours, theirs := testing.AllocsPerRun(100, offline(t, alg)), testing.AllocsPerRun(100, bare(t, alg))
		if ours > theirs+10 {
			t.Errorf("%s: %v allocations, package jwt alone %v", alg, ours, theirs)
		}
	}
}

func BenchmarkClient(b *testing.B) {
	s := serve(b, says(201, reviewed))
	c := newClient(b, s.config)
	r := request(b, goodToken(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Review(context.Background(), r); err != nil {
			b.Fatal(err)
		}
	}
}
