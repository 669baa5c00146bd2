package sat_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauth/authtest"
	"github.com/mqttwarden/mqttwarden/sat"
)

// published is the key set of the tests' cluster.
func published() []byte {
	var keys []map[string]any
	for _, alg := range slices.Sorted(maps.Keys(signers())) {
		keys = append(keys, signers()[alg].jwk())
	}
	return keySet(keys...)
}

// keyFile writes a key set.
func keyFile(t testing.TB, set []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "jwks.json")
	write(t, name, string(set))
	return name
}

func newVerifier(t testing.TB, c sat.VerifierConfig) *sat.Verifier {
	t.Helper()
	if c.Issuer == "" {
		c.Issuer = issuer
	}
	if c.Timeout == 0 {
		c.Timeout = patience
	}
	v, err := sat.NewVerifier(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVerifierConformance(t *testing.T) {
	m := newMethod(t, newVerifier(t, sat.VerifierConfig{KeySet: keyFile(t, published())}), nil, nil)
	good := goodToken(t)
	authtest.Run(t, m,
		authtest.Case{Name: "token", Credentials: client(good), Want: mqttauth.Accepted},
		authtest.Case{Name: "garbage", Credentials: client("correct horse battery staple"), Want: mqttauth.Denied},
		authtest.Case{Name: "bad signature", Credentials: client(good[:strings.LastIndexByte(good, '.')] + ".AAAA"), Want: mqttauth.Denied})
}

func TestVerifierAlgorithms(t *testing.T) {
	v := newVerifier(t, sat.VerifierConfig{KeySet: keyFile(t, published())})
	for alg := range signers() {
		review, err := v.Review(t.Context(), request(t, mint(t, alg, nil, nil)))
		if diff := cmp.Diff(accepted(), review); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", alg, err, diff)
		}
	}
}

// SAT-9, S-40, S-46: everything else is refused.
func TestVerifierRefuses(t *testing.T) {
	now := time.Now()
	signed := func(header, change map[string]any) string { return mint(t, "RS256", header, change) }
	kubernetes := func(namespace, name any) map[string]any {
		return map[string]any{"kubernetes.io": map[string]any{"namespace": namespace, "serviceaccount": map[string]any{"name": name, "uid": uid}}}
	}
	good := goodToken(t)
	parts := strings.Split(good, ".")
	hs := jwt.NewWithClaims(jwt.SigningMethodHS256, claims(nil))
	hs.Header["kid"] = "key-RS256"
	public := signers()["RS256"].jwk()["n"].(string)
	confused, err := hs.SignedString([]byte(public))
	if err != nil {
		t.Fatal(err)
	}
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims(nil)).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, token, says string }{
		{"signature of another", parts[0] + "." + parts[1] + "." + strings.Split(signed(nil, map[string]any{"jti": "x"}), ".")[2], "signature"},
		{"other claims", parts[0] + "." + strings.Split(signed(nil, map[string]any{"jti": "x"}), ".")[1] + "." + parts[2], "signature"},
		{"no kid", signed(map[string]any{"kid": nil}, nil), "names no key"},
		{"kid is a number", signed(map[string]any{"kid": 1}, nil), "names no key"},
		{"unknown kid", signed(map[string]any{"kid": "x"}, nil), "not in the key set"},
		{"key of another algorithm", mint(t, "RS512", map[string]any{"kid": "key-RS256"}, nil), "algorithm"},
		{"alg says another", signed(map[string]any{"alg": "PS256"}, nil), "algorithm"},
		{"no alg", signed(map[string]any{"alg": nil}, nil), "names no key"},
		{"HS256 with the public key", confused, "algorithm"},
		{"none", none + "AA", "names no key"},
		{"none with a kid", raw(`{"alg":"none","kid":"key-RS256"}`, `{"aud":"my-audience","exp":`+expClaim(time.Hour)+`}`), "algorithm"},
		{"other issuer", signed(nil, map[string]any{"iss": "https://evil.example"}), "issuer"},
		{"issuer with a slash", signed(nil, map[string]any{"iss": issuer + "/"}), "issuer"},
		{"no issuer", signed(nil, map[string]any{"iss": nil}), "issuer"},
		{"other audience", signed(nil, map[string]any{"aud": "other"}), "audiences"},
		{"expired a second ago", signed(nil, map[string]any{"exp": now.Unix() - 1}), "expired"},
		{"not valid yet", signed(nil, map[string]any{"nbf": now.Unix() + 90}), "not valid yet"},
		{"issued in the future", signed(nil, map[string]any{"iat": now.Unix() + 90}), "not valid yet"},
		{"nbf is text", signed(nil, map[string]any{"nbf": "x"}), "claims"},
		{"other sub", signed(nil, map[string]any{"sub": subject + "2"}), "different"},
		{"no sub", signed(nil, map[string]any{"sub": nil}), "different"},
		{"other account", signed(nil, kubernetes(namespace, "other")), "different"},
		{"other namespace", signed(nil, kubernetes("other", name)), "different"},
		{"cut elsewhere", signed(nil, kubernetes(namespace+":"+name, "")), "different"},
		{"no kubernetes.io", signed(nil, map[string]any{"kubernetes.io": nil}), "different"},
		{"kubernetes.io is text", signed(nil, map[string]any{"kubernetes.io": "x"}), "claims"},
		{"namespace is a number", signed(nil, kubernetes(1, name)), "claims"},
	}
	v := newVerifier(t, sat.VerifierConfig{KeySet: keyFile(t, published())})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := v
			if tt.name == "unknown kid" { // the others have their keys
				v = newVerifier(t, sat.VerifierConfig{KeySet: keyFile(t, published())})
			}
			review, err := v.Review(t.Context(), request(t, tt.token))
			if err != nil || review.Authenticated || !strings.Contains(review.Problem, tt.says) {
				t.Errorf("%+v, %v; want a refusal that says %q", review, err, tt.says)
			}
		})
	}
	t.Run("clocks differ a little", func(t *testing.T) {
		soon := now.Unix() + 30
		review, err := v.Review(t.Context(), request(t, signed(nil, map[string]any{"nbf": soon, "iat": soon})))
		if err != nil || !review.Authenticated {
			t.Errorf("%+v, %v", review, err)
		}
	})
	t.Run("no UID", func(t *testing.T) { // SAT-4 sees to that
		token := signed(nil, map[string]any{"kubernetes.io": map[string]any{"namespace": namespace, "serviceaccount": map[string]any{"name": name}}})
		c := client(token)
		r, err := newMethod(t, v, nil, nil).Authenticate(t.Context(), &c)
		if got := mqttauth.OutcomeOf(r, err); got != mqttauth.Denied {
			t.Errorf("%v (%v), want denied", got, err)
		}
	})
}

