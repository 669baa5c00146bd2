package mqttauth_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// start is the time 00:00 of every conversation.
var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// TestSessionConversations plays testdata/session/*.txtar (EXP-6); README.txt
// there says how to read them.
func TestSessionConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/session/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sections(string(text)) {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+s.name, func(t *testing.T) {
				want := statements(s.text)
				if got := play(t, want); cmp.Diff(want, got) != "" {
					t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
				}
			})
		}
	}
}

type section struct{ name, text string }

// sections reads the txtar format: a comment, then parts that begin with a line
// "-- name --".
func sections(text string) []section {
	var list []section
	for line := range strings.Lines(text) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "-- ")
		if name, end := strings.CutSuffix(name, " --"); ok && end {
			list = append(list, section{name: name})
			continue
		}
		if len(list) > 0 {
			list[len(list)-1].text += line
		}
	}
	return list
}

// statements drops comments, empty lines and double blanks.
func statements(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if words := strings.Fields(line); len(words) > 0 {
			list = append(list, strings.Join(words, " "))
		}
	}
	return list
}

// play does what the events of a conversation say and returns it with what the
// session really answered.
func play(t *testing.T, script []string) []string {
	t.Helper()
	p := &player{t: t, session: mqttauth.NewSession(mqttauth.SessionConfig{})}
	var got []string
	for _, line := range script {
		if strings.HasPrefix(line, "-> ") {
			continue
		}
		got = append(got, line)
		got = append(got, p.event(line)...)
	}
	return got
}

type player struct {
	t        *testing.T
	session  *mqttauth.Session
	attempts []*mqttauth.Attempt
}

// event plays one line such as "00:01 method accepts alice expiry=01:00".
func (p *player) event(line string) []string {
	p.t.Helper()
	words := strings.Fields(line)
	if len(words) < 2 {
		p.t.Fatalf("%q: want a time and an event", line)
	}
	now, words := p.time(words[0]), words[1:]
	var values []string
	options := make(map[string]string)
	for _, w := range words {
		if k, v, ok := strings.Cut(w, "="); ok {
			options[k] = v
			continue
		}
		values = append(values, w)
	}
	switch what := strings.Join(values[:min(2, len(values))], " "); {
	case what == "client CONNECT":
		return p.show(p.session.Connect(now, p.credentials(options)))
	case what == "client AUTH" && len(values) == 3:
		return p.show(p.session.Auth(now, mqttauth.AuthPacket{
			Reason: p.code(values[2]), Method: options["method"], Data: secretOption(options),
		}))
	case what == "clock wakes":
		return p.show(p.session.Wake(now))
	case what == "broker judges":
		a, ok := p.session.Judge(now)
		if !ok {
			return append(p.show(a), "-> cannot judge")
		}
		return p.show(a)
	case values[0] == "method":
		r, err := p.answer(values[1:], options)
		ticket := len(p.attempts)
		if n := options["attempt"]; n != "" {
			ticket, _ = strconv.Atoi(n)
		}
		if ticket < 1 || ticket > len(p.attempts) {
			p.t.Fatalf("%q: there is no such attempt", line)
		}
		return p.show(p.session.Verified(now, p.attempts[ticket-1].Ticket, r, err))
	}
	p.t.Fatalf("%q: unknown event", line)
	return nil
}

func (p *player) credentials(options map[string]string) *mqttauth.Credentials {
	c := &mqttauth.Credentials{
		ClientID: "c", Version: mqttauth.MQTT5, AuthMethod: options["method"], AuthData: secretOption(options),
	}
	switch options["version"] {
	case "3.1.1":
		c.Version = mqttauth.MQTT311
	case "0":
		c.Version = 0
	}
	return c
}

func secretOption(options map[string]string) mqttauth.Secret {
	data, ok := options["data"]
	if !ok {
		return mqttauth.Secret{}
	}
	return mqttauth.NewSecret([]byte(data))
}

// answer reads what a method says: "accepts NAME", "denies [CODE]", or one of
// the words below.
func (p *player) answer(words []string, options map[string]string) (mqttauth.Result, error) {
	p.t.Helper()
	var err error
	switch words[0] {
	case "accepts":
		return p.accepted(strings.TrimPrefix(words[1], "nobody"), options), nil
	case "denies":
		code := mqttauth.NotAuthorized
		if len(words) > 1 {
			code = p.code(words[1])
		}
		err = mqttauth.Deny(code, errors.New("wrong token"))
	case "unavailable":
		err = fmt.Errorf("API server: %w", mqttauth.ErrUnavailable)
	case "failed":
		err = fmt.Errorf("queue is full: %w", mqttauth.ErrFailed)
	case "not-relevant":
		err = mqttauth.ErrNotRelevant
	case "errs":
		err = errors.New("something")
	case "says-nothing":
	default:
		p.t.Fatalf("unknown answer %q", words)
	}
	return mqttauth.Result{}, err
}

