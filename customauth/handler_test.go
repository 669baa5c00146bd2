package customauth_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// heard is an authenticator that remembers the last request and answers with
// what it was made with.
type heard struct {
	answer  customauth.Answer
	err     error
	panics  any
	connect *customauth.ConnectRequest
	auth    *customauth.AuthRequest
}

func (h *heard) Connect(_ context.Context, r *customauth.ConnectRequest) (customauth.Answer, error) {
	h.connect = r
	if h.panics != nil {
		panic(h.panics)
	}
	return h.answer, h.err
}

func (h *heard) Auth(_ context.Context, r *customauth.AuthRequest) (customauth.Answer, error) {
	h.auth = r
	return h.answer, h.err
}

// post sends a body to a handler.
func post(h http.Handler, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/?api-version=0.5.0", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// CUST-7: strict on input.
func TestHandlerRefusesRequests(t *testing.T) {
	const connect = `{"type":"connect"}`
	tests := []struct {
		name, method, target, contentType, body string
		status                                  int
		text                                    string
	}{
		{"other path", "POST", "/x?api-version=0.5.0", "", connect, 404, "requests go to /"},
		{"other path and method", "GET", "/x", "", "", 404, "requests go to /"},
		{"GET", "GET", "/?api-version=0.5.0", "", "", 405, "want POST"},
		{"no version", "POST", "/", "", connect, 400, "want one api-version"},
		{"empty version", "POST", "/?api-version=", "", connect, 400, "want one api-version"},
		{"two versions", "POST", "/?api-version=0.5.0&Api-Version=0.5.0", "", connect, 400, "want one api-version"},
		{"broken query", "POST", "/?api-version=0.5.0&a=%zz", "", connect, 400, "want one api-version"},
		{"other version", "POST", "/?api-version=0.4.0", "", connect, 422, `{"supportedVersions":["0.5.0"]}`},
		{"parameters", "POST", "/?api-version=0.5.0", "application/json; charset=utf-8", connect, 400, "without parameters"},
		{"other type", "POST", "/?api-version=0.5.0", "text/plain", connect, 400, "without parameters"},
		{"too long", "POST", "/?api-version=0.5.0", "", connect + strings.Repeat(" ", customauth.MaxBody), 413, "longer than 64 KiB"},
		{"empty", "POST", "/?api-version=0.5.0", "", "", 400, "ends where a value"},
		{"no object", "POST", "/?api-version=0.5.0", "", "[]", 400, "array where a value of kind object"},
		{"trailing bytes", "POST", "/?api-version=0.5.0", "", connect + "x", 400, "behind the document"},
		{"no type", "POST", "/?api-version=0.5.0", "", "{}", 400, "type is neither"},
		{"unknown type", "POST", "/?api-version=0.5.0", "", `{"type":"Connect"}`, 400, "type is neither"},
		{"type is a number", "POST", "/?api-version=0.5.0", "", `{"type":1}`, 400, "type: strictjson: at byte 8: number where"},
		{"duplicate key", "POST", "/?api-version=0.5.0", "", `{"type":"connect","username":"a","username":"b"}`, 400, "a key that the object has already"},
		{"username is a number", "POST", "/?api-version=0.5.0", "", `{"type":"connect","username":1}`, 400, "username: "},
		{"password not base64", "POST", "/?api-version=0.5.0", "", `{"type":"connect","password":"hunter2!"}`, 400, "password: at byte 29: illegal base64 data at input byte 7"},
		{"password in lines", "POST", "/?api-version=0.5.0", "", `{"type":"connect","password":"YWJj\nYWJj"}`, 400, "line breaks in base64"},
		{"password unpadded", "POST", "/?api-version=0.5.0", "", `{"type":"connect","password":"YQ"}`, 400, "illegal base64"},
		{"password with loose bits", "POST", "/?api-version=0.5.0", "", `{"type":"connect","password":"YR=="}`, 400, "illegal base64"},
		{"certs not PEM", "POST", "/?api-version=0.5.0", "", `{"type":"connect","certs":"x"}`, 400, "certs: something other than certificates"},
		{"certs empty", "POST", "/?api-version=0.5.0", "", `{"type":"connect","certs":" "}`, 400, "certs: no certificate"},
		{"certs of a key", "POST", "/?api-version=0.5.0", "", `{"type":"connect","certs":"-----BEGIN PRIVATE KEY-----\nYQ==\n-----END PRIVATE KEY-----\n"}`, 400, "certs: something other"},
		{"certs of nonsense", "POST", "/?api-version=0.5.0", "", `{"type":"connect","certs":"-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n"}`, 400, "certificate 1 cannot be read"},
		{"certs broken off", "POST", "/?api-version=0.5.0", "", `{"type":"connect","certs":"-----BEGIN CERTIFICATE-----\nYQ==\n"}`, 400, "certificate 1 is not PEM"},
		{"certs behind a broken one", "POST", "/?api-version=0.5.0", "", `{"type":"connect","certs":"-----BEGIN CERTIFICATE-----\n!\n-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n"}`, 400, "certificate 1 is not PEM"},
		{"enhanced is text", "POST", "/?api-version=0.5.0", "", `{"type":"connect","enhancedAuthentication":"x"}`, 400, "enhancedAuthentication: "},
		{"enhanced without method", "POST", "/?api-version=0.5.0", "", `{"type":"connect","enhancedAuthentication":{"data":""}}`, 400, "method is missing"},
		{"auth without enhanced", "POST", "/?api-version=0.5.0", "", `{"type":"auth"}`, 400, "enhancedAuthentication is missing"},
		{"auth with null", "POST", "/?api-version=0.5.0", "", `{"type":"auth","enhancedAuthentication":null}`, 400, "enhancedAuthentication is missing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := &heard{answer: customauth.Accept(nil, time.Time{})}
			r := httptest.NewRequest(test.method, test.target, strings.NewReader(test.body))
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			w := httptest.NewRecorder()
			(&customauth.Handler{Authenticator: h}).ServeHTTP(w, r)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.text) {
				t.Errorf("%d %s, want %d and %q", w.Code, w.Body, test.status, test.text)
			}
			if h.connect != nil || h.auth != nil {
				t.Error("the authenticator was asked")
			}
			if strings.Contains(w.Body.String(), "hunter2") {
				t.Error("S-18: the answer quotes the request")
			}
		})
	}
}

