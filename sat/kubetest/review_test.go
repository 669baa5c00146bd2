package kubetest_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/mqttwarden/mqttwarden/sat"
	"github.com/mqttwarden/mqttwarden/sat/kubetest"
)

// verdict is one text that a client sends as its token. What the API server
// says about it is here to be seen: where it differs from what we decide, that
// is our work. All three are beginnings.
type verdict struct {
	name    string
	token   string
	server  string // about the text as it is
	online  string // our decision over a Client; "": "denied"
	offline string // our decision over a Verifier; "": as online
}

const (
	yes     = "accepted"
	no      = "denied"
	badKey  = "refused: go-jose/go-jose: error in cryptographic primitive"
	garbage = "refused: invalid bearer token"
)

// The table of what the API server answers and what we make of it (SAT-1,
// SAT-3, SAT-4, SAT-6, SAT-9, S-40..S-47).
func TestVerdicts(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t, "")
	press := cluster.Account(t, namespace, "press", nil)
	config := gateway(t, cluster, namespace)
	asks, verifies := online(t, config), offline(t, config)
	// Read the keys before a token names one that there is not.
	expect(t, "a good token, offline", decide(t, verifies, cluster.Token(t, press, audience)), yes)

	for _, table := range [][]verdict{
		audiences(t, press), times(press), accounts(press), signatures(t, press), forms(t, press),
	} {
		for _, v := range table {
			t.Run(v.name, func(t *testing.T) {
				if v.online == "" {
					v.online = no
				}
				if v.offline == "" {
					v.offline = v.online
				}
				server, on, off := serverSays(t, v.token), decide(t, asks, v.token), decide(t, verifies, v.token)
				t.Logf("%s | %s | %s | %s", v.name, server, on, off)
				expect(t, "API server", server, v.server)
				expect(t, "online", on, v.online)
				expect(t, "offline", off, v.offline)
			})
		}
	}
}

// serverSays returns the API server's own word about a text, asked for our
// audience: "accepted" with a user, "refused" with its reason, or the status of
// a request that failed.
func serverSays(t *testing.T, token string) string {
	t.Helper()
	s, err := cluster.Review(t.Context(), token, audience)
	switch {
	case err != nil:
		return "status: " + string(apierrors.ReasonForError(err))
	case s.Authenticated:
		return yes + " as " + strings.TrimPrefix(s.User.Username, "system:serviceaccount:") + " for " + strings.Join(s.Audiences, " ")
	default:
		reason, _ := strings.CutPrefix(s.Error, "[invalid bearer token, ")
		return "refused: " + strings.TrimSuffix(reason, "]")
	}
}

func audiences(t *testing.T, a *corev1.ServiceAccount) []verdict {
	none := kubetest.Claims(a)
	delete(none, "aud")
	text := kubetest.Claims(a)
	text["aud"] = audience
	return []verdict{
		{name: "right audience", token: cluster.Token(t, a, audience), server: yes, online: yes},
		{name: "one of two audiences", token: cluster.Token(t, a, "other", audience), server: yes, online: yes},
		{name: "audience as a text", token: cluster.Sign(cluster.Header(), text), server: yes, online: yes},
		{
			name: "wrong audience", token: cluster.Token(t, a, "other"),
			server: `refused: token audiences ["other"] is invalid for the target audiences ["my-audience"]`,
		},
		{name: "audience in other letters", token: cluster.Token(t, a, "My-Audience"), server: `refused: token audiences ["My-Audience"] is invalid`},
		{name: "audience of the API server", token: cluster.Token(t, a), server: "refused: token audiences"},
		{name: "no aud", token: cluster.Sign(cluster.Header(), none), server: "refused: token audiences"},
		{name: "empty audience", token: cluster.Sign(cluster.Header(), kubetest.Claims(a, "")), server: "refused: token audiences"},
	}
}

