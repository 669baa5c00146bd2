package sat_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/sat"
)

// SAT-3, S-40 to S-44: what is refused before anybody is asked.
func TestParseTokenRefuses(t *testing.T) {
	good := goodToken(t)
	parts := strings.Split(good, ".")
	header, exp := `{"alg":"RS256","kid":"k"}`, expClaim(time.Hour)
	body := `{"aud":["my-audience"],"exp":` + exp + `}`
	if _, err := sat.ParseToken(mqttauth.NewSecret([]byte(raw(header, body)))); err != nil {
		t.Fatalf("the token that the others are made from: %v", err)
	}
	tests := []struct{ name, token, want string }{
		{"nothing", "", "three segments"},
		{"a space", " ", "three segments"},
		{"white space", "\t\r\n", "three segments"},
		{"no-break space", "\u00a0", "three segments"},
		{"space inside", "x " + good, "header"},
		{"junk behind", good + " junk", "signature"},
		{"one segment", "abc", "three segments"},
		{"two segments", parts[0] + "." + parts[1], "three segments"},
		{"four segments", good + ".x", "three segments"},
		{"dots", "..", "header"},
		{"a.b.c", "a.b.c", "header"},
		{"no header", "." + parts[1] + "." + parts[2], "header"},
		{"no claims", parts[0] + ".." + parts[2], "claims"},
		{"no signature", parts[0] + "." + parts[1] + ".", "signature"},
		{"padding", parts[0] + "=." + parts[1] + "." + parts[2], "header"},
		{"standard alphabet", parts[0] + "." + parts[1] + ".ab+/", "signature"},
		{"line end in a segment", parts[0][:4] + "\n" + parts[0][4:] + "." + parts[1] + "." + parts[2], "header"},
		{"S-43: loose last bits", parts[0] + "." + parts[1] + ".ab", "signature"},
		{"S-44: too long", good + strings.Repeat("A", sat.MaxTokenBytes), "more than 16384 bytes"},
		{"S-44: ten million dots", strings.Repeat(".", 10_000_000), "more than 16384 bytes"},
		{"header is a list", raw(`[]`, body), "header"},
		{"claims are null", raw(header, `null`), "claims"},
		{"S-41: crit", raw(`{"alg":"RS256","crit":["b64"],"b64":true}`, body), "crit"},
		{"S-41: empty crit", raw(`{"alg":"RS256","crit":[]}`, body), "crit"},
		{"jku", raw(`{"alg":"RS256","jku":"https://evil.example"}`, body), "jku"},
		{"jwk", raw(`{"alg":"RS256","jwk":{}}`, body), "jwk"},
		{"x5u", raw(`{"alg":"RS256","x5u":""}`, body), "x5u"},
		{"x5c", raw(`{"alg":"RS256","x5c":[]}`, body), "x5c"},
		{"S-42: alg twice", raw(`{"alg":"RS256","alg":"none"}`, body), "header"},
		{"S-42: exp twice", raw(header, `{"aud":"a","exp":1,"exp":`+exp+`}`), "claims"},
		{"S-42: aud twice", raw(header, `{"aud":"a","aud":"my-audience","exp":`+exp+`}`), "claims"},
		{"S-42: account twice", raw(header, `{"aud":"a","exp":`+exp+`,"kubernetes.io":{"namespace":"a","namespace":"b"}}`), "claims"},
		{"S-42: other letter case", raw(header, `{"AUD":"my-audience","EXP":`+exp+`}`), "exp"},
		{"S-40: no exp", raw(header, `{"aud":"my-audience"}`), "exp"},
		{"exp is null", raw(header, `{"aud":"my-audience","exp":null}`), "exp"},
		{"exp is a string", raw(header, `{"aud":"my-audience","exp":"`+exp+`"}`), "exp"},
		{"exp is a fraction", raw(header, `{"aud":"my-audience","exp":`+exp+`.5}`), "exp"},
		{"exp overflows a time", raw(header, `{"aud":"my-audience","exp":9223372036854775807}`), "exp"},
		{"exp is negative", raw(header, `{"aud":"my-audience","exp":-1}`), "exp"},
		{"S-40: no aud", raw(header, `{"exp":`+exp+`}`), "aud"},
		{"aud is a number", raw(header, `{"aud":1,"exp":`+exp+`}`), "aud"},
		{"aud is mixed", raw(header, `{"aud":["my-audience",1],"exp":`+exp+`}`), "aud"},
		{"something behind the claims", raw(header, body+"{}"), "claims"},
		{"not UTF-8", raw(header, "{\"aud\":\"\xff\",\"exp\":1}"), "claims"},
		{"deep", raw(header, `{"a":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+`}`), "claims"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := sat.ParseToken(mqttauth.NewSecret([]byte(tt.token)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one that says %q", err, tt.want)
			}
		})
	}
}

// SAT-1: some clients send the newline at the end of their file.
func TestParseTokenTrims(t *testing.T) {
	good := goodToken(t)
	for _, text := range []string{good, good + "\n", "\r\n\t " + good + " \v\f\r\n"} {
		if got := string(parse(t, text).Secret().Reveal()); got != good {
			t.Errorf("%q: got %q, want %q", text, got, good)
		}
	}
}

func TestTokenPrintsNothing(t *testing.T) {
	token := parse(t, goodToken(t))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, token); got != "[redacted]" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	b, err := json.Marshal(token)
	if err != nil || string(b) != `"[redacted]"` {
		t.Errorf("as JSON: %s, %v", b, err)
	}
}

var canonical = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)

// FuzzParseToken holds what is accepted against the standard library's readers.
func FuzzParseToken(f *testing.F) {
	f.Add([]byte(raw(`{"alg":"RS256","kid":"k"}`, `{"aud":["my-audience"],"exp":4102444800,"kubernetes.io":{"namespace":"a"}}`) + "\n"))
	f.Add([]byte(raw(`{"alg":"RS256","crit":[]}`, `{"aud":"a","exp":1}`)))
	f.Add([]byte(" \n"))
	f.Add([]byte("a.b.c"))
	f.Add([]byte("e30.e30.ab"))
	f.Fuzz(func(t *testing.T, text []byte) {
		token, err := sat.ParseToken(mqttauth.NewSecret(text))
		if err != nil {
			return
		}
		got := string(token.Secret().Reveal())
		if !canonical.MatchString(got) || strings.TrimSpace(string(text)) != got || len(got) > sat.MaxTokenBytes {
			t.Fatalf("accepted %q as %q", text, got)
		}
		var again []string
		var objects [2]map[string]any
		for i, part := range strings.Split(got, ".") {
			b, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil {
				t.Fatal(err)
			}
			again = append(again, base64.RawURLEncoding.EncodeToString(b))
			if i < 2 {
				if err := json.Unmarshal(b, &objects[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
		if strings.Join(again, ".") != got {
			t.Fatalf("%q is not canonical", got)
		}
		exp, _ := objects[1]["exp"].(float64)
		if token.Expiry().Unix() != int64(exp) {
			t.Fatalf("expiry %v, want %v", token.Expiry().Unix(), exp)
		}
		for _, name := range []string{"crit", "jku", "jwk", "x5u", "x5c"} {
			if _, found := objects[0][name]; found {
				t.Fatalf("accepted %s", name)
			}
		}
	})
}

// SAT-2: the user names of clients without enhanced authentication.
func TestUsernameForms(t *testing.T) {
	forms := map[string]sat.UsernameForms{"none": 0, "v1": sat.UsernameK8SSAT, "v1alpha4": sat.UsernameSAT, "all": sat.UsernameK8SSAT | sat.UsernameSAT}
	tests := []struct {
		username string
		matches  []string
	}{
		{"K8S-SAT", []string{"v1", "all"}},
		{"K8S-SAT/press-1", []string{"v1", "all"}},
		{"k8s-sat", nil},
		{" K8S-SAT", nil},
		{"$sat", []string{"v1alpha4", "all"}},
		{"$sat1", nil},
		{"$SAT", nil},
		{"sat://", []string{"v1alpha4", "all"}},
		{"sat://press-1", []string{"v1alpha4", "all"}},
		{"sat:/press-1", nil},
		{"SAT://press-1", nil},
		{"", nil},
		{"alice", nil},
	}
	for _, tt := range tests {
		for name, form := range forms {
			if got, want := form.Match(tt.username), slices.Contains(tt.matches, name); got != want {
				t.Errorf("%q in %s: %v, want %v", tt.username, name, got, want)
			}
		}
	}
}
