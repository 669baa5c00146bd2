package customauth_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/customauth"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

const (
	unlimited = time.Minute            // nothing here takes that long
	impatient = 300 * time.Millisecond // for servers that never answer
	hurried   = time.Second            // for servers that answer in part
)

// fault is one way of a server to behave, and what it means for the client
// (CUST-3).
type fault struct {
	name    string
	server  script
	timeout time.Duration // zero: unlimited
	want    mqttauth.Outcome
	reason  mqttauth.ReasonCode // of a denial; zero: not authorized
}

func write(c net.Conn, text string) bool { return says(text)(c, 0) }

// then answers with a text and goes on in another way.
func then(text string, next func(net.Conn)) func(net.Conn, int) bool {
	return func(c net.Conn, _ int) bool {
		if write(c, text) {
			next(c)
		}
		return false
	}
}

func cut(net.Conn) {}

// forever repeats a text until nobody listens any more.
func forever(text string) func(net.Conn) {
	return func(c net.Conn) {
		for write(c, text) {
			continue
		}
	}
}

const head = "HTTP/1.1 200 OK\nContent-Type: application/json\n"

// connectionFaults: there is no answer.
func connectionFaults() []fault {
	reset := func(c net.Conn) {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	return []fault{
		{name: "cut before TLS", server: script{raw: cut}, want: mqttauth.Unavailable},
		{name: "reset before TLS", server: script{raw: reset}, want: mqttauth.Unavailable},
		{name: "plain HTTP", server: script{raw: func(c net.Conn) { write(c, ok("{}")) }}, want: mqttauth.Unavailable},
		{name: "stalled TLS", server: script{raw: hang}, timeout: impatient, want: mqttauth.Unavailable},
		{name: "stalled before the answer", server: script{answer: then("", hang)}, timeout: impatient, want: mqttauth.Unavailable},
		{name: "stalled status line", server: script{answer: then("HTTP/1.1 20", hang)}, timeout: impatient, want: mqttauth.Unavailable},
		{name: "stalled header", server: script{answer: then(head, hang)}, timeout: impatient, want: mqttauth.Unavailable},
		{name: "stalled after 100", server: script{answer: then("HTTP/1.1 100 Continue\n\n", hang)}, timeout: impatient, want: mqttauth.Unavailable},
		{name: "cut before the answer", server: script{answer: then("", cut)}, want: mqttauth.Unavailable},
		{name: "cut header", server: script{answer: then(head, cut)}, want: mqttauth.Unavailable},
		{name: "answers once, then cuts kept connections", server: script{answer: func(c net.Conn, n int) bool {
			return n == 1 && write(c, answered("503 Service Unavailable", "text/plain", "")) // the first request of each row
		}}, want: mqttauth.Unavailable},
	}
}

// answerFaults: there is an answer, but no decision in it.
func answerFaults() []fault {
	faults := []fault{
		{name: "not HTTP", server: script{answer: then("hello\n\n", cut)}, want: mqttauth.Failed},
		{name: "HTTP/2", server: script{answer: then("\x00\x00\x00\x04\x00\x00\x00\x00\x00", hang)}, timeout: impatient, want: mqttauth.Unavailable},
		{name: "cut status line", server: script{answer: then("HTTP/1.1 20", cut)}, want: mqttauth.Failed}, // nobody can tell
		{name: "status of letters", server: script{answer: then("HTTP/1.1 OK\n\n", cut)}, want: mqttauth.Failed},
		{name: "header without a colon", server: script{answer: then("HTTP/1.1 200 OK\nContent\n\n{}", cut)}, want: mqttauth.Failed},
		{name: "endless header", server: script{answer: then("HTTP/1.1 200 OK\n", forever("X: y\n"))}, want: mqttauth.Failed},
		{name: "1xx storm", server: script{answer: then("", forever("HTTP/1.1 103 Early Hints\n\n"))}, want: mqttauth.Failed},
		{name: "stalled body", server: script{answer: then(head+"Content-Length: 2\n\n{", hang)}, timeout: hurried, want: mqttauth.Failed},
		{name: "stalled chunk", server: script{answer: then(head+"Transfer-Encoding: chunked\n\n2\n{}\n", hang)}, timeout: hurried, want: mqttauth.Failed},
		{name: "cut body", server: script{answer: then(head+"Content-Length: 3\n\n{}", cut)}, want: mqttauth.Failed},
		{name: "cut chunks", server: script{answer: then(head+"Transfer-Encoding: chunked\n\n2\n{}\n", cut)}, want: mqttauth.Failed},
		{name: "endless body", server: script{answer: then(head+"\n{", forever(" "+strings.Repeat(" ", 1<<14)))}, want: mqttauth.Failed},
		{name: "endless chunks", server: script{answer: then(head+"Transfer-Encoding: chunked\n\n", forever("1\n \n"))}, want: mqttauth.Failed},
		{name: "256 MiB body", server: script{answer: then(head+"Content-Length: 268435456\n\n", forever(strings.Repeat(" ", 1<<14)))}, want: mqttauth.Failed},
		{name: "64 KiB and a byte", server: script{answer: says(ok("{}" + strings.Repeat(" ", customauth.MaxBody-1)))}, want: mqttauth.Failed},
		{name: "two lengths", server: script{answer: then(head+"Content-Length: 2\nContent-Length: 3\n\n{}", cut)}, want: mqttauth.Failed},
		{name: "compressed", server: script{answer: says(head + "Content-Encoding: gzip\nContent-Length: 2\n\n{}")}, want: mqttauth.Failed},
		{name: "redirect", server: script{answer: says("HTTP/1.1 307 Temporary Redirect\nLocation: /\nContent-Length: 0\n\n")}, want: mqttauth.Failed},
		{name: "422 for ever", server: script{answer: says(answered("422 Unprocessable Entity", "application/json", `{"supportedVersions":["0.5.0"]}`))}, want: mqttauth.Failed},
	}
	for name, answer := range map[string]string{
		"empty 200":                     ok(""),
		"no Content-Type":               "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
		"two Content-Types":             head + "Content-Type: text/html\nContent-Length: 2\n\n{}",
		"200 in text/html":              answered("200 OK", "text/html", "{}"),
		"200 in text/plain":             answered("200 OK", "text/plain", "{}"),
		"Content-Type not parsable":     answered("200 OK", "application/json;;", "{}"),
		"null":                          ok("null"),
		"array":                         ok("[]"),
		"string":                        ok(`"{}"`),
		"not JSON":                      ok("{"),
		"trailing bytes":                ok("{}{}"),
		"trailing NUL":                  ok("{}\x00"),
		"byte order mark":               ok("\ufeff{}"),
		"invalid UTF-8":                 ok("{\"attributes\":{\"a\":\"\xff\"}}"),
		"duplicate attributes":          ok(`{"attributes":{},"attributes":{}}`),
		"duplicate attribute":           ok(`{"attributes":{"a":"1","a":"1"}}`),
		"duplicate expiry":              ok(`{"expiry":"2999-01-01T00:00:00Z","\u0065xpiry":"2999-01-01T00:00:00Z"}`),
		"duplicate unknown":             ok(`{"x":1,"x":1}`),
		"too deep":                      ok(`{"x":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`),
		"number as an attribute":        ok(`{"attributes":{"a":1}}`),
		"null as an attribute":          ok(`{"attributes":{"a":null}}`),
		"list as an attribute":          ok(`{"attributes":{"a":["1"]}}`),
		"attributes are null":           ok(`{"attributes":null}`),
		"attributes are a list":         ok(`{"attributes":[]}`),
		"expiry is a number":            ok(`{"expiry":4102444800}`),
		"expiry is a number in quotes":  ok(`{"expiry":"4102444800"}`),
		"expiry is empty":               ok(`{"expiry":""}`),
		"expiry without a zone":         ok(`{"expiry":"2999-01-01T00:00:00"}`),
		"expiry is a date":              ok(`{"expiry":"2999-01-01"}`),
		"expiry with a blank":           ok(`{"expiry":"2999-01-01 00:00:00Z"}`),
		"expiry with a comma":           ok(`{"expiry":"2999-01-01T00:00:00,5Z"}`),
		"expiry with a short hour":      ok(`{"expiry":"2999-01-01T0:00:00Z"}`),
		"expiry on February 30":         ok(`{"expiry":"2999-02-30T00:00:00Z"}`),
		"expiry with an offset of 24 h": ok(`{"expiry":"2999-01-01T00:00:00+24:00"}`),
		"expiry in year 10000":          ok(`{"expiry":"10000-01-01T00:00:00Z"}`),
		"expiry with a blank around":    ok(`{"expiry":" 2999-01-01T00:00:00Z"}`),
		"expiry in other letter case":   ok(`{"Expiry":"2999-01-01T00:00:00Z"}`),
		"attributes in other case":      ok(`{"ATTRIBUTES":{}}`),
		"422 without versions":          answered("422 Unprocessable Entity", "application/json", `{}`),
		"422 with other versions":       answered("422 Unprocessable Entity", "application/json", `{"supportedVersions":["0.4.0","1.0.0"]}`),
		"422 with a number":             answered("422 Unprocessable Entity", "application/json", `{"supportedVersions":["0.5.0",0.5]}`),
		"422 in plain text":             answered("422 Unprocessable Entity", "text/plain", `{"supportedVersions":["0.5.0"]}`),
		"500":                           answered("500 Internal Server Error", "text/plain", "oops"),
	} {
		faults = append(faults, fault{name: name, server: script{answer: says(answer)}, want: mqttauth.Failed})
	}
	return faults
}

// decisions: what a server may say.
func decisions() []fault {
	forbidden := func(body string) string { return answered("403 Forbidden", "application/json", body) }
	faults := []fault{
		{name: "503, then gone", server: script{answer: then(answered("503 Service Unavailable", "text/plain", "no"), cut)}, want: mqttauth.Unavailable},
		{name: "403 stalled", server: script{answer: then("HTTP/1.1 403 Forbidden\nContent-Type: application/json\nContent-Length: 14\n\n{", hang)}, timeout: hurried, want: mqttauth.Denied},
		{name: "403 cut", server: script{answer: then("HTTP/1.1 403 Forbidden\nContent-Type: application/json\nContent-Length: 14\n\n{", cut)}, want: mqttauth.Denied},
		{name: "403 without end", server: script{answer: then("HTTP/1.1 403 Forbidden\n\n", forever(strings.Repeat(" ", 1<<14)))}, want: mqttauth.Denied},
		{name: "403 of 256 MiB", server: script{answer: then("HTTP/1.1 403 Forbidden\nContent-Length: 268435456\n\n", forever(strings.Repeat(" ", 1<<14)))}, want: mqttauth.Denied},
		{name: "switching protocols", server: script{answer: then("HTTP/1.1 101 Switching Protocols\nUpgrade: x\nConnection: upgrade\n\n{}", hang)}, want: mqttauth.Denied},
		{name: "until the connection ends", server: script{answer: then(head+"\n{}", cut)}, want: mqttauth.Accepted},
		{name: "closes kept connections", server: script{answer: then(ok("{}"), cut)}, want: mqttauth.Accepted},
		{name: "in chunks", server: script{answer: says(head + "Transfer-Encoding: chunked\n\n1\n{\n1\n}\n0\n\n")}, want: mqttauth.Accepted},
		{name: "after some 1xx", server: script{answer: says(strings.Repeat("HTTP/1.1 103 Early Hints\nLink: x\n\n", 7) + ok("{}"))}, want: mqttauth.Accepted},
		{name: "422, then 200", server: script{answer: func(c net.Conn, n int) bool {
			if n%2 == 1 {
				return write(c, answered("422 Unprocessable Entity", "application/json", `{"supportedVersions":["0.6.0","0.5.0"]}`))
			}
			return write(c, ok("{}"))
		}}, want: mqttauth.Accepted},
	}
	for body, reason := range map[string]mqttauth.ReasonCode{
		`{"reason":128}`: 0x80, `{"reason":134,"message":"no"}`: 0x86, `{"reason":135}`: 0x87, `{"reason":136}`: 0x88, `{"reason":137}`: 0x89,
		`{"reason":138}`: 0x8A, `{"reason":151}`: 0x97, `{"reason":159}`: 0x9F,
		`{"reason":0}`: 0x87, `{"reason":5}`: 0x87, `{"reason":24}`: 0x87, `{"reason":127}`: 0x87, `{"reason":130}`: 0x87, `{"reason":140}`: 0x87, `{"reason":255}`: 0x87,
		`{"reason":256}`: 0x87, `{"reason":-122}`: 0x87, `{"reason":"134"}`: 0x87, `{"reason":134.0}`: 0x87, `{"reason":1.34e2}`: 0x87, `{"reason":134,"reason":134}`: 0x87,
		`{}`: 0x87, ``: 0x87, `null`: 0x87, `{"reason":134} x`: 0x87, `{"reason":134,"message":5}`: 0x86,
	} {
		faults = append(faults, fault{name: "403 " + body, server: script{answer: says(forbidden(body))}, want: mqttauth.Denied, reason: reason})
	}
	for name, body := range map[string]string{
		"{}": `{}`, "expiry is null": `{"expiry":null}`, "white space": " {\r\t} ", "unknown members": `{"x":{"attributes":{"a":1}}}`,
		"all": `{"attributes":{"a":"1","":"","é":"\u0000"},"expiry":"2999-05-08T20:04:16+00:00"}`,
		"Z":   `{"expiry":"2999-05-08T20:04:16Z"}`, "fractions": `{"expiry":"2999-05-08T20:04:16.123456789012Z"}`, "offset": `{"expiry":"2999-05-08T20:04:16-23:59"}`,
		"small letters": `{"expiry":"2999-05-08t20:04:16z"}`, "year 9999": `{"expiry":"9999-12-31T23:59:59Z"}`, "escaped": `{"\u0065xpiry":"2999-05-08T20:04:16\u005a"}`,
		"64 KiB": `{}` + strings.Repeat(" ", customauth.MaxBody-2),
	} {
		faults = append(faults, fault{name: "200 " + name, server: script{answer: says(ok(body))}, want: mqttauth.Accepted})
	}
	faults = append(faults, fault{name: "200 with charset", server: script{answer: says(answered("200 OK", "Application/JSON; charset=utf-8", "{}"))}, want: mqttauth.Accepted})
	for name, expiry := range map[string]string{
		"yesterday": time.Now().AddDate(0, 0, -1).UTC().Format(time.RFC3339), "now": time.Now().UTC().Format(time.RFC3339),
		"1970": "1970-01-01T00:00:00Z", "year 1": "0001-01-01T00:00:00Z", "year 0": "0000-01-01T00:00:00+00:00", "by its offset": time.Now().UTC().Format("2006-01-02T15:04:05") + "+00:01",
	} {
		faults = append(faults, fault{name: "expired " + name, server: script{answer: says(ok(`{"expiry":"` + expiry + `"}`))}, want: mqttauth.Denied})
	}
	return faults
}

// CUST-3, CUST-4, S-21: no row of the matrix accepts but a well-formed 200.
func TestFaults(t *testing.T) {
	for _, group := range [][]fault{connectionFaults(), answerFaults(), decisions()} {
		for _, f := range group {
			for _, kind := range []string{"CONNECT", "AUTH"} {
				t.Run(f.name+"/"+kind, func(t *testing.T) {
					t.Parallel()
					f.run(t, kind)
				})
			}
		}
	}
}

func (f *fault) run(t *testing.T, kind string) {
	timeout, rounds := f.timeout, 1
	if timeout == 0 {
		timeout, rounds = unlimited, 2 // the second perhaps over a kept connection
	}
	server := f.server.start(t)
	m := method(t, customauth.Config{Endpoint: server.url(), Timeout: timeout, IdentityAttribute: "id"})
	for range rounds {
		c := login()
		if kind == "AUTH" {
			c = renewal("", attributesOf(f))
		}
		r, err := m.Authenticate(t.Context(), &c)
		if got := mqttauth.OutcomeOf(r, err); got != f.want {
			t.Fatalf("CUST-3: %v, want %v (error: %v)", got, f.want, err)
		}
		want := f.reason
		if want == 0 {
			want = mqttauth.NotAuthorized
		}
		if got := reasonOf(err); f.want == mqttauth.Denied && got != want {
			t.Errorf("AUTHN-6: reason %v, want %v", got, want)
		}
		if err != nil && strings.Contains(fmt.Sprintf("%+v %#v", err, err), phrase) {
			t.Errorf("S-18: the password is in %v", err)
		}
	}
}

// attributesOf returns those that the one row with attributes answers.
func attributesOf(f *fault) map[string]string {
	if f.name == "200 all" {
		return map[string]string{"a": "1", "": "", "é": "\x00"}
	}
	return nil
}

// CUST-3: every status there can be, with a body that would accept.
func TestEveryStatus(t *testing.T) {
	want := func(status int) mqttauth.Outcome { // written down from the rule, in its order
		switch status {
		case 200:
			return mqttauth.Accepted
		case 502, 503, 504:
			return mqttauth.Unavailable
		case 404, 405, 408, 429, 422:
			return mqttauth.Failed
		}
		if status/100 == 5 || status/100 == 3 {
			return mqttauth.Failed
		}
		return mqttauth.Denied
	}
	var sent atomic.Int64
	server := script{answer: func(c net.Conn, _ int) bool {
		status := int(sent.Load())
		if status == 204 || status == 304 {
			_, err := fmt.Fprintf(c, "HTTP/1.1 %d\r\n\r\n", status)
			return err == nil
		}
		_, err := io.WriteString(c, strings.ReplaceAll(answered(fmt.Sprint(status), "application/json", "{}"), "\n", "\r\n"))
		return err == nil
	}}.start(t)
	m := method(t, customauth.Config{Endpoint: server.url(), Timeout: unlimited})
	for _, c := range []mqttauth.Credentials{login(), renewal("", nil)} {
		for status := 200; status <= 999; status++ {
			sent.Store(int64(status))
			r, err := m.Authenticate(t.Context(), &c)
			if got := mqttauth.OutcomeOf(r, err); got != want(status) {
				t.Errorf("status %d, renewal %v: %v, want %v (%v)", status, c.Previous != nil, got, want(status), err)
			}
		}
	}
	if got := server.mostOpen.Load(); got != 1 {
		t.Errorf("CUST-6: %d connections at a time, want the one kept", got)
	}
}