// An unknown key ID has the set read again, at most once a minute, and an
// unreadable set is an outage only while there are no keys.
func TestVerifierRefresh(t *testing.T) {
	rs, es := signers()["RS256"], signers()["ES256"]
	rsToken, esToken := mint(t, "RS256", nil, map[string]any{"nbf": nil, "iat": nil}), mint(t, "ES256", nil, map[string]any{"nbf": nil, "iat": nil})
	file := keyFile(t, []byte("{"))
	synctest.Test(t, func(t *testing.T) { // its clock begins long before the tokens end
		m := newMethod(t, newVerifier(t, sat.VerifierConfig{KeySet: file}), nil, nil)
		expect := func(when, token string, want mqttauth.Outcome) {
			t.Helper()
			c := client(token)
			r, err := m.Authenticate(t.Context(), &c)
			synctest.Wait()
			if got := mqttauth.OutcomeOf(r, err); got != want {
				t.Errorf("%s: %v (%v), want %v", when, got, err, want)
			}
		}
		expect("no keys", rsToken, mqttauth.Unavailable)
		write(t, file, string(keySet(rs.jwk())))
		expect("in the same minute", rsToken, mqttauth.Unavailable)
		time.Sleep(time.Minute)
		expect("a minute later", rsToken, mqttauth.Accepted)
		expect("S-46: unknown key, asked for a moment ago", esToken, mqttauth.Failed)
		time.Sleep(time.Minute)
		expect("S-46: unknown key, asked for now", esToken, mqttauth.Denied)
		time.Sleep(time.Minute)
		write(t, file, "{")
		expect("AUTHN-5: unknown key, unreadable set", esToken, mqttauth.Failed)
		expect("known key, unreadable set", rsToken, mqttauth.Accepted)
		time.Sleep(time.Minute)
		write(t, file, string(keySet(es.jwk())))
		expect("new key", esToken, mqttauth.Accepted)
		expect("withdrawn key", rsToken, mqttauth.Failed)
		write(t, file, string(keySet(rs.jwk())))
		time.Sleep(10 * time.Minute)
		expect("withdrawn key, the set is old", esToken, mqttauth.Accepted)
		expect("withdrawn key, after the set was read", esToken, mqttauth.Failed)
		time.Sleep(time.Minute)
		expect("withdrawn key, a minute later", esToken, mqttauth.Denied)
	})
}