func times(a *corev1.ServiceAccount) []verdict {
	// at returns a token with one claim some seconds from now.
	at := func(claim string, seconds int64) string {
		claims := kubetest.Claims(a, audience)
		claims[claim] = time.Now().Unix() + seconds
		return cluster.Sign(cluster.Header(), claims)
	}
	with := func(claim string, value any) string {
		claims := kubetest.Claims(a, audience)
		claims[claim] = value
		return cluster.Sign(cluster.Header(), claims)
	}
	ended := func(ago time.Duration) string { return cluster.Mint(a, time.Now().Add(-ago), audience) }
	forever := kubetest.Claims(a, audience)
	delete(forever, "exp")
	const expired = "denied: mqttauth: credential expired"
	return []verdict{
		{name: "expired 1 s ago", token: ended(time.Second), server: yes, online: expired},
		{name: "expired 30 s ago", token: ended(30 * time.Second), server: yes, online: expired},
		{name: "expired 50 s ago", token: ended(50 * time.Second), server: yes, online: expired},
		{name: "expired 65 s ago", token: ended(65 * time.Second), server: "refused: service account token has expired", online: expired},
		{name: "expired 1 h ago", token: ended(time.Hour), server: "refused: service account token has expired", online: expired},
		{name: "nbf 30 s ahead", token: at("nbf", 30), server: yes, online: yes},
		{name: "nbf 90 s ahead", token: at("nbf", 90), server: "refused: service account token is not valid yet"},
		{name: "iat 90 s ahead", token: at("iat", 90), server: "refused: service account token is issued in the future"},
		{name: "no exp", token: cluster.Sign(cluster.Header(), forever), server: yes},
		{name: "exp null", token: with("exp", nil), server: yes},
		{name: "exp with a fraction", token: with("exp", float64(time.Now().Unix())+3600.5), server: yes},
		{name: "exp as a text", token: with("exp", "9999999999"), server: "refused: go-jose/go-jose/jwt: expected number value"},
		{name: "exp in the year 33658", token: with("exp", 1e12), server: yes},
	}
}

func accounts(a *corev1.ServiceAccount) []verdict {
	// about returns a token whose claim "kubernetes.io" says this.
	about := func(namespace, name, uid string) string {
		claims := kubetest.Claims(a, audience)
		claims["kubernetes.io"] = map[string]any{"namespace": namespace, "serviceaccount": map[string]any{"name": name, "uid": uid}}
		claims["sub"] = "system:serviceaccount:" + namespace + ":" + name
		return cluster.Sign(cluster.Header(), claims)
	}
	other := kubetest.Claims(a, audience)
	other["sub"] = "system:serviceaccount:kube-system:admin"
	issuer := kubetest.Claims(a, audience)
	issuer["iss"] = "https://other"
	bare := kubetest.Claims(a, audience)
	delete(bare, "kubernetes.io")
	const unseen = yes // who only verifies does not see what is deleted
	return []verdict{
		{name: "sub of somebody else", token: cluster.Sign(cluster.Header(), other), server: yes + " as " + a.Namespace + ":press", online: yes + ": " + name(a), offline: no},
		{name: "other issuer", token: cluster.Sign(cluster.Header(), issuer), server: garbage},
		{name: "no kubernetes.io claim", token: cluster.Sign(cluster.Header(), bare), server: "refused: resource name may not be empty"},
		{name: "no such account", token: about(a.Namespace, "nobody", "1"), server: `refused: serviceaccounts "nobody" not found`, offline: unseen},
		{name: "UID of another account", token: about(a.Namespace, a.Name, "1"), server: "refused: service account UID (", offline: unseen},
		{name: "no UID", token: about(a.Namespace, a.Name, ""), server: "refused: service account UID ("},
		{name: "static token of a user", token: cluster.StaticToken, server: garbage},
	}
}

func signatures(t *testing.T, a *corev1.ServiceAccount) []verdict {
	claims := kubetest.Claims(a, audience)
	signed, signature := cut(cluster.Sign(cluster.Header(), claims))
	header := func(change map[string]any) map[string]any {
		h := cluster.Header()
		maps.Copy(h, change)
		return h
	}
	// as returns a token with this header, signed by nobody.
	as := func(h map[string]any, signature string) string {
		signed, _ := cut(cluster.Sign(h, claims))
		return signed + "." + signature
	}
	unnamed := cluster.Header()
	delete(unnamed, "kid")
	mac := hmac.New(sha256.New, cluster.PublicKey())
	hs256, _ := cut(cluster.Sign(header(map[string]any{"alg": "HS256"}), claims))
	mac.Write([]byte(hs256))
	_, elsewhere := cut(cluster.Sign(cluster.Header(), kubetest.Claims(a, audience)))
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return []verdict{
		{name: "signature of other claims", token: signed + "." + elsewhere, server: badKey},
		{name: "signature of a stranger", token: kubetest.SignWith(stranger, cluster.Header(), claims), server: badKey},
		{name: "stranger's key in the header", token: kubetest.SignWith(stranger, header(map[string]any{"jku": "https://127.0.0.1/"}), claims), server: badKey},
		{name: "alg none", token: as(map[string]any{"alg": "none"}, signature), server: badKey},
		{name: "alg none, no signature", token: as(map[string]any{"alg": "none"}, ""), server: badKey},
		{name: "HS256 with the public key", token: hs256 + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), server: badKey},
		{name: "alg of another hash", token: as(header(map[string]any{"alg": "RS512"}), signature), server: badKey},
		{name: "unknown kid", token: cluster.Sign(header(map[string]any{"kid": "unknown"}), claims), server: "refused: invalid signature, no keys found", offline: "failed"},
		{name: "no kid", token: cluster.Sign(unnamed, claims), server: yes, online: yes, offline: no},
		{name: "crit", token: cluster.Sign(header(map[string]any{"crit": []string{"x"}, "x": true}), claims), server: "refused: "},
		{name: "crit that the server knows", token: cluster.Sign(header(map[string]any{"crit": []string{"b64"}, "b64": true}), claims), server: yes},
	}
}