func (p *player) accepted(name string, options map[string]string) mqttauth.Result {
	attributes := make(map[string]string)
	if floor, ok := options["floor"]; ok {
		attributes["floor"] = floor
	}
	r := mqttauth.Accept(mqttauth.Principal{ClientID: "c", Attributes: attributes}, name)
	r.Identity.Policy, r.Identity.Method = "p", "m"
	if expiry, ok := options["expiry"]; ok {
		r.Expiry = p.time(expiry)
	}
	if every, ok := options["judge"]; ok {
		r.Revalidate = func(context.Context) (mqttauth.Result, error) { return mqttauth.Result{}, errForged }
		if every != "asked" {
			r.RevalidateAfter = p.time(every).Sub(start)
		}
	}
	return r
}

// show prints an action, one line for each thing the broker has to do.
func (p *player) show(a mqttauth.Action) []string {
	var lines []string
	say := func(words ...string) {
		lines = append(lines, strings.Join(slices.DeleteFunc(append([]string{"->"}, words...), func(w string) bool { return w == "" }), " "))
	}
	if a.Verify != nil {
		p.attempts = append(p.attempts, a.Verify)
		say(p.kind(a.Verify), "until", clock(a.Verify.Deadline))
	}
	if a.Bind != nil {
		say("bind", a.Bind.Identity.Name, option("floor", a.Bind.Principal.Attributes["floor"]))
	}
	if a.Send != (mqttauth.Packet{}) {
		names := map[mqttauth.PacketType]string{mqttauth.Connack: "CONNACK", mqttauth.Auth: "AUTH", mqttauth.Disconnect: "DISCONNECT"}
		say(names[a.Send.Type], fmt.Sprintf("0x%02X", byte(a.Send.Reason)), option("method", a.Send.Method))
	}
	if a.Close {
		reason, _, _ := strings.Cut(fmt.Sprint(a.Reason), "\n")
		say("close:", strings.TrimPrefix(reason, "mqttauth: "))
	}
	if !a.WakeAt.IsZero() {
		say("wake", clock(a.WakeAt))
	}
	if len(lines) == 0 {
		say("nothing")
	}
	return lines
}

// kind says what an attempt does, by running it against a method that tells.
func (p *player) kind(a *mqttauth.Attempt) string {
	p.t.Helper()
	asked := ""
	_, err := a.Run(p.t.Context(), methodFunc(func(_ context.Context, c *mqttauth.Credentials) (mqttauth.Result, error) {
		asked = "verify"
		if c.Previous != nil {
			asked = "renew " + c.Previous.Identity.Name
		}
		if data := string(c.AuthData.Reveal()); data != "" {
			asked += " " + option("data", data)
		}
		return mqttauth.Result{}, denied
	}))
	if asked == "" && errors.Is(err, errForged) {
		return "judge"
	}
	return strings.ReplaceAll(asked, "  ", " ")
}

func option(key, value string) string {
	if value == "" {
		return ""
	}
	return key + "=" + value
}

// time reads MM:SS or MM:SS.mmm, counted from the start.
func (p *player) time(s string) time.Time {
	p.t.Helper()
	minutes, seconds, ok := strings.Cut(s, ":")
	d, err := time.ParseDuration(minutes + "m" + seconds + "s")
	if !ok || err != nil {
		p.t.Fatalf("bad time %q: want MM:SS", s)
	}
	return start.Add(d)
}

func clock(at time.Time) string {
	d := at.Sub(start)
	s := fmt.Sprintf("%02d:%02d", d/time.Minute, d%time.Minute/time.Second)
	if ms := d % time.Second / time.Millisecond; ms != 0 {
		s += fmt.Sprintf(".%03d", ms)
	}
	return s
}

func (p *player) code(s string) mqttauth.ReasonCode {
	p.t.Helper()
	c, err := strconv.ParseUint(s, 0, 8)
	if err != nil {
		p.t.Fatalf("bad reason code %q", s)
	}
	return mqttauth.ReasonCode(c)
}