// Garbage tokens do not turn into requests, and a URL is asked for as it is.
func TestVerifierURL(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI != "/openid/v1/jwks" || r.Header.Get("Authorization") != "Bearer our-own-token" {
			t.Errorf("asked for %s with %q", r.RequestURI, r.Header.Get("Authorization"))
		}
		says(200, string(published()))(w, r)
	})
	v := newVerifier(t, sat.VerifierConfig{KeySet: s.URL + "/openid/v1/jwks", CAFile: s.config.CAFile, TokenFile: s.config.TokenFile})
	if err := v.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 50 {
		garbage, good := request(t, mint(t, "ES256", map[string]any{"kid": "x"}, nil)), request(t, mint(t, "ES256", nil, nil))
		all.Go(func() {
			if r, err := v.Review(t.Context(), garbage); r.Authenticated || err == nil {
				t.Errorf("unknown key: %+v, %v", r, err)
			}
			if r, err := v.Review(t.Context(), good); !r.Authenticated || err != nil {
				t.Errorf("known key: %+v, %v", r, err)
			}
		})
	}
	all.Wait()
	if got := s.asked.Load(); got != 1 {
		t.Errorf("%d requests, want 1", got)
	}
}

func TestVerifierSourceFails(t *testing.T) {
	long := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat(" ", 2<<20)) }
	for says, h := range map[string]http.HandlerFunc{
		"status 403":  says(403, noRight),
		"status 302":  http.RedirectHandler("/", http.StatusFound).ServeHTTP,
		"longer than": long,
		"key set":     says(200, "<html>"),
	} {
		s := serve(t, h)
		v := newVerifier(t, sat.VerifierConfig{KeySet: s.URL, CAFile: s.config.CAFile})
		if err := v.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v does not say %q", err, says)
		}
		m := newMethod(t, v, nil, nil)
		c := client(goodToken(t))
		r, err := m.Authenticate(t.Context(), &c)
		if got := mqttauth.OutcomeOf(r, err); got != mqttauth.Unavailable {
			t.Errorf("%s: %v (%v), want unavailable", says, got, err)
		}
	}
	missing := newVerifier(t, sat.VerifierConfig{KeySet: filepath.Join(t.TempDir(), "none")})
	if err := missing.Refresh(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestNewVerifierRefuses(t *testing.T) {
	for _, c := range []sat.VerifierConfig{
		{KeySet: "f"},
		{Issuer: issuer},
		{Issuer: issuer, KeySet: "http://host/jwks"},
		{Issuer: issuer, KeySet: "file:///jwks"},
		{Issuer: issuer, KeySet: "https://u:p@host/"},
		{Issuer: issuer, KeySet: "f", TokenFile: "t"},
		{Issuer: issuer, KeySet: "f", CAFile: "t"},
		{Issuer: issuer, KeySet: "f", Timeout: -1},
	} {
		if _, err := sat.NewVerifier(c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

// S-46: which keys count.
func TestKeySets(t *testing.T) {
	rs, es, ed := signers()["RS256"], signers()["ES384"], signers()["EdDSA"]
	with := func(s signer, change map[string]any) map[string]any {
		k := s.jwk()
		maps.Copy(k, change)
		maps.DeleteFunc(k, func(_ string, v any) bool { return v == nil })
		return k
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	many := make([]map[string]any, 65)
	for i := range many {
		many[i] = rs.jwk()
	}
	b64 := base64.RawURLEncoding.EncodeToString
	tests := []struct {
		name, set, says string // says "": the set is good
	}{
		{"as published", string(published()), ""},
		{"no alg, no use", string(keySet(with(rs, map[string]any{"alg": nil, "use": nil}))), ""},
		{"key_ops", string(keySet(with(rs, map[string]any{"use": nil, "key_ops": []string{"verify"}}))), ""},
		{"others beside", string(keySet(map[string]any{"kid": "o", "kty": "oct", "k": "x"}, map[string]any{"kty": "new"}, with(es, map[string]any{"crv": "secp256k1"}), rs.jwk())), ""},
		{"certificates are not looked at", string(keySet(with(rs, map[string]any{"x5c": []int{1}, "x5u": "https://evil.example"}))), ""},
		{"no keys", `{"keys":[]}`, "no key"},
		{"keys missing", `{}`, "want keys"},
		{"keys is an object", `{"keys":{}}`, "want keys"},
		{"65 keys", string(keySet(many...)), "at most 64"},
		{"a list", `[]`, "key set"},
		{"behind it", string(published()) + "x", "key set"},
		{"without kid", string(keySet(with(rs, map[string]any{"kid": nil}))), "no key"},
		{"for encryption", string(keySet(with(rs, map[string]any{"use": "enc"}))), "no key"},
		{"for signing", string(keySet(with(rs, map[string]any{"key_ops": []string{"sign"}}))), "no key"},
		{"key is null", `{"keys":[null]}`, "keys[0]"},
		{"kid twice", string(keySet(rs.jwk(), rs.jwk())), "keys[1]: another key"},
		{"member twice", `{"keys":[{"kid":"a","kid":"b"}]}`, "key set"},
		{"kty is a number", string(keySet(with(rs, map[string]any{"kty": 1}))), "keys[0]"},
		{"RSA for PS256", string(keySet(with(rs, map[string]any{"alg": "PS256"}))), "alg"},
		{"RSA for HS256", string(keySet(with(rs, map[string]any{"alg": "HS256"}))), "alg"},
		{"P-384 for ES256", string(keySet(with(es, map[string]any{"alg": "ES256"}))), "alg"},
		{"Ed25519 for RS256", string(keySet(with(ed, map[string]any{"alg": "RS256"}))), "alg"},
		{"private", string(keySet(with(rs, map[string]any{"d": "AQAB"}))), "private"},
		{"weak RSA", string(keySet(with(rs, map[string]any{"n": b64(weak.N.Bytes())}))), "bits"},
		{"huge RSA", string(keySet(with(rs, map[string]any{"n": strings.Repeat("_", 4000)}))), "bits"},
		{"even n", string(keySet(with(rs, map[string]any{"n": strings.Repeat("_", 400) + "_g"}))), "odd"},
		{"e is 1", string(keySet(with(rs, map[string]any{"e": "AQ"}))), "e is"},
		{"e is huge", string(keySet(with(rs, map[string]any{"e": "_____________w"}))), "e is"},
		{"no n", string(keySet(with(rs, map[string]any{"n": nil}))), "n is"},
		{"padded n", string(keySet(with(rs, map[string]any{"n": "AQ=="}))), "base64url"},
		{"not on the curve", string(keySet(with(es, map[string]any{"x": es.jwk()["y"], "y": es.jwk()["x"]}))), "point"},
		{"short x", string(keySet(with(es, map[string]any{"x": "AQAB"}))), "48 bytes"},
		{"short Ed25519", string(keySet(with(ed, map[string]any{"x": "AQAB"}))), "32 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := newVerifier(t, sat.VerifierConfig{KeySet: keyFile(t, []byte(tt.set))}).Refresh(t.Context())
			if tt.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v does not say %q", err, tt.says)
			}
		})
	}
}

// FuzzKeySet: a set that is accepted has, by the standard library's reading,
// at least one public key of a kind that we use, and no private one.
func FuzzKeySet(f *testing.F) {
	f.Add(published())
	f.Add([]byte(`{"keys":[{"kid":"a","kty":"RSA","n":"AQAB","e":"AQAB"}]}`))
	f.Add([]byte(`{"keys":[{"kid":"a","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	f.Fuzz(func(t *testing.T, set []byte) {
		count, err := sat.CountKeys(set)
		if err != nil {
			return
		}
		var naive struct{ Keys []map[string]any }
		if err := json.Unmarshal(set, &naive); err != nil {
			t.Fatal(err)
		}
		usable := make(map[string]bool)
		for _, k := range naive.Keys {
			kid, _ := k["kid"].(string)
			switch k["kty"] {
			case "RSA", "EC", "OKP":
				usable[kid] = kid != ""
			}
		}
		if count < 1 || count > len(usable) {
			t.Fatalf("%d keys of %d", count, len(usable))
		}
	})
}