// forms are texts that are not the one form of a token. The API server puts a
// text behind "Bearer " and reads that header's second word: so it takes
// several texts for one token, and a space for a client that is let in as
// nobody in particular, for whatever audience was asked for.
func forms(t *testing.T, a *corev1.ServiceAccount) []verdict {
	tok := cluster.Token(t, a, audience)
	signed, _ := cut(tok)
	_, claims, _ := strings.Cut(signed, ".")
	const anonymous = yes + " as system:anonymous for my-audience"
	raw := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	twice := cluster.SignText(
		`{"alg":"RS256","kid":"`+cluster.Header()["kid"].(string)+`"}`,
		strings.Replace(decoded(t, claims), "{", `{"aud":["other"],`, 1),
	)
	return []verdict{
		{name: "nothing", token: "", server: "status: BadRequest"},
		{name: "a space", token: " ", server: anonymous},
		{name: "a line feed", token: "\n", server: anonymous},
		{name: "a tab", token: "\t", server: anonymous},
		{name: "a line end", token: "\r\n", server: anonymous},
		{name: "a no-break space", token: "\u00a0", server: anonymous},
		{name: "space and word", token: " x", server: anonymous},
		{name: "space and token", token: " " + tok, server: anonymous, online: yes},
		{name: "token and line feed", token: tok + "\n", server: yes, online: yes},
		{name: "line feed and token", token: "\n" + tok, server: yes, online: yes},
		{name: "tab and token", token: "\t" + tok, server: yes, online: yes},
		{name: "no-break space and token", token: "\u00a0" + tok, server: yes},
		{name: "token and a word", token: tok + " junk", server: yes},
		{name: "token, line feed, word", token: tok + "\njunk", server: badKey},
		{name: "token and a dot", token: tok + ".", server: garbage},
		{name: "token and a segment", token: tok + ".x", server: garbage},
		{name: "signature with padding", token: tok + "==", server: garbage},
		{name: "signature with other spare bits", token: tok[:len(tok)-1] + spare(tok), server: yes},
		{name: "line feed within the signature", token: tok[:len(tok)-9] + "\n" + tok[len(tok)-9:], server: yes},
		{name: "no signature", token: signed + ".", server: badKey},
		{name: "aud twice", token: twice, server: "refused: json: duplicate key 'aud' in object"},
		{name: "a word", token: "garbage", server: garbage},
		{name: "a.b.c", token: "a.b.c", server: garbage},
		{name: "empty objects", token: raw("{}") + "." + raw("{}") + "." + raw("x"), server: garbage},
		{name: "deep claims", token: raw(`{"alg":"RS256"}`) + "." + raw(strings.Repeat("[", 5000)) + "." + raw("x"), server: garbage},
		{name: "64 KiB", token: strings.Repeat("a", 64<<10), server: garbage},
		{name: "dots", token: strings.Repeat(".", 64<<10), server: garbage},
	}
}

// cut returns what is signed, and the signature.
func cut(token string) (signed, signature string) {
	i := strings.LastIndexByte(token, '.')
	return token[:i], token[i+1:]
}

func decoded(t *testing.T, segment string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// spare returns the last character of a token with one of the bits changed
// that base64 does not use: a signature of 256 bytes leaves 4 of them.
func spare(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, token[len(token)-1])
	return alphabet[i^1 : i^1+1]
}

// A user with a static token is let in by the API server, and a token of a pod
// for the API server comes back authenticated for the server's own audience. A
// user is no service account (SAT-4); what the server's audience admits is why
// the documents warn about it.
func TestAudienceOfTheServer(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t, "")
	press := cluster.Account(t, namespace, "press", nil)
	client := newClient(t, gateway(t, cluster, namespace))
	m, err := sat.New(client, client, sat.Config{Audiences: []string{kubetest.Issuer}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := cluster.Review(t.Context(), cluster.StaticToken, kubetest.Issuer)
	if err != nil || !s.Authenticated || s.User.Username != kubetest.StaticUser {
		t.Errorf("static token: %+v, %v; want %s", s, err, kubetest.StaticUser)
	}
	expect(t, "static token", decide(t, m, cluster.StaticToken), "denied: the token has not three segments")
	expect(t, "token of a pod", decide(t, m, cluster.Token(t, press)), yes)
}
