package sat_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/sat"
)

// 100,000 bad tokens leave nothing behind. Those that are not well formed, or
// end before they begin, are not asked about; with a Combined, those without a
// good signature are not either.
func TestFlood(t *testing.T) {
	refused := withSignatures(`{"alg":"RS256"}`)
	tests := []struct {
		name   string
		tokens int
		token  func(i int) string
		asked  bool
		method func(r sat.Reviewer) *sat.Method
	}{
		{"refused", manyTokens, refused, true, func(r sat.Reviewer) *sat.Method {
			cache := newCache(t, r, annotated(), sat.CacheConfig{})
			return newMethod(t, cache, cache, nil)
		}},
		{"not well formed", 10_000, func(i int) string { return fmt.Sprint("a.", i, ".c") }, false, func(r sat.Reviewer) *sat.Method {
			cache := newCache(t, r, annotated(), sat.CacheConfig{})
			return newMethod(t, cache, cache, nil)
		}},
		{"combined", 10_000, withSignatures(`{"alg":"ES256","kid":"key-ES256"}`), false, func(r sat.Reviewer) *sat.Method {
			return combine(t, r, annotated(), nil)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &reviewer{review: sat.Review{Problem: "[invalid bearer token]"}}
			m := tt.method(r)
			send := func(from, to int) {
				for i := from; i < to; i++ {
					c := client(tt.token(i))
					if result, err := m.Authenticate(t.Context(), &c); mqttauth.OutcomeOf(result, err) != mqttauth.Denied {
						t.Fatal(err)
					}
				}
			}
			send(0, tt.tokens/10)
			before := heap()
			send(tt.tokens/10, tt.tokens)
			if grown := heap() - before; grown > 256<<10 {
				t.Errorf("the heap grew by %d bytes", grown)
			}
			if asked := r.asked.Load() > 0; asked != tt.asked {
				t.Errorf("%d reviews", r.asked.Load())
			}
		})
	}
}

// withSignatures returns a function that makes tokens which differ in the
// signature.
func withSignatures(header string) func(i int) string {
	text := raw(header, `{"aud":"my-audience","exp":`+expClaim(time.Hour)+`}`)
	signed := text[:strings.LastIndexByte(text, '.')+1]
	return func(i int) string { return fmt.Sprintf("%s%012d", signed, i) }
}

// heap is what is in use, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
