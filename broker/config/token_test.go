package config_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/sat"
)

// tokens is a reviewer that knows one service account by the signature of its
// tokens.
var tokens sat.Reviewer = goodSignature{}

type goodSignature struct{}

func (goodSignature) Review(_ context.Context, r *sat.Request) (sat.Review, error) {
	if !strings.HasSuffix(string(r.Token.Secret().Reveal()), signatureOf("good")) {
		return sat.Review{}, nil
	}
	return sat.Review{
		Authenticated: true, Username: "system:serviceaccount:default:press", UID: "1", Audiences: slices.Clone(r.Audiences),
	}, nil
}

func signatureOf(s string) string { return "." + base64.RawURLEncoding.EncodeToString([]byte(s)) }

// token returns a token with this audience and signature.
func token(audience, signature string) []byte {
	enc := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"aud":[%q],"exp":%d}`, audience, time.Now().Add(time.Hour).Unix())
	return []byte(enc([]byte(`{"alg":"RS256"}`)) + "." + enc([]byte(claims)) + signatureOf(signature))
}

func withToken(data []byte) *wire.Connect {
	return &wire.Connect{Version: mqttauth.MQTT5, CleanStart: true, ClientID: "c1", AuthMethod: "K8S-SAT", AuthData: data}
}

const thenToken = `    - method: ServiceAccountToken
      serviceAccountTokenSettings:
        audiences:
          - aio-internal
`

// AUTHN-3, AUTHN-4: while the authentication server cannot be reached, tokens
// are verified by the next method; before and after, the server decides.
func TestCustomFallsBackToTokens(t *testing.T) {
	b, s, f := customBench(t, false, thenToken+thenX509)
	b.apply(f.replace("authorization.yaml", "attributes:\n            - group: thermostats", "clientIds:\n            - c1\n            - c2"))
	s.answer(customauth.Refuse(mqttauth.NotAuthorized, "no"))
	if c := b.connects(withToken(token("aio-internal", "good")), false); c.code != mqttauth.NotAuthorized {
		t.Errorf("refused by the server, with a good token: CONNACK %v", c.code)
	}
	s.Close()
	for _, tt := range []struct {
		name string
		data []byte
		want mqttauth.ReasonCode
	}{
		{"a good token", token("aio-internal", "good"), mqttauth.Success},
		{"a forged token", token("aio-internal", "bad"), mqttauth.NotAuthorized},
		{"a token for somebody else", token("other", "good"), mqttauth.NotAuthorized},
		{"a space, SAT-4", []byte(" "), mqttauth.NotAuthorized},
	} {
		if c := b.connects(withToken(tt.data), false); c.code != tt.want {
			t.Errorf("server down, %s: CONNACK %v, want %v", tt.name, c.code, tt.want)
		}
	}
	connect := connectAs("alice", "x")
	connect.ClientID = "c2" // c1 belongs to the service account now
	if c := b.connects(connect, true); c.code != mqttauth.Success {
		t.Errorf("server down, a certificate: CONNACK %v", c.code)
	}
}

// A chain with tokens needs somebody to ask about them; the error says who.
func TestTokensWithoutCluster(t *testing.T) {
	p := newPKI(t)
	f := documents(t, p).with("authentication.yaml", strings.Replace(authenticationYAML, "    - method: X509", thenToken+"    - method: X509", 1))
	plan, err := compile(t, f)
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Ports[0].Authentication(); got != "default/authn (ServiceAccountToken, X509)" {
		t.Errorf("authentication %q", got)
	}
	open, err := compile(t, f.with("authentication.yaml", strings.Split(authenticationYAML, "    - method")[0]+thenToken).
		with("listener.yaml", strings.Split(listenerYAML, "      tls:")[0]))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(open.Warnings, "\n"); !strings.Contains(got, "listener.yaml:7:7: port 8883 has no tls: passwords and tokens") { // LINK-5
		t.Errorf("warnings %q", got)
	}
	set, err := resource.Parse("authentication.yaml", []byte(f["authentication.yaml"]))
	if err != nil {
		t.Fatal(err)
	}
	for want, why := range map[string]error{
		"tokens":                    nil,
		"tokens: not in a pod, ...": errors.New("not in a pod, ..."),
	} {
		_, err := config.Compile(set, config.Options{NoTokens: why})
		if err == nil || !strings.HasSuffix(err.Error(), "authentication.yaml:7:15: spec.authenticationMethods[0].method: there is nobody to ask about service account "+want) {
			t.Errorf("without a reviewer: %v", err)
		}
	}
}