// What brokers of the interface send in other ways is understood.
func TestHandlerTolerates(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"no Content-Type":        func(r *http.Request) { r.Header.Del("Content-Type") },
		"letter case":            func(r *http.Request) { r.Header.Set("Content-Type", "Application/JSON") },
		"letter case of the key": func(r *http.Request) { r.URL.RawQuery = "Api-Version=0.5.0" },
		"other query":            func(r *http.Request) { r.URL.RawQuery += "&x=y" },
		"null": func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(`{"type":"connect","username":null,"password":null,"certs":null,"enhancedAuthentication":null,"more":[1]}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := &heard{answer: customauth.Accept(nil, time.Time{})}
			r := httptest.NewRequest(http.MethodPost, "/?api-version=0.5.0", strings.NewReader(`{"type":"connect"}`))
			r.Header.Set("Content-Type", "application/json")
			change(r)
			w := httptest.NewRecorder()
			(&customauth.Handler{Authenticator: h}).ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if c := h.connect; c.HasUsername || c.Password.IsSet() || c.Certificates != nil || c.Enhanced != nil {
				t.Errorf("S-22: absent is not empty: %+v", c)
			}
		})
	}
}

func TestHandlerAnswers(t *testing.T) {
	end := time.Date(2030, 5, 8, 22, 4, 16, 999999999, time.FixedZone("", 7200))
	tests := []struct {
		name   string
		h      heard
		status int
		body   string
	}{
		{"accept", heard{answer: customauth.Accept(nil, time.Time{})}, 200, `{"attributes":{}}`},
		{"attributes", heard{answer: customauth.Accept(map[string]string{"b": `"`, "a": "é"}, end)}, 200, `{"expiry":"2030-05-08T20:04:16Z","attributes":{"a":"é","b":"\""}}`},
		{"refuse", heard{answer: customauth.Refuse(mqttauth.BadUsernameOrPassword, "no\n")}, 403, `{"reason":134,"message":"no\u000a"}`},
		{"refuse without a message", heard{answer: customauth.Refuse(mqttauth.NotAuthorized, "")}, 403, `{"reason":135}`},
		{"refuse with success", heard{answer: customauth.Refuse(mqttauth.Success, "")}, 403, `{"reason":135}`},
		{"zero answer", heard{}, 403, `{"reason":135}`},
		{"error", heard{err: errors.New("secret database"), answer: customauth.Accept(nil, time.Time{})}, 500, "no decision\n"},
		{"panic", heard{panics: "secret database"}, 500, "no decision\n"},
		{"abort", heard{panics: http.ErrAbortHandler}, 500, "no decision\n"},
		{"attribute that is not UTF-8", heard{answer: customauth.Accept(map[string]string{"a": "\xff"}, end)}, 500, "no decision\n"},
		{"expiry in year 10000", heard{answer: customauth.Accept(nil, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))}, 500, "no decision\n"},
		{"too many attributes", heard{answer: customauth.Accept(map[string]string{"a": strings.Repeat("x", customauth.MaxBody)}, end)}, 500, "no decision\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			w := post(&customauth.Handler{Authenticator: &test.h, Logger: slog.New(slog.NewTextHandler(&log, nil))}, `{"type":"connect"}`)
			if diff := cmp.Diff(test.body, w.Body.String()); diff != "" || w.Code != test.status {
				t.Errorf("status %d, want %d; body (-want +got):\n%s", w.Code, test.status, diff)
			}
			if (log.Len() > 0) != (test.status == 500) {
				t.Errorf("logged: %s", log.String())
			}
			if test.h.panics != nil && strings.Contains(log.String(), "secret database") {
				t.Error("S-18: the log shows the panic's value")
			}
		})
	}
	if w := post(&customauth.Handler{}, `{"type":"connect"}`); w.Code != 500 {
		t.Errorf("no authenticator: status %d", w.Code)
	}
}
